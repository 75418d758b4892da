"""index.json: the cells of a run folder's plan, and what repeats one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmark.run_folder.json_file import RecordError, read_json, write_json
from benchmark.run_folder.record import SCHEMA


@dataclass(frozen=True, kw_only=True)
class Index:
    """The cells of a plan by key, each with label, scene, protocol and seed; in a merged run also with plan, arguments and device."""

    cells: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    arguments: Sequence[str] = ()  # what repeats a cell, besides plan and key: --data, --plugins, --seed
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
    table = read_json(file)
    known = {name: table[name] for name in ("cells", "arguments", "file", "device", "merged", "metrics_key", "schema") if name in table}
    cells = known.get("cells", {})
    if not isinstance(cells, dict) or not all(isinstance(cell, dict) for cell in cells.values()):
        raise RecordError(f"{file.name}: expected a table of cells, got {type(cells).__name__}; run the plan again into this folder")
    schema = known.get("schema", 1)
    if not isinstance(schema, int) or schema > SCHEMA:
        raise RecordError(f"{file.name}: expected schema {SCHEMA} or an earlier one, got {schema}; use the version that wrote the folder")
    return Index(**{"schema": 1, **known})
