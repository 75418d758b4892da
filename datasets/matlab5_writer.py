"""MATLAB files of version 5, written in blocks: a cube that is never held twice.

A file is a header of 128 bytes and one element per variable. An element is a tag (kind, length) and its parts, each padded to 8 bytes: the
flags with the class, the sizes, the name, and the samples with the first axis varying fastest. A cube in the order rows, cols, bands is
therefore written band by band, each of them transposed. A variable holds at most 2^31 - 1 bytes, MATLAB's own limit for this version.
Source: MATLAB MAT-File Format, R2019b, chapter 1.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from math import prod
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

LARGEST_VARIABLE = 2**31 - 1  # bytes
_MATRIX, _INT8, _INT32, _UINT32 = 14, 1, 5, 6
_CLASSES = {"d": 6, "f": 7}  # of the array
_KINDS = {"d": 9, "f": 7}  # of the samples
_TYPES: dict[str, np.dtype[Any]] = {"d": np.dtype("<f8"), "f": np.dtype("<f4")}
_CELL, _STRUCT, _CHARACTERS, _UINT8_CLASS, _LOGICAL = 1, 2, 4, 9, 0x0200
_UINT8, _UINT16 = 2, 4
_NAME_BYTES = 64  # of a field of a struct, its end included


def write_header(stream: IO[bytes]) -> None:
    """Write the header of a file."""
    stream.write(b"MATLAB 5.0 MAT-file, written by HMIF-Bench".ljust(116) + bytes(8) + struct.pack("<H", 0x0100) + b"IM")


def write_bands(stream: IO[bytes], name: str, shape: tuple[int, int, int], bands: Iterable[NDArray[np.float32]]) -> None:
    """Write a variable (rows, cols, bands) from its bands, each (rows, cols); `shape` is (bands, rows, cols)."""
    count, rows, cols = shape
    _write_head(stream, name, (rows, cols, count), "f")
    for band in bands:
        stream.write(np.ascontiguousarray(band.T, dtype="<f4").data)
    _pad(stream, prod(shape) * 4)


def write_row(stream: IO[bytes], name: str, numbers: NDArray[np.float64]) -> None:
    """Write a variable of one row in double precision."""
    _write_head(stream, name, (1, numbers.size), "d")
    stream.write(np.ascontiguousarray(numbers, dtype="<f8").data)


def write_text(stream: IO[bytes], name: str, text: str) -> None:
    """Write a text; characters beyond ASCII become question marks."""
    samples = np.frombuffer(text.encode("ascii", "replace"), np.uint8).astype("<u2")
    parts = _parts(name, (1, samples.size), 4)
    stream.write(struct.pack("<II", _MATRIX, len(parts) + 8 + _padded(samples.nbytes)) + parts + struct.pack("<II", 4, samples.nbytes))
    stream.write(samples.tobytes())
    _pad(stream, samples.nbytes)


def write_fields(stream: IO[bytes], values: Mapping[str, Any]) -> None:
    """Write a variable for each entry: arrays, numbers, truth values, texts, lists of these, and tables as structs.

    A whole number is written in double precision, as MATLAB would; an array of one axis is a row. Arrays of float32 stay single.
    """
    for name, value in values.items():
        if isinstance(value, np.ndarray):
            _write_array(stream, name, value)
        else:
            stream.write(_matrix(name, value))


def _write_array(stream: IO[bytes], name: str, array: NDArray[Any]) -> None:
    """Write an array of any number of axes, one slice of its last axis after the other, so that no second copy is held."""
    code = "f" if array.dtype == np.float32 else "d"
    whole = array.reshape(1, -1) if array.ndim < 2 else array
    _write_head(stream, name, whole.shape, code)
    for last in range(whole.shape[-1]):
        stream.write(np.asarray(whole[..., last], dtype=_TYPES[code]).tobytes(order="F"))
    _pad(stream, prod(whole.shape) * struct.calcsize(code))


def _matrix(name: str, value: Any) -> bytes:
    """The whole element of a small value."""
    if isinstance(value, Mapping):
        names = b"".join(key.encode("ascii")[: _NAME_BYTES - 1].ljust(_NAME_BYTES, b"\0") for key in value)
        inside = _parts(name, (1, 1), _STRUCT) + struct.pack("<HHi", _INT32, 4, _NAME_BYTES) + _element(_INT8, names)
        inside += b"".join(_matrix("", entry) for entry in value.values())
    elif isinstance(value, str):
        samples = np.frombuffer(value.encode("ascii", "replace"), np.uint8).astype("<u2")
        inside = _parts(name, (1 if samples.size else 0, samples.size), _CHARACTERS) + _element(_UINT16, samples.tobytes())
    elif isinstance(value, bool):
        inside = _parts(name, (1, 1), _UINT8_CLASS, _LOGICAL) + _element(_UINT8, bytes([value]))
    elif isinstance(value, list | tuple) and any(isinstance(entry, str | list | tuple) for entry in value):
        inside = _parts(name, (1, len(value)), _CELL) + b"".join(_matrix("", entry) for entry in value)
    else:
        numbers = np.atleast_2d(np.asarray(value, dtype="<f8"))
        inside = _parts(name, numbers.shape, _CLASSES["d"]) + _element(_KINDS["d"], numbers.tobytes(order="F"))
    return _element(_MATRIX, inside)


def _write_head(stream: IO[bytes], name: str, sizes: tuple[int, ...], code: str) -> None:
    """Write all that comes before the samples."""
    length = prod(sizes) * struct.calcsize(code)
    parts = _parts(name, sizes, _CLASSES[code])
    stream.write(struct.pack("<II", _MATRIX, len(parts) + 8 + _padded(length)) + parts + struct.pack("<II", _KINDS[code], length))


def _parts(name: str, sizes: tuple[int, ...], kind: int, marks: int = 0) -> bytes:
    flags = struct.pack("<IIII", _UINT32, 8, kind | marks, 0)
    shape = _element(_INT32, struct.pack(f"<{len(sizes)}i", *sizes))
    return flags + shape + _element(_INT8, name.encode("ascii"))


def _element(kind: int, content: Any) -> bytes:
    return struct.pack("<II", kind, len(content)) + bytes(content).ljust(_padded(len(content)), b"\0")


def _padded(length: int) -> int:
    return (length + 7) // 8 * 8


def _pad(stream: IO[bytes], length: int) -> None:
    stream.write(bytes(_padded(length) - length))
