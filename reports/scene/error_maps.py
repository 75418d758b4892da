"""Maps of errors and of spectral angles of estimates, all maps of one scene under one protocol in colours of one scale each.

error   e[i, j] = sqrt(mean over bands of (estimate - reference)^2), in units of reflectance
angle   between the spectra of estimate and reference at a pixel, in degrees; 0 where one of them is zero

A scale goes from 0 to `shared_limit`, and the position on the colour map is sqrt(e / limit), so that errors that differ by a factor of a
hundred are both visible. The limit is the median over the methods of the 99th percentile of each one's map (of angles the 95th; of an even
number of methods the geometric mean of the middle two), rounded up to a round number: one method that is far off does not make all other
maps uniform. What lies beyond is drawn in the last colour, and the share of such pixels is stated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import floor, log10

import numpy as np
from jaxtyping import Float
from matplotlib import colormaps

from reports.scene.pictures import LONGEST, Cube, Preview, block_means

LIMIT_PERCENTILE = 99.0
ANGLE_PERCENTILE = 95.0  # spectral angles have a long tail: dark pixels
COLOUR_MAP = "magma"
ANGLE_MAP = "cividis"
SHADES = 64  # of a map: more are not told apart, and take more bytes
_ROUND = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_APART = 0.13  # of the bar, between two ticks

AnyCube = Float[np.ndarray, "_ _ _"]  # of any shape
ErrorMap = Float[np.ndarray, "H W"]


@dataclass(frozen=True)
class ColourScale:
    """The legend of maps: where it ends, hex colours at equal steps, and (position in 0..1, value) of each tick."""

    limit: float
    stops: list[str]
    ticks: list[tuple[float, str]]


def error_map(estimate: AnyCube, reference: Cube) -> ErrorMap:
    """The root mean square error of each pixel over the bands.

    Raises:
        ValueError: the two cubes differ in shape.
    """
    if estimate.shape != reference.shape:
        raise ValueError(f"expected an estimate of {_shape_text(reference)}, got {_shape_text(estimate)}; run the cell again")
    square = np.zeros(reference.shape[1:], dtype=np.float64)
    for ours, truth in zip(estimate, reference, strict=True):  # band by band: one band fits into the cache of the processor
        square += (ours.astype(np.float64) - truth) ** 2
    return np.sqrt(square / len(reference))


def shared_limit(maps: Sequence[ErrorMap], percentile: float = LIMIT_PERCENTILE) -> float:
    """The end of the scale for these maps, one of each method: a round number; 1 where nothing differs from 0, or without maps."""
    ends = [float(np.percentile(each, percentile)) for each in maps]
    positive = [end for end in ends if end > 0]
    return round_up(float(np.exp(np.median(np.log(positive))))) if positive else 1.0


def round_up(value: float) -> float:
    """`value`, which is above 0, rounded up to 1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6 or 8 times a power of ten."""
    power = 10.0 ** floor(log10(value))
    digits = next(each for each in _ROUND if each * power >= value * (1 - 1e-9))
    return float(f"{digits * power:.3g}")


def clipped_share(errors: ErrorMap, limit: float) -> float:
    """The share of the pixels that lie beyond the end of the scale."""
    return float((errors > limit).mean())


def shrink_errors(errors: ErrorMap, longest: int = LONGEST) -> Float[np.ndarray, "h w"]:
    """The error map at the size of a preview: the root of the mean square over each block."""
    return np.asarray(np.sqrt(block_means(errors**2, longest)))


def colour_errors(errors: ErrorMap, limit: float, longest: int = LONGEST, colours: str = COLOUR_MAP) -> Preview:
    """The map in colours of the scale 0..limit, in `SHADES` steps; its longer side is at most `longest` pixels."""
    place = np.sqrt(np.clip(shrink_errors(errors, longest) / limit, 0, 1))
    step = np.rint(place * (SHADES - 1)) / (SHADES - 1)
    return np.ascontiguousarray(colormaps[colours](step, bytes=True)[..., :3])


def colour_scale(limit: float, colours: str = COLOUR_MAP) -> ColourScale:
    """The legend of `colour_errors`."""
    stops = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in colormaps[colours](np.linspace(0, 1, 24), bytes=True)[:, :3]]
    return ColourScale(limit, stops, [((value / limit) ** 0.5, f"{value:g}") for value in round_ticks(limit)])


def round_ticks(limit: float) -> list[float]:
    """The values of the ticks of a scale that is stretched by a square root: 0, the limit, and between them 1, 2 or 5 by powers of ten."""
    power = floor(log10(limit))
    marks = [float(f"{base}e{exponent}") for exponent in range(power, power - 3, -1) for base in (5, 2, 1)]
    kept = [limit]
    for mark in marks:
        if mark < limit and all(abs((mark / limit) ** 0.5 - (other / limit) ** 0.5) >= _APART for other in (*kept, 0.0)):
            kept.append(mark)
    return sorted([0.0, *kept])


def _shape_text(cube: AnyCube) -> str:
    """The shape as bands x rows x columns."""
    return " x ".join(str(size) for size in cube.shape)
