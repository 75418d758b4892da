"""Settings: from a table of a plan to a frozen dataclass. Every typo is an error that names what is valid.

The parameters of methods, PSFs and protocols are all read so: the fields of the dataclass are the schema.
"""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from math import isfinite
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from datasets.nearest import did_you_mean

T = TypeVar("T")


class SettingError(ValueError):
    """A name that does not exist, or a value of the wrong type; the text names what is valid."""


def configure(schema: type[T], table: Mapping[str, object]) -> T:
    """An instance of the dataclass `schema` with the values in `table`; fields that are not named keep their defaults.

    A whole number is taken for a float, a text for a `Path`, and a list for a tuple; nothing else is converted.

    Raises:
        SettingError: a name is unknown, a value is missing or is of the wrong type.
    """
    kinds = field_types(schema)
    for name in table:
        if name not in kinds:
            raise SettingError(
                f"unknown setting {name!r}: {did_you_mean(name, kinds)}expected one of {', '.join(kinds) or '(it has none)'}"
            )
    missing = [
        item.name for item in _fields(schema) if item.default is MISSING and item.default_factory is MISSING and item.name not in table
    ]
    if missing:
        raise SettingError(f"expected a value for {', '.join(missing)}; got {', '.join(table) or 'nothing'}")
    return schema(**{name: _convert(name, value, kinds[name]) for name, value in table.items()})


def field_types(schema: type[Any]) -> dict[str, Any]:
    """The type of each field that can be set, by its name, in the order of the file."""
    hints = get_type_hints(schema)
    return {item.name: hints[item.name] for item in _fields(schema)}


def field_values(instance: object) -> dict[str, Any]:
    """The value of each field that can be set, by its name."""
    return {item.name: getattr(instance, item.name) for item in _fields(type(instance))}


def changed_fields(instance: object) -> list[str]:
    """The names of the fields that can be set and differ from their default; a field without a default is among them."""
    names = []
    for item in _fields(type(instance)):
        default = item.default if item.default_factory is MISSING else item.default_factory()
        if getattr(instance, item.name) != default:
            names.append(item.name)
    return names


def look_up(what: str, name: str, valid: Mapping[str, T]) -> T:
    """`valid[name]`; `what` says in the error what is looked up.

    Raises:
        SettingError: there is no such name; the text gives the nearest, and all.
    """
    if name not in valid:
        raise SettingError(f"unknown {what} {name!r}: {did_you_mean(name, valid)}valid: {', '.join(sorted(valid)) or '(none)'}")
    return valid[name]


def _fields(schema: type[Any]) -> list[Field[Any]]:
    return [item for item in fields(schema) if item.init]


def _convert(name: str, value: object, kind: Any) -> Any:
    """`value` as `kind`; a SettingError where it is none."""
    origin, options = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        for option in options:
            try:
                return _convert(name, value, option)
            except SettingError:
                continue
    elif kind is type(None):
        if value is None or value == "":
            return None
    elif origin is Literal:
        if value in options:
            return value
        raise SettingError(f"{name}: expected one of {', '.join(map(repr, options))}, got {value!r}")
    elif origin is tuple:
        if isinstance(value, list | tuple):
            inner = [options[0]] * len(value) if len(options) == 2 and options[1] is Ellipsis else list(options)
            if len(inner) == len(value):
                return tuple(_convert(name, entry, entry_kind) for entry, entry_kind in zip(value, inner, strict=True))
    elif kind is Path:
        if isinstance(value, str | Path) and str(value):
            return Path(value)
    elif kind is float:
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not isfinite(value):
                raise SettingError(f"{name}: expected a finite number, got {value!r}")
            return float(value)
    elif origin is dict:
        if isinstance(value, Mapping):
            return dict(value)
    elif kind in (int, str, bool) and type(value) is kind:
        return value
    raise SettingError(f"{name}: expected {spell(kind)}, got {value!r}")


_PLURALS = {
    "a whole number": "whole numbers",
    "a number": "numbers",
    "text": "texts",
    "a table": "tables",
    "a file's path": "paths of files",
}


def spell(kind: Any) -> str:
    """A type in the words of a user."""
    origin, options = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(spell(option) for option in options)
    if origin is Literal:
        return "one of " + ", ".join(map(repr, options))
    if origin is tuple:
        return (
            "a list of " + _PLURALS.get(spell(options[0]), spell(options[0]))
            if options[-1] is Ellipsis
            else f"a list of {len(options)} entries (" + ", ".join(spell(option) for option in options) + ")"
        )
    if origin is dict:
        return "a table"
    names: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "text", Path: "a file's path"}
    return "nothing" if kind is type(None) else names.get(kind, str(kind))


def spell_default(item: Field[Any]) -> str:
    """The default of a field as a plan spells it: "none" for None, and "must be given" where there is none."""
    value = item.default_factory() if item.default_factory is not MISSING else item.default
    return "must be given" if value is MISSING else _spell_value(value)


def _spell_value(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_spell_value, value)) + "]"
    if isinstance(value, float):
        return f"{value:g}"
    return f'"{value}"' if isinstance(value, str | Path) else str(value)
