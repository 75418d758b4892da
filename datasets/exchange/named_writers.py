"""Named arrays, numbers and texts as one file: MATLAB version 5, HDF5 or numpy; written as a whole or not at all.

A nested table becomes a struct in .mat, a group in .h5, and names such as `parameters/rank` in .npz. A number is 1 x 1 in .mat and has no
axis in the others; an array of one axis is a row in .mat.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.exchange.handed_fields import ExchangeFileError
from datasets.matlab5_writer import LARGEST_VARIABLE, write_fields, write_header

Values = Mapping[str, Any]  # arrays, numbers, truth values, texts, lists of these, and tables of the same


def write_named(file: Path, values: Values) -> Path:
    """The file, in the format of its ending (.mat, .h5, .npz), to which the values are written.

    Raises:
        ExchangeFileError: another ending, or an array that the format cannot hold.
    """
    writer = _WRITERS.get(file.suffix.lower())
    if writer is None:
        raise ExchangeFileError(f"{file}: expected a file ending in {', '.join(_WRITERS)}, got {file.suffix or 'no ending'}; rename it")
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.stem}.{os.getpid()}.tmp{file.suffix}")
    try:
        writer(temporary, values)
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)
    return file


def _write_mat(file: Path, values: Values) -> None:
    for name, value in values.items():
        if isinstance(value, np.ndarray) and value.nbytes > LARGEST_VARIABLE:
            raise ExchangeFileError(
                f"{name}: expected at most {LARGEST_VARIABLE} bytes in a .mat of version 5, got {value.nbytes}; use the format h5"
            )
    with file.open("wb") as stream:
        write_header(stream)
        write_fields(stream, values)


def _write_hdf5(file: Path, values: Values) -> None:
    with h5py.File(file, "w") as store:
        for name, value in _flat(values).items():
            store.create_dataset(name, data=value if isinstance(value, str) else _plain(value))


def _write_npz(file: Path, values: Values) -> None:
    arrays: dict[str, Any] = {name: np.asarray(value) for name, value in _flat(values).items()}
    with file.open("wb") as stream:
        np.savez(stream, allow_pickle=False, **arrays)


def _plain(value: Any) -> Any:
    """A list of texts as h5py stores it; all else as an array."""
    array: NDArray[Any] = np.asarray(value)
    return [str(text) for text in array.tolist()] if array.dtype.kind == "U" else array


def _flat(values: Values, above: str = "") -> dict[str, Any]:
    """The values by their paths."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{above}{name}/") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return flat


_WRITERS: Mapping[str, Callable[[Path, Values], None]] = {".mat": _write_mat, ".h5": _write_hdf5, ".npz": _write_npz}
