"""How far two estimates of one method lie apart. Two runs with one seed are compared up to rounding, and not bit by bit.

Where the memory of a second run is aligned in another way, the libraries of a processor may take another kernel, and the last bits differ.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from methods.contract import Estimate

ROUNDING = 1e-5  # of the largest value: what other last bits can become; another seed moves most methods that draw by 1e-2 and more
NOTHING = 1e-6  # of the largest value: a smaller change is rounding alone
RUNS = 4  # at most, until two of them agree: learning can turn other last bits into more than rounding, but not in every run


def largest_difference(first: Estimate, second: Estimate) -> float:
    """The largest difference between two estimates, each part of them relative to its own largest value."""
    parts = list(zip(_tensors(first), _tensors(second), strict=False))
    if len(_tensors(first)) != len(_tensors(second)):
        return torch.inf
    return max(
        float((one - other).detach().abs().max() / one.detach().abs().max().clamp_min(1e-12)) if one.shape == other.shape else torch.inf
        for one, other in parts
    )


def least_difference(differences: Iterable[float]) -> float:
    """The least of the differences; the first that is no more than rounding ends the search."""
    least = float("inf")
    for difference in differences:
        least = min(least, difference)
        if least <= ROUNDING:
            break
    return least


def _tensors(estimate: Estimate) -> list[Tensor]:
    """Everything that the estimate holds: the cube, and what there is of kernel, weights and standard deviation."""
    psf, srf, std = estimate.psf, estimate.srf, estimate.std
    parts = [estimate.cube, None if psf is None else psf.kernel, None if srf is None else srf.weights, std]
    return [part for part in parts if part is not None]
