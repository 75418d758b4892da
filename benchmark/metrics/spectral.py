"""Metrics of the spectra: the spectral angle (SAM) and the relative error of each band (ERGAS).

SAM. Kruse et al., Remote Sensing of Environment 44, 1993. With u and v the unit vectors along the two spectra of a pixel,

    angle = 2 atan2(|u - v|, |u + v|)        mean over pixels, in degrees

This is the angle arccos <u, v>, but near 0 it does not lose its digits. With the spectra x and y themselves, d = |y| x - |x| y is |x| |y|
times as long as u - v, and by the law of the parallelogram |u - v|^2 + |u + v|^2 = 4, so that up to 90 degrees

    angle = 2 atan2(|d|, sqrt(4 |x|^2 |y|^2 - |d|^2))        beyond, |y| x + |x| y is taken for the second argument

A pixel whose reference spectrum is zero has no angle: it is left
out, and counted. Where only the estimate is zero, v = 0 and the formula gives 90 degrees.

ERGAS. Wald, Fusion of Earth Data, 2000. With ratio = fine pixels per coarse pixel along an axis, and m_b the mean of the reference,

    ergas = 100 / ratio * sqrt(mean over b of mse_b / m_b^2)

An error relative to a mean of zero says nothing. So a band is left out, and counted, where its reference is zero, or where its values
cancel to |m_b| <= 1e-6 of their root mean square, as such a mean is mere rounding. A constant band of another level has a mean.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Bool, Float, Float64
from numpy.typing import NDArray

from benchmark.metrics.band_statistics import BandStatistics, band_statistics

NO_MEAN = 1e-6  # of the root mean square: up to that a mean counts as zero; float32 rounds values by 6e-8
_VALUES_PER_BLOCK = 2**15  # of one cube: 256 KiB of float64, so that the four arrays of a block stay in the cache


def sam(reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"]) -> float:
    """Mean spectral angle in degrees, 0..180: the mean over pixels of 2 atan2(|u - v|, |u + v|).

    NaN where every reference spectrum is zero.
    """
    bands, rows, cols = reference.shape
    step = max(1, _VALUES_PER_BLOCK // (bands * cols))
    total, counted = 0.0, 0
    for top in range(0, rows, step):
        block = slice(top, top + step)
        angles, counts = _angles(reference[:, block].reshape(bands, -1), estimate[:, block].reshape(bands, -1))
        total += float(angles[counts].sum())
        counted += int(np.count_nonzero(counts))
    return float(np.degrees(total / counted)) if counted else float("nan")


def sam_pixels_left_out(reference: Float[np.ndarray, "bands H W"]) -> int:
    """The number of pixels whose reference spectrum is zero in every band, which `sam` leaves out."""
    lit: Bool[NDArray[np.bool_], "H W"] = np.zeros(reference.shape[1:], dtype=bool)
    for band in reference:
        lit |= band != 0
    return int(lit.size - np.count_nonzero(lit))


def ergas(
    reference: Float[np.ndarray, "bands H W"],
    estimate: Float[np.ndarray, "bands H W"],
    ratio: int,
    known: BandStatistics | None = None,
) -> float:
    """Relative global error of synthesis, without unit: 100 / ratio * sqrt(mean over b of mse_b / m_b^2).

    The mean is over the bands whose reference has a mean; NaN where none has. `known` are the statistics of this pair, where they are at
    hand.
    """
    bands = known or band_statistics(reference, estimate)
    counts = _has_mean(bands)
    return 100 / ratio * math.sqrt(float(np.mean(bands.mse[counts] / bands.mean[counts] ** 2))) if counts.any() else float("nan")


def ergas_bands_left_out(reference: Float[np.ndarray, "bands H W"], known: BandStatistics | None = None) -> int:
    """The number of bands whose reference has no mean, which `ergas` leaves out."""
    return int(np.count_nonzero(~_has_mean(known or band_statistics(reference, reference))))


def _has_mean(bands: BandStatistics) -> Bool[NDArray[np.bool_], " bands"]:
    """Whether each band has a mean: not where it counts as zero beside the band's values, or where all of these are at most `floor`."""
    nothing = (bands.power <= bands.floor**2) & (bands.peak <= bands.floor)
    means: Bool[NDArray[np.bool_], " bands"] = ~nothing & (np.abs(bands.mean) > NO_MEAN * np.sqrt(bands.power))
    return means


def _angles(
    reference: Float[np.ndarray, "bands pixels"], estimate: Float[np.ndarray, "bands pixels"]
) -> tuple[Float64[NDArray[np.float64], " pixels"], Bool[NDArray[np.bool_], " pixels"]]:
    """The angle at each pixel in radians, and whether the pixel counts."""
    x, y = reference.astype(np.float64), estimate.astype(np.float64)
    square_x, square_y = _square(x), _square(y)
    both = square_x * square_y
    x *= np.sqrt(square_y)
    y *= np.sqrt(square_x)
    apart = _square(x - y)
    together = 4 * both - apart
    obtuse = apart > 2 * both
    together[obtuse] = _square(x[:, obtuse] + y[:, obtuse])
    angles = 2 * np.arctan2(np.sqrt(apart), np.sqrt(together))
    angles[square_y == 0] = np.pi / 2
    return angles, square_x > 0


def _square(spectra: Float64[NDArray[np.float64], "bands pixels"]) -> Float64[NDArray[np.float64], " pixels"]:
    """The squared Euclidean length of each spectrum."""
    squares: NDArray[np.float64] = np.einsum("bp,bp->p", spectra, spectra)
    return squares
