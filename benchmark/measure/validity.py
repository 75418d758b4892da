"""Whether an estimate can be scored."""

from __future__ import annotations

import torch

from datasets.observation import Observation
from methods.contract import Estimate


class InvalidEstimateError(ValueError):
    """An estimate that is no cube of the right shape with finite numbers."""


def check_estimate(estimate: Estimate, seen: Observation) -> None:
    """Nothing, where the estimate for the observation `seen` can be scored.

    Raises:
        InvalidEstimateError: the cube has the wrong shape or no floating-point numbers, or holds NaN or Inf; or the standard deviation has
            the wrong shape or values, or holds NaN or Inf.
    """
    cube, expected = estimate.cube, (seen.hsi.shape[0], *seen.msi.shape[1:])
    if tuple(cube.shape) != expected:
        raise InvalidEstimateError(f"expected a cube of shape {expected} (bands of the HSI, pixels of the MSI), got {tuple(cube.shape)}")
    if not cube.is_floating_point():
        raise InvalidEstimateError(f"expected floating-point values, got {cube.dtype}")
    bad = int((~torch.isfinite(cube)).sum())
    if bad:
        raise InvalidEstimateError(f"expected finite values, got {bad} NaN or Inf of {cube.numel()}")
    std = estimate.std
    if std is not None:
        if tuple(std.shape) != expected:
            raise InvalidEstimateError(f"expected a standard deviation of the cube's shape {expected}, got {tuple(std.shape)}")
        wrong = int((~torch.isfinite(std) | (std < 0)).sum())
        if wrong:
            raise InvalidEstimateError(f"expected finite standard deviations >= 0, got {wrong} others of {std.numel()}")
