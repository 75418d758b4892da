"""Which estimates a run folder keeps: all (in 16 bits, or exactly in 32), none, or the best one per tier, scene, protocol and seed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Literal

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.lead_score import merit
from benchmark.run_folder.record import Result

Keep = Literal["estimates", "float32", "top", "none"]
WAITING_PER_SLOT = 4  # estimates that may wait for their scores: methods pause then, so that no scoring runs beside them


def prune(folder: RunFolder, records: Iterable[Result], keep: Keep) -> None:
    """Remove the estimates that are not to be kept, once every cell has its score.

    A cell whose estimate is removed cannot be scored again; it can only be run again.
    """
    if keep in ("estimates", "float32"):
        return
    best: dict[str, Result] = {}
    scored = [record for record in records if record.outcome == "scored"]
    if keep == "top":
        for record in (record for record in scored if not record.oracle):
            group = json.dumps([record.tier, record.scene, dict(record.protocol), record.seed], sort_keys=True)
            if group not in best or merit(record) > merit(best[group]):
                best[group] = record
    kept = {record.key for record in best.values()}
    for record in scored:
        if record.key not in kept:
            folder.discard_estimate(record.key)
