"""The statistics of each band of a pair of cubes, on which PSNR, RMSE, the correlation and ERGAS depend: taken once, in one pass.

With r the reference, e the estimate, and the means over the N pixels of a band,

    mse         = mean((e - r)^2)
    mean        = mean(r)                  power = mean(r^2)
    variance    = mean((r - mean r)^2)     likewise of the estimate;     covariance = mean((r - mean r) (e - mean e))

A band is read in blocks that stay in the cache, in float64, and less its mean over the first block, so that nothing is lost where a band
varies little about a high level: mean((r - c)^2) - (mean(r) - c)^2, with c near the mean.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64
from numpy.typing import NDArray

from benchmark.metrics.bands import SIGNAL

_BLOCK = 2**14  # pixels: 128 KiB in float64


@dataclass(frozen=True, eq=False)
class BandStatistics:
    """The statistics of each band; the module docstring has the formulas."""

    mse: Float64[NDArray[np.float64], " bands"]
    mean: Float64[NDArray[np.float64], " bands"]
    power: Float64[NDArray[np.float64], " bands"]
    peak: Float64[NDArray[np.float64], " bands"]  # of the reference: the largest absolute value
    span: Float64[NDArray[np.float64], " bands"]  # of the reference: the largest value less the smallest
    varies: Bool[NDArray[np.bool_], " bands"]  # whether the estimate has two values or more
    variance: Float64[NDArray[np.float64], " bands"]
    estimate_variance: Float64[NDArray[np.float64], " bands"]
    covariance: Float64[NDArray[np.float64], " bands"]

    @property
    def floor(self) -> float:
        """What the values of a band of the reference may differ by and still count as one value (bands.py)."""
        return SIGNAL * float(self.peak.max(initial=0.0))

    @property
    def live(self) -> Bool[NDArray[np.bool_], " bands"]:
        """Whether each band of the reference carries signal (bands.py)."""
        return self.span > self.floor


def band_statistics(reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"]) -> BandStatistics:
    """The statistics of each band of a pair of cubes, which hold finite values."""
    x, y, error = (np.empty(_BLOCK) for _ in range(3))
    rows = [_of_band(true.reshape(-1), guess.reshape(-1), x, y, error) for true, guess in zip(reference, estimate, strict=True)]
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 9)
    mse, mean, power, peak, span, estimate_span, variance, estimate_variance, covariance = table.T
    return BandStatistics(mse, mean, power, peak, span, estimate_span > 0, variance, estimate_variance, covariance)


def _of_band(
    true: Float[np.ndarray, " pixels"],
    guess: Float[np.ndarray, " pixels"],
    x: Float64[NDArray[np.float64], " block"],
    y: Float64[NDArray[np.float64], " block"],
    error: Float64[NDArray[np.float64], " block"],
) -> tuple[float, ...]:
    """The statistics of one band, in the order of `band_statistics`; x, y and error are room for a block."""
    near_x, near_y = (float(band[:_BLOCK].mean(dtype=np.float64)) for band in (true, guess))
    sums = np.zeros(6)
    for start in range(0, true.size, _BLOCK):
        block = slice(start, min(start + _BLOCK, true.size))
        a, b, e = (room[: block.stop - start] for room in (x, y, error))
        a[...], b[...] = true[block], guess[block]
        np.subtract(b, a, out=e)
        a -= near_x
        b -= near_y
        sums += (e @ e, a.sum(), b.sum(), a @ a, b @ b, a @ b)
    mse, off_x, off_y, square_x, square_y, product = (float(value) for value in sums / true.size)
    mean, variance = near_x + off_x, max(square_x - off_x**2, 0.0)
    low, high = true.min(), true.max()
    peak, span, estimate_span = max(-float(low), float(high)), float(high - low), float(np.ptp(guess))
    estimate_variance = max(square_y - off_y**2, 0.0)
    return mse, mean, variance + mean**2, peak, span, estimate_span, variance, estimate_variance, product - off_x * off_y
