"""What a cell's children are handed: to observe, to learn beforehand, to fuse, to score."""

from __future__ import annotations

import io
import pickle
from functools import lru_cache
from math import inf
from pathlib import Path
from typing import Any

import torch

from benchmark.matrix.cell import Cell
from benchmark.matrix.training_set import TrainingSet
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.observation_file import read_observation
from benchmark.runner.jobs import FIT_NAME, FitJob, FuseJob, ObserveJob, ScoreJob
from datasets.observation import Observation


def observe_job(cell: Cell, folder: RunFolder) -> ObserveJob:
    """What makes the observation of a cell, and the reference where it is not there yet."""
    digest = cell.observation_digest
    places = folder.reference(cell.scene_digest), folder.observation(digest), folder.responses(digest)
    return ObserveJob(cell.scene, cell.identity.digest, cell.protocol, cell.noise, *places)


def fit_job(cell: Cell, training: TrainingSet, device: str, into: Path = Path(FIT_NAME)) -> FitJob:
    """What lets the method of a cell learn from `training`; the fitted method is left at `into`."""
    return FitJob(cell.contestant.entry, cell.contestant.parameters, training, cell.protocol, device, into)


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

    Raises:
        DamagedFileError: the observation is not what was written.
    """
    parameters, sources = cell.contestant.parameters, cell.sources
    return FuseJob(
        entry=cell.contestant.entry,
        parameters=parameters,
        observation=packed(cell.contestant.card.entitle(_read(observation, observation.stat().st_mtime_ns))),
        device=device,
        seed=cell.seed,
        keep=keep,
        exact=exact,
        flops=flops,
        limit_s=limit_s,
        fitted=b"" if fitted is None else fitted.read_bytes(),
        oracle=cell.contestant.oracle if keep else 0,
        covered=(*sources.places.values(), *(value for value in parameters.values() if isinstance(value, Path))),
        expected={str(sources.places[name]): (sources.raw[name], digest) for name, digest in sources.files.items()},
    )


def packed(seen: Observation) -> bytes:
    """An observation as bytes for `pickle.loads`; tensors travel as arrays, a tenth of the time of torch's own way."""
    stream = io.BytesIO()
    _Pickler(stream, protocol=pickle.HIGHEST_PROTOCOL).dump(seen)
    return stream.getvalue()


class _Pickler(pickle.Pickler):
    """Pickles tensors of the CPU as arrays."""

    def reducer_override(self, thing: object) -> Any:
        return (torch.from_numpy, (thing.numpy(),)) if isinstance(thing, torch.Tensor) else NotImplemented


@lru_cache(maxsize=1)
def _read(file: Path, _changed_ns: int) -> Observation:
    """The observation in a file, kept for the next cell, which most often has the same."""
    return read_observation(file)


def score_job(cell: Cell, folder: RunFolder, *, picks: bool) -> ScoreJob:
    """What scores the estimate of a cell; with `picks`, after taking the best of an oracle row's iterates for it."""
    digest = cell.observation_digest
    iterates = folder.iterates(cell.key) if picks else None
    places = folder.observation(digest), folder.responses(digest), iterates
    return ScoreJob(folder.reference(cell.scene_digest), folder.estimate(cell.key), cell.protocol.ratio, *places)
