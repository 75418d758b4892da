"""The table `[run]`: which program is a method, what it is handed, and what its result depends on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets.exchange.handed_fields import ExchangeFormat
from datasets.settings import SettingError, configure
from methods.declared.declaration import Declaration, DeclarationError

PLACEHOLDERS: Mapping[str, str] = {
    "here": "the folder of the TOML file",
    "observation": "the observation file, which the program reads",
    "estimate": "the estimate file, which the program writes",
    "python": "the Python interpreter of `environment` or `python`",
    "threads": "how many threads the program may use",
}
_BRACES = re.compile(r"\{\{|\}\}|\{([A-Za-z_ ]*)\}")  # {{ and }} stand for single braces


@dataclass(frozen=True)
class RunTable:
    """The schema of the table."""

    command: tuple[str, ...]
    """The program and its arguments, without a shell. {observation}, {estimate}, {here}, {python}, {threads} stand for what they name."""
    format: ExchangeFormat = "mat"
    """The format of both files: mat (MATLAB version 5), h5 (HDF5) or npz (numpy)."""
    files: tuple[str, ...] = ()
    """Names and patterns of all files that the program reads, relative to the TOML file; ** stands for folders at any depth. Their content
    is hashed into the key."""
    environment: str = ""
    """What the program runs in: a requirements file, a lock file of uv or pip (.txt, .toml, .lock), a conda file (.yml, .yaml), or a
    container image with its digest (NAME@sha256:...). It is made once by `run --prepare` or `check-method`, and hashed into the key."""
    python: str = ""
    """The interpreter of an environment that exists already, relative to the TOML file; its installed distributions are part of the key."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """The parameters that a plan may set, each with its default, which gives the type. They arrive in the observation file."""
    trial: dict[str, Any] = field(default_factory=dict)
    """Values of parameters with which a run takes about a second; only `check-method` uses them."""
    version: tuple[str, ...] = ()
    """A command that prints the version of the program, whose first line is recorded with each result."""
    empty: tuple[str, ...] = ()
    """A command that starts the same interpreter and does nothing. Its time is subtracted. Known for Python, Octave, MATLAB, R, Julia and
    shells."""


def read_run_table(declaration: Declaration) -> RunTable:
    """The checked table.

    Raises:
        DeclarationError: a key is unknown or missing, a value is of the wrong type, or a placeholder is none.
    """
    try:
        table = configure(RunTable, declaration.table)
    except SettingError as error:
        raise DeclarationError(f"{declaration.file}: [run]: {error}") from error
    where = f"{declaration.file}: [run]"
    if not table.command or not table.command[0]:
        raise DeclarationError(f'{where}: command: expected a program and its arguments, got none; write command = ["octave", ...]')
    for name in ("command", "version", "empty"):
        for word in getattr(table, name):
            for found in _BRACES.finditer(word):
                if found[1] is not None and found[1] not in PLACEHOLDERS:
                    raise DeclarationError(
                        f"{where}: {name}: expected placeholders among {', '.join(f'{{{known}}}' for known in PLACEHOLDERS)}, got "
                        f"{found[0]}; correct it, or double the braces where they are meant"
                    )
    whole = " ".join(table.command)
    for needed in ("observation", "estimate"):
        if f"{{{needed}}}" not in whole:
            raise DeclarationError(f"{where}: command: expected {{{needed}}} among the arguments, got {whole!r}; add it")
    if table.environment and table.python:
        raise DeclarationError(f"{where}: expected environment or python, got both; drop one of them")
    uses_python = any("{python}" in word for word in (*table.command, *table.version, *table.empty))
    if uses_python and not (table.environment or table.python):
        raise DeclarationError(f'{where}: expected environment = "requirements.txt" or python = "..." for {{python}}, got neither; add one')
    return table


def fill(words: tuple[str, ...], values: Mapping[str, str]) -> list[str]:
    """The words with each placeholder replaced by its value; one that has no value stays as it is."""
    return [_BRACES.sub(lambda found: found[0][0] if found[1] is None else values.get(found[1], found[0]), word) for word in words]


def listed_files(declaration: Declaration, table: RunTable) -> dict[str, Path]:
    """The files that `files` names, by their paths relative to the TOML file.

    Raises:
        DeclarationError: a pattern is absolute, or names no file.
    """
    found: dict[str, Path] = {}
    for pattern in table.files:
        if Path(pattern).is_absolute() or not pattern:
            raise DeclarationError(
                f"{declaration.file}: [run]: files: expected a pattern relative to the file, got {pattern!r}; rewrite it"
            )
        matching = _matching(declaration.home, pattern)
        if not matching:
            raise DeclarationError(
                f"{declaration.file}: [run]: files: expected a file that {pattern!r} names in {declaration.home}, got none; correct it"
            )
        found |= matching
    return dict(sorted(found.items()))


def _matching(home: Path, pattern: str) -> dict[str, Path]:
    """The files that a pattern names; .. leads upwards, and ** at its end stands for all files below."""
    parts = Path(pattern).parts
    ups = sum(1 for part in parts if part == "..")
    if parts[:ups] != ("..",) * ups:
        return {}
    base, rest = home.joinpath(*parts[:ups]).resolve(), "/".join(parts[ups:])
    rest = f"{rest}/*" if rest.endswith("**") else rest
    above = "../" * ups
    return {
        f"{above}{path.relative_to(base).as_posix()}": path
        for path in sorted(base.glob(rest) if rest else ())
        if path.is_file() and "__pycache__" not in path.parts
    }
