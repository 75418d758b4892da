"""The fields of a struct in MATLAB's files of version 5, at any depth, found without keeping their samples.

After flags, sizes and name, a struct's element has the length that each name of a field takes, the names one after the other, and for each
field a matrix of its own. A table of structs (more than one entry) is passed over, as its fields have no names of their own.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

MATRIX = 14
SAMPLES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
NUMERIC = range(6, 16)  # classes double, single, and the whole numbers
COMPLEX = 0x0800
_STRUCT = 2
_DEEPEST, _MOST_FIELDS, _LONGEST_PART = 8, 4096, 2**20


@dataclass(frozen=True)
class Field:
    """A numeric field of a struct."""

    name: str  # with the names of the structs that it lies in: s/cube
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    before: int  # bytes of the outermost element before its samples
    length: int  # bytes of its samples


def struct_fields(source: Any, inside: int, order: str) -> Iterator[Field]:
    """The numeric fields of the struct at which `source` stands: a matrix of `inside` bytes after its tag of eight.

    Raises:
        ValueError: the parts do not fit into one another.
    """
    walk = _Walk(source, order)
    walk.read(8)
    yield from walk.matrix("", inside, 0)


class _Walk:
    """A way through an element, which knows how many bytes lie behind it."""

    def __init__(self, source: Any, order: str) -> None:
        self.source, self.order, self.at, self.fields = source, order, 0, 0

    def read(self, count: int) -> bytes:
        """The next bytes, of which there are so many."""
        if count > _LONGEST_PART:
            raise ValueError(f"a part of {count} bytes where at most {_LONGEST_PART} are allowed")
        data: bytes = self.source.read(count)
        if len(data) != count:
            raise ValueError(f"{len(data)} of {count} bytes of a struct")
        self.at += count
        return data

    def pass_over(self, until: int) -> None:
        """Go on to that place."""
        if until < self.at:
            raise ValueError("a part of a struct that is longer than the struct")
        skip(self.source, until - self.at)
        self.at = until

    def part(self) -> bytes:
        """The data of the next small element; four bytes or fewer may lie inside its tag."""
        first, length = struct.unpack(f"{self.order}II", tag := self.read(8))
        if first >> 16:
            return tag[4 : 4 + (first >> 16)]
        return self.read(-(-length // 8) * 8)[:length]

    def matrix(self, prefix: str, inside: int, depth: int) -> Iterator[Field]:
        """The numeric fields of the matrix whose tag has been read, itself where it is one."""
        end = self.at + inside
        if inside:
            flags = struct.unpack(f"{self.order}I", self.part()[:4])[0]
            sizes = self.part()
            shape = struct.unpack(f"{self.order}{len(sizes) // 4}i", sizes)
            own = self.part().decode("latin-1")
            name = prefix or own
            if flags & 0xFF in NUMERIC:
                yield from self._numbers(name, shape, flags)
            elif flags & 0xFF == _STRUCT and prod(shape) == 1:
                yield from self._fields(name, depth)
        self.pass_over(end)

    def _numbers(self, name: str, shape: tuple[int, ...], flags: int) -> Iterator[Field]:
        start = self.at
        first, length = struct.unpack(f"{self.order}II", self.read(8))
        kind, length, before = (first & 0xFFFF, first >> 16, start + 4) if first >> 16 else (first, length, start + 8)
        dtype = np.dtype(self.order + SAMPLES[kind])
        if min(shape, default=-1) < 0 or length != prod(shape) * dtype.itemsize:
            raise ValueError(f"{prod(shape)} samples {dtype} of {name!r} in {length} bytes")
        yield Field(name, shape, np.dtype(np.complex128) if flags & COMPLEX else dtype, before, length)

    def _fields(self, name: str, depth: int) -> Iterator[Field]:
        longest = struct.unpack(f"{self.order}i", self.part())[0]
        texts = self.part()
        names = [texts[at : at + longest].split(b"\0")[0].decode("latin-1") for at in range(0, len(texts), longest)] if longest > 0 else []
        self.fields += len(names)
        if depth >= _DEEPEST or self.fields > _MOST_FIELDS:
            raise ValueError(f"structs of more than {_DEEPEST} levels or {_MOST_FIELDS} fields")
        for field in names:
            kind, inside = struct.unpack(f"{self.order}II", self.read(8))
            if kind != MATRIX:
                raise ValueError(f"a field {field!r} of type {kind} in a struct")
            yield from self.matrix(f"{name}/{field}", inside, depth + 1)


def skip(source: Any, count: int) -> None:
    """Read over so many bytes, or to the end."""
    while count > 0:
        got = len(source.read(min(count, 2**20)))
        if not got:
            return
        count -= got
