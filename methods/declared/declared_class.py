"""The class that a TOML file stands for: a frozen dataclass, whose fields are the parameters that the file declares."""

from __future__ import annotations

import keyword
from collections.abc import Mapping
from dataclasses import field, make_dataclass
from pathlib import Path
from typing import Any

from methods.contract import AnyMethod
from methods.declared.declaration import Declaration, DeclarationError

_PLAIN = (bool, int, float, str)
_LONGEST_NAME = 63  # of a field of a struct in MATLAB


def parameter_types(declaration: Declaration, table: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """The type and the default of each parameter, by its name: the type is that of the default.

    A list is a tuple of one kind; `{ file = "net.pt" }` is a `Path`, relative to the TOML file, whose content is hashed.

    Raises:
        DeclarationError: a name that no field can have, or a value that no plan could set.
    """
    return {name: _typed(declaration, name, value) for name, value in table.items()}


def declared_class(
    declaration: Declaration, base: type[AnyMethod], parameters: Mapping[str, tuple[Any, Any]], attributes: Mapping[str, Any]
) -> type[AnyMethod]:
    """A frozen dataclass `Method` derived from `base`.

    Args:
        declaration: the file, whose card the class gets.
        base: a class of the contract that does the work.
        parameters: type and default of each field.
        attributes: further attributes of the class.

    Raises:
        DeclarationError: a parameter has the name of something that the class has already.
    """
    taken = [name for name in parameters if hasattr(base, name) or name in attributes or name == "blind"]
    if taken:
        raise DeclarationError(f"{declaration.file}: parameters: the name {taken[0]} is taken by the contract; choose another")
    items = [(name, kind, field(default=default)) for name, (kind, default) in parameters.items()]
    namespace = {"__module__": base.__module__, "__doc__": declaration.card.name, "card": declaration.card, **attributes}
    made: type[AnyMethod] = make_dataclass("Method", items, bases=(base,), frozen=True, namespace=namespace)
    return made


def _typed(declaration: Declaration, name: str, value: Any) -> tuple[Any, Any]:
    where = f"{declaration.file}: parameters: {name}"
    if not (name.isascii() and name.isidentifier()) or keyword.iskeyword(name) or name.startswith("_") or len(name) > _LONGEST_NAME:
        raise DeclarationError(f"{where}: expected a name of letters, digits and underscores that begins with a letter; rename it")
    if isinstance(value, dict) and set(value) == {"file"} and isinstance(value["file"], str):
        return Path, Path(value["file"])
    if isinstance(value, list):
        kinds = {type(entry) for entry in value}
        kind = float if kinds == {int, float} else kinds.pop() if len(kinds) == 1 else None
        if kind in _PLAIN:
            return tuple[kind, ...], tuple(kind(entry) for entry in value)  # type: ignore[valid-type]
    elif type(value) in _PLAIN:
        return type(value), value
    raise DeclarationError(
        f'{where}: expected a number, true or false, a text, a list of one kind, or {{ file = "..." }}, got {value!r}; write one of these'
    )
