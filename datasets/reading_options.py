"""What a user says of an image file: what the file does not state, and which part of it is wanted.

In a plan these are the keys of a table [[scene]], or the query of a scene `file:PATH?key=value&...`; `fuse` has an option for each image.
Bands are numbered from 1, as papers and ENVI headers count them; rows and columns from 0, as code does.

The order in which they are applied: crop, bands and bad_bands, scale, overlap, resample_to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from datasets.input_files import InputFileError, own_errors, short_text
from datasets.numpy_format import declared_arrays
from datasets.wavelength_units import why_no_nanometres

Overlap = Literal["error", "drop"]
MOST_BANDS = 10**6
_RANGE = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")


class ReadingError(InputFileError):
    """An option that cannot be used; the text says what was expected, what came, and the way out."""


@dataclass(frozen=True)
class EvenCentres:
    """Evenly spaced band centres in nm, of which the image decides the number where none is given."""

    first: float
    last: float
    count: int | None = None

    def values(self, bands: int) -> tuple[float, ...]:
        """The centres of an image of so many bands."""
        return tuple(float(value) for value in np.linspace(self.first, self.last, bands if self.count is None else self.count))


Centres = tuple[float, ...] | EvenCentres


@dataclass(frozen=True)
class ReadingOptions:
    """What is said of one image file; what is None, or empty, is left to the file and to the rules of datasets/files.py."""

    variable: str | None = None
    """Name of the image in a file that holds several, such as hsi/cube."""
    layout: str | None = None
    """The axes in their order, such as "rows cols bands"."""
    scale: float | None = None
    """value = stored / scale, where the file states no other scale."""
    wavelengths: Centres | None = None
    """Band centres in nm: a list, "430:860:102" (first, last, number), "430:860", or a file (.txt, .csv, .npy)."""
    nodata: float | None = None
    """The stored value that means "nothing was measured here"."""
    overlap: Overlap = "error"
    """"drop": leave out the bands whose wavelength does not exceed that of every band before."""
    bands: tuple[int, ...] | None = None
    """The bands that are kept, in this order, numbered from 1: numbers and ranges, such as ["1-103", 110]; "40-1" turns 40 bands round."""
    bad_bands: tuple[int, ...] = ()
    """The bands that are left out, likewise."""
    crop: tuple[int, int, int, int] | None = None
    """[row, col, rows, cols] of the part that is kept; row and col count from 0."""
    mask: str | None = None
    """The variable of the file, or an image file, that is 0 where a pixel is left out of the scores."""
    resample_to: Centres | None = None
    """Band centres in nm onto which the spectra are interpolated linearly, in the forms of wavelengths."""

    def spelled(self) -> str:
        """The options that are set, by their names: equal for equal options, whatever fields are added later."""
        plain = ReadingOptions()
        chosen = {item.name: getattr(self, item.name) for item in fields(self)}
        return ", ".join(f"{name}={value!r}" for name, value in chosen.items() if value != getattr(plain, name))


def options_from(table: Mapping[str, Any], folder: Path) -> ReadingOptions:
    """The options in a table of a plan or a query, where values may be texts; relative paths start at `folder`.

    Raises:
        ReadingError: an unknown key, or a value that is not of the kind that the key takes.
    """
    readers = {
        "variable": _text,
        "layout": _text,
        "scale": _scale,
        "nodata": _number,
        "overlap": _overlap,
        "bands": band_numbers,
        "bad_bands": band_numbers,
        "crop": _crop,
        "mask": _text,
    }
    options: dict[str, Any] = {}
    for key, value in table.items():
        if key in ("wavelengths", "resample_to"):
            options[key] = centres_from(key, value, folder)
        elif key in readers:
            options[key] = readers[key](key, value)
        else:
            raise ReadingError(f"expected one of {', '.join(item.name for item in fields(ReadingOptions))}, got {key!r}")
    mask = options.get("mask")
    if mask is not None and (folder / mask).is_file():
        options["mask"] = str((folder / mask).absolute())
    return ReadingOptions(**options)


def centres_from(key: str, value: Any, folder: Path) -> Centres:
    """Band centres in nm from a list, from FIRST:LAST[:COUNT], or from a file.

    Raises:
        ReadingError: none of these, a file that does not hold one number per line, or centres that are no light in nm.
    """
    if isinstance(value, str) and re.fullmatch(r"[^:]+:[^:]+(:[^:]+)?", value) and not (folder / value).is_file():
        first, last, *count = value.split(":")
        evenly = EvenCentres(_number(key, first), _number(key, last), _whole(key, count[0]) if count else None)
        if not (evenly.first <= evenly.last and (evenly.count is None or 0 < evenly.count <= MOST_BANDS)):
            raise ReadingError(
                f"{key}: expected FIRST:LAST[:COUNT] in nm, rising, with 1 to {MOST_BANDS} bands, got {value!r}; else give a list"
            )
        _expect_nanometres(key, [evenly.first, evenly.last])
        return evenly
    if isinstance(value, str) and not re.fullmatch(r"[\d.,eE+\s-]+", value):
        numbers = _file_numbers(folder / Path(value).expanduser())
    else:
        items = value.split(",") if isinstance(value, str) else value
        if not isinstance(items, Sequence):
            raise ReadingError(f"{key}: expected a list of numbers in nm, FIRST:LAST[:COUNT], or a file, got {value!r}")
        numbers = [_number(key, item) for item in items]
    _expect_nanometres(key, numbers)
    return tuple(numbers)


def _expect_nanometres(key: str, numbers: Sequence[float]) -> None:
    problem = why_no_nanometres(np.asarray(numbers, dtype=np.float64))
    if problem:
        raise ReadingError(f"{key}: {problem}")


def band_numbers(key: str, value: Any) -> tuple[int, ...]:
    """Numbers of bands, from 1, out of numbers and ranges: [3, "10-12"] and "3,10-12" give 3, 10, 11, 12; "12-10" gives 12, 11, 10.

    Raises:
        ReadingError: something else, a number below 1, or a number twice.
    """
    items = value.split(",") if isinstance(value, str) else value
    numbers: list[int] = []
    for item in items if isinstance(items, Sequence) else [items]:
        match = _RANGE.fullmatch(str(item).strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (0, 0)
        if min(first, last) < 1 or max(first, last) > MOST_BANDS:
            raise ReadingError(f"{key}: expected numbers from 1 and ranges such as 10-12, got {item!r}")
        numbers += range(first, last + 1) if first <= last else range(first, last - 1, -1)
    if not numbers or len(set(numbers)) < len(numbers):
        raise ReadingError(f"{key}: expected each band once, and at least one, got {value!r}")
    return tuple(numbers)


def _file_numbers(file: Path) -> list[float]:
    with own_errors(file, ReadingError, "one wavelength in nm per line, or an array in .npy"):
        if file.suffix.lower() == ".npy":
            return [float(value) for value in declared_arrays(file, ReadingError)[""].read().reshape(-1)]
        lines = short_text(file, ReadingError).decode("utf-8-sig").splitlines()
        return [_line_number(file, at, line) for at, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")]


def _line_number(file: Path, at: int, line: str) -> float:
    """The one number on a line."""
    try:
        return float(line.strip().rstrip(",;"))
    except ValueError as error:
        raise ReadingError(
            f"{file}: expected one wavelength in nm per line, got {line.strip()[:40]!r} on line {at}; keep that column alone, without a "
            "heading (or begin the heading with #)"
        ) from error


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ReadingError(f"{key}: expected a text, got {value!r}")
    return value


def _number(key: str, value: Any) -> float:
    try:
        if isinstance(value, bool):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise ReadingError(f"{key}: expected a number, got {value!r}") from error
    return number


def _scale(key: str, value: Any) -> float:
    number = _number(key, value)
    if not (isfinite(number) and number > 0):
        raise ReadingError(f"{key}: expected a number above 0 (value = stored / scale), got {value!r}")
    return number


def _whole(key: str, value: Any) -> int:
    number = _number(key, value)
    if not number.is_integer():  # nor are Inf and NaN
        raise ReadingError(f"{key}: expected a whole number, got {value!r}")
    return int(number)


def _overlap(key: str, value: Any) -> str:
    if value not in get_args(Overlap):
        raise ReadingError(f"expected {key}={' or '.join(get_args(Overlap))}, got {value!r}")
    return str(value)


def _crop(key: str, value: Any) -> tuple[int, int, int, int]:
    items = value.split(",") if isinstance(value, str) else value
    numbers = tuple(_whole(key, item) for item in items) if isinstance(items, Sequence) else ()
    if len(numbers) != 4 or min(numbers[:2]) < 0 or min(numbers[2:]) < 1:
        raise ReadingError(f"{key}: expected row, col, rows, cols (the first two from 0, the others from 1), got {value!r}")
    return numbers[0], numbers[1], numbers[2], numbers[3]
