"""What a cell's child is told to do when it is the method's turn: to learn beforehand, or to fuse."""

from __future__ import annotations

import pickle
from math import inf
from pathlib import Path

from benchmark.matrix.cell import Cell
from benchmark.matrix.training_set import TrainingSet
from benchmark.run_folder.observation_file import read_observation
from benchmark.runner.jobs import FIT_NAME, FitJob, FuseJob
from datasets.settings import field_values


def fit_job(cell: Cell, training: TrainingSet, device: str, into: Path = Path(FIT_NAME)) -> FitJob:
    """What lets the method of a cell learn from `training`; the fitted method is left at `into`."""
    return FitJob(cell.contestant.entry, field_values(cell.contestant.method), training, cell.protocol, device, into)


def fuse_job(
    cell: Cell,
    observation: Path,
    device: str,
    *,
    keep: bool,
    exact: bool = False,
    flops: bool = False,
    limit_s: float = inf,
    fitted: Path | None = None,
) -> FuseJob:
    """What runs the method of a cell: it is handed what its card asks for, of the observation in that file, and nothing else.

    `flops` asks for its operations, which are not counted where one call takes too much of `limit_s`. `fitted` is the file of what the
    method has learned beforehand.
    """
    card = cell.contestant.card
    return FuseJob(
        entry=cell.contestant.entry,
        parameters=field_values(cell.contestant.method),
        observation=pickle.dumps(card.entitle(read_observation(observation))),
        device=device,
        seed=cell.seed,
        keep=keep,
        exact=exact,
        flops=flops,
        limit_s=limit_s,
        fitted=b"" if fitted is None else fitted.read_bytes(),
        oracle=cell.contestant.oracle if keep else 0,
    )
