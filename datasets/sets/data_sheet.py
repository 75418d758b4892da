"""The data sheet of a named set: the facts in the docstring of its file, as rows.

A sheet begins with a line that names the set. After an empty line its rows follow, each beginning with its key; a longer text goes on in
lines that are indented by eight spaces or more. The next empty line ends them:

    what         what the images show, and which sensor took them
    where        where the set is to be had
    size         on disk
    folder       what the folder of the set must look like
    file         which variable holds the image, and the order of its axes
    scenes       how many there are, and what they are called
    shape        rows x columns x bands
    scale        value = stored / scale, and where the constant is from
    wavelengths  the band centres in nm, and where they are from
    licence      the terms of use
    paper        what is to be cited
    doi          of the paper or of the data
    splits       who uses which scenes
    open         what has not been confirmed at its source

The sources are read, not the modules, so that a list of sets imports none of them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

KEYS = ("what", "where", "size", "folder", "file", "scenes", "shape", "scale", "wavelengths", "licence", "paper", "doi", "splits", "open")
_ROW = re.compile(r"(?: {4})?([a-z]+) +(\S.*)")


class SheetError(ValueError):
    """A data sheet that lacks a row, or has one that is not known: a fault of this suite, which a test finds."""


@dataclass(frozen=True)
class DataSheet:
    """The facts of one set."""

    title: str
    rows: Mapping[str, str]  # by KEYS, in their order

    def __getitem__(self, key: str) -> str:
        """One row."""
        return self.rows[key]


def read_sheet(file: Path) -> DataSheet:
    """The data sheet in the docstring of a Python file.

    Raises:
        SheetError: the file has no docstring, or not exactly the rows of the module docstring.
    """
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")), clean=False) or ""
    first, *lines = text.splitlines() or [""]
    rows: dict[str, str] = {}
    key = ""
    for line in lines:
        if not line and rows:
            break
        if match := _ROW.fullmatch(line):
            key = match[1]
            if key in rows:
                raise SheetError(f"{file}: expected the row {key!r} once, got it twice; remove one")
            rows[key] = match[2].strip()
        elif key and line.startswith(" " * 8):
            rows[key] += " " + line.strip()
        elif line:
            raise SheetError(f"{file}: expected a row of the data sheet, got {line!r}; begin it with its key, or indent it")
    if set(rows) != set(KEYS):
        missing, unknown = [item for item in KEYS if item not in rows], [item for item in rows if item not in KEYS]
        raise SheetError(
            f"{file}: expected the rows {', '.join(KEYS)}, got {missing} missing and {unknown} unknown; complete the data sheet"
        )
    return DataSheet(first.rstrip("."), {item: rows[item] for item in KEYS})
