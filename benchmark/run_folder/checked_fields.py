"""The types of the fields of a JSON object, checked against the annotations of a dataclass, which are its schema.

str, int, float, bool, None, unions of them     a whole number is taken for a float; numbers beyond `MOST` are refused
Literal                                         one of the values
tuple[str, ...]                                 a list
Mapping[str, Any], Mapping[str, float | None]   a table
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from functools import cache
from math import inf
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Built = TypeVar("Built")
MOST = 1e100  # a larger score or number of seconds is none, and its square would overflow
_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", types.NoneType: "null"}


class FieldError(ValueError):
    """A field of another type; the text says which, what was expected and what came."""


def build(schema: type[Built], table: Mapping[str, Any]) -> Built:
    """An instance of the dataclass with the values in `table`, lists as tuples where it has tuples.

    Raises:
        FieldError: a field is unknown, missing, or of another type.
    """
    known: Any = schema  # a type that the caches take
    kinds = types_of(known)
    unknown = next((name for name in table if name not in kinds), None)
    if unknown is not None:
        raise FieldError(f"a field {unknown[:80]!r}, which is unknown")
    absent = next((name for name in _required(known) if name not in table), None)
    if absent is not None:
        raise FieldError(f"no field {absent!r}")
    for name, value in table.items():
        expect_type(name, value, kinds[name])
    return schema(**{name: _as(kinds[name], value) for name, value in table.items()})


def _as(kind: Any, value: Any) -> Any:
    """A value that fits the type, a list as a tuple and a whole number as a float where the type says so."""
    if type(value) in (list, tuple):
        entry = _entry_of(kind)
        return value if entry is None else tuple(_as(entry, each) for each in value)
    return float(value) if type(value) is int and _becomes_float(kind) else value


@cache
def _entry_of(kind: Any) -> Any:
    """The type of the entries of a tuple; None where it is no tuple."""
    return get_args(kind)[0] if get_origin(kind) is tuple else None


@cache
def _becomes_float(kind: Any) -> bool:
    kinds = get_args(kind) or (kind,)
    return float in kinds and int not in kinds


@cache
def _required(schema: type[Any]) -> tuple[str, ...]:
    """The names of the fields without a default."""
    return tuple(item.name for item in fields(schema) if item.default is MISSING and item.default_factory is MISSING)


@cache
def types_of(schema: type[Any]) -> dict[str, Any]:
    """The type of each field of a dataclass, by its name."""
    hints = get_type_hints(schema)
    return {item.name: hints[item.name] for item in fields(schema)}


def expect_type(name: str, value: object, kind: Any) -> None:
    """Nothing, where `value` is of that type.

    Raises:
        FieldError: it is not; `name` is in the text.
    """
    if not _check_of(kind)(value):
        raise FieldError(f"{name}: {_short(value)} where {_spell(kind)} was expected")


@cache
def _check_of(kind: Any) -> Callable[[Any], bool]:
    """What says of a value whether it is of that type."""
    origin, options = get_origin(kind), get_args(kind)
    if kind is Any:
        return lambda value: True
    if origin in (Union, types.UnionType):
        checks = [_check_of(option) for option in options]
        return lambda value: any(check(value) for check in checks)
    if origin is Literal:
        return lambda value: type(value) is str and value in options
    if origin is tuple:
        each = _check_of(options[0])
        return lambda value: type(value) in (list, tuple) and all(map(each, value))
    if origin is Mapping:
        inside = _check_of(options[1])
        return lambda value: isinstance(value, Mapping) and all(map(inside, value.values()))
    if kind is float:  # NaN is refused
        return lambda value: type(value) in (int, float) and (abs(value) <= MOST or value == inf)
    return lambda value: type(value) is kind


def _spell(kind: Any) -> str:
    origin, options = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(map(_spell, options))
    if origin is Literal:
        return f"one of {', '.join(options)}"
    if origin is tuple:
        return f"a list of which each entry is {_spell(options[0])}"
    if origin is Mapping:
        return "a table" if options[1] is Any else f"a table of which each entry is {_spell(options[1])}"
    return _WORDS.get(kind, str(kind))


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
