"""Error maps of estimates, all maps of one scene under one protocol in colours of one scale.

e[i, j] = sqrt(mean over bands of (estimate - reference)^2), in units of reflectance. The scale goes from 0 to `shared_limit`, and the
position on the colour map (magma) is sqrt(e / limit), so that errors that differ by a factor of a hundred are both visible; the colour bar
has the numbers.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from matplotlib import colormaps

from reports.scene.pictures import LONGEST, Cube, Preview, block_means

LIMIT_PERCENTILE = 99.0
COLOUR_MAP = "magma"

AnyCube = Float[np.ndarray, "_ _ _"]  # of any shape
ErrorMap = Float[np.ndarray, "H W"]


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


def shared_limit(maps: list[ErrorMap]) -> float:
    """The top of the colour scale for these maps: the 99th percentile of all their pixels; 1 where it is 0, or without maps."""
    limit = float(np.percentile(np.concatenate([each.ravel() for each in maps]), LIMIT_PERCENTILE)) if maps else 0.0
    return limit if limit > 0 else 1.0


def shrink_errors(errors: ErrorMap, longest: int = LONGEST) -> Float[np.ndarray, "h w"]:
    """The error map at the size of a preview: the root of the mean square over each block."""
    return np.asarray(np.sqrt(block_means(errors**2, longest)))


def colour_errors(errors: ErrorMap, limit: float, longest: int = LONGEST) -> Preview:
    """The error map in colours of the scale 0..limit; its longer side is at most `longest` pixels."""
    place = np.sqrt(np.clip(shrink_errors(errors, longest) / limit, 0, 1))
    return np.ascontiguousarray(colormaps[COLOUR_MAP](place, bytes=True)[..., :3])


def colour_bar(limit: float, ticks: int = 5) -> tuple[list[str], list[tuple[float, str]]]:
    """The legend of `colour_errors`: hex colours at equal steps, and (position in 0..1, error) of each tick."""
    stops = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in colormaps[COLOUR_MAP](np.linspace(0, 1, 24), bytes=True)[:, :3]]
    places = np.linspace(0, 1, ticks)
    return stops, [(float(place), f"{limit * place**2:.2g}") for place in places]


def _shape_text(cube: AnyCube) -> str:
    """The shape as bands x rows x columns."""
    return " x ".join(str(size) for size in cube.shape)
