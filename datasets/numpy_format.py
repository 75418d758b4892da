"""numpy's files: .npy and .npz, by their headers first. Nothing is unpickled, so that no code in a file can run.

A .npz is a zip of .npy files. Its members are stored or deflated, as numpy writes them; each says in the directory how long it is, and the
header of the array in it must promise exactly so many bytes.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from datasets.input_files import InputFileError, brief, expect_shape, own_errors, regular_size, spell_bytes

_MAGIC_ZIP = b"PK"
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


@dataclass(frozen=True)
class DeclaredArray:
    """An array of a .npy or .npz file as its header declares it."""

    path: Path
    member: str  # of the zip; empty for a .npy
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    held: int  # bytes of the file that hold it
    error: type[InputFileError]

    def read(self) -> NDArray[Any]:
        """The array.

        Raises:
            InputFileError: it is larger than allowed, or the file is broken.
        """
        expect_shape(self.path, self.shape, self.dtype, self.held, self.error)
        with own_errors(self.path, self.error, f"a whole {self.path.suffix} file"):
            if not self.member:
                with self.path.open("rb") as stream:
                    return np.asarray(npy.read_array(stream, allow_pickle=False))
            with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as stream:
                array = np.asarray(npy.read_array(stream, allow_pickle=False))
                stream.read(1)  # the end of the member, where zipfile compares the checksum
                return array


def declared_arrays(path: Path, error: type[InputFileError]) -> Mapping[str, DeclaredArray]:
    """The numeric arrays of a file (complex ones among them) by their names, "" for that of a .npy file.

    Raises:
        InputFileError: `error`, where the file is broken, or promises more or fewer bytes than it has.
    """
    length = regular_size(path, error)
    with own_errors(path, error, f"a whole {path.suffix} file"):
        with path.open("rb") as stream:
            if stream.read(2) != _MAGIC_ZIP:
                stream.seek(0)
                return {"": _declared(path, "", stream, length, length, error)}
        with zipfile.ZipFile(path) as archive:
            arrays = {}
            for entry in archive.infolist():
                if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    raise error(f"{path}: expected members as numpy writes them, got {entry.filename!r} in another compression")
                if not entry.filename.endswith(".npy") or entry.compress_size > length:
                    raise error(f"{path}: expected arrays of numpy alone, got {entry.filename!r}; write it again with numpy.savez")
                name = entry.filename.removesuffix(".npy")
                if name in arrays:
                    raise error(f"{path}: expected each array once, got {name!r} twice; write it again with numpy.savez")
                with archive.open(entry) as member:
                    arrays[name] = _declared(path, entry.filename, member, entry.file_size, entry.compress_size, error)
            return {name: array for name, array in arrays.items() if array.dtype.kind in "iufc"}


def read_npy(path: Path, error: type[InputFileError], limit: int) -> NDArray[Any]:
    """The array of a small .npy file, of at most `limit` bytes, whatever the kind of its samples.

    Raises:
        InputFileError: `error`, where the file is longer, broken, or no .npy file.
    """
    arrays = declared_arrays(path, error)
    if set(arrays) != {""}:
        raise error(f"{path}: expected one array of numpy, got a zip of arrays; write it with numpy.save")
    found = arrays[""]
    if prod(found.shape) * found.dtype.itemsize > limit:
        raise error(f"{path}: expected at most {spell_bytes(limit)}, got shape {found.shape} {found.dtype}; crop it")
    return found.read()


def _declared(path: Path, member: str, stream: Any, length: int, held: int, error: type[InputFileError]) -> DeclaredArray:
    """What the header at the start of a stream says, compared with the `length` of the array's file or member."""
    try:
        version = npy.read_magic(stream)
        if version not in _HEADERS:
            raise ValueError(f"version {version} of the format")
        shape, _, dtype = _HEADERS[version](stream)
    except (ValueError, TypeError, EOFError) as problem:
        raise error(
            f"{path}: expected a whole {path.suffix} file, got {member or 'a file'} without its header ({brief(problem)})"
        ) from problem
    if dtype.hasobject:
        raise error(f"{path}: expected a whole {path.suffix} file of numbers, got Python objects, which are never unpickled")
    promised = stream.tell() + prod(shape) * dtype.itemsize
    if promised != length or any(size < 0 for size in shape):
        raise error(
            f"{path}: expected a whole {path.suffix} file of {promised} bytes for shape {shape} {dtype}, got {length}; "
            "fetch or export it again"
        )
    return DeclaredArray(path, member, shape, dtype, held, error)
