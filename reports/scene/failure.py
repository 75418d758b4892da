"""Where an estimate fails: its error by wavelength, by distance to the border, and by brightness of the truth.

The error over a class c of values (a band, a ring of pixels, the pixels of one brightness) is

    rmse(c) = sqrt(sum over c of (estimate - truth)^2 / number of values in c)

Border: the number of pixels between a pixel and the nearest edge of the image, 0 at the edge itself.
Brightness: the mean of the truth over bands; pixels with a band at or above `SATURATED` form a separate class, whatever their mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

SATURATED = 0.99
DARK = 0.02
BORDERS = (0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)  # pixels: the first distance of each ring
BRIGHTNESS = (0.0, 0.005, 0.01, DARK, 0.05, 0.1, 0.2, 0.4)  # the lowest mean of each class; the saturated class follows

MANY_DARK = 0.1  # the share of dark pixels from which a mean over all pixels of the spectral angle is mostly theirs

Cube = Float[np.ndarray, "bands H W"]
Classes = Int[np.ndarray, "H W"]


@dataclass(frozen=True, eq=False)
class ClassErrors:
    """For each class the sum of squared errors and the number of values; those of several scenes can be added."""

    square: Float[np.ndarray, " classes"]
    values: Int[np.ndarray, " classes"]

    def __add__(self, other: ClassErrors) -> ClassErrors:
        """The errors over the values of both."""
        return ClassErrors(self.square + other.square, self.values + other.values)

    @property
    def rmse(self) -> list[float | None]:
        """The root mean square error of each class; None where the class is empty."""
        return [float(s / n) ** 0.5 if n else None for s, n in zip(self.square, self.values, strict=True)]


NO_BANDS = ClassErrors(np.zeros(0), np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class Failure:
    """The error of one estimate, or of several added up, by three kinds of classes."""

    wavelength: ClassErrors
    border: ClassErrors
    brightness: ClassErrors

    def __add__(self, other: Failure) -> Failure:
        """The errors over the scenes of both, with every value counted once; without errors by band where the numbers of bands differ."""
        same = len(self.wavelength.square) == len(other.wavelength.square)
        wavelength = self.wavelength + other.wavelength if same else NO_BANDS
        return Failure(wavelength, self.border + other.border, self.brightness + other.brightness)


@dataclass(frozen=True, eq=False)
class PixelClasses:
    """The class of each pixel of a scene."""

    border: Classes
    brightness: Classes

    @property
    def shares(self) -> Float[np.ndarray, " classes"]:
        """The share of the pixels in each class of brightness."""
        return np.bincount(self.brightness.ravel(), minlength=len(BRIGHTNESS) + 1) / self.brightness.size


def pixel_classes(truth: Cube) -> PixelClasses:
    """The class of each pixel of this truth."""
    rows, cols = truth.shape[1:]
    down, across = (np.minimum(np.arange(size), np.arange(size)[::-1]) for size in (rows, cols))
    border = np.searchsorted(BORDERS, np.minimum(down[:, None], across[None, :]), side="right") - 1
    brightness = np.searchsorted(BRIGHTNESS, truth.mean(axis=0, dtype=np.float64), side="right") - 1
    brightness = np.where(truth.max(axis=0) >= SATURATED, len(BRIGHTNESS), np.maximum(brightness, 0))
    return PixelClasses(border, brightness)


def measure_failure(band_squares: Float[np.ndarray, " bands"], pixel_squares: Float[np.ndarray, "H W"], classes: PixelClasses) -> Failure:
    """The errors by class, from the sums of squared errors of each band (over pixels) and of each pixel (over bands)."""
    bands, pixels = len(band_squares), pixel_squares.size

    def gather(pixels_of: Classes, number: int) -> ClassErrors:
        numbers = pixels_of.ravel()
        return ClassErrors(np.bincount(numbers, pixel_squares.ravel(), number), np.bincount(numbers, minlength=number) * bands)

    wavelength = ClassErrors(band_squares, np.full(bands, pixels))
    return Failure(wavelength, gather(classes.border, len(BORDERS)), gather(classes.brightness, len(BRIGHTNESS) + 1))


def border_labels() -> list[str]:
    """The name of each ring: its first distance."""
    return [str(low) for low in BORDERS]


def brightness_labels() -> list[str]:
    """The name of each class of brightness: its lowest mean in percent; the saturated class is the last."""
    return [f"{100 * low:g}" for low in BRIGHTNESS] + ["sat."]


def darkness_note(shares: Sequence[float]) -> str:
    """A sentence on a scene of whose pixels many are dark, from the shares of the classes of brightness; nothing where few are."""
    dark = sum(shares[: BRIGHTNESS.index(DARK)])
    if dark < MANY_DARK:
        return ""
    return (
        f"{100 * dark:.0f} % of the pixels are nearly black (mean over the bands below {DARK}): there a small error turns the spectrum "
        "by a large angle, so that the mean angle (SAM) says little about the other pixels."
    )
