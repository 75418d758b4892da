"""index.json: the cells of a run folder's plan, and what repeats one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmark.run_folder.checked_fields import FieldError, build, expect_type, types_of
from benchmark.run_folder.json_file import RecordError, json_in, write_json
from benchmark.run_folder.record import SCHEMA
from benchmark.run_folder.record_checks import is_plain
from datasets.printable import printable

_NAMES: Mapping[str, Any] = {"label": str, "scene": str, "protocol": str, "seed": int}  # of every cell
_CELL: Mapping[str, Any] = {**_NAMES, "plan": str, "arguments": tuple[str, ...], "device": str}


@dataclass(frozen=True, kw_only=True)
class Index:
    """The cells of a plan by key, each with label, scene, protocol and seed; in a merged run also with plan, arguments and device."""

    cells: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()  # what repeats a cell, besides plan and key: --data, --plugins, --seed
    file: str = ""  # the plan's file
    device: str = ""
    merged: Mapping[str, Any] | None = None  # of a merged run: the plans of its runs, by the names of their folders
    metrics_key: str = ""  # the version of the metrics by which the run was last scored; empty where it is not known
    schema: int = SCHEMA


def write_index(folder: Path, index: Index) -> Path:
    """The file index.json, written as a whole or not at all."""
    table = asdict(index)
    if index.merged is None:
        del table["merged"]
    return write_json(folder / "index.json", table)


def read_index(folder: Path) -> Index:
    """The index of a run folder; an empty one of schema 1 where there is none (a run of the first version of the suite).

    Raises:
        RecordError: the folder is no run folder, or the file cannot be read.
    """
    file = folder / "index.json"
    if not (folder / "cells").is_dir() and not file.exists():
        raise RecordError(f"expected a run folder with cells/*.json, got {folder}; give the folder that `run` named at its end")
    if not file.exists():
        return Index(schema=1)
    try:
        return _index(json_in(file))
    except ValueError as error:
        raise RecordError(
            f"index.json is not an index: {error}; run its plan again into {printable(str(folder))}, which writes it anew (where "
            "the folder is that of a merge: merge again into a new one)"
        ) from error


def _index(table: Mapping[str, Any]) -> Index:
    """The index that a JSON object holds; entries that this version does not know are left out.

    Raises:
        FieldError: an entry is of another type, or of a later version.
    """
    schema = table.get("schema", 1)
    if type(schema) is not int or not 1 <= schema <= SCHEMA:
        raise FieldError(f"schema {str(schema)[:60]} where {SCHEMA} or an earlier one was expected")
    index = build(Index, {"schema": 1, **{name: value for name, value in table.items() if name in types_of(Index)}})
    for key, cell in index.cells.items():
        if not is_plain(key):
            raise FieldError(f"cells: {key[:60]!r} where a key of letters, digits, hyphens and underscores was expected")
        for name, kind in _CELL.items():
            if name in cell or name in _NAMES:
                expect_type(f"cells: {key}: {name}", cell.get(name), kind)
    return index
