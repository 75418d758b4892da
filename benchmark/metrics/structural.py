"""Metrics of local structure, SSIM and UIQI: means over bands of the mean over all windows that lie inside the image.

Bands that are constant in the reference have no structure and are left out. With mu, s^2 and s_xy the weighted means, the population
variances and the covariance of the two bands in one window,

    ssim = (2 mu_x mu_y + C1) (2 s_xy + C2) / ((mu_x^2 + mu_y^2 + C1) (s_x^2 + s_y^2 + C2))      C1 = 0.01^2, C2 = 0.03^2

    uiqi =  2 mu_x mu_y / (mu_x^2 + mu_y^2)  *  2 s_xy / (s_x^2 + s_y^2)

SSIM. Wang, Bovik, Sheikh, Simoncelli, IEEE TIP 13(4), 2004: Gaussian window, sigma 1.5, cut at 11 x 11 taps; data range 1.
UIQI. Wang, Bovik, IEEE SPL 9(3), 2002: uniform window of 8 x 8, moved by one pixel. (Sample statistics, over n - 1, give the same.) A
quotient 0/0 counts as 1: a window that is flat in both images is judged by its means, and one that is black in both counts as 1.

Both are computed from p = x + y and m = x - y, which takes fewer steps: with the means and variances of p and m,

    2 (mu_x^2 + mu_y^2) = mu_p^2 + mu_m^2     4 mu_x mu_y = mu_p^2 - mu_m^2     2 (s_x^2 + s_y^2) = s_p^2 + s_m^2     4 s_xy = s_p^2 - s_m^2

They are computed in tiles that fit into the cache, in arrays that are made once. The Gaussian window is a product with a small band matrix
along each axis (three times as fast as shifting and adding). The uniform window is built by doubling: sums of 2 pixels, of 4, of 8.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float64
from numpy.typing import NDArray

from benchmark.metrics.bands import FLAT, live_numbers, mean_of_bands, quotient_or_one
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
    buffers = _Buffers.of(reference.shape[1], reference.shape[2], SSIM_WINDOW)
    return mean_of_bands([_ssim_band(reference[b], estimate[b], matrix, whole, buffers) for b in live_numbers(reference, mask)])


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
    buffers = _Buffers.of(reference.shape[1], reference.shape[2], UIQI_WINDOW)
    return mean_of_bands([_uiqi_band(reference[b], estimate[b], whole, buffers) for b in live_numbers(reference, mask)])


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


@dataclass(frozen=True, eq=False)
class _Buffers:
    """Arrays for all tiles of a cube, each as long as the largest tile has pixels: new ones for each tile would leave the cache."""

    moments: NDArray[np.float64]  # of four images
    halfway: NDArray[np.float64]  # of four images
    windows: NDArray[np.float64]  # of four images
    spare: NDArray[np.float64]  # of one image

    @staticmethod
    def of(rows: int, cols: int, window: int) -> _Buffers:
        """The arrays for the tiles of an image of rows x cols pixels."""
        pixels = min(rows, _TILE[0] + window - 1) * min(cols, _TILE[1] + window - 1)
        return _Buffers(np.empty(4 * pixels), np.empty(4 * pixels), np.empty(4 * pixels), np.empty(pixels))


def _ssim_band(
    x: Float[np.ndarray, "H W"],
    y: Float[np.ndarray, "H W"],
    matrix: Float64[NDArray[np.float64], "windows footprint"],
    whole: Bool[NDArray[np.bool_], "windows_down windows_across"] | None,
    buffers: _Buffers,
) -> float:
    """SSIM of one band, over the windows that `whole` marks, or over all."""
    rows, cols = x.shape[0] - SSIM_WINDOW + 1, x.shape[1] - SSIM_WINDOW + 1
    total = 0.0
    for tile in _tiles(rows, cols, SSIM_WINDOW):
        means = _filter(_moments(x[tile], y[tile], buffers), matrix, buffers)
        square_p, square_m, variance_p, variance_m = means
        _to_variances(means)
        square_p += 2 * _C1
        variance_p += 2 * _C2
        quality = np.subtract(square_p, square_m, out=_part(buffers.spare, square_p.shape))
        quality *= np.subtract(variance_p, variance_m, out=_part(buffers.halfway, square_p.shape))
        square_p += square_m
        variance_p += variance_m
        square_p *= variance_p
        quality /= square_p
        total += _sum_over(quality, tile, whole)
    return total / (rows * cols if whole is None else int(np.count_nonzero(whole)))


def _uiqi_band(
    x: Float[np.ndarray, "H W"],
    y: Float[np.ndarray, "H W"],
    whole: Bool[NDArray[np.bool_], "windows_down windows_across"] | None,
    buffers: _Buffers,
) -> float:
    """UIQI of one band, over the windows that `whole` marks, or over all.

    With n pixels per window, all statistics are taken times n^2, which is exact as n is a power of two.
    """
    rows, cols = x.shape[0] - UIQI_WINDOW + 1, x.shape[1] - UIQI_WINDOW + 1
    total = 0.0
    for tile in _tiles(rows, cols, UIQI_WINDOW):
        sums = _window_sums(_moments(x[tile], y[tile], buffers), buffers)
        sums[2:] *= UIQI_WINDOW**2
        _to_variances(sums)
        level, square_m, spread, variance_m = sums
        product = np.subtract(level, square_m, out=_part(buffers.spare, level.shape))  # 4 mu_x mu_y
        covariance = np.subtract(spread, variance_m, out=_part(buffers.halfway, level.shape))  # 4 s_xy
        level += square_m  # 2 (mu_x^2 + mu_y^2)
        spread += variance_m  # 2 (s_x^2 + s_y^2)
        if spread.min() > 2 * FLAT * level.max() and level.min() > 0:  # no quotient is 0/0
            product *= covariance
            level *= spread
            product /= level
        else:
            product = quotient_or_one(product, level) * quotient_or_one(covariance, spread, FLAT * (level + spread))
        total += _sum_over(product[:, : tile[1].stop - tile[1].start - UIQI_WINDOW + 1], tile, whole)
    return total / (rows * cols if whole is None else int(np.count_nonzero(whole)))


def _moments(
    x: Float[np.ndarray, "rows cols"], y: Float[np.ndarray, "rows cols"], buffers: _Buffers
) -> Float64[NDArray[np.float64], "4 rows cols"]:
    """The four images p = x + y, m = x - y, p^2 and m^2, whose sums over a window give all local statistics of a pair of bands."""
    moments, second = _part(buffers.moments, (4, *x.shape)), _part(buffers.spare, x.shape)
    moments[0], second[...] = x, y
    np.subtract(moments[0], second, out=moments[1])
    moments[0] += second
    np.multiply(moments[:2], moments[:2], out=moments[2:])
    return moments


def _to_variances(means: Float64[NDArray[np.float64], "4 rows cols"]) -> None:
    """Turn the means of p, m, p^2 and m^2 into mu_p^2, mu_m^2, s_p^2 and s_m^2, in place."""
    np.multiply(means[:2], means[:2], out=means[:2])
    means[2:] -= means[:2]


def _part(buffer: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
    """The first values of a buffer as an array of that shape."""
    return buffer[: math.prod(shape)].reshape(shape)


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
    images: Float64[NDArray[np.float64], "4 rows cols"], matrix: Float64[NDArray[np.float64], "windows footprint"], buffers: _Buffers
) -> Float64[NDArray[np.float64], "4 inner_rows inner_cols"]:
    """The weighted means of every window inside the images, which are no taller than the matrix's footprint."""
    margin = matrix.shape[1] - matrix.shape[0]
    rows, cols = images.shape[1] - margin, images.shape[2] - margin
    down = np.matmul(matrix[:rows, : rows + margin], images, out=_part(buffers.halfway, (4, rows, cols + margin)))
    down = down.reshape(4 * rows, cols + margin)
    across = np.ascontiguousarray(matrix.T)
    means = _part(buffers.windows, (4 * rows, cols))
    for left in range(0, cols, len(matrix)):
        width = min(len(matrix), cols - left)
        np.matmul(down[:, left : left + width + margin], across[: width + margin, :width], out=means[:, left : left + width])
    return means.reshape(4, rows, cols)


def _window_sums(
    images: Float64[NDArray[np.float64], "4 rows cols"], buffers: _Buffers
) -> Float64[NDArray[np.float64], "4 inner_rows cols"]:
    """The sums over every 8 x 8 window inside the images, by the window's top left pixel; the last 7 columns mean nothing.

    They are built by doubling: equal values are summed exactly, so that flat windows stay flat. An image is summed as one row of all its
    pixels, which is fast; so a window that begins in the last 7 columns goes on in the next row.
    """
    _, rows, cols = images.shape
    sums = _part(buffers.windows, (4, rows - UIQI_WINDOW + 1, cols))
    halves = np.split(buffers.halfway[: 2 * rows * cols], 2)
    shifts = (cols, 2 * cols, 4 * cols, 1, 2, 4)
    for image, result in zip(images.reshape(4, -1), sums.reshape(4, -1), strict=True):
        partial = image
        for shift, out in zip(shifts, (*halves, *halves, halves[0], result), strict=True):
            partial = np.add(partial[:-shift], partial[shift:], out=out[: partial.size - shift])
        result[partial.size :] = partial[-1]
    return sums
