"""How far two estimates of one method lie apart. Two runs with one seed are compared up to rounding, and not bit by bit.

Where the memory of a second run is aligned in another way, the libraries of a processor may take another kernel, and the last bits differ.
Clusters, stopped loops and learning can turn these into more than rounding, but hardly into anything that is seen when all is done in
float64; what the seed does not decide is seen there as well.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext, suppress

import torch
from torch import Tensor

from benchmark.authors.trials import BreachError
from datasets.observation import Observation
from methods.contract import Estimate, RefusedError

ROUNDING = 1e-5  # of the largest value: what other last bits can become; another seed moves most methods that draw by 1e-2 and more
NOTHING = 1e-6  # of the largest value: a smaller change is rounding alone
PRECISIONS = (torch.float32, torch.float64, torch.float32, torch.float64)  # in turn, until two runs agree: `least_difference`


def largest_difference(first: Estimate, second: Estimate) -> float:
    """The largest difference between two estimates, each part of them relative to its own largest value."""
    parts = list(zip(_tensors(first), _tensors(second), strict=False))
    if len(_tensors(first)) != len(_tensors(second)):
        return torch.inf
    return max(
        float((one - other).detach().abs().max() / one.detach().abs().max().clamp_min(1e-12)) if one.shape == other.shape else torch.inf
        for one, other in parts
    )


def least_difference(
    one: Callable[[Observation], Estimate], other: Callable[[Observation], Estimate], seen: Observation, runs: int | None = None
) -> float:
    """How near two ways to one result come to each other, in the first `runs` of `PRECISIONS` (None: in all of them).

    The first difference that is no more than rounding ends the search. A method that fails in float64 is judged by float32 alone.
    """
    least = torch.inf
    for dtype in PRECISIONS[:runs]:
        with suppress(BreachError, RefusedError) if dtype == torch.float64 else nullcontext():
            least = min(least, largest_difference(one(seen.to("cpu", dtype)), other(seen.to("cpu", dtype))))
        if least <= ROUNDING:
            break
    return least


def _tensors(estimate: Estimate) -> list[Tensor]:
    """Everything that the estimate holds: the cube, and what there is of kernel, weights and standard deviation."""
    psf, srf, std = estimate.psf, estimate.srf, estimate.std
    parts = [estimate.cube, None if psf is None else psf.kernel, None if srf is None else srf.weights, std]
    return [part for part in parts if part is not None]
