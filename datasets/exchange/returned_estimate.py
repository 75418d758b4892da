"""The estimate file: what another program hands back, checked against the pair before anything is believed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import permutations
from math import isfinite, prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.exchange.handed_fields import RETURNED_FIELDS, ExchangeFileError
from datasets.exchange.named_readers import read_named
from datasets.named_arrays import NamedArray
from datasets.observation import PairSizes

_WORDS = ("rows", "cols", "bands")
_MOST_COUNT = 2**53  # the largest whole number that every program can write exactly
_MOST_SECONDS = 1e9


@dataclass(frozen=True, eq=False)
class ReturnedEstimate:
    """The content of an estimate file. Values keep the precision in which the program wrote them."""

    cube: NDArray[Any]  # (bands, rows, cols)
    psf: NDArray[np.float64] | None = None  # kernel (rows, cols)
    psf_phase: int | None = None
    srf: NDArray[np.float64] | None = None  # (channels, bands)
    std: NDArray[Any] | None = None  # (bands, rows, cols)
    learning_seconds: float | None = None  # by the program's own clock
    fusing_seconds: float | None = None
    parameter_count: int | None = None


def read_returned_estimate(file: Path, sizes: PairSizes) -> ReturnedEstimate:
    """The estimate in a file (.mat, .h5 or .npz), whose cube must be (rows, cols, bands) of the pair.

    Raises:
        ExchangeFileError: no such file, a broken one, an unknown field, no cube, a field of another shape (a transposed cube is named as
            such), complex numbers, whole numbers in the cube, NaN or Inf.
    """
    arrays = read_named(file)
    name = file.name
    unknown = sorted({path.partition("/")[0] for path in arrays} - set(RETURNED_FIELDS))
    if "cube" not in arrays:
        got = ", ".join(f"{path} {tuple(array.shape)}" for path, array in list(arrays.items())[:10]) or "no numeric array"
        raise ExchangeFileError(f"{name}: expected the field cube, got {got}; name the fused cube `cube`")
    if unknown:
        raise ExchangeFileError(
            f"{name}: expected fields among {', '.join(RETURNED_FIELDS)}, got {', '.join(unknown[:5])}; rename or drop it"
        )
    shape = (sizes.rows, sizes.cols, sizes.bands)
    reader = _Reader(name, arrays)
    return ReturnedEstimate(
        cube=_bands_first(reader.image("cube", shape)),
        psf=reader.kernel("psf"),
        psf_phase=reader.whole("psf_phase", sizes.ratio - 1),
        srf=reader.matrix("srf", (sizes.channels, sizes.bands), "channels, bands"),
        std=_bands_first(reader.image("std", shape)) if "std" in arrays else None,
        learning_seconds=reader.number("learning_seconds"),
        fusing_seconds=reader.number("fusing_seconds"),
        parameter_count=reader.whole("parameter_count", _MOST_COUNT),
    )


def other_order(got: tuple[int, ...], expected: tuple[int, ...], words: tuple[str, ...] = _WORDS) -> tuple[str, ...]:
    """The names of the axes of a shape that is `expected` with its axes in another order; empty where it is not, or the order is not sure.

    `words` name the axes of `expected`. Where two axes are as long, the first order that fits is given.
    """
    if len(got) != len(expected) or got == expected or sorted(got) != sorted(expected):
        return ()
    order = next(order for order in permutations(range(len(expected))) if tuple(expected[axis] for axis in order) == got)
    return tuple(words[axis] for axis in order)


@dataclass(frozen=True)
class _Reader:
    """The fields of a file, each read with its checks."""

    file: str
    arrays: Mapping[str, NamedArray]

    def image(self, field: str, shape: tuple[int, int, int]) -> NDArray[Any]:
        """An image of that shape (rows, cols, bands), whose last axis may be missing where it has one entry, as MATLAB leaves it out."""
        array = self.arrays[field]
        got = tuple(array.shape)
        if got == shape[:2] and shape[2] == 1:
            got = shape
        if got != shape:
            order = other_order(got, shape)
            spelt = f"{self.file}: {field}: expected (rows, cols, bands) = {shape}, got {got}"
            if order:
                moved = tuple(order.index(word) for word in _WORDS)
                matlab = " ".join(str(axis + 1) for axis in moved)
                raise ExchangeFileError(
                    f"{spelt}, which is ({', '.join(order)}), a transposed cube; write permute({field}, [{matlab}]) in MATLAB or Octave, "
                    f"or {field}.transpose{moved} in numpy"
                )
            raise ExchangeFileError(f"{spelt}; return the rows and columns of the MSI and the bands of the HSI")
        if array.dtype.kind in "iu":
            raise ExchangeFileError(
                f"{self.file}: {field}: expected floating-point numbers in the unit of the images, got {array.dtype}; write "
                f"double({field}), divided by what stands for 1, such as 255"
            )
        return self._finite(field).reshape(shape)

    def matrix(self, field: str, shape: tuple[int, int], words: str) -> NDArray[np.float64] | None:
        """A matrix of that shape, or None."""
        if field not in self.arrays:
            return None
        got = tuple(self.arrays[field].shape)
        if got != shape and not (1 in shape and got == (prod(shape),)):
            turned = ", which is transposed" if got == shape[::-1] else ""
            raise ExchangeFileError(f"{self.file}: {field}: expected ({words}) = {shape}, got {got}{turned}; return it in this order")
        return self._finite(field).astype(np.float64).reshape(shape)

    def kernel(self, field: str) -> NDArray[np.float64] | None:
        """A kernel of two axes, or None."""
        if field not in self.arrays:
            return None
        got = tuple(self.arrays[field].shape)
        if len(got) != 2:
            raise ExchangeFileError(f"{self.file}: {field}: expected a kernel (rows, cols), got shape {got}; return a matrix")
        return self._finite(field).astype(np.float64)

    def number(self, field: str) -> float | None:
        """A number >= 0, or None."""
        if field not in self.arrays:
            return None
        got = tuple(self.arrays[field].shape)
        if prod(got) != 1:
            raise ExchangeFileError(f"{self.file}: {field}: expected one number, got shape {got}; return a single number")
        value = float(self._values(field).reshape(-1)[0])
        if not (isfinite(value) and 0 <= value <= (_MOST_COUNT if field in ("psf_phase", "parameter_count") else _MOST_SECONDS)):
            raise ExchangeFileError(f"{self.file}: {field}: expected a number >= 0, got {value:g}; correct it in the program")
        return value

    def whole(self, field: str, most: int) -> int | None:
        """A whole number from 0 to `most`, or None."""
        value = self.number(field)
        if value is not None and (value != int(value) or value > most):
            raise ExchangeFileError(
                f"{self.file}: {field}: expected a whole number from 0 to {most}, got {value:g}; correct it in the program"
            )
        return None if value is None else int(value)

    def _values(self, field: str) -> NDArray[Any]:
        array = self.arrays[field]
        if array.dtype.kind == "c":
            raise ExchangeFileError(f"{self.file}: {field}: expected real numbers, got complex ones; write real({field})")
        return array.read()

    def _finite(self, field: str) -> NDArray[Any]:
        values = self._values(field)
        bad = sum(int((~np.isfinite(part)).sum()) for part in values)
        if bad:
            raise ExchangeFileError(f"{self.file}: {field}: expected finite numbers, got {bad} NaN or Inf of {values.size}")
        return values


def _bands_first(image: NDArray[Any]) -> NDArray[Any]:
    """(rows, cols, bands) as (bands, rows, cols) in memory, in the byte order of this machine."""
    return np.ascontiguousarray(image.transpose(2, 0, 1), dtype=image.dtype.newbyteorder("="))
