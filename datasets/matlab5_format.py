"""MATLAB's files of version 5 (and 6, 7), by their headers first, then one variable at a time.

A file is 128 bytes of header and then elements, each (type, number of bytes, data). A variable is an element of type matrix, or a deflated
one that holds it. A matrix is four elements: flags with the class, the sizes of its axes, its name, and its samples, the first axis running
fastest; samples of whole numbers may be stored in a narrower type than the class says. The fields of a struct are matrices inside of its
element (datasets/matlab5_structs.py); their names are paths, such as s/cube, as in version 7.3. Version 7.3 is HDF5
(datasets/hdf5_format.py); version 4 is refused, since it holds no image of three axes.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from datasets.input_files import InputFileError, expect_shape, own_errors, regular_size
from datasets.matlab5_structs import COMPLEX, MATRIX, NUMERIC, SAMPLES, skip, struct_fields

_HEADER = 128
_COMPRESSED = 15
_STRUCT, _CLASS = 2, 16  # the class of structs, and the byte of a matrix in which the class stands (little-endian)
_FIRST_WHOLE = 8  # the class int8; from there on whole numbers
_LONGEST_HEAD = 4096  # bytes of a variable before its samples


@dataclass(frozen=True)
class DeclaredVariable:
    """One numeric variable of a file as its header declares it."""

    path: Path
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    held: int  # bytes of the file that hold it
    place: int  # of the element that holds it
    deflated: bool
    head: int  # bytes of the (inflated) element before the samples
    error: type[InputFileError]
    after: int = 0  # bytes of the element behind the samples, where it holds other fields of a struct, too
    whole_numbers: bool = False  # whether its class is one of whole numbers; `dtype` is how the samples are stored

    def read(self) -> NDArray[Any]:
        """The samples, with the axes in MATLAB's order.

        Raises:
            InputFileError: the array is larger than allowed, or the file is broken.
        """
        expect_shape(self.path, self.shape, self.dtype, self.held, self.error)
        if self.dtype.kind == "c":
            raise self.error(f"{self.path}: expected real samples, got complex ones; export their magnitude")
        with own_errors(self.path, self.error, "a whole .mat file"), self.path.open("rb") as stream:
            samples = np.empty(prod(self.shape), self.dtype)
            stream.seek(self.place)
            inflated = Inflated(stream, self.held)
            source: Any = io.BufferedReader(inflated, 2**18) if self.deflated else stream
            skip(source, self.head)
            got = _read_into(source, samples.view(np.uint8).data)
            if got != samples.nbytes:
                raise self.error(f"{self.path}: expected a whole .mat file, got {got} of {samples.nbytes} bytes; fetch or export it again")
            if self.deflated:
                skip(source, self.after)
            if self.deflated and (len(source.read(9)) > 8 or not inflated.ended):  # padding, then the checksum, compared at the end
                raise self.error(f"{self.path}: expected a variable that ends with its samples, got another end; export the file again")
            return samples.reshape(self.shape, order="F")


class Inflated(io.RawIOBase):
    """The content of a deflated element, inflated as far as it is read and no further."""

    def __init__(self, stream: IO[bytes], length: int) -> None:
        self._stream, self._left, self._inflater, self._waiting = stream, length, zlib.decompressobj(), b""

    @property
    def ended(self) -> bool:
        """Whether the end was reached, and the checksum is right."""
        return self._inflater.eof

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The number of bytes that were inflated into `buffer`; 0 at the end."""
        while not self._inflater.eof:
            if not self._waiting and self._left:
                self._waiting = self._stream.read(min(2**16, self._left))
                self._left -= len(self._waiting)
            elif not self._waiting:
                break
            block = self._inflater.decompress(self._waiting, len(buffer))
            self._waiting = self._inflater.unconsumed_tail
            if block:
                buffer[: len(block)] = block
                return len(block)
        return 0


def is_version_5(path: Path, error: type[InputFileError]) -> bool:
    """Whether a .mat file is of version 5; False where it is HDF5 behind a header, as in version 7.3.

    Raises:
        InputFileError: `error`, where it is neither.
    """
    regular_size(path, error)
    with own_errors(path, error, "a whole .mat file"), path.open("rb") as stream:
        header = stream.read(_HEADER)
    mark = header[126:128]
    if len(header) == _HEADER and mark in (b"IM", b"MI"):
        version = int.from_bytes(header[124:126], "little" if mark == b"IM" else "big")
        if version in (0x0100, 0x0200):
            return version == 0x0100
    if header.startswith(b"\x89HDF"):
        return False
    raise error(f"{path}: expected a whole .mat file of version 5 to 7.3, got another header; export it again, with save -v7 or -v7.3")


