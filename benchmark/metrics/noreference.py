"""Metrics that need no truth: D_lambda, D_s and QNR, and how far an estimate is from explaining what was seen.

Alparone et al., Photogrammetric Engineering and Remote Sensing 74(2), 2008, doi 10.14358/PERS.74.2.193, with a multispectral image in
the place of the panchromatic one. With x the estimate, y the HSI, m the MSI, and m_low = S m the MSI as the low-resolution sensor
would see it, bands k and l of L, channels c of C, all exponents 1:

    D_lambda = mean over k != l of |Q(x_k, x_l) - Q(y_k, y_l)|      the relations between bands, fine against coarse
    D_s      = mean over k, c   of |Q(x_k, m_c) - Q(y_k, m_low_c)|  the relations to the MSI, fine against coarse
    QNR      = (1 - D_lambda) (1 - D_s)

Q is Wang and Bovik's index (`structural`), here the mean over blocks side by side, the last row and column of blocks moved inside so that
every pixel is covered. Both grids have blocks of the same number of pixels, so that the index is as certain on one as on the other:
32 x 32, or 16 x 16 where the HSI has fewer than 32 rows or columns. Below 16 nothing is defined: over n pixels a correlation has a
standard error near 1 / sqrt(n), 0.06 at 16 x 16 but 0.13 at 8 x 8, as large as the distortions to be measured.

A band that is constant in the HSI has no relation to any other to be kept: Q is 0 by itself, or turns on the rounding of the estimate
where both are flat. It is left out, the pairs with it too, and counted; L is the number of the others.

Consistency is the RMSE of what the true sensor would see of x to what it saw. With noise in the observations its floor is the noise.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64
from numpy.typing import NDArray

from benchmark.metrics.bands import FLAT, live_bands, quotient_or_one
from benchmark.metrics.pixel import rmse

BLOCKS = (32, 16)  # pixels along a side; the first that fits the HSI


def block_side(rows: int, cols: int) -> int | None:
    """Side of the blocks for an HSI of that size; None where the metrics are not defined."""
    return next((side for side in BLOCKS if side <= min(rows, cols)), None)


def d_lambda(hsi: Float[np.ndarray, "bands h w"], estimate: Float[np.ndarray, "bands H W"]) -> float:
    """Spectral distortion, 0 at best; NaN for fewer than two bands that are not constant, or an HSI of fewer than 16 rows or columns."""
    side = block_side(*hsi.shape[1:])
    hsi, estimate = _live(hsi, estimate)
    bands = len(hsi)
    if side is None or bands < 2:
        return float("nan")
    return float(np.abs(quality(estimate, estimate, side) - quality(hsi, hsi, side)).sum() / (bands * (bands - 1)))  # diagonals cancel


def d_s(
    hsi: Float[np.ndarray, "bands h w"],
    msi: Float[np.ndarray, "channels H W"],
    msi_low: Float[np.ndarray, "channels h w"],
    estimate: Float[np.ndarray, "bands H W"],
) -> float:
    """Spatial distortion, 0 at best; NaN for an HSI whose bands are all constant, or of fewer than 16 rows or columns."""
    side = block_side(*hsi.shape[1:])
    hsi, estimate = _live(hsi, estimate)
    if side is None or not len(hsi):
        return float("nan")
    return float(np.abs(quality(estimate, msi, side) - quality(hsi, msi_low, side)).mean())


def qnr(spectral: float, spatial: float) -> float:
    """Quality with no reference from D_lambda and D_s, 1 at best."""
    return (1 - spectral) * (1 - spatial)


def consistency(seen: Float[np.ndarray, "bands h w"], explained: Float[np.ndarray, "bands h w"]) -> float:
    """RMSE of what the sensor would see of the estimate to what it saw, in the unit of the values."""
    return rmse(seen, explained)


def quality(first: Float[np.ndarray, "n H W"], second: Float[np.ndarray, "m H W"], side: int) -> Float64[NDArray[np.float64], "n m"]:
    """Q of every band of the one with every band of the other, the mean over blocks of side x side pixels; quotients 0/0 count as 1."""
    total = np.zeros((len(first), len(second)))
    tops, lefts = _starts(first.shape[1], side), _starts(first.shape[2], side)
    for top in tops:
        for left in lefts:
            total += _block_quality(*(cube[:, top : top + side, left : left + side].reshape(len(cube), -1) for cube in (first, second)))
    return total / (len(tops) * len(lefts))


def _live(
    hsi: Float[np.ndarray, "bands h w"], estimate: Float[np.ndarray, "bands H W"]
) -> tuple[Float[np.ndarray, "live h w"], Float[np.ndarray, "live H W"]]:
    """Both cubes without the bands that are constant in the HSI; the cubes themselves where there are none."""
    live = live_bands(hsi)
    return (hsi, estimate) if live.all() else (hsi[live], estimate[live])


def _starts(size: int, side: int) -> list[int]:
    """Where blocks begin along an axis; the last one ends at the border."""
    return sorted({*range(0, size - side + 1, side), size - side})


def _block_quality(x: Float[np.ndarray, "n pixels"], y: Float[np.ndarray, "m pixels"]) -> Float64[NDArray[np.float64], "n m"]:
    """Q in one block: 2 m_x m_y / (m_x^2 + m_y^2) * 2 s_xy / (s_x^2 + s_y^2)."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    mean_x, mean_y = x.mean(1), y.mean(1)
    x, y = x - mean_x[:, None], y - mean_y[:, None]
    spread = np.add.outer((x * x).mean(1), (y * y).mean(1))
    level = np.add.outer(mean_x**2, mean_y**2)
    covariance = x @ y.T / x.shape[1]
    return quotient_or_one(2 * np.outer(mean_x, mean_y), level) * quotient_or_one(2 * covariance, spread, FLAT * (level + spread))
