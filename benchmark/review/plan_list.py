"""`list plans`: what each plan of the suite asks for, and what of its data is missing here; nothing is read but the plan's file.

The number of cells is the largest possible: seeds that change nothing and cells that a method must skip are known to `run NAME --dry-run`
alone, which asks every method. So is the time. A row with `scenes` or `protocols` counts for these alone.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from math import prod
from pathlib import Path
from typing import Any

from benchmark.matrix.parameter_files import usual_places
from benchmark.matrix.pattern_rows import expand_names, is_pattern
from benchmark.matrix.plan_file import PlanTable
from benchmark.matrix.plan_names import named_plans
from benchmark.matrix.row_limits import RowLimit
from datasets.data_roots import DataRoots
from datasets.protocols import PRESETS
from datasets.scene import SceneError
from datasets.scene_catalog import SPLITS, find_scenes
from datasets.scene_sources import FileSource, SceneSource, SetSource
from datasets.sensors import find_sensor
from datasets.sets.all_sets import SETS
from datasets.settings import SettingError, configure
from methods.catalog import Entry, find_namesakes

_WEIGHTS = (".pth", ".pt", ".safetensors", ".mat", ".npz", ".h5")  # endings by which a parameter is taken for a file
_SHOWN = 3  # missing things that a row names
_BYTES = 2  # of a value of a stored estimate


@dataclass(frozen=True)
class ListedPlan:
    """A plan as `list plans` shows it."""

    name: str
    about: str  # the first sentence of the file
    scenes: int = 0
    rows: int = 0
    cells: int = 0  # at most
    megabytes: float | None = None  # of all estimates, uncompressed; None where the size of a scene is not known
    missing: tuple[str, ...] = ()
    train: bool = False  # whether it is a plan of `train`


def listed_plans(roots: DataRoots, plugins: Path | None = None) -> list[ListedPlan]:
    """Every plan of the suite.

    Raises:
        BrokenMethodError: the folder of plugins does not exist.
    """
    entries = {name: same[0] for name, same in find_namesakes(plugins).items()}
    return [_listed(name, file, roots, entries) for name, file in named_plans().items()]


def plan_rows(roots: DataRoots, plugins: Path | None = None) -> list[tuple[str, ...]]:
    """The rows of `list plans`, with a heading."""
    rows: list[tuple[str, ...]] = [("name", "scenes", "rows", "cells", "disk", "missing", "what it is")]
    for plan in listed_plans(roots, plugins):
        if plan.train:
            rows.append((plan.name, "", "", "", "", "", f"{plan.about} (`train METHOD {plan.name}`)"))
            continue
        disk = (
            "?" if plan.megabytes is None else f"{plan.megabytes / 1000:.1f} GB" if plan.megabytes >= 1000 else f"{plan.megabytes:.0f} MB"
        )
        counts = (str(plan.scenes), str(plan.rows), f"<= {plan.cells}", disk)
        rows.append((plan.name, *counts, _brief(plan.missing), plan.about))
    return rows


def _listed(name: str, file: Path, roots: DataRoots, entries: Mapping[str, Entry]) -> ListedPlan:
    text = file.read_text(encoding="utf-8")
    content = tomllib.loads(text)
    if "patches" in content:
        return ListedPlan(name, _about(text), train=True)
    table = configure(PlanTable, content)
    scenes, missing = _scenes(table, roots, file.parent)
    rows, lacking = _rows(table, (file.parent, roots.root), entries)
    described = {str(item["name"]): item for item in table.protocol}
    protocols, _ = expand_names("protocol", table.protocols, [preset for preset in PRESETS if preset not in described])
    observed = [
        (scene, protocol) for protocol in (*protocols, *described) for scene in scenes if _is_for(described.get(protocol, {}), scene)
    ]
    pairs, absent = list[tuple[str, str]](), []
    for item in table.pair:
        pairs += _pair_observations(item)
        if not _pair_is_there(item, roots, file.parent):
            absent.append(f"pair {item.get('name') or item.get('file')}")
    known = not pairs and all(scenes[scene] is not None for scene, _ in observed)
    cells = [scene for scene, protocol in (*observed, *pairs) for limit in rows if limit.admits(scene, protocol)]
    return ListedPlan(
        name,
        _about(text),
        len(scenes) + len(table.pair),
        len(rows),
        len(cells) * len(table.seeds),
        _BYTES * len(table.seeds) * sum(scenes[scene] or 0 for scene in cells) / 1e6 if known else None,
        tuple(dict.fromkeys((*missing, *absent, *_sensors(protocols, described, roots), *lacking))),
    )


def _brief(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = [f"{len(names) - _SHOWN} more"] if len(names) > _SHOWN else []
    return ", ".join([*names[:_SHOWN], *more]) or "-"


def _about(text: str) -> str:
    """The first sentence of the comment with which a plan begins."""
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    whole = " ".join(lines)
    end = re.search(r"[.:?](?= |$)", whole)
    return whole[: end.start()] if end else whole


def _scenes(table: PlanTable, roots: DataRoots, start: Path) -> tuple[dict[str, int | None], list[str]]:
    """The number of values of each scene, by its name; and what is missing of them."""
    scenes: dict[str, int | None] = {}
    missing = []
    for name in table.scenes:
        try:
            sources = find_scenes([name], roots, start)
            for source in sources:
                source.files()
        except SceneError:
            missing.append(name)
            scenes |= dict.fromkeys(_named(name), _published(re.split("[:/]", name)[0]))
        else:
            scenes |= {source.name: _values(source) for source in sources}
    return scenes | dict.fromkeys(str(item.get("name") or f"file/{Path(str(item.get('file'))).stem}") for item in table.scene), missing


def _named(name: str) -> list[str]:
    """The scenes of a split whose data are missing, or the name itself."""
    kind, _, split = name.partition(":")
    facts = SETS[kind].splits.get(split) if name in SPLITS else None
    return [f"{kind}/{scene}" for scene in facts.names] if facts is not None and facts.names else [name]


def _values(source: SceneSource) -> int | None:
    """Bands x rows x cols, where a scene is of a published shape; else None."""
    shape = source.shape()
    if isinstance(source, FileSource):
        shape = shape or source.published
    if isinstance(source, SetSource):
        shape = shape or source.scene.shape
    return prod(shape) if shape else _published(source.name.partition("/")[0])


def _published(kind: str) -> int | None:
    """Bands x rows x cols of each scene of a named set, where its data sheet gives one shape for all; else None."""
    found = re.match(r"(\d+) x (\d+) x (\d+)$", SETS[kind].sheet()["shape"]) if kind in SETS else None
    return prod(map(int, found.groups())) if found else None


def _rows(table: PlanTable, folders: Sequence[Path | None], entries: Mapping[str, Entry]) -> tuple[list[RowLimit], list[str]]:
    """For what each row is meant, of as many rows as there can be; and the files of parameters that are missing."""
    rows, missing = [RowLimit()] * len(table.estimates), []
    wanted = [*table.method, *({"name": name} for name in table.methods)]
    for item in wanted:
        name = str(item.get("name"))
        matches = expand_names("method", [name], entries)[0] if is_pattern(name) else [name]
        grid: Mapping[str, Any] = item.get("grid", {})
        limit = RowLimit(tuple(item.get("scenes", ())), tuple(item.get("protocols", ())))
        rows += [limit] * (len(matches) * prod(len(values) for values in grid.values()))
        places = usual_places(entries[name], *folders) if name in entries else tuple(place for place in folders if place is not None)
        for value in item.get("parameters", {}).values():
            if isinstance(value, str) and value.endswith(_WEIGHTS) and not any((place / value).is_file() for place in places):
                missing.append(value)
    return rows, missing


def _is_for(table: Mapping[str, Any], scene: str) -> bool:
    patterns = table.get("scenes", ())
    return not patterns or any(fnmatchcase(scene, pattern) for pattern in patterns)


def _pair_observations(item: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The scene and the protocol of each observation of a pair, by the names that they will have."""
    hsi = item.get("hsi", {})
    name = item.get("name") or Path(str(item.get("file") or (hsi.get("file") if isinstance(hsi, Mapping) else ""))).stem
    taken = [(f"pair/{name}", f"{name}, as taken")]
    return [*taken, (f"pair/{name}", f"{name}, one step down")] if item.get("one_step_down", True) else taken


def _pair_is_there(item: Mapping[str, Any], roots: DataRoots, start: Path) -> bool:
    files = [item.get("file"), *(side.get("file") for side in (item.get("hsi"), item.get("msi")) if isinstance(side, dict))]
    places = [place for place in (start, roots.root) if place is not None]
    return all(any((place / file).is_file() for place in places) for file in files if isinstance(file, str) and file)


def _sensors(protocols: Sequence[str], described: Mapping[str, Mapping[str, Any]], roots: DataRoots) -> list[str]:
    """The tables of sensors that are missing."""
    names = [str({**PRESETS.get(name, {}), **described.get(name, {})}.get("sensor")) for name in (*protocols, *described)]
    missing = []
    for name in dict.fromkeys(names):
        try:
            find_sensor(name, roots.folder("srf"))
        except SettingError:
            missing.append(f"srf/{name}.csv")
    return missing
