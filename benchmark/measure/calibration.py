"""How fast a machine is, in one number: the seconds that a fixed small piece of work takes here, on the threads of a cell.

    calibration = sum over the parts of the work of the least seconds of `ROUNDS` rounds

The parts are what the time of methods is made of: a product of matrices, a convolution, and a sum of two arrays that do not fit into the
cache. The least of several rounds counts, as other work only ever makes a round longer. Seconds that were measured on one machine are told
for another by the ratio of the two numbers; so a change of the work must change `CALIBRATION`, the name under which it is recorded.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch

CALIBRATION = "calibration_s"  # of an environment (environment.json)
ROUNDS = 5
_SIDE, _IMAGE, _CHANNELS, _VALUES = 1024, 256, 32, 16_000_000


@dataclass(frozen=True)
class CalibrationJob:
    """Measure the speed in a child process, whose threads and environment are those of a cell."""

    def run(self) -> dict[str, Any]:
        """The seconds, under "seconds"."""
        return {"seconds": calibration()}


def calibration() -> float:
    """The seconds of the work on this process's threads; all of it takes some 0.5 s."""
    rng = torch.Generator().manual_seed(0)
    matrix = torch.rand(_SIDE, _SIDE, generator=rng)
    image = torch.rand(1, _CHANNELS, _IMAGE, _IMAGE, generator=rng)
    weights = torch.rand(_CHANNELS, _CHANNELS, 3, 3, generator=rng)
    values, total = torch.rand(_VALUES, generator=rng), torch.zeros(_VALUES)
    with torch.inference_mode():
        return least_seconds(
            (
                lambda: matrix @ matrix,
                lambda: torch.nn.functional.conv2d(image, weights, padding=1),
                lambda: torch.add(values, 1.0, out=total),
            )
        )


def least_seconds(parts: Sequence[Callable[[], object]], clock: Callable[[], float] = time.perf_counter) -> float:
    """The sum over the parts of the least seconds that each takes in `ROUNDS` rounds, after one round that does not count."""
    least = [float("inf")] * len(parts)
    for number in range(ROUNDS + 1):
        for place, part in enumerate(parts):
            begin = clock()
            part()
            seconds = clock() - begin
            least[place] = min(least[place], seconds) if number else float("inf")
    return sum(least)
