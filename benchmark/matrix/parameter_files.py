"""Parameters that are files: where they are looked for, in plans, in `fuse` and in the checks of a method alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from filecmp import cmp
from pathlib import Path

from datasets.downloads import CATALOG
from datasets.settings import SettingError, field_values
from methods.catalog import Entry
from methods.contract import AnyMethod

NOT_THERE = "expected a file, looked at"  # in the text of the error of a parameter whose file is missing


def usual_places(entry: Entry, *folders: Path | None) -> tuple[Path, ...]:
    """Where a parameter that is a file may lie: the current folder, `folders` (None is none), and the folder of the method."""
    given = (folder.absolute() for folder in folders if folder is not None)
    return (Path.cwd(), *given, *(() if entry.file is None else (entry.file.parent,)))


def with_files(method: AnyMethod, folders: Iterable[Path], name: str) -> AnyMethod:
    """The method, each parameter that is a path made absolute: the first of `folders` that has it.

    Raises:
        SettingError: no folder has it, or two have files of that name that differ: the order of the folders must not choose the weights.
    """
    absolute = {}
    for parameter, value in field_values(method).items():
        if isinstance(value, Path):
            places = [value] if value.is_absolute() else [folder / value for folder in folders]
            existing = list(dict.fromkeys(place.resolve() for place in places if place.is_file()))
            if not existing:
                looked = ", ".join(str(place) for place in places)
                source = next((each.name for each in CATALOG.values() if Path(each.target).name == value.name), "")
                fetched = f", or download it by `fetch {source}`" if source else ""
                raise SettingError(f"method {name}: {parameter}: {NOT_THERE} {looked}; give its path, or --data DIR{fetched}")
            other = next((place for place in existing[1:] if not cmp(existing[0], place, shallow=False)), None)
            if other is not None:
                raise SettingError(
                    f"method {name}: {parameter}: expected one file {value}, got {existing[0]} and {other}, which differ; "
                    "give the whole path of the one that is meant, or move the other away"
                )
            absolute[parameter] = existing[0]
    return replace(method, **absolute) if absolute else method  # type: ignore[type-var]
