"""What is in an image file, how it would be read and why, and what only its owner can answer (`inspect FILE`).

Nothing is guessed here either: where the rules of datasets/files.py leave something open, the text says which option answers it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.cube_file import CubeFile
from datasets.files import read_image_file, rising_bands
from datasets.formats import read_stored_image
from datasets.hdf5_checks import opened_hdf5
from datasets.input_files import InputFileError, regular_size, spell_bytes
from datasets.matlab5_format import declared_variables, is_version_5
from datasets.numpy_format import declared_arrays
from datasets.reading_options import ReadingOptions
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
    return Inspection((*lines, f"plan         {plan_line(path, options)}"), _open_question(image), image)


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


def plan_line(path: Path, options: ReadingOptions) -> str:
    """The scene of a plan that reads a file with these options, as `scenes` takes it, or as a table [[scene]]."""
    given = {
        name: value
        for name in ("variable", "layout", "scale", "nodata", "overlap")
        if (value := getattr(options, name)) not in (None, "error")
    }
    others = [name for name in ("wavelengths", "bands", "bad_bands", "crop", "mask", "resample_to") if getattr(options, name)]
    if not others:
        query = "&".join(f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}" for name, value in given.items())
        return f'scenes = ["file:{path}{"?" if query else ""}{query}"]'
    return f'[[scene]] with file = "{path}" and the same options: {", ".join([*given, *others])}'


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
    waves = stored.wavelengths
    lines = [
        f"image        {_spell_shape(stored.shape)} {stored.dtype}",
        f"axes         {stored.layout or 'not stated'}",
        f"scale        {'not stated' if stored.scale is None else f'value = stored / {stored.scale:g}'}"
        + (f" + {stored.offset:g}" if np.any(stored.offset) else ""),
        f"wavelengths  {'not stated' if waves is None else _spell_waves(waves)}",
        f"no-data      {'not stated' if stored.nodata is None else f'{stored.nodata:g}'}",
    ]
    notes = {key: " ".join(str(value).split()) for key, value in stored.notes.items()}
    return lines + _listed(
        "notes", {key: text if len(text) <= _LONGEST_NOTE else f"{text[:_LONGEST_NOTE]}..." for key, text in notes.items()}
    )


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
