"""The JSON files of a run folder: written as a whole or not at all, and read with an error that names the file.

Whatever a file holds, what is read from it is harmless: a regular file of bounded size, nested at most `DEEPEST` levels, without NaN or
infinite numbers, its whole numbers within 64 bits, and each character of its texts one that can be shown (datasets/printable.py).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from itertools import count
from math import isfinite
from pathlib import Path
from stat import S_ISREG
from typing import Any, NoReturn

from datasets.printable import printable

MOST_BYTES = 256 * 2**20  # no larger file is read
DEEPEST = 40  # levels of tables and lists
MOST_WHOLE = 2**64  # whole numbers must be smaller, without their sign


class RecordError(ValueError):
    """A run folder or a record that cannot be read; the text says which file and why."""


def write_json(file: Path, table: Mapping[str, Any], *, durable: bool = True) -> Path:
    """The file to which `table` is written as JSON; `durable` as in `write_bytes`."""
    return write_bytes(file, json.dumps(table, indent=1, sort_keys=True, allow_nan=False).encode(), durable=durable)


def write_bytes(file: Path, content: bytes, *, durable: bool = True) -> Path:
    """The file to which `content` is written as a whole or not at all; with `durable` it is on the disk when this returns.

    A folder that stands in the place of the file is moved away first: it gets a hidden name beside it.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as stream:
        stream.write(content)
        if durable:
            stream.flush()
            os.fsync(stream.fileno())
    if file.is_dir() and not file.is_symlink():
        free = (file.with_name(f".{file.name}.moved-{number}") for number in count(1))
        file.rename(next(place for place in free if not place.exists()))
    temporary.replace(file)
    return file


def read_json(file: Path) -> dict[str, Any]:
    """The JSON object in `file`.

    Raises:
        RecordError: the file cannot be read, or holds no JSON object.
    """
    try:
        return json_in(file)
    except ValueError as error:
        raise RecordError(f"{printable(file.name)}: expected a JSON object, got {error}; move it away or run the plan again") from error


def json_in(file: Path) -> dict[str, Any]:
    """The JSON object in `file`.

    Raises:
        ValueError: the file cannot be read, or holds no JSON object; the text says what came instead.
    """
    return json_object(regular_bytes(file, MOST_BYTES))


def regular_bytes(file: Path, most: int) -> bytes:
    """The content of a regular file of at most `most` bytes.

    Raises:
        ValueError: the file is not there, is none, is too large or cannot be read; the text says what came instead.
    """
    try:
        status = file.stat()
        if not S_ISREG(status.st_mode):  # a named pipe would never end
            raise ValueError("a folder, a pipe or a device in the place of the file")
        if status.st_size > most:
            raise ValueError(f"{status.st_size} bytes, more than {most}")
        return file.read_bytes()
    except OSError as error:
        raise ValueError("no file" if isinstance(error, FileNotFoundError) else f"{type(error).__name__}: {error.strerror}") from error


def json_object(content: bytes) -> dict[str, Any]:
    """The JSON object that some bytes spell, with texts that can be shown.

    Raises:
        ValueError: they spell none, or one with numbers that no file of this suite has; the text says what came instead.
    """
    try:
        table = json.loads(content.decode("utf-8"), parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError(f"more than {DEEPEST} levels of tables and lists") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"no UTF-8 at byte {error.start} of {len(content)}") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON at character {error.pos} of {len(error.doc)} ({error.msg})") from error
    if not isinstance(table, dict):
        raise ValueError(type(table).__name__)
    return dict(_harmless(table, DEEPEST))


def shown(value: Any) -> Any:
    """The value with each text in it, keys included, as `printable` shows it; equal to the value where all its texts can be shown."""
    kind = type(value)
    if kind is str:
        return printable(value)
    if kind in (list, tuple):
        return kind(map(shown, value))
    return {shown(name): shown(entry) for name, entry in value.items()} if kind is dict or isinstance(value, Mapping) else value


def _harmless(value: Any, levels: int) -> Any:
    """A value of JSON with texts that can be shown.

    Raises:
        ValueError: a number is too large, or there are too many levels.
    """
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict | list) and levels == 0:
        raise ValueError(f"more than {DEEPEST} levels of tables and lists")
    if isinstance(value, dict):
        return {printable(name): _harmless(entry, levels - 1) for name, entry in value.items()}
    if isinstance(value, list):
        return [_harmless(entry, levels - 1) for entry in value]
    if (isinstance(value, float) and not isfinite(value)) or (type(value) is int and abs(value) >= MOST_WHOLE):
        raise ValueError("a number that is too large")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is no JSON")
