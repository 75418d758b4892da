"""Parameters as JSON holds them, so that a child can state them: files, tuples and infinite numbers come back as what they were."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from datasets.settings import SettingError


def encoded(name: str, value: Any) -> Any:
    """A parameter as JSON holds it, so that `decoded` gives it back.

    Raises:
        SettingError: it is none of the types that a plan can give.
    """
    if isinstance(value, Path):
        return {"path": str(value)}
    if isinstance(value, tuple):
        return {"tuple": [encoded(name, entry) for entry in value]}
    if isinstance(value, Mapping):
        return {"table": {str(key): encoded(name, entry) for key, entry in value.items()}}
    if isinstance(value, list):
        return [encoded(name, entry) for entry in value]
    if isinstance(value, float) and not isfinite(value):
        return {"float": repr(float(value))}
    if value is None or type(value) in (bool, int, float, str):
        return value
    raise SettingError(f"{name}: expected a number, a text, a path or a list, got {type(value).__name__}; change the field's type")


def decoded(value: Any) -> Any:
    """The parameter that `encoded` was given.

    Raises:
        ValueError: the value is none that `encoded` gives.
    """
    if isinstance(value, list):
        return [decoded(entry) for entry in value]
    if not isinstance(value, dict):
        return value
    ((kind, content),) = value.items()
    if kind == "path":
        return Path(content)
    if kind == "tuple":
        return tuple(decoded(entry) for entry in content)
    if kind == "table":
        return {key: decoded(entry) for key, entry in content.items()}
    if kind == "float":
        return float(content)
    raise ValueError(f"an unknown kind of value, {kind!r}")
