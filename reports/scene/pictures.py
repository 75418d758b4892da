"""False colour and error maps of cubes, by fixed recipes, as the bytes of WebP files.

False colour: the bands nearest 640, 550 and 460 nm as red, green and blue; one gain for the reference and for every estimate, such that
the reference's 99.5th percentile (over these three bands) becomes 1; then clipped to 0..1 and raised to 1/2.2 for the display.

Error map: e[i, j] = sqrt(mean over bands of (estimate - reference)^2), in units of reflectance; every map of one scene under one
protocol is drawn on one scale from 0 to `shared_limit`, position on the colour map (magma) = sqrt(e / limit), so that errors a
hundred times apart are both seen; the colour bar carries the numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from math import inf

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib import colormaps
from PIL import Image

from datasets.cube_file import CubeFile

RGB_NM = (640.0, 550.0, 460.0)
GAIN_PERCENTILE = 99.5
GAMMA = 2.2
LIMIT_PERCENTILE = 99.0
COLOUR_MAP = "magma"
LONGEST = 256  # pixels, the longer side of a preview, unless told otherwise
SMALL = 128  # pixels: pictures up to this width keep every pixel, larger ones may lose a little
QUALITIES = (90, 80, 65, 50, 30, 15, 5, 0)  # of WebP; the first that is small enough

AnyCube = Float[np.ndarray, "_ _ _"]  # of whatever shape
Cube = Float[np.ndarray, "bands H W"]
Map = Float[np.ndarray, "H W"]
Rgb = UInt8[np.ndarray, "H W 3"]
Preview = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True)
class Recipe:
    """How the cubes of one scene become false colour: three bands (counted from 0), their centres in nm, and one gain."""

    bands: tuple[int, int, int]
    nm: tuple[float, float, float] | None  # None where the file names no wavelengths
    gain: float

    @property
    def text(self) -> str:
        """The recipe in words."""
        which = (
            " / ".join(f"{nm:.0f}" for nm in self.nm) + " nm" if self.nm else "bands " + " / ".join(str(band + 1) for band in self.bands)
        )
        return f"{which} as R / G / B, gain {self.gain:.3g}, gamma {GAMMA}"


def recipe_for(reference: CubeFile) -> Recipe:
    """The recipe that a scene's reference fixes for all its estimates; without wavelengths, bands at 5/6, 1/2 and 1/6 of the range."""
    bands = len(reference.cube)
    nm = reference.wavelengths_nm
    if nm is None:
        red, green, blue = (min(int(bands * share), bands - 1) for share in (5 / 6, 1 / 2, 1 / 6))
        centres = None
    else:
        red, green, blue = (int(np.abs(nm - wanted).argmin()) for wanted in RGB_NM)
        centres = (float(nm[red]), float(nm[green]), float(nm[blue]))
    bright = float(np.percentile(reference.cube[[red, green, blue]], GAIN_PERCENTILE))
    return Recipe((red, green, blue), centres, 1 / bright if bright > 0 else 1.0)


def false_colour(cube: Cube, recipe: Recipe, longest: int = LONGEST) -> Preview:
    """Three bands of `cube` for the display, as the recipe says; its longer side is at most `longest` pixels."""
    return display(np.stack([shrink(cube[band], longest) for band in recipe.bands]), recipe.gain)


def display(bands: Float[np.ndarray, "3 H W"], gain: float) -> Rgb:
    """(gain * value) ** (1 / GAMMA), clipped to 0..1, in 8 bits; NaN becomes black."""
    light = np.clip(np.nan_to_num(bands.astype(np.float64) * gain), 0, 1)
    return np.ascontiguousarray(np.rint(255 * light ** (1 / GAMMA)).astype(np.uint8).transpose(1, 2, 0))


def error_map(estimate: AnyCube, reference: Cube) -> Map:
    """Root mean square error of each pixel over the bands.

    Raises:
        ValueError: the two cubes differ in shape.
    """
    if estimate.shape != reference.shape:
        raise ValueError(f"expected an estimate of {_shape(reference)}, got {_shape(estimate)}; run the cell again")
    square = np.zeros(reference.shape[1:], dtype=np.float64)
    for ours, truth in zip(estimate, reference, strict=True):  # band by band: a band fits in the processor's cache
        square += (ours.astype(np.float64) - truth) ** 2
    return np.sqrt(square / len(reference))


def shared_limit(maps: list[Map]) -> float:
    """The top of the colour scale for these maps: the 99th percentile of all their pixels; 1 where that is 0 or there are none."""
    limit = float(np.percentile(np.concatenate([each.ravel() for each in maps]), LIMIT_PERCENTILE)) if maps else 0.0
    return limit if limit > 0 else 1.0


def shrink_errors(errors: Map, longest: int = LONGEST) -> Float[np.ndarray, "h w"]:
    """The error map at the size of a preview: squares are averaged, then rooted."""
    return np.asarray(np.sqrt(shrink(errors**2, longest)))


def colour_errors(errors: Map, limit: float, longest: int = LONGEST) -> Preview:
    """The error map in colour, on the scale 0..limit, its longer side at most `longest` pixels."""
    place = np.sqrt(np.clip(shrink_errors(errors, longest) / limit, 0, 1))
    return np.ascontiguousarray(colormaps[COLOUR_MAP](place, bytes=True)[..., :3])


def colour_bar(limit: float, ticks: int = 5) -> tuple[list[str], list[tuple[float, str]]]:
    """The legend of `colour_errors`: hex colours at equal steps, and (position in 0..1, error) of each tick."""
    stops = [f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in colormaps[COLOUR_MAP](np.linspace(0, 1, 24), bytes=True)[:, :3]]
    places = np.linspace(0, 1, ticks)
    return stops, [(float(place), f"{limit * place**2:.2g}") for place in places]


def shrink(image: Float[np.ndarray, "H W"], longest: int = LONGEST) -> Float[np.ndarray, "h w"]:
    """Mean over blocks of ceil(longer side / longest) pixels (the last ones may be smaller); as it is when small enough."""
    step = -(-max(image.shape) // longest)
    if step == 1:
        return image
    rows, cols = (np.arange(0, size, step) for size in image.shape)
    sums = np.add.reduceat(np.add.reduceat(image.astype(np.float64), rows, axis=0), cols, axis=1)
    heights, widths = (
        np.array([b - a for a, b in pairwise([*starts, size])]) for starts, size in zip((rows, cols), image.shape, strict=True)
    )
    return np.asarray(sums / np.outer(heights, widths))


def webp(picture: Preview, most: float = inf) -> bytes:
    """The picture as a WebP file of at most `most` bytes: every pixel kept up to `SMALL` pixels of width, else the best quality that fits.

    What fits in none is of the least quality.
    """
    content = b""
    for lossless, quality in ([(True, QUALITIES[0])] if picture.shape[1] <= SMALL else []) + [(False, each) for each in QUALITIES]:
        stream = BytesIO()
        Image.fromarray(picture).save(stream, format="WEBP", lossless=lossless, quality=quality)
        content = stream.getvalue()
        if len(content) <= most:
            break
    return content


def _shape(cube: AnyCube) -> str:
    """Bands x rows x cols."""
    return " x ".join(str(size) for size in cube.shape)
