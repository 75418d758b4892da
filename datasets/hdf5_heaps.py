"""The heaps of an HDF5 file, in which texts of variable length lie: looked at before the library reads them.

A global heap is the mark GCOL, version 1, its length, and then objects, each with its own length. The library steps from object to object
and never ends where a damaged length makes a step of 0 bytes. So the steps are made here first. The lengths of a file are numbers of the
size that its superblock states.
"""

from __future__ import annotations

import mmap
from functools import lru_cache
from pathlib import Path

from datasets.input_files import InputFileError

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_HEAP = b"GCOL\x01\x00\x00\x00"


def expect_sound_heaps(path: Path, error: type[InputFileError]) -> None:
    """Nothing, where every global heap of a file can be stepped through.

    Raises:
        InputFileError: `error`, where one cannot.
    """
    stat = path.stat()
    place = _first_broken_heap(path, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    if place is not None:
        raise error(f"{path}: expected a whole HDF5 file, got texts at byte {place} whose lengths cannot be; fetch or export it again")


@lru_cache(maxsize=256)
def _first_broken_heap(path: Path, *_state: int) -> int | None:
    """Where the first heap lies that cannot be stepped through; None where there is none. Looked for again when the file has changed."""
    if not path.stat().st_size:
        return None
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        width = _length_size(content)
        place = content.find(_HEAP)
        while place >= 0:
            if not _steps(content, place, width):
                return place
            place = content.find(_HEAP, place + len(_HEAP))
    return None


def _length_size(content: mmap.mmap) -> int:
    """The bytes of a length, by the superblock; 8 where there is none, which the library will say."""
    place = 0
    while place + 16 < len(content):
        if content[place : place + 8] == _SIGNATURE:
            size = content[place + (14 if content[place + 8] < 2 else 10)]
            return size if size in (2, 4, 8) else 8
        place = 2 * place or 512
    return 8


def _steps(content: mmap.mmap, start: int, width: int) -> bool:
    """Whether a heap ends inside the file, and its objects inside the heap."""
    header = -(-(8 + width) // 8) * 8  # of the heap, and of each object
    end = start + int.from_bytes(content[start + 8 : start + 8 + width], "little")
    place = start + header
    if end > len(content):
        return False
    while place + header <= end:
        index, size = int.from_bytes(content[place : place + 2], "little"), int.from_bytes(content[place + 8 : place + 8 + width], "little")
        step = header + -(-size // 8) * 8 if index else size  # the object 0 is what is free, its header included
        if step < header or place + step > end:
            return False
        place += step
    return True
