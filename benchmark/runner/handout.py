"""The jobs that the children of a cell are given: to observe, to learn beforehand, to fuse, to score."""

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
from benchmark.runner.jobs import FIT_NAME, NOT_ASKED, FitJob, FuseJob, ObserveJob, ScoreJob
from benchmark.runner.take_job import TakeJob
from datasets.observation import Observation
from datasets.simulation import Protocol


def observe_job(cell: Cell, folder: RunFolder) -> ObserveJob:
    """The job that makes the observation of a cell, and the reference where it is not there yet."""
    digest = cell.observation_digest
    places = folder.reference(cell.scene_digest), folder.observation(digest), folder.responses(digest)
    return ObserveJob(cell.scene, cell.identity.digest, cell.protocol, cell.noise, *places)


def fit_job(cell: Cell, training: TrainingSet, device: str, into: Path = Path(FIT_NAME)) -> FitJob:
    """The job that lets the method of a cell learn from `training`; the fitted method is written to `into`.

    Raises:
        TypeError: the cell is of a real pair, for which no training examples can be made.
    """
    if not isinstance(cell.protocol, Protocol):
        raise TypeError(f"expected a protocol that simulates, to learn under, got {cell.protocol.name}")
    return FitJob(cell.contestant.entry, cell.contestant.parameters, training, cell.protocol, device, into)


def fuse_job(
    cell: Cell,
    observation: Path,
    device: str,
    *,
    keep: bool,
    exact: bool = False,
    uncounted: str = NOT_ASKED,
    limit_s: float = inf,
    fitted: bytes | None = None,
) -> FuseJob:
    """The job that runs the method of a cell. It is given what its card asks for of the observation, and nothing else.

    Args:
        cell: the cell.
        observation: the file of the observation.
        device: cpu or cuda.
        keep: whether the estimate is written.
        exact: whether it is written in 32 bits.
        uncounted: why operations are not counted; empty: they are, as long as one call does not take too much of `limit_s`.
        limit_s: the time limit of the cell.
        fitted: what the method has learned beforehand, as `FitJob` has written it.

    Raises:
        DamagedFileError: the observation's file is not what was written.
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
        uncounted=uncounted,
        limit_s=limit_s,
        fitted=fitted,
        oracle=cell.contestant.oracle if keep else 0,
        covered=(*sources.places.values(), *(value for value in parameters.values() if isinstance(value, Path))),
        expected={str(sources.places[name]): (sources.raw[name], digest) for name, digest in sources.files.items()},
    )


def take_job(cell: Cell, folder: RunFolder, file: Path, *, exact: bool) -> TakeJob:
    """The job that takes the cube of a cell from the file in which it was handed in."""
    row, digest = cell.contestant.handed_in, cell.observation_digest
    if row is None:
        raise TypeError(f"expected a cell whose cube was made elsewhere, got {cell.name}")
    places = folder.observation(digest), folder.responses(digest)
    return TakeJob(file, row.options, row.as_it_is, *places, cell.contestant.entry.name, exact)


def packed(seen: Observation) -> bytes:
    """An observation as bytes for `pickle.loads`; tensors are pickled as arrays, which takes a tenth of the time of torch's way."""
    stream = io.BytesIO()
    _Pickler(stream, protocol=pickle.HIGHEST_PROTOCOL).dump(seen)
    return stream.getvalue()


class _Pickler(pickle.Pickler):
    """Pickles tensors of the CPU as arrays."""

    def reducer_override(self, thing: object) -> Any:
        return (torch.from_numpy, (thing.numpy(),)) if isinstance(thing, torch.Tensor) else NotImplemented


@lru_cache(maxsize=1)
def _read(file: Path, _changed_ns: int) -> Observation:
    """The observation in a file; it is kept for the next cell, which often has the same one."""
    return read_observation(file)


def score_job(cell: Cell, folder: RunFolder, *, picks: bool) -> ScoreJob:
    """The job that scores the estimate of a cell; with `picks`, the best iterate of an oracle row first becomes the estimate."""
    digest = cell.observation_digest
    iterates = folder.iterates(cell.key) if picks else None
    places = folder.observation(digest), folder.responses(digest), iterates
    reference = folder.reference(cell.scene_digest) if cell.protocol.has_reference else None
    return ScoreJob(reference, folder.estimate(cell.key), cell.protocol.ratio, *places)
