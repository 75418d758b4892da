"""The building blocks of the profiles: each metric in the variants that projects use, with sums in float64.

    psnr      mean over b of 10 log10(peak_b^2 / mse_b), or of the whole cube
    ssim      (2 mu_x mu_y + C1)(2 s_xy + C2) / ((mu_x^2 + mu_y^2 + C1)(s_x^2 + s_y^2 + C2)), C1 = (0.01 range)^2, C2 = (0.03 range)^2
    sam       arccos(<u, v> / (|u| |v|))
    ergas     100 / ratio * sqrt(sum over b of mse_b / m_b^2 / divisor), divisor = number of bands unless given

Nothing here guards against 0/0, and no band is left out: an infinite value, or NaN, is what the project itself reports.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float, Float64
from numpy.typing import NDArray
from scipy.ndimage import correlate1d, uniform_filter

from benchmark.metrics.bands import band_pairs
from benchmark.metrics.pixel import band_mse

Cube = NDArray[np.float64]
Band = NDArray[np.float64]
Range = Callable[[Band, Band], float]  # the data range of SSIM, from a pair of bands (reference, estimate)


def unit_range(reference: Float64[Band, "H W"], estimate: Float64[Band, "H W"]) -> float:
    """1, whatever the bands hold."""
    return 1.0


def estimate_range(reference: Float64[Band, "H W"], estimate: Float64[Band, "H W"]) -> float:
    """The maximum minus the minimum of the estimate."""
    return float(estimate.max() - estimate.min())


def psnr_of_bands(
    reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"], peak: Literal["one", "reference's band"]
) -> float:
    """Peak signal-to-noise ratio in dB: the mean over bands of 10 log10(peak_b^2 / mse_b); infinite where one band has no error."""
    peaks = np.ones(len(reference)) if peak == "one" else np.array([float(band.max()) for band in reference])
    return float(np.mean(10 * np.log10(peaks**2 / band_mse(reference, estimate))))


def psnr_of_cube(reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"], peak: float = 1.0) -> float:
    """Peak signal-to-noise ratio of the whole cube in dB: 10 log10(peak^2 / mean of mse_b)."""
    return float(10 * np.log10(peak**2 / band_mse(reference, estimate).mean()))


def rmse_of_cube(reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"]) -> float:
    """Root mean squared error of the whole cube: sqrt(mean of mse_b)."""
    return float(np.sqrt(band_mse(reference, estimate).mean()))


def ssim_uniform(
    reference: Float[np.ndarray, "bands H W"],
    estimate: Float[np.ndarray, "bands H W"],
    *,
    window: int,
    data_range: Range,
    sample: bool,
) -> float:
    """Structural similarity, mean over bands, in uniform windows of odd size that lie inside the image; the formula is above.

    With `sample`, variances and the covariance are over n - 1 instead of n. NaN where the image is smaller than the window.
    """
    margin = window // 2
    if min(reference.shape[1:]) < window:
        return float("nan")
    pixels = window**2
    gain = pixels / (pixels - 1) if sample else 1.0
    inside = slice(margin, -margin)

    def mean(image: Float64[Band, "H W"]) -> Float64[Band, "h w"]:
        filtered: Band = uniform_filter(image, window)[inside, inside]
        return filtered

    values = [_ssim_map(x, y, mean, data_range(x, y), gain).mean() for x, y in band_pairs(reference, estimate)]
    return float(np.mean(values))


def ssim_gaussian_mirrored(reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"]) -> float:
    """Structural similarity, mean over bands, with a Gaussian window (sigma 1.5, 11 x 11) over the full image, mirrored at its borders.

    NaN where the image has fewer than 6 rows or columns, too few to be mirrored.
    """
    if min(reference.shape[1:]) < 6:
        return float("nan")
    return float(np.mean([_ssim_map(x, y, gaussian_mean, 1.0, 1.0).mean() for x, y in band_pairs(reference, estimate)]))


def sam_arccos(
    reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"], *, clip: bool = True
) -> Float64[NDArray[np.float64], " pixels"]:
    """The angle arccos(<u, v> / (|u| |v|)) at each pixel, in radians.

    NaN where a spectrum is zero and, without `clip`, where rounding brings the cosine above 1.
    """
    products, left, right = (np.zeros(reference[0].size) for _ in range(3))
    for x, y in band_pairs(reference, estimate):
        products += (x * y).ravel()
        left += (x * x).ravel()
        right += (y * y).ravel()
    cosines = products / (np.sqrt(left) * np.sqrt(right))
    angles: NDArray[np.float64] = np.arccos(np.clip(cosines, -1, 1) if clip else cosines)
    return angles


def mean_angle(angles: Float64[NDArray[np.float64], " pixels"]) -> float:
    """The mean of the angles that are not NaN, in radians; NaN where all are."""
    kept = angles[~np.isnan(angles)]
    return float(kept.mean()) if kept.size else float("nan")


def ergas_of(
    reference: Float[np.ndarray, "bands H W"],
    estimate: Float[np.ndarray, "bands H W"],
    ratio: int,
    *,
    means_of: Literal["reference", "estimate"] = "reference",
    divisor: int | None = None,
) -> float:
    """ERGAS, 100 / ratio * sqrt(sum over bands of mse_b / m_b^2 / divisor); the divisor is the number of bands unless given."""
    means = np.array([band.mean(dtype=np.float64) for band in (reference if means_of == "reference" else estimate)])
    return float(100 / ratio * np.sqrt((band_mse(reference, estimate) / means**2).sum() / (divisor or len(reference))))


def cropped(cube: Float[np.ndarray, "bands H W"], border: int) -> Float[np.ndarray, "bands h w"]:
    """The cube without `border` pixels on every side."""
    return cube[:, border : cube.shape[1] - border, border : cube.shape[2] - border]


def gaussian_mean(image: Float64[Band, "H W"]) -> Float64[Band, "H W"]:
    """The weighted mean in a Gaussian window (sigma 1.5, 11 taps); the image is mirrored without repeating its edge."""
    offsets = np.arange(-5, 6)
    weights = np.exp(-(offsets**2) / (2 * 1.5**2))
    weights /= weights.sum()
    filtered: Band = correlate1d(correlate1d(image, weights, axis=0, mode="mirror"), weights, axis=1, mode="mirror")
    return filtered


def _ssim_map(x: Band, y: Band, mean: Callable[[Band], Band], data_range: float, gain: float) -> Band:
    """The similarity in each window; `gain` turns population statistics into sample statistics."""
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    mu_x, mu_y = mean(x), mean(y)
    s_x, s_y, s_xy = (
        gain * (mean(a * b) - mu_a * mu_b) for a, b, mu_a, mu_b in ((x, x, mu_x, mu_x), (y, y, mu_y, mu_y), (x, y, mu_x, mu_y))
    )
    similar: Band = (2 * mu_x * mu_y + c1) * (2 * s_xy + c2) / ((mu_x**2 + mu_y**2 + c1) * (s_x + s_y + c2))
    return similar
