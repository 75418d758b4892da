"""The table [time_budget] of a plan: how `run --time-budget` has divided a time over the rows that learn.

[time_budget]
time = "2h"                                     # what was divided
budgets = { "MIAE" = 0.031, "SpectraMorph" = 1.0 }   # of each row that learns: its parameter `budget`, a share of the published training
left_out = { "SpectraLift" = "why" }            # rows that are not run

Rows are named by the label that they have without this table. `run` puts the table into the copy of the plan in the run folder, so that
the keys of the cells follow from that copy, and records of costs that are known later change nothing. A row below the share that the plan
asks for is the ordinary row with that `budget`: its card says "reduced", and it is not ranked.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmark.matrix.contestant import Contestant, labelled
from benchmark.matrix.interview import interview
from benchmark.matrix.kept_estimates import MARK as ESTIMATES_MARK
from datasets.settings import SettingError, configure

BUDGET = "budget"  # the parameter that the steps of a method are proportional to
TIME_MARK = "# What --time-budget has divided, added by `run`; take the table out to run every row in full."


@dataclass(frozen=True)
class TimeBudgetTable:
    """The schema of the table."""

    time: str
    """The time that was divided, such as 2h."""
    budgets: dict[str, Any] = field(default_factory=dict)
    """The parameter `budget` of each row that learns, by the label of the row; 1 for rows without that parameter."""
    left_out: dict[str, Any] = field(default_factory=dict)
    """The rows that are not run, by their labels, each with the reason."""


def time_budget_table(table: Mapping[str, Any]) -> TimeBudgetTable | None:
    """The table of a plan, checked; None where the plan has none.

    Raises:
        SettingError: a key or a value is not valid.
    """
    if not table:
        return None
    try:
        checked = configure(TimeBudgetTable, table)
    except SettingError as error:
        raise SettingError(f"[time_budget]: {error}") from error
    for label, value in checked.budgets.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise SettingError(f"[time_budget]: budgets: {label!r}: expected a number above 0, got {value!r}")
    for label, reason in checked.left_out.items():
        if not isinstance(reason, str):
            raise SettingError(f"[time_budget]: left_out: {label!r}: expected a text, got {reason!r}")
    return checked


def learns_here(row: Contestant) -> bool:
    """Whether a row learns during the run: on the scene, or beforehand on the plan's [training]."""
    return row.handed_in is None and (row.awaits_training or row.card.learns == "on the scene")


def budget_of(row: Contestant) -> float | None:
    """The share of the published training that the plan asks for; None where the method has no such parameter."""
    value = row.parameters.get(BUDGET)
    return float(value) if isinstance(value, float) else None


def at_budgets(
    rows: Sequence[Contestant], table: TimeBudgetTable, folders: Sequence[Path | None]
) -> tuple[list[Contestant], tuple[str, ...]]:
    """The rows as the table says, labelled, and a sentence for each one that it leaves out.

    Args:
        rows: the rows of the plan, labels empty where the plan gives none.
        table: the table.
        folders: where a parameter that is a file may lie.

    Raises:
        SettingError: a row that learns is not in the table, or none is left.
    """
    kept: list[Contestant] = []
    reduced: list[tuple[Contestant, float]] = []
    sentences: list[str] = []
    for row, named in zip(rows, labelled(rows), strict=True):
        if named.label in table.left_out:
            sentences.append(f"method {named.label} is left out: {table.left_out[named.label]}")
            continue
        share = table.budgets.get(named.label)
        if share is None and learns_here(row):
            raise SettingError(
                f"[time_budget]: expected a share for each row that learns, got none for {named.label!r}: the time was divided over "
                "another plan; run it into another folder (--out), or with another --time-budget"
            )
        asked = budget_of(row)
        if share is not None and asked is not None and share < asked:
            reduced.append((row, float(share)))
        kept.append(row)
    if not kept:
        raise SettingError("\n  ".join(["method: expected at least one that fits the time, got none", *sentences]))
    smaller = {id(row): answer for (row, _), answer in zip(reduced, _reduced(reduced, folders), strict=True)}
    whole = {row.identity for row in kept if id(row) not in smaller}
    final = []
    for row in kept:
        found = smaller.get(id(row), row)
        if found is not row and not found.card.unranked:
            sentences.append(
                f"method {row.entry.name} is left out: its card does not say that {BUDGET} = {found.parameters[BUDGET]:g} is reduced "
                "(Card.unranked), so that it would be ranked among whole trainings; let `describe` say it"
            )
        elif found is not row and found.identity in whole:
            sentences.append(
                f"method {row.entry.name} is left out: with {BUDGET} = {found.parameters[BUDGET]:g} it is another row of the plan"
            )
        else:
            whole |= {found.identity} if found is not row else set()
            final.append(found)
    return labelled(final), tuple(sentences)


def _reduced(rows: Sequence[tuple[Contestant, float]], folders: Sequence[Path | None]) -> list[Contestant]:
    """Each row with another budget, as its method describes it then."""
    questions = [(row.entry, [{name: row.parameters[name] for name in row.configuration.changed} | {BUDGET: share}]) for row, share in rows]
    return [
        replace(
            row,
            configuration=answer.configurations[0],
            label=f"{row.label} (reduced: {share:g} of the published training)" if row.label else "",
        )
        for (row, share), answer in zip(rows, interview(questions, folders), strict=True)
    ]


def with_time_budget(plan: str, table: TimeBudgetTable | None) -> str:
    """The text of a plan with this table in the place of the one that `run` has added before; without any where it is None."""
    head, there, tail = plan.partition(TIME_MARK)
    rest = ESTIMATES_MARK + tail.partition(ESTIMATES_MARK)[2] if ESTIMATES_MARK in tail else ""
    if not there:
        head, estimates, rest = plan.partition(ESTIMATES_MARK)
        rest = estimates + rest
    if table is None:
        return "\n\n".join(part for part in (head.rstrip("\n"), rest) if part) + ("" if rest else "\n") if there else plan
    lines = [TIME_MARK, "[time_budget]", f"time = {_text(table.time)}"]
    for name, values in (("budgets", table.budgets), ("left_out", table.left_out)):
        lines += ["", f"[time_budget.{name}]", *(f"{_text(key)} = {_text(value)}" for key, value in values.items())] if values else []
    return "\n".join([head.rstrip("\n"), "", *lines, "", rest])


def kept_time_budget(plan: str) -> TimeBudgetTable | None:
    """The table that `run` has added to the text of a plan; None where there is none.

    Raises:
        SettingError: it is no longer what was added.
    """
    tail = plan.partition(TIME_MARK)[2].partition(ESTIMATES_MARK)[0]
    try:
        return time_budget_table(tomllib.loads(tail).get("time_budget", {}))
    except ValueError as error:  # also a SettingError
        raise SettingError(f"what --time-budget has added to plan.toml in the run folder: got {error}; correct it") from error


def _text(value: object) -> str:
    """A text or number as TOML spells it."""
    return json.dumps(value, ensure_ascii=False)
