"""Metrics of local structure, SSIM and UIQI: means over bands of the mean over all windows that lie inside the image.

Bands that are constant in the reference have no structure and are left out. With mu, s^2 and s_xy the weighted means, the population
variances and the covariance of the two bands in one window,

    ssim = (2 mu_x mu_y + C1) (2 s_xy + C2) / ((mu_x^2 + mu_y^2 + C1) (s_x^2 + s_y^2 + C2))      C1 = 0.01^2, C2 = 0.03^2

    uiqi =  2 mu_x mu_y / (mu_x^2 + mu_y^2)  *  2 s_xy / (s_x^2 + s_y^2)

SSIM. Wang, Bovik, Sheikh, Simoncelli, IEEE TIP 13(4), 2004: Gaussian window, sigma 1.5, cut at 11 x 11 taps; data range 1.
UIQI. Wang, Bovik, IEEE SPL 9(3), 2002: uniform window of 8 x 8, moved by one pixel. (Sample statistics, over n - 1, give the same.) A
quotient 0/0 counts as 1: a window that is flat in both images is judged by its means, and one that is black in both counts as 1.

Both are computed in tiles that fit into the cache. The Gaussian window is a product with a small band matrix along each axis (three times
as fast as shifting and adding); the uniform window is built by doubling: sums of two pixels, of four, of eight.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Float64
from numpy.typing import NDArray

from benchmark.metrics.bands import FLAT, live_pairs, local_moments, mean_of_bands, quotient_or_one
from benchmark.metrics.scored_pixels import whole_windows

SSIM_WINDOW = 11  # taps: 3.5 sigma to each side
SSIM_SIGMA = 1.5
UIQI_WINDOW = 8
_C1, _C2 = 0.01**2, 0.03**2
_TILE = (32, 512)  # windows along rows and columns at a time


def ssim(
    reference: Float[np.ndarray, "bands H W"],
    estimate: Float[np.ndarray, "bands H W"],
    mask: Bool[NDArray[np.bool_], "H W"] | None = None,
) -> float:
    """Structural similarity, -1..1: the mean of `ssim` over windows and bands; the module docstring has the formula.

    With a mask, the windows count that hold no pixel at which it is False. NaN where there is no window, or every band of the reference
    is constant (at the scored pixels).
    """
    if not _has_window(reference, mask, SSIM_WINDOW):
        return float("nan")
    matrix = _band_matrix(_gaussian(SSIM_WINDOW, SSIM_SIGMA), _TILE[0])
    whole = None if mask is None else whole_windows(mask, SSIM_WINDOW)
    return mean_of_bands([_ssim_band(x, y, matrix, whole) for x, y in live_pairs(reference, estimate, mask)])


def uiqi(
    reference: Float[np.ndarray, "bands H W"],
    estimate: Float[np.ndarray, "bands H W"],
    mask: Bool[NDArray[np.bool_], "H W"] | None = None,
) -> float:
    """Universal image quality index, -1..1: the mean of `uiqi` over windows and bands; the module docstring has the formula.

    With a mask, the windows count that hold no pixel at which it is False. NaN where there is no window, or every band of the reference
    is constant (at the scored pixels).
    """
    if not _has_window(reference, mask, UIQI_WINDOW):
        return float("nan")
    whole = None if mask is None else whole_windows(mask, UIQI_WINDOW)
    return mean_of_bands([_uiqi_band(x, y, whole) for x, y in live_pairs(reference, estimate, mask)])


def _has_window(reference: Float[np.ndarray, "bands H W"], mask: Bool[NDArray[np.bool_], "H W"] | None, side: int) -> bool:
    return min(reference.shape[1:]) >= side and (mask is None or bool(whole_windows(mask, side).any()))


def _sum_over(
    quality: Float64[NDArray[np.float64], "rows cols"],
    tile: tuple[slice, slice],
    whole: Bool[NDArray[np.bool_], "windows_down windows_across"] | None,
) -> float:
    """The sum over the windows of a tile that count."""
    if whole is None:
        return float(quality.sum())
    rows, cols = quality.shape
    return float(quality[whole[tile[0].start : tile[0].start + rows, tile[1].start : tile[1].start + cols]].sum())


def _ssim_band(
    x: Float64[NDArray[np.float64], "H W"],
    y: Float64[NDArray[np.float64], "H W"],
    matrix: Float64[NDArray[np.float64], "windows footprint"],
    whole: Bool[NDArray[np.bool_], "windows_down windows_across"] | None,
) -> float:
    """SSIM of one band, over the windows that `whole` marks, or over all."""
    rows, cols = x.shape[0] - SSIM_WINDOW + 1, x.shape[1] - SSIM_WINDOW + 1
    total = 0.0
    for tile in _tiles(rows, cols, SSIM_WINDOW):
        mean_x, mean_y, squares, covariance = _filter(local_moments(x[tile], y[tile]), matrix)
        product = mean_x * mean_y
        mean_x *= mean_x
        mean_y *= mean_y
        mean_x += mean_y  # mu_x^2 + mu_y^2
        squares -= mean_x  # s_x^2 + s_y^2
        covariance -= product  # s_xy
        total += _sum_over((2 * product + _C1) * (2 * covariance + _C2) / ((mean_x + _C1) * (squares + _C2)), tile, whole)
    return total / (rows * cols if whole is None else int(np.count_nonzero(whole)))


def _uiqi_band(
    x: Float64[NDArray[np.float64], "H W"],
    y: Float64[NDArray[np.float64], "H W"],
    whole: Bool[NDArray[np.bool_], "windows_down windows_across"] | None,
) -> float:
    """UIQI of one band, over the windows that `whole` marks, or over all.

    With n pixels per window, all statistics are taken times n^2, which is exact as n is a power of two.
    """
    rows, cols = x.shape[0] - UIQI_WINDOW + 1, x.shape[1] - UIQI_WINDOW + 1
    pixels = UIQI_WINDOW**2
    total = 0.0
    for tile in _tiles(rows, cols, UIQI_WINDOW):
        sum_x, sum_y, squares, covariance = _window_sums(local_moments(x[tile], y[tile]))
        squares *= pixels
        covariance *= pixels
        product = sum_x * sum_y
        sum_x *= sum_x
        sum_y *= sum_y
        sum_x += sum_y  # mu_x^2 + mu_y^2
        negligible = FLAT * squares
        squares -= sum_x  # s_x^2 + s_y^2
        covariance -= product  # s_xy
        covariance *= 2
        product *= 2
        total += _sum_over(quotient_or_one(product, sum_x) * quotient_or_one(covariance, squares, negligible), tile, whole)
    return total / (rows * cols if whole is None else int(np.count_nonzero(whole)))


def _tiles(rows: int, cols: int, window: int) -> Iterator[tuple[slice, slice]]:
    """The pixels under each tile of a grid of rows x cols windows."""
    for top in range(0, rows, _TILE[0]):
        for left in range(0, cols, _TILE[1]):
            yield slice(top, min(top + _TILE[0], rows) + window - 1), slice(left, min(left + _TILE[1], cols) + window - 1)


def _gaussian(taps: int, sigma: float) -> Float64[NDArray[np.float64], " taps"]:
    """exp(-t^2 / (2 sigma^2)) at the taps t about the centre, divided by the sum."""
    offsets = np.arange(taps) - (taps - 1) / 2
    weights: NDArray[np.float64] = np.exp(-(offsets**2) / (2 * sigma**2))
    weights /= weights.sum()
    return weights


def _band_matrix(weights: Float64[NDArray[np.float64], " taps"], outputs: int) -> Float64[NDArray[np.float64], "outputs footprint"]:
    """The matrix whose row i holds the weights from column i on: matrix @ x filters `outputs` positions of x."""
    matrix = np.zeros((outputs, outputs + weights.size - 1))
    for row in range(outputs):
        matrix[row, row : row + weights.size] = weights
    return matrix


def _filter(
    images: Float64[NDArray[np.float64], "4 rows cols"], matrix: Float64[NDArray[np.float64], "windows footprint"]
) -> Float64[NDArray[np.float64], "4 inner_rows inner_cols"]:
    """The weighted means of every window inside the images, which are no taller than the matrix's footprint."""
    margin = matrix.shape[1] - matrix.shape[0]
    rows, cols = images.shape[1] - margin, images.shape[2] - margin
    down = np.matmul(matrix[:rows, : rows + margin], images)
    across = np.ascontiguousarray(matrix.T)
    means = np.empty((len(images), rows, cols))
    for left in range(0, cols, len(matrix)):
        width = min(len(matrix), cols - left)
        piece = down[:, :, left : left + width + margin]
        np.matmul(piece, across[: width + margin, :width], out=means[:, :, left : left + width])
    return means


def _window_sums(images: Float64[NDArray[np.float64], "4 rows cols"]) -> Float64[NDArray[np.float64], "4 inner_rows inner_cols"]:
    """The sums over every 8 x 8 window inside the images, by doubling: equal values are summed exactly, so that flat windows stay flat."""
    for shift in (1, 2, 4):
        images = images[:, :-shift] + images[:, shift:]
    for shift in (1, 2, 4):
        images = images[:, :, :-shift] + images[:, :, shift:]
    return images
