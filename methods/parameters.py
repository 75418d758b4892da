"""Hyper-parameters: from a plan's table to a frozen method, every typo an error that names the valid ones."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from methods.contract import AnyMethod


class ParameterError(ValueError):
    """A parameter that the method does not have, or a value of the wrong type."""


def configure(method: type[AnyMethod], table: Mapping[str, object]) -> AnyMethod:
    """An instance of `method` with the parameters in `table`; those not named keep their defaults.

    Whole numbers are taken where a float is meant, text where a `Path` is, lists where a tuple is; nothing else is converted.

    Raises:
        ParameterError: unknown name or wrong type, naming what is valid.
    """
    hints = parameter_types(method)
    unknown = sorted(set(table) - set(hints))
    if unknown:
        raise ParameterError(f"expected parameters among {', '.join(hints) or '(it has none)'}; got {', '.join(map(repr, unknown))}")
    values = {name: _convert(name, value, hints[name]) for name, value in table.items()}
    missing = [item.name for item in _fields(method) if item.default is MISSING and item.default_factory is MISSING and item.name not in values]
    if missing:
        raise ParameterError(f"expected a value for {', '.join(missing)}, which has no default")
    return method(**values)


def parameter_types(method: type[AnyMethod]) -> dict[str, Any]:
    """Name and type of each hyper-parameter, in the order of the file."""
    hints = get_type_hints(method)
    return {item.name: hints[item.name] for item in _fields(method) if item.init}


def parameter_values(method: AnyMethod) -> dict[str, object]:
    """Name and value of each hyper-parameter of an instance."""
    return {item.name: getattr(method, item.name) for item in _fields(type(method)) if item.init}


def _fields(method: type[AnyMethod]) -> tuple[Any, ...]:
    return fields(method)  # type: ignore[arg-type]  # the contract: every method is a dataclass


def _convert(name: str, value: object, kind: Any) -> object:
    """`value` as `kind`, or a ParameterError."""
    origin, options = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        for option in options:
            try:
                return _convert(name, value, option)
            except ParameterError:
                continue
    elif kind is type(None):
        if value is None or value == "":
            return None
    elif origin is Literal:
        if value in options:
            return value
        raise ParameterError(f"{name}: expected one of {', '.join(map(repr, options))}, got {value!r}")
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
            return float(value)
    elif kind in (int, str, bool) and type(value) is kind:
        return value
    raise ParameterError(f"{name}: expected {_spell(kind)}, got {value!r}")


def _spell(kind: Any) -> str:
    """A type as a user reads it."""
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(_spell(option) for option in get_args(kind))
    names: dict[Any, str] = {int: "a whole number", float: "a number", bool: "true or false", str: "text", Path: "a file's path"}
    return "nothing" if kind is type(None) else names.get(kind, str(kind))
