"""Scenes and pairs of a plan whose data may be missing: with `skip_missing = true` they are left out, each named with its reason.

Files of pairs may lie beside the plan or in the data root.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from datasets.data_roots import DataRoots
from datasets.pair_sources import PlannedPair, find_pairs
from datasets.scene import SceneError
from datasets.scene_catalog import find_scenes, is_in_catalog
from datasets.scene_sources import SceneSource


def present_scenes_of(
    names: Sequence[str], tables: Sequence[Mapping[str, Any]], roots: DataRoots, start: Path, *, skip_missing: bool
) -> tuple[list[SceneSource], list[str]]:
    """The scenes of a plan, and a sentence for each name that was left out because its data are missing.

    Raises:
        SceneError: data are missing and `skip_missing` is False, a name does not exist, or two scenes have one name.
    """
    if not skip_missing:
        return find_scenes(names, roots, start, tables), []
    there: list[str] = []
    left_out = []
    for name in names:
        try:
            scenes = find_scenes([name], roots, start)
            for scene in scenes:
                scene.files()  # of which one may be missing
        except SceneError as error:
            if not is_in_catalog(name):  # it is not missing: there is no such name
                raise
            left_out.append(_sentence(f"scene {name}", error))
        else:
            there.append(name)
    return find_scenes(there, roots, start, tables), left_out


def present_pairs(
    tables: Sequence[Mapping[str, Any]], roots: DataRoots, start: Path, *, skip_missing: bool
) -> tuple[list[PlannedPair], list[str]]:
    """The pairs of a plan, and a sentence for each that was left out because its data are missing.

    Raises:
        SceneError, PairError, SettingError: as `find_pairs`; files that are missing only where `skip_missing` is False.
    """
    placed = [_placed(table, roots, start) for table in tables]
    srf = roots.folder("srf")
    if not skip_missing:
        return find_pairs(placed, start, srf), []
    there, left_out = [], []
    for table in placed:
        gone = [file for file in _files(table) if not (start / Path(file).expanduser()).is_file()]
        if gone:
            looked = " or ".join(str(place) for place in (start, roots.root) if place is not None)
            left_out.append(f"pair {table.get('name') or gone[0]} is left out: expected {', '.join(gone)} in {looked}, got no such file")
        else:
            there.append(table)
    return find_pairs(there, start, srf), left_out


def _sentence(what: str, error: Exception) -> str:
    return f"{what} is left out: {' '.join(str(error).split())}"


def _files(table: Mapping[str, Any]) -> list[str]:
    """The files that a [[pair]] names."""
    given = [table.get("file"), *(side.get("file") for side in (table.get("hsi"), table.get("msi")) if isinstance(side, dict))]
    return [file for file in given if isinstance(file, str) and file]


def _placed(table: Mapping[str, Any], roots: DataRoots, start: Path) -> dict[str, Any]:
    """The table with the files that lie in the data root, and not beside the plan, by their whole paths."""

    def place(entry: Mapping[str, Any]) -> dict[str, Any]:
        file = entry.get("file")
        if not isinstance(file, str) or not file or roots.root is None or (start / Path(file).expanduser()).is_file():
            return dict(entry)
        inside = roots.root / file
        return {**entry, "file": str(inside.resolve())} if inside.is_file() else dict(entry)

    sides = {name: place(side) for name in ("hsi", "msi") if isinstance(side := table.get(name), dict)}
    return {**place(table), **sides}
