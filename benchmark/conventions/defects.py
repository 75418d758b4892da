"""Metrics that are wrong in the code of some projects, computed as they are there, so that published tables can be compared.

uiqi_of_means   sewar's uqi. With m(.) the *mean* over a window of n pixels, where Wang and Bovik's formula has the *sum*:

                    q = 4 (n m(xy) - m(x) m(y)) m(x) m(y) / ((n (m(x^2) + m(y^2)) - m(x)^2 - m(y)^2) (m(x)^2 + m(y)^2))

                So the squared means have 1 / n of their right weight beside the second moments, which hides nearly all differences.

uiqi_gaussian   torchmetrics' universal_image_quality_index: a Gaussian window, and 1.2e-7 added to the denominator.

ssim_mixed      HIFtool's SSIM_GPU: the whole band is one window, the mean of the first image stands for both, and the covariance of each
                band c is combined with the variances of each band b: the mean over b and c of (2 cov_c + C2) / (var_b + var'_b + C2).

eight_bits      HyperBench's conversion: clipped to 0..1, times 255, cut (not rounded) to whole numbers.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from benchmark.conventions.computation import gaussian_mean
from benchmark.metrics.bands import band_pairs

_WINDOW = 8
_EPSILON = float(np.finfo(np.float32).eps)


def uiqi_of_means(reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"]) -> float:
    """sewar's uqi with its window of 8: the mean of q over windows and bands; NaN where the image has 8 rows or columns or fewer."""
    if min(reference.shape[1:]) <= _WINDOW:
        return float("nan")
    return float(np.mean([_of_means(x, y) for x, y in band_pairs(reference, estimate)]))


def uiqi_gaussian(reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"]) -> float:
    """torchmetrics' index, the mean over windows inside the image and over bands of

        4 mu_x mu_y s_xy / ((mu_x^2 + mu_y^2) (s_x^2 + s_y^2) + 1.2e-7)

    NaN where the image has fewer than 11 rows or columns.
    """
    if min(reference.shape[1:]) < 11:
        return float("nan")
    return float(np.mean([_gaussian(x, y) for x, y in band_pairs(reference, estimate)]))


def ssim_mixed(reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"]) -> float:
    """HIFtool's similarity: the mean over c of (2 cov_c + C2), times the mean over b of 1 / (var_b + var'_b + C2), with C2 = 0.03^2."""
    moments = np.array([((x - x.mean()) * (y - y.mean())).mean() for x, y in band_pairs(reference, estimate)])
    spreads = np.array([x.var() + y.var() for x, y in band_pairs(reference, estimate)])
    return float(np.mean(2 * moments + 0.03**2) * np.mean(1 / (spreads + 0.03**2)))


def eight_bits(cube: Float[np.ndarray, "bands H W"]) -> Float64[NDArray[np.float64], "bands H W"]:
    """The cube in whole numbers 0..255, cut and not rounded: floor(255 clip(x, 0, 1))."""
    return np.floor(np.clip(cube.astype(np.float64), 0, 1) * 255)


def _of_means(x: Float64[NDArray[np.float64], "H W"], y: Float64[NDArray[np.float64], "H W"]) -> float:
    """The index of one band: the mean over its map without a border of half a window; 1 where the denominator is 0."""
    n = _WINDOW**2
    mean_x, mean_y, square_x, square_y, product = (uniform_filter(image, _WINDOW) for image in (x, y, x * x, y * y, x * y))
    level, spread = mean_x**2 + mean_y**2, n * (square_x + square_y) - mean_x**2 - mean_y**2
    quality = np.ones_like(x)
    defined = level * spread != 0
    quality[defined] = (4 * (n * product - mean_x * mean_y) * mean_x * mean_y)[defined] / (level * spread)[defined]
    half = _WINDOW // 2
    return float(quality[half:-half, half:-half].mean())


def _gaussian(x: Float64[NDArray[np.float64], "H W"], y: Float64[NDArray[np.float64], "H W"]) -> float:
    """The index of one band."""
    mean_x, mean_y = gaussian_mean(x), gaussian_mean(y)
    s_x, s_y = (np.maximum(gaussian_mean(image * image) - mean**2, 0) for image, mean in ((x, mean_x), (y, mean_y)))
    s_xy = gaussian_mean(x * y) - mean_x * mean_y
    quality = 4 * mean_x * mean_y * s_xy / ((mean_x**2 + mean_y**2) * (s_x + s_y) + _EPSILON)
    return float(quality[5:-5, 5:-5].mean())
