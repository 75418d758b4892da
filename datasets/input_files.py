"""What every reader of files keeps to, whatever the format: regular files alone, sizes before values, and one family of errors.

    regular files       a FIFO, a device, a socket or a folder is refused by its kind and never opened: reading one may wait for ever
    sizes first         what the header promises is compared with the length of the file and with the largest array that is read, before
                        any value is read
    largest array       `--max-gb`, handed to child processes as $HMIF_MAX_GB; without it half of the memory that this process may use
    packing             an array of more than 64 MiB that is said to be more than 200 times as long as the bytes that hold it is refused: no
                        measured image packs so well, while a few kilobytes of zeros can stand for gigabytes
    one family          whatever goes wrong with a file ends as an `InputFileError` that names the file, what was expected, what came, and
                        the way out; a library's own exception is kept as its cause

Only the standard library and numpy are needed, so that reports read files without torch.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import isfinite, prod
from pathlib import Path
from typing import Any

import numpy as np

from datasets.printable import error_text, printable

MAX_GB = "HMIF_MAX_GB"  # environment variable: the largest array that is read from a file, in 10^9 bytes
LARGEST_PACKING = 200  # declared bytes per stored byte of a compressed array
FREE_PACKING = 64 * 2**20  # bytes up to which an array may be packed as well as it likes
LONGEST_TEXT = 16 * 2**20  # bytes of a header or of a table in text
_LONGEST_MESSAGE = 2000  # characters
_SHARE = 0.5  # of the memory
_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
    (stat.S_ISSOCK, "a socket"),
)
_CGROUP = Path("/sys/fs/cgroup/memory.max")


class InputFileError(ValueError):
    """A file that cannot be used; the text names the file and says what was expected, what came, and the way out.

    Parts of the text may come from the file. So it is made printable, in one line of at most 2000 characters.
    """

    def __init__(self, text: str) -> None:
        super().__init__(_one_line(text, _LONGEST_MESSAGE))


class InputLimitError(InputFileError):
    """A limit on the size of files that is no number above 0."""


def regular_size(path: Path, error: type[InputFileError]) -> int:
    """The length in bytes of a regular file, or of the one that a link leads to; it is not opened.

    Raises:
        InputFileError: `error`, where there is no file, or something else than a file.
    """
    try:
        found = path.stat()
    except (OSError, ValueError) as problem:
        reason = "nothing there" if isinstance(problem, FileNotFoundError | NotADirectoryError) else brief(problem)
        raise error(f"{path}: expected a file, got {reason}; check the path") from problem
    if not stat.S_ISREG(found.st_mode):
        kind = next((name for test, name in _KINDS if test(found.st_mode)), "something else")
        raise error(f"{path}: expected a regular file, got {kind}; give the path of a file")
    return found.st_size


def short_text(path: Path, error: type[InputFileError]) -> bytes:
    """The bytes of a header or table, which must be a regular file of at most 16 MiB.

    Raises:
        InputFileError: `error`, where it is none, is longer, or cannot be read.
    """
    size = regular_size(path, error)
    if size > LONGEST_TEXT:
        raise error(f"{path}: expected a text of at most {LONGEST_TEXT} bytes, got {size}; is it another kind of file?")
    with own_errors(path, error, "a readable file", "check its permissions"):
        return path.read_bytes()


def largest_array() -> int:
    """The bytes of the largest array that is read from a file: $HMIF_MAX_GB, else half of the memory that this process may use.

    Raises:
        InputLimitError: $HMIF_MAX_GB is no number above 0.
    """
    given = os.environ.get(MAX_GB)
    if given:
        try:
            gigabytes = float(given)
        except ValueError:
            gigabytes = 0.0
        if not (isfinite(gigabytes) and gigabytes > 0):
            raise InputLimitError(f"${MAX_GB} or --max-gb: expected a number of gigabytes above 0, got {given!r}")
        return int(gigabytes * 1e9)
    return int(_SHARE * _memory())


def expect_shape(path: Path, shape: Sequence[int], dtype: np.dtype[Any], held: int, error: type[InputFileError]) -> None:
    """Nothing, where an array that a header promises may be read: `held` is the number of bytes of the file that hold it, packed or not.

    Raises:
        InputFileError: `error`, where an axis has no entries, or the array is larger than the limit or than `held` bytes can stand for.
    """
    described = f"{' x '.join(map(str, shape))} {dtype}"
    if any(size < 1 for size in shape):
        raise error(f"{path}: expected at least one entry on each axis, got {described}; export the image again")
    declared = prod(int(size) for size in shape) * dtype.itemsize
    needed = prod(int(size) for size in shape) * max(dtype.itemsize, 4)  # the cube is float32
    limit = largest_array()
    if needed > limit:
        raise error(
            f"{path}: expected an array of at most {spell_bytes(limit)}, got {described}, {spell_bytes(needed)}; crop the image, or "
            "raise the limit with --max-gb where it is meant to be so large"
        )
    if declared > max(FREE_PACKING, LARGEST_PACKING * held):
        raise error(
            f"{path}: expected at most {LARGEST_PACKING} bytes of values per byte that holds them, got {described} in {held} bytes; "
            "the file is damaged or made to fill the memory; export the image without compression if it is sound"
        )


def spell_bytes(count: int) -> str:
    """A number of bytes in words, such as "1.80 GB"."""
    return f"{count / 1e9:.2f} GB" if count >= 10**7 else f"{count} bytes"


def _one_line(text: str, longest: int) -> str:
    """A text in one line that can be shown, its middle left out where it is too long."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= longest else f"{line[: longest // 2]} ... {line[-longest // 2 + 5 :]}"


def brief(problem: BaseException) -> str:
    """An exception of a library in one line of at most 300 characters that can be shown."""
    return _one_line(error_text(problem), 300)


@contextmanager
def own_errors(path: Path, error: type[InputFileError], expected: str, way_out: str = "fetch or export it again") -> Iterator[None]:
    """A block whose every exception is one of the family: a library's becomes `error`, and one of ours gets the file's name if it lacks it.

    Raises:
        InputFileError: `error`, or the one that was raised inside.
    """
    try:
        yield
    except InputFileError as problem:
        if path.name in str(problem):
            raise
        raise type(problem)(f"{path}: {problem}") from problem
    except Exception as problem:
        raise error(f"{path}: expected {expected}, got {brief(problem)}; {way_out}") from problem


def _memory() -> int:
    """The bytes of memory of this machine, or of the cgroup of this process where that is less."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        allowed = _CGROUP.read_text().strip()
    except OSError:
        return machine
    return min(machine, int(allowed)) if allowed.isdigit() else machine
