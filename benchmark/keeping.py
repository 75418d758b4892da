"""Which estimates a run folder keeps: all (in 16 bits, or exact in 32), none, or the best of each tier, scene, protocol and seed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal, get_args

from benchmark.cell import Cell
from benchmark.result import Result, std_file

Keep = Literal["estimates", "float32", "top", "none"]
KEEPS: tuple[Keep, ...] = get_args(Keep)


def prune(folder: Path, records: Iterable[Result], keep: Keep) -> None:
    """Remove what is not to be kept, once every cell has its score. Without an estimate a cell cannot be scored again, only run again."""
    if keep in ("estimates", "float32"):
        return
    best: dict[str, Result] = {}
    scored = [record for record in records if record.outcome == "scored"]
    if keep == "top":
        for record in scored:
            group = json.dumps([record.tier, record.scene, dict(record.protocol), record.seed], sort_keys=True)
            if group not in best or _psnr(record) > _psnr(best[group]):
                best[group] = record
    kept = {record.key for record in best.values()}
    for record in scored:
        if record.key not in kept:
            discard_estimate(folder, record.key)


def discard_estimate(folder: Path, key: str) -> None:
    """Remove a cell's estimate and the standard deviation beside it."""
    file = folder / "estimates" / f"{key}.h5"
    file.unlink(missing_ok=True)
    std_file(file).unlink(missing_ok=True)


def disk_bytes(cells: Sequence[Cell], keep: Keep) -> int:
    """An upper bound for what a run stores: uncompressed, an estimate a cell and a 32-bit reference an observation. A standard
    deviation, which few methods state, comes on top: as much as its estimate, or twice that.

    Scenes are read for their sizes, one after the other.
    """
    total = 0
    values: dict[str, int] = {}
    references: set[str] = set()
    for cell in cells:
        if cell.scene.name not in values:
            values[cell.scene.name] = cell.scene.load().cube.numel()
        if cell.scene_digest not in references:
            references.add(cell.scene_digest)
            total += 4 * values[cell.scene.name]
        total += {"estimates": 2, "float32": 4}.get(keep, 0) * values[cell.scene.name]
    if keep == "top":
        total += sum(2 * values[scene] for scene in {cell.observation[0] for cell in cells})
    return total


def _psnr(record: Result) -> float:
    value = record.metrics.get("psnr")
    return float("inf") if value is None else value  # None: met exactly
