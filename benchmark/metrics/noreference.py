"""Metrics that need no truth: D_lambda, D_s and QNR, and the consistency of an estimate with the two images.

Alparone et al., Photogrammetric Engineering and Remote Sensing 74(2), 2008, doi 10.14358/PERS.74.2.193, with a multispectral image in
the place of the panchromatic one. With x the estimate, y the HSI, m the MSI, m_low = S m the MSI as the low-resolution sensor would see it,
L bands k and l, C channels c, and all exponents 1:

    D_lambda = mean over k != l of |Q(x_k, x_l) - Q(y_k, y_l)|      the relations between bands, on the fine grid and on the coarse one
    D_s      = mean over k, c   of |Q(x_k, m_c) - Q(y_k, m_low_c)|  the relations of bands to the MSI, likewise
    QNR      = (1 - D_lambda) (1 - D_s)

Q is the index of Wang and Bovik (`structural.py`), here the mean over blocks that lie side by side; the last row and column of blocks are
moved inside, so that every pixel is covered. The blocks have the same number of pixels on both grids, so that the index is equally certain
on both: 32 x 32, or 16 x 16 where the HSI has fewer than 32 rows or columns. Below 16 nothing is defined: over n pixels a correlation has
a standard error near 1 / sqrt(n), which is 0.06 at 16 x 16 but 0.13 at 8 x 8, as large as the distortions to be measured.

A band that is constant in the HSI has no relation to another band: its Q is 0, or depends on the rounding of the estimate where both are
flat. It is left out, with all its pairs, and counted; L is the number of the other bands.

Consistency is the RMSE between the image that the true sensor would take of x and the image that it took, such as rmse(S x, y). Where the
images are noisy, that of the truth is the noise level.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64, Int
from numpy.typing import NDArray

from benchmark.metrics.bands import FLAT, live_bands, quotient_or_one
from benchmark.metrics.pixel import rmse
from benchmark.metrics.q2n import q2n

BLOCKS = (32, 16)  # pixels along a side; the first that fits into the HSI is taken


def block_side(rows: int, cols: int) -> int | None:
    """The side of the blocks, in pixels, for an HSI of that size; None where the metrics are not defined."""
    return next((side for side in BLOCKS if side <= min(rows, cols)), None)


def d_lambda(hsi: Float[np.ndarray, "bands h w"], estimate: Float[np.ndarray, "bands H W"]) -> float:
    """Spectral distortion, 0 at best: mean over k != l of |Q(x_k, x_l) - Q(y_k, y_l)|.

    NaN where fewer than two bands of the HSI are not constant, or where it has fewer than 16 rows or columns.
    """
    side = block_side(*hsi.shape[1:])
    live = np.flatnonzero(live_bands(hsi))
    bands = len(live)
    if side is None or bands < 2:
        return float("nan")
    differences = np.abs(quality(estimate, estimate, side, live, live) - quality(hsi, hsi, side, live, live))
    return float(differences.sum() / (bands * (bands - 1)))  # diagonals cancel


def d_lambda_filtered(hsi: Float[np.ndarray, "bands h w"], blurred: Float[np.ndarray, "bands h w"]) -> float:
    """Khan's spectral distortion, 0 at best: 1 - Q2n(y, S x), with `blurred` = S x the estimate as the sensor of the HSI would see it.

    Khan, Alparone, Chanussot, IEEE Transactions on Geoscience and Remote Sensing 47(11), 2009, doi 10.1109/TGRS.2009.2029094. The PSF
    stands for the sensor's modulation transfer function. NaN where the HSI has fewer than 32 rows or columns.
    """
    return 1 - q2n(hsi, blurred)


def d_s(
    hsi: Float[np.ndarray, "bands h w"],
    msi: Float[np.ndarray, "channels H W"],
    msi_low: Float[np.ndarray, "channels h w"],
    estimate: Float[np.ndarray, "bands H W"],
) -> float:
    """Spatial distortion, 0 at best: mean over k and c of |Q(x_k, m_c) - Q(y_k, m_low_c)|; `msi_low` is m_low = S m.

    NaN where every band of the HSI is constant, or where it has fewer than 16 rows or columns.
    """
    side = block_side(*hsi.shape[1:])
    live = np.flatnonzero(live_bands(hsi))
    if side is None or not len(live):
        return float("nan")
    return float(np.abs(quality(estimate, msi, side, live) - quality(hsi, msi_low, side, live)).mean())


def qnr(spectral: float, spatial: float) -> float:
    """Quality with no reference, 1 at best: (1 - D_lambda) (1 - D_s)."""
    return (1 - spectral) * (1 - spatial)


def consistency(seen: Float[np.ndarray, "bands h w"], explained: Float[np.ndarray, "bands h w"]) -> float:
    """RMSE between the image that was taken and the one that the sensor would take of the estimate: sqrt(mean((explained - seen)^2))."""
    return rmse(seen, explained)


def quality(
    first: Float[np.ndarray, "n H W"],
    second: Float[np.ndarray, "m H W"],
    side: int,
    of_first: Int[NDArray[np.int64], " some"] | None = None,
    of_second: Int[NDArray[np.int64], " others"] | None = None,
) -> Float64[NDArray[np.float64], "some others"]:
    """Q of each band of the first cube with each band of the second, as the mean over blocks of side x side pixels.

    In one block Q = 2 m_x m_y / (m_x^2 + m_y^2) * 2 s_xy / (s_x^2 + s_y^2); quotients 0/0 count as 1. `of_first` and `of_second` are the
    numbers of the bands that are taken, all of them where they are None.
    """
    cubes = [(cube, np.arange(len(cube)) if taken is None else taken) for cube, taken in ((first, of_first), (second, of_second))]
    total = np.zeros((len(cubes[0][1]), len(cubes[1][1])))
    tops, lefts = _starts(first.shape[1], side), _starts(first.shape[2], side)
    for top in tops:
        for left in lefts:
            blocks = [cube[taken, top : top + side, left : left + side].reshape(len(taken), -1) for cube, taken in cubes]
            total += _block_quality(*blocks)
    return total / (len(tops) * len(lefts))


def _starts(size: int, side: int) -> list[int]:
    """The first pixels of the blocks along an axis; the last block ends at the border."""
    return sorted({*range(0, size - side + 1, side), size - side})


def _block_quality(x: Float[np.ndarray, "n pixels"], y: Float[np.ndarray, "m pixels"]) -> Float64[NDArray[np.float64], "n m"]:
    """Q of each pair of bands in one block."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    mean_x, mean_y = x.mean(1), y.mean(1)
    x, y = x - mean_x[:, None], y - mean_y[:, None]
    spread = np.add.outer((x * x).mean(1), (y * y).mean(1))
    level = np.add.outer(mean_x**2, mean_y**2)
    covariance = x @ y.T / x.shape[1]
    return quotient_or_one(2 * np.outer(mean_x, mean_y), level) * quotient_or_one(2 * covariance, spread, FLAT * (level + spread))
