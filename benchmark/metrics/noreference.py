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
    return distortions(hsi, estimate[:0], hsi[:0], estimate)[0]


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
    return distortions(hsi, msi, msi_low, estimate)[1]


def distortions(
    hsi: Float[np.ndarray, "bands h w"],
    msi: Float[np.ndarray, "channels H W"],
    msi_low: Float[np.ndarray, "channels h w"],
    estimate: Float[np.ndarray, "bands H W"],
) -> tuple[float, float]:
    """D_lambda and D_s, as `d_lambda` and `d_s` say; each block of the estimate is read once for both. Without channels, D_s is NaN."""
    side = block_side(*hsi.shape[1:])
    live = np.flatnonzero(live_bands(hsi))
    bands = len(live)
    if side is None or not bands:
        return float("nan"), float("nan")
    changes = np.abs(relations(estimate, msi, side, live) - relations(hsi, msi_low, side, live))
    spectral = float(changes[:, :bands].sum() / (bands * (bands - 1))) if bands > 1 else float("nan")  # the diagonals cancel
    return spectral, float(changes[:, bands:].mean()) if len(msi) else float("nan")


def qnr(spectral: float, spatial: float) -> float:
    """Quality with no reference, 1 at best: (1 - D_lambda) (1 - D_s)."""
    return (1 - spectral) * (1 - spatial)


def consistency(seen: Float[np.ndarray, "bands h w"], explained: Float[np.ndarray, "bands h w"]) -> float:
    """RMSE between the image that was taken and the one that the sensor would take of the estimate: sqrt(mean((explained - seen)^2))."""
    return rmse(seen, explained)


def relations(
    cube: Float[np.ndarray, "bands H W"],
    image: Float[np.ndarray, "channels H W"],
    side: int,
    of_bands: Int[NDArray[np.int64], " some"] | None = None,
) -> Float64[NDArray[np.float64], "some _"]:
    """Q of each band of the cube with each of its bands, and then with each channel of the image: means over blocks of side x side pixels.

    In one block Q = 2 m_x m_y / (m_x^2 + m_y^2) * 2 s_xy / (s_x^2 + s_y^2); quotients 0/0 count as 1. `of_bands` are the numbers of the
    bands that are taken, all of them where they are None.
    """
    taken = np.arange(len(cube)) if of_bands is None else of_bands
    bands = slice(None) if len(taken) == len(cube) else taken
    values = np.empty((len(taken) + len(image), side, side))
    total = np.zeros((len(taken), len(values)))
    tops, lefts = _starts(cube.shape[1], side), _starts(cube.shape[2], side)
    for top in tops:
        for left in lefts:
            rows, cols = slice(top, top + side), slice(left, left + side)
            values[: len(taken)] = cube[bands, rows, cols]
            values[len(taken) :] = image[:, rows, cols]
            total += _block_quality(values.reshape(len(values), -1), len(taken))
    return total / (len(tops) * len(lefts))


def _starts(size: int, side: int) -> list[int]:
    """The first pixels of the blocks along an axis; the last block ends at the border."""
    return sorted({*range(0, size - side + 1, side), size - side})


def _block_quality(values: Float64[NDArray[np.float64], "n pixels"], first: int) -> Float64[NDArray[np.float64], "{first} n"]:
    """Q of each of the first bands with each band, in one block; the values are left less their means."""
    means = values.mean(1)
    values -= means[:, None]
    squares = np.einsum("bp,bp->b", values, values) / values.shape[1]
    spread = np.add.outer(squares[:first], squares)
    level = np.add.outer(means[:first] ** 2, means**2)
    covariance = values[:first] @ values.T / values.shape[1]
    return quotient_or_one(2 * np.outer(means[:first], means), level) * quotient_or_one(2 * covariance, spread, FLAT * (level + spread))
