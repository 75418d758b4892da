"""The numeric arrays of a file that another program has written, by their names, each with the axes as that program sees them.

Nothing is unpickled, nothing outside of the file is followed, and what the header promises is compared with the size of the file before
any value is read (datasets/input_files.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.exchange.handed_fields import ExchangeFileError
from datasets.hdf5_checks import expect_held, opened_hdf5, own_node
from datasets.hdf5_format import is_complex
from datasets.input_files import regular_size
from datasets.matlab5_format import DeclaredVariable, declared_variables, is_version_5
from datasets.named_arrays import NamedArray
from datasets.numpy_format import declared_arrays

_AGAIN = "let the program write it again, as a whole"


def read_named(file: Path) -> Mapping[str, NamedArray]:
    """The numeric arrays of a .mat, .h5 or .npz, complex ones among them; those in structs and groups as s/name.

    Raises:
        ExchangeFileError: no such file, another format than its ending says, or a broken or truncated file.
    """
    reader = _READERS.get(file.suffix.lower())
    if reader is None:
        raise ExchangeFileError(
            f"{file.name}: expected a file ending in {', '.join(_READERS)}, got {file.suffix or 'no ending'}; rename it"
        )
    if regular_size(file, ExchangeFileError) == 0:
        raise ExchangeFileError(f"{file.name}: expected a {file.suffix} file, got an empty one; {_AGAIN}")
    _expect_no_text(file)
    return reader(file)


def _expect_no_text(file: Path) -> None:
    """Nothing, unless the file begins as a text does."""
    with file.open("rb") as stream:
        start = stream.read(200)
    if start.startswith(b"# Created by Octave"):
        raise ExchangeFileError(
            f"{file.name}: expected a {file.suffix} file, got Octave's text format; write save('-v7', file, 'cube') in the program"
        )
    if not start.startswith((b"MATLAB", b"PK", b"\x89HDF")) and all(byte in b"\t\n\r" or 32 <= byte < 127 for byte in start):
        raise ExchangeFileError(
            f"{file.name}: expected a {file.suffix} file, got a text that begins with {start[:40].decode()!r}; {_AGAIN}"
        )


def _read_mat(file: Path) -> Mapping[str, NamedArray]:
    if is_version_5(file, ExchangeFileError):
        return {name: _MatValues(variable) for name, variable in declared_variables(file, ExchangeFileError).items()}
    with file.open("rb") as stream:
        by_matlab = stream.read(6) == b"MATLAB"
    return _hdf5_arrays(file, by_matlab=by_matlab)


def _read_hdf5(file: Path) -> Mapping[str, NamedArray]:
    return _hdf5_arrays(file, by_matlab=False)


def _read_npz(file: Path) -> Mapping[str, NamedArray]:
    arrays = declared_arrays(file, ExchangeFileError)
    if set(arrays) == {""}:
        raise ExchangeFileError(f"{file.name}: expected a .npz with named arrays, got one array; write numpy.savez(file, cube=cube)")
    return dict(arrays)


@dataclass(frozen=True)
class _MatValues:
    """A variable of a .mat of version 5, where double numbers that happen to be whole may be stored in fewer bytes."""

    variable: DeclaredVariable

    @property
    def shape(self) -> tuple[int, ...]:
        """Its axes."""
        return self.variable.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its class."""
        stored = self.variable.dtype
        return np.dtype(np.float64) if stored.kind in "iu" and not self.variable.whole_numbers else stored

    def read(self) -> NDArray[Any]:
        """Its values."""
        return self.variable.read().astype(self.dtype, copy=False)


@dataclass(frozen=True)
class _Hdf5Values:
    """A dataset of an HDF5 file, which is opened again when it is read."""

    path: Path
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    reversed: bool  # stored by MATLAB, whose axes are in the reverse order

    def read(self) -> NDArray[Any]:
        """The values, all of which the file must hold."""
        with opened_hdf5(self.path, ExchangeFileError, "a whole HDF5 file", _AGAIN) as store:
            dataset = own_node(self.path, store, self.name, ExchangeFileError)
            expect_held(self.path, dataset, ExchangeFileError)
            values = np.asarray(dataset[()])
        return values.T if self.reversed else values


def _hdf5_arrays(file: Path, *, by_matlab: bool) -> Mapping[str, NamedArray]:
    found: dict[str, NamedArray] = {}
    with opened_hdf5(file, ExchangeFileError, f"a whole {file.suffix} file", _AGAIN) as store:

        def visit(name: str, node: Any) -> None:
            if not isinstance(node, h5py.Dataset) or name.startswith("#") or node.attrs.get("MATLAB_class") == b"char":
                return
            complex_ones = is_complex(np.dtype(node.dtype))
            if complex_ones or node.dtype.kind in "iuf":
                turned = by_matlab or "MATLAB_class" in node.attrs
                shape = node.shape or ()
                kind = np.dtype(np.complex128) if complex_ones else np.dtype(node.dtype)
                found[name] = _Hdf5Values(file, name, shape[::-1] if turned else shape, kind, turned)

        store.visititems(visit)
    return found


_READERS: Mapping[str, Callable[[Path], Mapping[str, NamedArray]]] = {".mat": _read_mat, ".h5": _read_hdf5, ".npz": _read_npz}
