"""Which pixels of an image count: the part that is kept, the mask of the scored pixels, and the opacity that some images carry."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.formats import read_stored_image
from datasets.input_files import own_errors
from datasets.reading_options import ReadingOptions
from datasets.scene import SceneError

_OPAQUE = (1, 255, 65535)  # besides the largest number of the samples' type


def kept_window(path: Path, crop: tuple[int, int, int, int] | None, rows: int, cols: int) -> tuple[slice, slice]:
    """The rows and columns that are kept.

    Raises:
        SceneError: the part does not lie in the image.
    """
    if crop is None:
        return slice(None), slice(None)
    row, col, height, width = crop
    if row + height > rows or col + width > cols:
        raise SceneError(
            f"{path}: expected a crop [row, col, rows, cols] inside {rows} x {cols} pixels, got {list(crop)}; choose one that lies inside"
        )
    return slice(row, row + height), slice(col, col + width)


def read_mask(path: Path, options: ReadingOptions, sides: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which pixels (rows, cols) of the image in `path` are scored: those at which the mask that the options name is above 0.

    Raises:
        SceneError: there is no such mask, it has another size than the image, or holds numbers that are not whole or below 0.
    """
    where = options.mask or ""
    file, variable = (Path(where), None) if Path(where).is_file() else (path, where)
    stored = read_stored_image(file, variable)
    with own_errors(file, SceneError, "an image of one band, 0 where a pixel is left out"):
        values = np.squeeze(stored.read())
    if values.ndim == 2 and options.crop is not None and values.shape != sides:
        values = values[kept_window(file, options.crop, *values.shape)]
    if values.shape != tuple(sides):
        raise SceneError(f"{file}: expected a mask of {sides[0]} x {sides[1]} pixels like the image, got shape {values.shape}")
    wrong = values[~(np.isfinite(values) & (values >= 0) & (values == np.rint(values)))]
    if wrong.size:
        raise SceneError(
            f"{file}: expected a mask of whole numbers, 0 where a pixel is left out and any number above 0 elsewhere, got {wrong.size} "
            f"pixels with others, such as {wrong[0]:g}; write such a mask"
        )
    return np.ascontiguousarray(values > 0)


def expect_opaque(path: Path, opacity: dict[int, NDArray[Any]], scored: NDArray[np.bool_] | None) -> None:
    """Nothing, where the pixels that are kept are opaque, or those that are not are left out of the scores.

    `opacity` has the samples (rows, cols) of each such channel by its number, from 0.

    Raises:
        SceneError: pixels are transparent.
    """
    for band, samples in opacity.items():
        full = (*_OPAQUE, np.iinfo(samples.dtype).max) if samples.dtype.kind in "iu" else _OPAQUE
        most = samples.max()
        transparent = samples < most if most in full else np.ones(samples.shape, dtype=bool)
        if scored is not None:
            transparent &= scored
        count = int(np.count_nonzero(transparent))
        if count:
            raise SceneError(
                f"{path}: expected opaque pixels, got {count} of {samples.size} that are transparent by the alpha channel (band "
                f"{band + 1}); leave them out with crop= or, in a scene, with mask=, or name that band in bands= if it is "
                "spectral"
            )
