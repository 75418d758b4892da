"""Band by band: what the metrics share, so that a band in float64 stays near the processor whatever the size of the cube."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Float64
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
