"""Digests: short names that follow from a content alone, the same on every machine.

digest_of(table)            of a JSON-like table, whatever the order of its entries
file_sha256(file)           of a file's bytes
cube_digest(cube, waves)    of a cube in float32, its wavelengths and its mask, as a reader returns them
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.input_files import InputFileError

DIGITS = 20  # hexadecimal digits of a short digest: 80 bits


class MissingFileError(InputFileError):
    """A file that has no digest, since it is not there."""


def digest_of(table: Mapping[str, Any]) -> str:
    """sha256 of a table, as 20 hexadecimal digits, independent of the order of its entries."""
    return hashlib.sha256(json.dumps(table, sort_keys=True).encode()).hexdigest()[:DIGITS]


def file_sha256(file: Path) -> str:
    """sha256 of a file's bytes (hex), read in blocks.

    Raises:
        MissingFileError: there is no such file.
    """
    if not file.is_file():
        raise MissingFileError(f"expected a file, got {file}; give the path of one")
    stat = file.stat()
    return _file_sha256(file, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


@lru_cache(maxsize=4096)
def _file_sha256(file: Path, *_state: int) -> str:
    """Read again when the file has changed."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def cube_digest(cube: NDArray[np.float32], wavelengths: NDArray[np.float32], mask: NDArray[np.bool_] | None = None) -> str:
    """sha256 (hex) of a cube (bands, rows, cols) and its wavelengths, both in float32, little endian, sizes included, and of its mask."""
    digest = hashlib.sha256(f"cube {' '.join(map(str, cube.shape))}".encode())
    for array in (cube, wavelengths):
        digest.update(np.ascontiguousarray(array, dtype="<f4").data)
    if mask is not None:
        digest.update(b"mask" + np.packbits(mask).tobytes())
    return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class Layers:
    """An array of three axes for `seal`, given layer by layer, so that it need not be in memory as a whole."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    along: Iterable[NDArray[Any]]  # the first axis; it is gone through once


def seal(parts: Mapping[str, Any]) -> str:
    """sha256 (hex) over named arrays, numbers and texts, whatever their order. `Layers` count as the array that they make up.

    What HDF5 gives back has the same seal as what was written to it: texts count as `str`, and single numbers and vectors by their value,
    as float64, whatever their width. Arrays of two and more axes count with their dtype.
    """
    digest = hashlib.sha256()
    for name in sorted(parts):
        value = parts[name]
        if isinstance(value, Layers):
            digest.update(f"{name} {value.dtype.str} {' '.join(map(str, value.shape))}\0".encode())
            for layer in value.along:
                digest.update(np.ascontiguousarray(layer, dtype=value.dtype).reshape(-1).view(np.uint8).data)
            continue
        array = np.asarray(value)
        if array.dtype.kind in "SUO":
            text = "\0".join(item.decode() if isinstance(item, bytes) else str(item) for item in array.reshape(-1))
            digest.update(f"{name} text {array.size} {text}\0".encode("utf-8", "surrogatepass"))
            continue
        kept = array if array.ndim > 1 and array.dtype.kind in "iuf" else array.astype(np.float64)
        digest.update(f"{name} {kept.dtype.str} {' '.join(map(str, kept.shape))}\0".encode())
        digest.update(np.ascontiguousarray(kept).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
