"""The iterates of an oracle row (matrix/oracle.py): stored while the method learns, moved to the run folder, and picked by the truth."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmark.children.endings import Ended
from benchmark.measure.generators import generators_seeded
from benchmark.measure.meter import on_cpu
from benchmark.measure.timed_call import timed
from benchmark.measure.validity import settled
from benchmark.metrics.pixel import psnr
from benchmark.metrics.scored_pixels import at_scored, scored_pixels
from benchmark.run_folder.json_file import write_bytes
from datasets.cube_file import CubeFile, read_cube
from datasets.observation import Observation
from methods.contract import AnyMethod, Card, Estimate, Example, FusionMethod, TrainableMethod
from methods.iterates import IteratedMethod

ITERATES = "iterates"  # a folder in the cell's scratch folder


class OracleError(RuntimeError):
    """Iterates that are missing; the text says what to do."""


@dataclass(eq=False)
class IterateRecorder(TrainableMethod):
    """A method whose iterates are fused and stored while it learns; `aside_s` are the seconds for that, which are no part of learning."""

    method: AnyMethod
    count: int
    seed: int  # of the fusion of each iterate, the same as for the last one
    store: Callable[[int, Estimate], object]  # is given the number of the iterate, from 1, and its estimate on the CPU
    aside_s: float = 0.0

    def describe(self) -> Card:
        """The card of the method."""
        return self.method.describe()

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FusionMethod:
        """The method after the last iterate; an iterate that is not finite is not stored.

        Raises:
            TypeError: the method shows no iterates.
        """
        if not isinstance(self.method, IteratedMethod):
            raise TypeError(f"oracle: expected a method that shows its iterates, got {type(self.method).__name__}")
        seen = examples[0].seen
        fitted: FusionMethod | None = None
        for number, fitted in enumerate(self.method.iterates(examples, rng, self.count), start=1):
            self.aside_s += timed(lambda number=number, fitted=fitted: self._keep(number, fitted, seen), seen.hsi.device)[1]  # type: ignore[misc]
        if fitted is None:
            raise TypeError(f"oracle: expected at least one iterate, got none from {type(self.method).__name__}")
        return fitted

    def _keep(self, number: int, fitted: FusionMethod, seen: Observation) -> None:
        """Fuse the iterate as the meter does, and store its estimate; the learning goes on with the global generators as it left them."""
        with generators_seeded(self.seed, seen.hsi.device):
            estimate = settled(fitted.fuse(seen, torch.Generator().manual_seed(self.seed)), seen.hsi).estimate
        if bool(torch.isfinite(estimate.cube).all()):
            self.store(number, on_cpu(replace(estimate, std=None)))


def iterate_file(folder: Path, number: int) -> Path:
    """The file of an iterate; numbers count from 1."""
    return folder / f"{number:04d}.h5"


def keep_iterates(ended: Ended, folder: Path) -> None:
    """Move the iterates that a process has left to `folder`, in the place of those of an earlier attempt."""
    shutil.rmtree(folder, ignore_errors=True)
    for file in sorted((ended.scratch / ITERATES).glob("*.h5")):
        ended.keep(f"{ITERATES}/{file.name}", folder / file.name)


def pick(reference: CubeFile, folder: Path, estimate: Path) -> dict[str, Any]:
    """The number of the best iterate in `folder` (`best`) and the PSNR of each in dB (`psnr`); the best one replaces the file `estimate`.

    Infinity is the best PSNR; of equal ones the first counts. None stands for the PSNR of an iterate that was not finite, and for all of
    them where the PSNR is not defined.

    Raises:
        OracleError: there are no iterates.
    """
    if not any(folder.glob("*.h5")):
        raise OracleError(f"expected the cell's iterates in {folder}, got none; run the plan again with --retry")
    mask = scored_pixels(reference)
    scores = {
        int(file.stem): psnr(at_scored(reference.cube, mask), at_scored(read_cube(file).cube, mask)) for file in sorted(folder.glob("*.h5"))
    }
    best = max(scores, key=lambda number: (-math.inf if math.isnan(scores[number]) else scores[number], -number))
    write_bytes(estimate, iterate_file(folder, best).read_bytes())
    curve = [scores.get(number, math.nan) for number in range(1, max(scores) + 1)]
    return {"best": best, "psnr": [None if math.isnan(value) else value for value in curve]}
