"""Whether the values of an image are brightnesses in 0..1: raw counts in floating point are told from reflectance here.

Scores take 1 as the largest brightness. Counts of 0..10000 that a program stored as floating-point numbers state no scale, and would be
scored against that 1. Measured reflectance may exceed 1 (glint, bright roofs: real sensors reach 2.3), but not in half of its pixels. So,
unless the user has said `scale=`,

    refused     the median of the values above 0 exceeds 1, or the largest exceeds 10, or the least lies below -10
    remarked    the largest lies between 1 and 10, or below 0.01; a scale that the user gives leaves values above 1; or the least stored
                sample is one that often means "no data" and was not said to; or pixels hold the least or the largest stored sample in
                all bands at once (`remarks_on_fill`)
"""

from __future__ import annotations

from math import gcd
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.float_values import Numbers
from datasets.scene import SceneError
from datasets.stored_image import option

LARGEST_MEDIAN, LARGEST_BRIGHTNESS = 1.0, 10.0
_DARK = 0.01  # no exposure leaves the brightest pixel so dark
_SAMPLE = 2**22  # values of which the median is taken; of larger images every n-th value is
_OFTEN = 0.01  # of the pixels: so many are not equal by chance in all bands
_OFTEN_NO_DATA = (-9999.0, -999.0, -99999.0, -32768.0)


def expect_brightness(path: Path, cube: NDArray[np.float32], *, stated: bool) -> tuple[str, ...]:
    """Remarks on the values (bands, rows, cols) of an image of which the user gave no scale; `stated` says that the file gave one.

    Raises:
        SceneError: they are no brightnesses in 0..1.
    """
    least, largest = float(cube.min()), float(cube.max())
    if 0 < largest < _DARK and least >= -LARGEST_BRIGHTNESS:
        return (f"the largest value is {largest:.2g}: is the scale right?",)
    if largest <= LARGEST_MEDIAN and least >= -LARGEST_BRIGHTNESS:
        return ()
    middle = _median_above_zero(cube)
    if middle > LARGEST_MEDIAN or largest > LARGEST_BRIGHTNESS or least < -LARGEST_BRIGHTNESS:
        got = f"values from {least:.4g} to {largest:.4g}, the median of those above 0 {middle:.4g}"
        if stated:
            raise SceneError(
                f"{path}: expected values of 0..1 by the scale that the file states, got {got}: counts or physical units such as "
                f"radiance; give the stated scale again with {option('scale')} to take them as they are, or store value / largest "
                "possible value"
            )
        raise SceneError(
            f"{path}: expected a scale for floating-point samples that are no reflectance (value = stored / scale), got {got}, and none in "
            f"the file; give the sensor's own constant with {option('scale')}, such as 65535 or 10000, never the image's maximum, or "
            f"scale=1 to take them as they are; a value that marks missing pixels is said by {option('nodata')}"
        )
    if largest > LARGEST_MEDIAN:
        return (f"values up to {largest:.3g} exceed 1 and are kept",)
    return ()


def remarks_on_scale(largest: float, scale: float, kind: str) -> tuple[str, ...]:
    """A remark where the user's scale hardly fits the values, of which `largest` is the largest; `kind` is that of the samples."""
    if kind == "f" and scale > 1 and 0 < largest * scale <= LARGEST_MEDIAN:
        return (f"scale={scale:g} divides floating-point samples of at most {largest * scale:.3g}, which needed no scale",)
    if largest > LARGEST_MEDIAN:
        return (f"values up to {largest:.4g} exceed 1 and are kept, as scale={scale:g} says",)
    if kind in "iu" and 0 < largest < _DARK:
        return (f"the largest value is {largest:.2g}, as scale={scale:g} says: is that the sensor's constant?",)
    return ()


def remarks_on_marks(stored_least: float, marks: tuple[float, ...]) -> tuple[str, ...]:
    """A remark where the least stored sample is one that often marks missing pixels, and nothing said that it does."""
    if stored_least in _OFTEN_NO_DATA and stored_least not in marks:
        return (f"the least stored sample is {stored_least:g}, which often means missing: give {option('nodata')} if it does",)
    return ()


def remarks_on_fill(stored: NDArray[Any], scale: Numbers | None) -> tuple[str, ...]:
    """A remark where the least or the largest of the stored samples (bands, rows, cols) looks like one that marks missing pixels.

    It fills a pixel in all bands at once, and more than 1 % of the pixels; or it is an end of the samples' type that no brightness reaches.
    """
    least, largest = stored.min(), stored.max()
    if len(stored) < 2 or least == largest:
        return ()
    ends = (np.iinfo(stored.dtype).min, np.iinfo(stored.dtype).max) if stored.dtype.kind in "iu" else ()
    said = []
    for extreme in (least, largest):
        if float(extreme) in _OFTEN_NO_DATA:
            continue  # said by remarks_on_marks
        filled = stored[0] == extreme
        for band in stored[1:]:
            if not filled.any():
                break
            filled &= band == extreme
        share = float(filled.mean())
        beyond = extreme in ends and abs(float(extreme)) > LARGEST_MEDIAN * float(np.max(1.0 if scale is None else scale))
        if share > _OFTEN or (share and beyond):
            said.append(
                f"{float(extreme):.10g} at {share:.2%} of the pixels in all bands looks like a fill value; give "
                f"nodata={float(extreme):.10g} (in fuse --hsi-nodata or --msi-nodata) if it is"
            )
    return tuple(said)


def _median_above_zero(cube: NDArray[np.float32]) -> float:
    step = -(-cube.size // _SAMPLE)
    while step > 1 and gcd(step, cube.shape[2]) > 1:  # else some columns alone would be looked at
        step += 1
    part = cube.reshape(-1)[::step]
    positive = part[part > 0]
    return float(np.median(positive)) if positive.size else 0.0
