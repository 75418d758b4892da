"""The JSON files of a run folder: written as a whole or not at all, and read with an error that names the file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class RecordError(ValueError):
    """A run folder or a record that cannot be read; the text says which file and why."""


def write_json(file: Path, table: Mapping[str, Any], *, durable: bool = True) -> Path:
    """The file to which `table` is written as JSON; `durable` as in `write_bytes`."""
    return write_bytes(file, json.dumps(table, indent=1, sort_keys=True, allow_nan=False).encode(), durable=durable)


def write_bytes(file: Path, content: bytes, *, durable: bool = True) -> Path:
    """The file to which `content` is written as a whole or not at all; with `durable` it is on the disk when this returns."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as stream:
        stream.write(content)
        if durable:
            stream.flush()
            os.fsync(stream.fileno())
    temporary.replace(file)
    return file


def read_json(file: Path) -> dict[str, Any]:
    """The JSON object in `file`.

    Raises:
        RecordError: the file cannot be read, or holds no JSON object.
    """
    try:
        table = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecordError(f"{file.name}: expected a JSON file, got {type(error).__name__}: {error}") from error
    if not isinstance(table, dict):
        raise RecordError(f"{file.name}: expected a JSON object, got {type(table).__name__}")
    return table
