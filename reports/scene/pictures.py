"""False-colour pictures of cubes, made the same way for the reference and for every estimate, as bytes of WebP files.

`reports.scene.display_channels` chooses the bands that become red, green and blue. One gain serves the reference and all its estimates: it
lifts the 99.5th percentile of the reference (over these three bands) to 1. Values are then clipped to 0..1 and raised to 1/2.2 for the
display.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from math import inf
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from datasets.cube_file import CubeFile
from reports.scene.display_channels import DisplayChannels, display_channels

GAIN_PERCENTILE = 99.5
GAMMA = 2.2
LONGEST = 256  # pixels: the longer side of a preview, unless the caller wants another
LOSSLESS_WIDTH = 128  # pixels: pictures up to this width keep every pixel, wider ones may lose a little
QUALITIES = (90, 80, 65, 50, 30, 15, 5, 0)  # of WebP; the first one is used that makes the file small enough

Cube = Float[np.ndarray, "bands H W"]
Rgb = UInt8[np.ndarray, "H W 3"]
Preview = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True)
class ColourRecipe:
    """How the cubes of one scene become a picture: three bands, and one gain."""

    channels: DisplayChannels
    gain: float

    @property
    def bands(self) -> tuple[int, int, int]:
        """The bands, counted from 0."""
        return self.channels.places

    @property
    def text(self) -> str:
        """The recipe in words: "red, green, blue: bands 25, 16, 7 at 640, 550, 460 nm; gain 1.2, gamma 2.2"."""
        return f"{self.channels.text}; gain {self.gain:.3g}, gamma {GAMMA}"


def colour_recipe(reference: CubeFile, bands: tuple[int, int, int] | None = None) -> ColourRecipe:
    """The recipe for a scene, from its reference; with these bands (counted from 0) as red, green and blue, where they are given."""
    nm = reference.wavelengths_nm
    centres = None if nm is None else [float(value) for value in nm]
    if bands is None:
        channels = display_channels(len(reference.cube), centres, "band")
    else:
        at = None if centres is None else (centres[bands[0]], centres[bands[1]], centres[bands[2]])
        channels = DisplayChannels(bands, at, as_seen=False, noun="band")
    return ColourRecipe(channels, fitting_gain(channels.of(reference.cube)))


def fitting_gain(bands: Float[np.ndarray, "3 H W"]) -> float:
    """The gain that lifts the `GAIN_PERCENTILE` of these bands to 1; 1 where that is no gain."""
    bright = float(np.percentile(bands, GAIN_PERCENTILE))
    return 1 / bright if bright > 0 else 1.0


def false_colour(cube: Cube, recipe: ColourRecipe, longest: int = LONGEST) -> Preview:
    """The three bands of `cube` in the recipe as a picture; its longer side is at most `longest` pixels."""
    return displayed(np.stack([block_means(cube[band], longest) for band in recipe.bands]), recipe.gain)


def displayed(bands: Float[np.ndarray, "3 H W"], gain: float) -> Rgb:
    """(gain * value) ** (1 / GAMMA), clipped to 0..1, in 8 bits; NaN becomes black."""
    light = np.clip(np.nan_to_num(bands.astype(np.float64) * gain), 0, 1)
    return np.ascontiguousarray(np.rint(255 * light ** (1 / GAMMA)).astype(np.uint8).transpose(1, 2, 0))


def block_means(image: Float[np.ndarray, "H W"], longest: int = LONGEST) -> Float[np.ndarray, "h w"]:
    """The means over blocks of ceil(longer side / longest) pixels (the last ones may be smaller); a small image stays as it is."""
    step = -(-max(image.shape) // longest)
    if step == 1:
        return image
    rows, cols = (np.arange(0, size, step) for size in image.shape)
    sums = np.add.reduceat(np.add.reduceat(image.astype(np.float64), rows, axis=0), cols, axis=1)
    heights, widths = (
        np.array([b - a for a, b in pairwise([*starts, size])]) for starts, size in zip((rows, cols), image.shape, strict=True)
    )
    return np.asarray(sums / np.outer(heights, widths))


def write_preview(cube: Cube, recipe: ColourRecipe, file: Path) -> Path:
    """The file to which the picture of a cube is written, as PNG."""
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(false_colour(cube, recipe, 2 * LONGEST)).save(file, format="PNG")
    return file


def webp_bytes(picture: Preview, most: float = inf) -> bytes:
    """The picture as a WebP file of at most `most` bytes: without loss up to `LOSSLESS_WIDTH` pixels of width, else in the best quality.

    Where no quality makes the file small enough, it has the lowest one.
    """
    content = b""
    lossless_first = [(True, QUALITIES[0])] if picture.shape[1] <= LOSSLESS_WIDTH else []
    for lossless, quality in [*lossless_first, *((False, each) for each in QUALITIES)]:
        stream = BytesIO()
        Image.fromarray(picture).save(stream, format="WEBP", lossless=lossless, quality=quality)
        content = stream.getvalue()
        if len(content) <= most:
            break
    return content
