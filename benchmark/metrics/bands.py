"""What the metrics share: cubes are read band by band, so that a band in float64 stays in the cache whatever the size of the cube.

A band that is constant in the reference (all pixels have one value, such as the 0 of a dead band) carries no signal to reconstruct. A
method may give it exactly or nearly so, and its 100 dB would decide a mean over bands. Such bands are left out of the means over bands,
and counted. A band counts as constant where its values differ by no more than `SIGNAL` of the largest value of the cube:

    max - min  <=  SIGNAL * max over the cube of |value|
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Bool, Float, Float64
from numpy.typing import NDArray

from benchmark.metrics.scored_pixels import at_scored

SIGNAL = 1e-6
"""Range of a band, over the largest value of its cube, up to which the band counts as constant: some roundings of float32, and a fifteenth
of a step of a 16-bit file.
"""

FLAT = 1e-13
"""Variance over mean square up to which a window counts as flat: 3e-7 of its level, about the rounding of float32.

Below it the variance left in float64 is mostly rounding, and a quotient of two such numbers would be noise without bound.
"""


def band_pairs(
    reference: Float[np.ndarray, "bands H W"], estimate: Float[np.ndarray, "bands H W"]
) -> Iterator[tuple[Float64[NDArray[np.float64], "H W"], Float64[NDArray[np.float64], "H W"]]]:
    """Each band of both cubes, contiguous in float64: (reference, estimate). It may be a view of a cube, so it must not be written to."""
    for true, guess in zip(reference, estimate, strict=True):
        yield np.ascontiguousarray(true, dtype=np.float64), np.ascontiguousarray(guess, dtype=np.float64)


def live_numbers(reference: Float[np.ndarray, "bands H W"], mask: Bool[NDArray[np.bool_], "H W"] | None = None) -> list[int]:
    """The numbers of the bands that carry signal in the reference, at the pixels that `mask` marks, or at all."""
    return [int(number) for number in np.flatnonzero(live_bands(at_scored(reference, mask)))]


def live_bands(cube: Float[np.ndarray, "bands H W"]) -> Bool[NDArray[np.bool_], " bands"]:
    """Whether each band carries signal."""
    floor = signal_floor(cube)
    return np.array([has_signal(band, floor) for band in cube], dtype=bool)


def bands_left_out(reference: Float[np.ndarray, "bands H W"]) -> int:
    """The number of bands that carry no signal in the reference, which the means over bands leave out."""
    return int(np.count_nonzero(~live_bands(reference)))


def has_signal(band: Float[np.ndarray, "H W"], floor: float = 0.0) -> bool:
    """Whether the values of a band differ by more than `floor`. The first row is looked at first, as it nearly always decides."""
    return bool(float(np.ptp(band[0])) > floor or float(np.ptp(band)) > floor)


def signal_floor(cube: Float[np.ndarray, "bands H W"]) -> float:
    """What the values of a band of this cube may differ by and still count as one value."""
    return SIGNAL * max((max(abs(float(band.min())), abs(float(band.max()))) for band in cube), default=0.0)


def mean_of_bands(values: Sequence[float]) -> float:
    """The mean over the bands that count, from one value per band; NaN where no band counts."""
    return float(np.mean(values)) if values else float("nan")


def quotient_or_one(
    numerator: Float64[NDArray[np.float64], "*shape"],
    denominator: Float64[NDArray[np.float64], "*shape"],
    negligible: Float64[NDArray[np.float64], "*shape"] | float = 0.0,
) -> Float64[NDArray[np.float64], "*shape"]:
    """numerator / denominator, and 1 where the denominator is not above `negligible` (the limit for two equal images)."""
    nothing = denominator <= negligible
    if nothing.any():
        numerator, denominator = np.where(nothing, 1.0, numerator), np.where(nothing, 1.0, denominator)
    return numerator / denominator
