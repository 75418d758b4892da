"""The tables [[estimates]] that `score` puts at the end of a run's plan, so that a later `run` of the same plan keeps these rows."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from datasets.settings import SettingError

MARK = "# Cubes made elsewhere, added by `score`; take a table out to drop its row."


def with_estimates(plan: str, kept: str = "", new: Mapping[str, Any] | None = None) -> str:
    """The text of a plan, with the tables of the cubes that were handed in for it.

    Args:
        plan: the text of the plan.
        kept: the text of the plan in the run folder, whose tables of this kind are taken over.
        new: one more table; it replaces the one of its label.

    Raises:
        SettingError: the tables in one of the texts are no TOML.
    """
    rows = {str(row.get("label")): row for text in (kept, plan) for row in _added(text)}
    rows |= {} if new is None else {str(new["label"]): dict(new)}
    base = plan.partition(MARK)[0]
    if not rows:
        return base
    return "\n".join([base.rstrip("\n"), "", MARK, *(line for row in rows.values() for line in ("[[estimates]]", *_lines(row), ""))])


def _added(text: str) -> list[dict[str, Any]]:
    """The tables behind the mark."""
    try:
        rows = tomllib.loads(text.partition(MARK)[2]).get("estimates", [])
    except ValueError as error:
        raise SettingError(
            f"the cubes that `score` has added to plan.toml in the run folder: expected TOML, got {error}; correct it"
        ) from error
    return [row for row in rows if isinstance(row, dict)]


def _lines(row: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {_spelt(value)}" for name, value in row.items()]


def _spelt(value: Any) -> str:
    """A value as TOML spells it; a text of JSON is one of TOML."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{json.dumps(key)} = {_spelt(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_spelt, value)) + "]"
    return json.dumps(value)
