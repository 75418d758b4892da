"""The TOML file that is a method: `[card]`, the facts of `Card`, and one table more that says what does the work.

    [card]         the facts of `methods.contract.Card`, with the same names and the same checks
    [run]          a program in any language (methods/declared/program_kind.py)
    [torchscript]  a TorchScript file: a network with its weights (methods/declared/torchscript_kind.py)

Reading one executes nothing, so the process that plans a run may do it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.input_files import InputFileError, short_text
from datasets.settings import SettingError, configure
from methods.contract import Card

NOT_STATED = "not stated"
_OPTIONAL = {"paper": NOT_STATED, "doi": "", "fidelity": NOT_STATED}  # facts that a declared method may leave out, unlike a Python file


class DeclarationError(InputFileError):
    """A TOML file that is no method; the text names the file and the key, and says what was expected, what came, and the way out."""


@dataclass(frozen=True, eq=False)
class Declaration:
    """A method as its file declares it."""

    file: Path
    card: Card
    kind: str  # the name of the table that says what does the work
    table: Mapping[str, Any]  # that table

    @property
    def home(self) -> Path:
        """The folder of the file, from which its relative paths start."""
        return self.file.parent


def read_declaration(file: Path, kinds: tuple[str, ...]) -> Declaration:
    """What a file declares; `kinds` are the names of the tables of which it must have one.

    Raises:
        DeclarationError: no TOML, no card or a wrong one, no such table or several, or another table.
    """
    content = _parsed(file)
    shown = " or ".join(f"[{kind}]" for kind in kinds)
    tables = [name for name in kinds if name in content]
    others = [name for name in content if name not in ("card", *kinds)]
    if others:
        raise DeclarationError(f"{file}: expected the tables [card] and {shown}, got {', '.join(others)}; write it into one of these")
    if "card" not in content:
        raise DeclarationError(f'{file}: expected a table [card], got none; write [card] with name = "..." and year = 2020')
    if len(tables) != 1:
        raise DeclarationError(f"{file}: expected one table {shown}, got {' and '.join(tables) or 'none'}; write one of them")
    for name in ("card", tables[0]):
        if not isinstance(content[name], dict):
            raise DeclarationError(f"{file}: {name}: expected a table [{name}], got {content[name]!r}; write the table")
    return Declaration(file, _card(file, content["card"]), tables[0], content[tables[0]])


def read_card(file: Path) -> Card:
    """The card in a TOML file that has a table [card], whatever else it has.

    Raises:
        DeclarationError: no TOML, no such table, or facts that are missing, unknown, or contradict each other.
    """
    content = _parsed(file)
    if not isinstance(content.get("card"), dict):
        raise DeclarationError(f'{file}: expected a table [card], got none; write [card] with name = "..." and year = 2020')
    return _card(file, content["card"])


def declares_method(file: Path, kinds: tuple[str, ...]) -> bool:
    """Whether a TOML file is meant as a method: it has a card or one of these tables, or cannot be read (and says so when it is used)."""
    try:
        content = _parsed(file)
    except DeclarationError:
        return True
    return "card" in content or any(isinstance(content.get(kind), dict) for kind in kinds)


def _parsed(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(short_text(file, DeclarationError).decode("utf-8-sig"))
    except DeclarationError:
        raise
    except ValueError as error:  # no UTF-8, or no TOML
        raise DeclarationError(f"{file}: expected TOML, got {error}; correct this line") from error


def _card(file: Path, facts: Mapping[str, Any]) -> Card:
    try:
        return configure(Card, {**_OPTIONAL, **facts})
    except (SettingError, ValueError) as error:
        raise DeclarationError(f"{file}: [card]: {error}") from error
