"""Metrics of the spectra: the spectral angle (SAM) and the relative error of each band (ERGAS).

SAM. Kruse et al., Remote Sensing of Environment 44, 1993. With u and v the unit vectors along the two spectra of a pixel,

    angle = 2 atan2(|u - v|, |u + v|)        mean over pixels, in degrees

This is the angle arccos <u, v>, but near 0 it does not lose its digits. A pixel whose reference spectrum is zero has no angle: it is left
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

from benchmark.metrics.bands import band_pairs, mean_of_bands, signal_floor

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


def ergas(reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"], ratio: int) -> float:
    """Relative global error of synthesis, without unit: 100 / ratio * sqrt(mean over b of mse_b / m_b^2).

    The mean is over the bands whose reference has a mean; NaN where none has.
    """
    floor = signal_floor(reference)
    relative = [
        float(np.mean((guess - true) ** 2)) / mean**2
        for true, guess in band_pairs(reference, estimate)
        if (mean := _mean_of(true, floor)) is not None
    ]
    return 100 / ratio * math.sqrt(mean_of_bands(relative)) if relative else float("nan")


def ergas_bands_left_out(reference: Float[np.ndarray, "bands H W"]) -> int:
    """The number of bands whose reference has no mean, which `ergas` leaves out."""
    floor = signal_floor(reference)
    return sum(_mean_of(np.ascontiguousarray(band, dtype=np.float64), floor) is None for band in reference)


def _mean_of(band: Float64[NDArray[np.float64], "H W"], floor: float) -> float | None:
    """The mean of the band; None where it counts as zero beside the band's values, or where all its values are at most `floor`."""
    values = band.ravel()
    mean = float(values.mean())
    power = float(values @ values) / values.size
    if power <= floor**2 and float(np.abs(values).max()) <= floor:
        return None
    return mean if abs(mean) > NO_MEAN * math.sqrt(power) else None


def _angles(
    reference: Float[np.ndarray, "bands pixels"], estimate: Float[np.ndarray, "bands pixels"]
) -> tuple[Float64[NDArray[np.float64], " pixels"], Bool[NDArray[np.bool_], " pixels"]]:
    """The angle at each pixel in radians, and whether the pixel counts."""
    u, counts = _unit(reference)
    v, _ = _unit(estimate)
    difference = u - v
    u += v
    return 2 * np.arctan2(_norm(difference), _norm(u)), counts


def _unit(
    spectra: Float[np.ndarray, "bands pixels"],
) -> tuple[Float64[NDArray[np.float64], "bands pixels"], Bool[NDArray[np.bool_], " pixels"]]:
    """The spectra scaled to length 1 (zero ones stay zero), and whether each is not zero."""
    spectra = spectra.astype(np.float64)
    length = _norm(spectra)
    lit = length > 0
    return spectra / np.where(lit, length, 1.0), lit


def _norm(spectra: Float64[NDArray[np.float64], "bands pixels"]) -> Float64[NDArray[np.float64], " pixels"]:
    """The Euclidean length of each spectrum."""
    length: NDArray[np.float64] = np.sqrt(np.einsum("bp,bp->p", spectra, spectra))
    return length
