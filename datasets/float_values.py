"""Stored samples as values in float32: value = stored / scale + offset, in blocks, and nothing that float32 cannot hold.

Scale and offset are one number, or one per band. The largest float32 is 3.4e38, and below 1.2e-38 it loses digits. A scale outside of
these, or values that overflow or all vanish, would give Inf or zeros without a word; they are refused, with the band. Needs no torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.input_files import InputFileError

_FILL = 1e30  # no brightness is so large: a no-data value beyond it is a fill value
_BLOCK = 4 * 2**20  # samples that are converted at a time
LARGEST_VALUE, SMALLEST_VALUE = float(np.finfo(np.float32).max), float(np.finfo(np.float32).tiny)
Numbers = float | NDArray[np.float64]  # one number, or one per band


@dataclass(frozen=True)
class MissingValues:
    """Which stored samples mean "nothing was measured here"."""

    marks: tuple[float, ...] = ()  # stored values
    valid: tuple[float, float] | None = None  # the least and the largest stored value that was measured

    def count(self, stored: NDArray[Any]) -> int:
        """How many of these samples they are."""
        if not self.marks and self.valid is None:
            return 0
        found = np.zeros(stored.shape, dtype=bool)
        for mark in self.marks:
            found |= stored == mark
            if stored.dtype.kind == "f" and abs(mark) > _FILL:  # texts round the largest float32
                found |= np.sign(mark) * stored >= abs(mark) * (1 - 1e-5)
        if self.valid is not None:
            found |= (stored < self.valid[0]) | (stored > self.valid[1])
        return int(np.count_nonzero(found))


def expect_scale(path: Path, scale: Numbers, offset: Numbers, error: type[InputFileError]) -> None:
    """Nothing, where float32 can hold a scale and an offset, or those of each band.

    Raises:
        InputFileError: `error`, where a scale is not above 0, or one of the numbers is not finite or beyond float32.
    """
    for one in np.atleast_1d(np.asarray(scale, dtype=np.float64)):
        if not (np.isfinite(one) and one > 0):
            raise error(f"{path}: expected a scale above 0, got {one}; give the sensor's own constant with scale=")
        if not (SMALLEST_VALUE <= one <= LARGEST_VALUE):
            raise error(
                f"{path}: expected a scale that float32 can hold ({SMALLEST_VALUE:.1e} to {LARGEST_VALUE:.1e}), got {one}; is it right?"
            )
    for one in np.atleast_1d(np.asarray(offset, dtype=np.float64)):
        if not (np.isfinite(one) and abs(one) <= LARGEST_VALUE):
            raise error(f"{path}: expected an offset that float32 can hold, got {one}; correct it in the file")


def to_values(
    path: Path,
    stored: NDArray[Any],
    scale: Numbers | None,
    offset: Numbers,
    missing: MissingValues,
    error: type[InputFileError],
) -> NDArray[np.float32]:
    """The values (bands, rows, cols) of stored samples, which must be finite and not missing; scale and offset may be one per band.

    Raises:
        InputFileError: `error`, with the number of NaN, Inf and no-data values, or with the band that float32 cannot hold.
    """
    if scale is not None or np.any(offset):
        expect_scale(path, 1.0 if scale is None else scale, offset, error)
    cube = np.empty(stored.shape, np.float32)
    finite, ignored = True, 0
    precise = bool(np.any(offset)) and stored.dtype.itemsize > 2  # the sum may cancel digits that float32 does not hold
    with np.errstate(all="ignore"):
        for part in _blocks(stored):
            block = stored[part].astype(np.float64) if precise else cube[part]
            if not precise:
                np.copyto(block, stored[part], casting="unsafe")
            if scale is not None:
                block /= _of_block(scale, part, block.dtype)
            if np.any(offset):
                block += _of_block(offset, part, block.dtype)
            if precise:
                cube[part] = block
            finite = finite and bool(np.isfinite(cube[part]).all())
            ignored += missing.count(stored[part])
    bad = 0 if finite else sum(int(np.count_nonzero(~np.isfinite(band))) for band in stored)
    if bad or ignored:
        raise error(
            f"{path}: expected a value at every pixel and band, got {bad} NaN or Inf and {ignored} no-data values of {stored.size}; "
            "crop or interpolate them first, or leave such bands out with bad_bands="
        )
    if not finite:
        expect_no_overflow(path, stored, cube, error)
    _expect_kept(path, stored, cube, error)
    return cube


def _of_block(numbers: Numbers, part: tuple[slice, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """The number of each band of a block, or the one of all bands, in the type in which it is computed."""
    every = np.asarray(numbers, dtype=dtype)
    return every if every.ndim == 0 else every[part[0], None, None]


def expect_no_overflow(
    path: Path, stored: NDArray[Any], cube: NDArray[np.float32], error: type[InputFileError], *, first: int = 0, bands: int | None = None
) -> None:
    """Nothing, where each sample that is finite as it is stored is finite as a value, too; `first` is the first of `bands` bands here.

    Raises:
        InputFileError: `error`, with the first band in which it is not.
    """
    for number, (samples, values) in enumerate(zip(stored, cube, strict=True)):
        held = np.isfinite(values)
        if not held.all() and (np.isfinite(samples) & ~held).any():
            largest = float(np.abs(samples[np.isfinite(samples)].astype(np.float64)).max())
            raise error(
                f"{path}: expected values below {LARGEST_VALUE:.1e}, the largest float32, got stored samples up to {largest:.3g} in band "
                f"{first + number + 1} of {bands or len(cube)} that overflow; check scale and offset, or mask them"
            )


def _expect_kept(path: Path, stored: NDArray[Any], cube: NDArray[np.float32], error: type[InputFileError]) -> None:
    """Nothing, where no band that holds values has become zeros."""
    for number, values in enumerate(cube):
        if not values[::16, ::16].any() and not values.any() and stored[number].any():  # a few pixels tell in nearly all cases
            largest = float(np.abs(stored[number].astype(np.float64)).max())
            raise error(
                f"{path}: expected values above {SMALLEST_VALUE:.1e}, the smallest float32, got stored samples up to {largest:.3g} in band "
                f"{number + 1} of {len(cube)} that become 0; check the scale, or store the image in other units"
            )


def _blocks(stored: NDArray[Any]) -> Iterator[tuple[slice, ...]]:
    """Slices that cover an array, along the axis whose entries lie farthest apart in memory."""
    axis = int(np.argmax(np.abs(stored.strides)))
    step = max(1, _BLOCK * stored.shape[axis] // max(1, stored.size))
    for start in range(0, stored.shape[axis], step):
        yield tuple(slice(start, start + step) if one == axis else slice(None) for one in range(stored.ndim))
