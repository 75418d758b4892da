"""Which estimates a run folder keeps: all (in 16 bits, or exact in 32), none, or the best of each tier, scene, protocol and seed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Literal, get_args

from benchmark.matrix.cell import Cell
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.record import Result

Keep = Literal["estimates", "float32", "top", "none"]
KEEPS: tuple[Keep, ...] = get_args(Keep)
SCORES_AT_ONCE = 4  # estimates a slot that may wait for their scores: methods pause then, so that no scoring runs beside them


def prune(folder: RunFolder, records: Iterable[Result], keep: Keep) -> None:
    """Remove what is not to be kept, once every cell has its score. Without an estimate a cell cannot be scored again, only run again."""
    if keep in ("estimates", "float32"):
        return
    best: dict[str, Result] = {}
    scored = [record for record in records if record.outcome == "scored"]
    if keep == "top":
        for record in (record for record in scored if not record.oracle):
            group = json.dumps([record.tier, record.scene, dict(record.protocol), record.seed], sort_keys=True)
            if group not in best or _psnr(record) > _psnr(best[group]):
                best[group] = record
    kept = {record.key for record in best.values()}
    for record in scored:
        if record.key not in kept:
            folder.discard_estimate(record.key)


def scene_values(cells: Sequence[Cell]) -> dict[str, int]:
    """Bands x rows x cols of each scene by name."""
    return {cell.scene.name: prod(cell.identity.shape) for cell in cells}


def disk_bytes(cells: Sequence[Cell], keep: Keep, values: Mapping[str, int], slots: int = 1) -> int:
    """An upper bound for what a run stores: uncompressed, an estimate a cell and a 32-bit reference an observation. A standard
    deviation, which few methods state, comes on top: as much as its estimate, or twice that.

    The iterates of oracle rows are counted for as many cells as may wait for their scores, the largest ones. `values`: `scene_values`.
    """
    total = 0
    references: set[str] = set()
    for cell in cells:
        if cell.scene_digest not in references:
            references.add(cell.scene_digest)
            total += 4 * values[cell.scene.name]
        total += {"estimates": 2, "float32": 4}.get(keep, 0) * values[cell.scene.name]
    if keep == "top":
        total += sum(2 * values[scene] for scene in {cell.scene.name for cell in cells})
    iterates = sorted((cell.contestant.oracle * values[cell.scene.name] for cell in cells), reverse=True)
    waiting = 1 if slots == 1 else (SCORES_AT_ONCE + 1) * slots
    return total + (4 if keep == "float32" else 2) * sum(iterates[:waiting])


def _psnr(record: Result) -> float:
    """The PSNR that ranks an estimate: infinity is the best, one that is not defined the worst."""
    value = record.metrics.get("psnr")
    return float("-inf") if value is None else value
