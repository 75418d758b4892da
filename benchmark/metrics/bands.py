"""Band by band: what the metrics share, so that a band in float64 stays near the processor whatever the size of the cube.

A band whose pixels in the reference all hold one value (a dead band, which holds 0, included) carries no signal to reconstruct. A method
may meet it to the last bit, or nearly so, and its 100 dB would decide a mean over bands. Such bands are left out of the means over bands,
and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float, Float64
from numpy.typing import NDArray

FLAT = 1e-13
"""Variance over mean square up to which a window counts as flat: 3e-7 of its level, about the rounding of float32.

Below it the variance left in float64 is mostly rounding, and a quotient of two such numbers would be noise without bound.
"""


def band_pairs(
    reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"]
) -> Iterator[tuple[Float64[NDArray[np.float64], "H W"], Float64[NDArray[np.float64], "H W"]]]:
    """Each band of both cubes, contiguous in float64: (reference, estimate). They may be views of the cubes: read only."""
    for true, guess in zip(reference, estimate, strict=True):
        yield np.ascontiguousarray(true, dtype=np.float64), np.ascontiguousarray(guess, dtype=np.float64)


def live_pairs(
    reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"]
) -> Iterator[tuple[Float64[NDArray[np.float64], "H W"], Float64[NDArray[np.float64], "H W"]]]:
    """As `band_pairs`, of the bands that carry signal in the reference alone."""
    for true, guess in zip(reference, estimate, strict=True):
        if has_signal(true):
            yield np.ascontiguousarray(true, dtype=np.float64), np.ascontiguousarray(guess, dtype=np.float64)


def live_bands(cube: Float[np.ndarray, "bands H W"]) -> Bool[NDArray[np.bool_], " bands"]:
    """Whether each band carries signal."""
    return np.array([has_signal(band) for band in cube], dtype=bool)


def bands_left_out(reference: Float[np.ndarray, "bands H W"]) -> int:
    """Number of bands that carry no signal in the reference, which the means over bands leave out."""
    return int(np.count_nonzero(~live_bands(reference)))


def has_signal(band: Float[np.ndarray, "H W"]) -> bool:
    """Whether the pixels of a band differ at all. The first row nearly always tells, so that no pass over the band is spent on it."""
    first = band[0, 0]
    return bool((band[0] != first).any() or (band != first).any())


def mean_of_bands(values: Sequence[float]) -> float:
    """The mean of one value per band that counts; NaN where none does."""
    return float(np.mean(values)) if values else float("nan")


def local_moments(x: Float64[NDArray[np.float64], "H W"], y: Float64[NDArray[np.float64], "H W"]) -> Float64[NDArray[np.float64], "4 H W"]:
    """The four images whose window sums give all local statistics of a pair: x, y, x^2 + y^2, x y."""
    moments = np.empty((4, *x.shape))
    moments[0], moments[1] = x, y
    np.multiply(x, x, out=moments[2])
    np.multiply(y, y, out=moments[3])
    moments[2] += moments[3]
    np.multiply(x, y, out=moments[3])
    return moments


def quotient_or_one(
    numerator: Float64[NDArray[np.float64], "*shape"],
    denominator: Float64[NDArray[np.float64], "*shape"],
    negligible: Float64[NDArray[np.float64], "*shape"] | float = 0.0,
) -> Float64[NDArray[np.float64], "*shape"]:
    """numerator / denominator, and 1 where the denominator is not above `negligible`: the limit of two equal images."""
    nothing = denominator <= negligible
    if nothing.any():
        numerator, denominator = np.where(nothing, 1.0, numerator), np.where(nothing, 1.0, denominator)
    return numerator / denominator