def declared_variables(path: Path, error: type[InputFileError]) -> Mapping[str, DeclaredVariable]:
    """The numeric variables of a file by their names.

    Raises:
        InputFileError: `error`, where an element does not fit into the file, or a variable's parts contradict each other.
    """
    length = regular_size(path, error)
    found: dict[str, DeclaredVariable] = {}
    with own_errors(path, error, "a whole .mat file"), path.open("rb") as stream:
        order = "<" if stream.read(_HEADER)[126:128] == b"IM" else ">"
        place = _HEADER
        while place < length:
            stream.seek(place)
            kind, size = struct.unpack(f"{order}II", stream.read(8))
            start = place + 8
            place = start + size
            if place > length:
                raise error(f"{path}: expected {place} bytes, got {length}; the file is truncated, copy it again")
            if kind == _COMPRESSED:
                head, origin = zlib.decompressobj().decompress(stream.read(min(size, _LONGEST_HEAD)), _LONGEST_HEAD), start
                kind, inside = struct.unpack(f"{order}II", head[:8])
            else:
                head, origin = struct.pack(f"{order}II", kind, size) + stream.read(min(size, _LONGEST_HEAD)), start - 8
                inside = size
            if kind != MATRIX or inside == 0:
                continue
            deflated = origin == start
            parsed = _Head(path, head, inside, order, error).parsed()
            fields: list[tuple[str, DeclaredVariable]] = []
            if parsed is not None:
                name, shape, dtype, before, whole = parsed
                fields.append((name, DeclaredVariable(path, shape, dtype, size, origin, deflated, before, error, whole_numbers=whole)))
            elif len(head) > _CLASS and head[_CLASS if order == "<" else _CLASS + 3] == _STRUCT:
                expect_shape(path, (inside,), np.dtype(np.uint8), size, error)
                stream.seek(origin)
                source: Any = io.BufferedReader(Inflated(stream, size), 2**18) if deflated else stream
                for one in struct_fields(source, inside, order):
                    after = inside + 8 - one.before - one.length if deflated else 0
                    fields.append(
                        (one.name, DeclaredVariable(path, one.shape, one.dtype, size, origin, deflated, one.before, error, after))
                    )
            for name, variable in fields:
                if name in found:
                    raise error(f"{path}: expected each variable once, got {name!r} twice; save the file again")
                found[name] = variable
    return found


class _Head:
    """The part of a matrix before its samples, read from its beginning."""

    def __init__(self, path: Path, content: bytes, inside: int, order: str, error: type[InputFileError]) -> None:
        self.path, self.content, self.inside, self.order, self.error, self.at = path, content, inside, order, error, 8

    def parsed(self) -> tuple[str, tuple[int, ...], np.dtype[Any], int, bool] | None:
        """Name, shape, type of the samples, bytes before them, whether its class is one of whole numbers; None for other classes."""
        flags = struct.unpack(f"{self.order}II", self._data()[1])[0]
        if flags & 0xFF not in NUMERIC:
            return None
        sizes = self._data()[1]
        shape = struct.unpack(f"{self.order}{len(sizes) // 4}i", sizes)
        name = self._data()[1].decode("latin-1")
        kind, length = self._tag()
        dtype = np.dtype(self.order + SAMPLES[kind])
        if min(shape, default=-1) < 0 or length != prod(shape) * dtype.itemsize or self.at - 8 + length > self.inside:
            raise self.error(f"{self.path}: expected {prod(shape)} samples {dtype} of {name!r}, got {length} bytes; export the file again")
        return name, shape, np.dtype(np.complex128) if flags & COMPLEX else dtype, self.at, flags & 0xFF >= _FIRST_WHOLE

    def _tag(self) -> tuple[int, int]:
        """Type and length of the next element, whose data then begin at `at`; four bytes or fewer may lie inside the tag."""
        first, length = struct.unpack_from(f"{self.order}II", self.content, self.at)
        if first >> 16:
            self.at += 4
            return first & 0xFFFF, first >> 16
        self.at += 8
        return first, length

    def _data(self) -> tuple[int, bytes]:
        small = self.at
        kind, length = self._tag()
        data = self.content[self.at : self.at + length]
        if len(data) != length:
            raise self.error(f"{self.path}: expected a variable's name and sizes within {_LONGEST_HEAD} bytes, got {length} bytes more")
        self.at = small + 8 if self.at == small + 4 else self.at + (length + 7) // 8 * 8
        return kind, data


def _read_into(stream: Any, target: memoryview) -> int:
    """The number of bytes that were read into `target`, which are fewer than wanted at the end of the stream."""
    got = 0
    while got < len(target):
        count = stream.readinto(target[got : got + 2**20])
        if not count:
            break
        got += count
    return got
