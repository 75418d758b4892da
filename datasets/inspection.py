"""What is in an image file, how it would be read and why, and what only its owner can answer (`inspect FILE`).

Nothing is guessed here either: where the rules of datasets/files.py leave something open, the text says which option answers it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.band_order import rising_bands
from datasets.cube_file import CubeFile
from datasets.files import read_image_file
from datasets.formats import read_stored_image
from datasets.hdf5_checks import opened_hdf5
from datasets.input_files import InputFileError, regular_size, spell_bytes
from datasets.matlab5_format import declared_variables, is_version_5
from datasets.numpy_format import declared_arrays
from datasets.reading_options import EvenCentres, ReadingOptions
from datasets.scene import SceneError
from datasets.stored_image import StoredImage

_HDF5 = (".h5", ".hdf5", ".he5", ".nc")
_MOST_VARIABLES, _MOST_NOTES = 40, 24
_LONGEST_NOTE = 90  # characters


@dataclass(frozen=True, eq=False)
class Inspection:
    """What there is to say of a file."""

    lines: tuple[str, ...]
    question: str  # that only the owner can answer; empty where the file can be read
    image: CubeFile | None  # as it would be read; None where it cannot be


def inspect_file(path: Path, options: ReadingOptions) -> Inspection:
    """What is in a file, and how it would be read with these options.

    Raises:
        SceneError: there is no such file, or its format is unknown.
    """
    size = regular_size(path, SceneError)
    lines = [f"file         {path}, {spell_bytes(size)}"]
    lines += _listed("variables", variables_of(path))
    try:
        stored = read_stored_image(path, options.variable)
    except InputFileError as error:
        return Inspection(tuple(lines), str(error), None)
    lines += _stated(stored)
    try:
        image = read_image_file(path, options)
    except InputFileError as error:
        return Inspection(tuple(lines), str(error), None)
    lines += _as_read(stored, image, options)
    first, *rest = plan_lines(path, options)
    return Inspection((*lines, f"plan         {first}", *(f"             {line}" for line in rest)), _open_question(image), image)


def variables_of(path: Path) -> dict[str, str]:
    """The shape and type of each array of a file that may hold several, by its name; nothing for other formats.

    Raises:
        SceneError: the file is broken.
    """
    suffix = path.suffix.lower()
    if suffix in _HDF5 or (suffix == ".mat" and not is_version_5(path, SceneError)):
        return _hdf5_variables(path)
    arrays: Mapping[str, Any] = {}
    if suffix == ".mat":
        arrays = declared_variables(path, SceneError)
    elif suffix in (".npz", ".npy"):
        arrays = declared_arrays(path, SceneError)
    return {name or "(the array)": f"{_spell_shape(tuple(array.shape))} {array.dtype}" for name, array in arrays.items()}


def plan_lines(path: Path, options: ReadingOptions) -> list[str]:
    """What a plan says to read a file with these options: an entry of `scenes` or, where that would be long, a table [[scene]]."""
    plain = ReadingOptions()
    given = {item.name: value for item in fields(ReadingOptions) if (value := getattr(options, item.name)) != getattr(plain, item.name)}
    if all(isinstance(value, str | float) for value in given.values()):
        query = "&".join(f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in given.items())
        name = f"file:{path}?{query}" if query else f"file:{path}"
        return [f"scenes = [{json.dumps(name)}]"]
    return ["[[scene]]", f"file = {json.dumps(str(path))}", *(f"{name} = {_as_toml(value)}" for name, value in given.items())]


def _as_toml(value: Any) -> str:
    """A value of an option as TOML, which reads lists, numbers and texts as JSON does."""
    if isinstance(value, EvenCentres):
        numbers = [value.first, value.last, *([] if value.count is None else [value.count])]
        return json.dumps(":".join(f"{number:g}" for number in numbers))
    return json.dumps(list(value) if isinstance(value, tuple) else value)


def _hdf5_variables(path: Path) -> dict[str, str]:
    found: dict[str, str] = {}

    def visit(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and not name.startswith("#"):
            filters = f", {node.compression}" if node.compression else ""
            found[name] = f"{_spell_shape(node.shape or ())} {node.dtype}{filters}"

    with opened_hdf5(path, SceneError, f"a whole {path.suffix.lower()} file", "fetch or export it again") as store:
        store.visititems(visit)
    return found


def _stated(stored: StoredImage) -> list[str]:
    """What the header states."""
    lines = [
        f"image        {_spell_shape(stored.shape)} {stored.dtype}",
        f"axes         {stored.layout or stored.doubtful_axes or 'not stated'}",
        f"scale        {_spell_scale(stored)}",
        f"wavelengths  {_spell_stated_waves(stored)}",
        f"no-data      {', '.join(f'{value:g}' for value in stored.nodata) or 'not stated'}",
        *(f"left out     {len(bands)} bands: {reason}" for reason, bands in stored.left_out.items()),
    ]
    notes = {key: " ".join(str(value).split()) for key, value in stored.notes.items()}
    return lines + _listed(
        "notes", {key: text if len(text) <= _LONGEST_NOTE else f"{text[:_LONGEST_NOTE]}..." for key, text in notes.items()}
    )


def _spell_scale(stored: StoredImage) -> str:
    """How the header says that values follow from what is stored."""
    if stored.unclear_scale:
        return stored.unclear_scale
    if stored.scale is None and not np.any(stored.offset):
        return "not stated"
    stated = 1.0 if stored.scale is None else stored.scale
    scale, offset = (np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in (stated, stored.offset))
    words = [_spell_numbers(numbers) for numbers in (scale, offset)]
    return f"value = stored / {words[0]}" + (f" + {words[1]}" if np.any(offset) else "")


def _spell_numbers(numbers: NDArray[np.float64]) -> str:
    return f"{numbers[0]:g}" if numbers.size == 1 else f"(one number per band, {numbers.min():g} to {numbers.max():g})"


def _spell_stated_waves(stored: StoredImage) -> str:
    """What the header says of the band centres."""
    if stored.wavelengths is None:
        return stored.wavelengths_problem or "not stated"
    known = stored.wavelengths[np.isfinite(stored.wavelengths)]
    beside = f", in {stored.wavelengths_beside}" if stored.wavelengths_beside else ""
    return (_spell_waves(known) if known.size else "none is a number") + beside


def _as_read(stored: StoredImage, image: CubeFile, options: ReadingOptions) -> list[str]:
    """What the image is, read by the rules."""
    bands, rows, cols = image.cube.shape
    why = (
        "as layout= says"
        if options.layout
        else "as the format has it"
        if stored.layout
        else "as one axis alone has as many entries as wavelengths"
    )
    low, high, middle, negative, beyond = _values(image.cube)
    waves = image.wavelengths_nm
    return [
        f"read as      {bands} bands, {rows} rows, {cols} columns, {why}",
        f"values       {low:.6g} to {high:.6g}, median of those above 0: {middle:.6g}; {negative:.2%} below 0, {beyond:.2%} above 1",
        f"centres      {'none' if waves is None else _spell_waves(waves)}",
        *(f"remark       {remark}" for remark in image.remarks),
    ]


def _values(cube: NDArray[np.float32]) -> tuple[float, float, float, float, float]:
    """Least and largest value, the median of those above 0, and the shares below 0 and above 1; the median is of every so many pixels."""
    step = max(1, int((cube.size / 2**22) ** 0.5))
    some = cube[:, ::step, ::step]
    positive = some[some > 0]
    middle = float(np.median(positive)) if positive.size else 0.0
    negative = sum(int(np.count_nonzero(band < 0)) for band in cube) / cube.size
    beyond = sum(int(np.count_nonzero(band > 1)) for band in cube) / cube.size
    return float(cube.min()), float(cube.max()), middle, negative, beyond


def _open_question(image: CubeFile) -> str:
    """What a scene of a plan needs besides: wavelengths, rising ones; empty where nothing is open."""
    waves = image.wavelengths_nm
    if waves is None:
        return "a scene needs the centre of each band in nm, and the file states none: give wavelengths= (the sensor's list, or FIRST:LAST)"
    if len(rising_bands(waves)) < len(waves):
        return "the wavelengths do not rise from band to band: give overlap=drop where two spectrometers overlap, or bands= in rising order"
    return ""


def _spell_waves(waves: NDArray[np.float64]) -> str:
    return f"{len(waves)} from {waves.min():g} to {waves.max():g} nm" + ("" if (np.diff(waves) > 0).all() else ", not rising")


def _spell_shape(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "one number"


def _listed(title: str, entries: Mapping[str, str]) -> list[str]:
    """A title and one line per entry; nothing where there is none."""
    most = _MOST_VARIABLES if title == "variables" else _MOST_NOTES
    width = max((len(name) for name in entries), default=0)
    lines = [f"  {name:<{width}}  {text}" for name, text in list(entries.items())[:most]]
    more = [f"  and {len(entries) - most} more"] if len(entries) > most else []
    return [title, *lines, *more] if entries else []
