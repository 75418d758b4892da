"""A time divided over the rows of a plan that learn (`run --time-budget`).

    left    = time - seconds of all cells of the rows that do not learn during the run
    part    = left / number of rows that learn
    row(b)  = s + l b             s: fusing and all else in its cells; l: learning at the plan's budget 1; b: its share

A row whose whole learning takes no more than its part gets what the plan asks for, and gives back what it does not need; the parts of the
others grow by that, until no further row fits. Each of the others gets the largest share of two significant digits with row(b) <= part. A
row that learns and has no parameter `budget` is run whole or not at all; where none of its kind fits, the longest one is left out first,
and its part is given back. So is a row of which less than `LEAST` of the published training would fit.

All cells of the plan count, those that are done included, one after the other. Seconds are those of forecast.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from math import inf

from benchmark.matrix.cell import Cell
from benchmark.matrix.time_budget import TimeBudgetTable, budget_of, learns_here
from benchmark.review.disk_forecast import scene_values
from benchmark.review.forecast import MethodForecast, spell_duration

LEAST = 0.001  # of the published training: less of it says nothing of a method
_EXACT = 1e-9  # relative: below it, a difference of seconds is rounding
_UNITS = {"s": 1.0, "min": 60.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
UNKNOWN = "no earlier record says how long it takes; name a run or bundle that has it by --costs, or run it in full by --unknown full"


class TimeBudgetError(ValueError):
    """A time that cannot be divided; the text says why, and the way out."""


@dataclass(frozen=True)
class RowCost:
    """What a row of the plan takes."""

    label: str
    cells: int
    steady_s: float  # whatever its share is: fusing and all else in its cells, weights that are loaded, steps that no budget scales
    learning_s: float = 0.0  # during the run, at the budget that the plan asks for
    budget: float | None = None  # that budget; None where the method has no such parameter, or does not learn here
    learns: bool = False
    known: bool = True
    longest: float = 0.0  # the part of `learning_s` that its largest cell takes; 0 where it learns beforehand, under another limit
    limit_s: float = inf  # after which a cell is ended

    @property
    def whole_s(self) -> float:
        """The seconds of the row as the plan asks for it."""
        return self.steady_s + self.learning_s

    def seconds(self, budget: float) -> float:
        """The seconds of the row with another budget."""
        return self.steady_s + self._learning(budget)

    def overlong_s(self, budget: float | None) -> float:
        """The seconds for which its largest cell learns with a budget, where that is more than the limit of a cell; 0 else."""
        longest = self.longest * (self.learning_s if budget is None else self._learning(budget))
        return longest if longest > self.limit_s else 0.0

    def _learning(self, budget: float) -> float:
        return self.learning_s if self.budget is None else self.learning_s * budget / self.budget


@dataclass(frozen=True)
class RowShare:
    """What a row gets."""

    cost: RowCost
    budget: float | None = None  # of the published training; None where it does not learn here, or is left out
    seconds: float = 0.0
    left_out: str = ""  # why it is not run

    def text(self) -> str:
        """A line for the terminal."""
        cells = f"{self.cost.cells} cell{'' if self.cost.cells == 1 else 's'}"
        if self.left_out:
            return f"{self.cost.label}: left out, {cells}"  # the reason is among the plan's sentences
        if not self.cost.known:
            return f"{self.cost.label}: in full, {cells}, on top of the time: how long it takes is not known"
        spelled = f"{cells}, {spell_duration(self.seconds)}"
        if not self.cost.learns:
            return f"{self.cost.label}: {spelled}, does not learn here"
        if overlong := self.cost.overlong_s(self.budget):
            limit = spell_duration(self.cost.limit_s)
            spelled += f"; its largest cell would learn for {spell_duration(overlong)} and is ended after {limit}: raise time_limit_s"
        if self.budget == self.cost.budget or self.cost.budget is None:
            return f"{self.cost.label}: as the plan asks, {spelled}"
        whole = spell_duration(self.cost.whole_s)
        return f"{self.cost.label}: reduced to budget = {self.budget:g} (the plan asks for {self.cost.budget:g}, {whole}), {spelled}"


@dataclass(frozen=True)
class Division:
    """A time, divided over rows."""

    time: str  # as it was given
    rows: tuple[RowShare, ...]

    @property
    def seconds(self) -> float:
        """The seconds of all rows that are run and of which they are known."""
        return float(sum(row.seconds for row in self.rows))

    def table(self) -> TimeBudgetTable:
        """What the copy of the plan in the run folder says of it."""
        kept = [row for row in self.rows if row.cost.learns and not row.left_out]
        return TimeBudgetTable(
            self.time,
            {row.cost.label: 1.0 if row.budget is None else row.budget for row in kept},
            {row.cost.label: row.left_out for row in self.rows if row.left_out},
        )

    def text(self) -> str:
        """A summary for the terminal."""
        learning = [row for row in self.rows if row.cost.learns]
        counts = (
            (sum(not row.left_out and row.budget == row.cost.budget for row in learning), "as the plan asks"),
            (sum(not row.left_out and row.budget != row.cost.budget for row in learning), "reduced and not ranked"),
            (sum(bool(row.left_out) for row in self.rows), "left out"),
        )
        spelled = ", ".join(f"{count} {words}" for count, words in counts if count)
        head = f"--time-budget {self.time}: {spell_duration(self.seconds)} planned; of {len(learning)} rows that learn here: "
        head += spelled or "none"
        return "\n".join([head, *(f"  {row.text()}" for row in self.rows)])


def seconds_of(text: str) -> float:
    """The seconds in a text such as 2h, 90min, 45m, 7200s, 1.5d or 1h30min.

    Raises:
        TimeBudgetError: it is no duration above 0.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*(min|[smhd])", text)
    rest = re.sub(r"\d+(?:\.\d+)?\s*(?:min|[smhd])", "", text).strip()
    seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
    if rest or not 0 < seconds < float("inf"):
        raise TimeBudgetError(f"expected a time such as 2h, 90min, 45m, 7200s or 1h30min, got {text!r}")
    return seconds


def row_costs(cells: Sequence[Cell], forecasts: Mapping[str, MethodForecast], limit_s: float = inf) -> list[RowCost]:
    """What each row of the plan takes, in the order of the plan.

    Args:
        cells: all cells of the plan.
        forecasts: the forecast of each row, by its label; a row of which all cells are skipped has none.
        limit_s: the plan's limit of a cell, in seconds.
    """
    values = scene_values(cells)
    rows: dict[str, list[Cell]] = {}
    for cell in cells:
        rows.setdefault(cell.contestant.label, []).append(cell)
    costs = []
    for label, inside in rows.items():
        contestant, row = inside[0].contestant, forecasts.get(label)
        learns, count = learns_here(contestant), sum(not cell.skip_reason for cell in inside)
        budget = budget_of(contestant) if learns else None
        if row is None or contestant.handed_in is not None:  # nothing is run
            costs.append(RowCost(label, count, 0.0, budget=budget, learns=learns))
            continue
        learning = row.training_s + row.learning_s - row.steady_learning_s if learns else 0.0
        sizes = [values[cell.scene.name] for cell in inside if not cell.skip_reason]
        longest = 0.0 if contestant.awaits_training else max(sizes) / sum(sizes)
        limit = contestant.time_limit_s or limit_s
        costs.append(RowCost(label, count, row.seconds - learning, learning, budget, learns, bool(row.measured), longest, limit))
    return costs


def divided(time: str, rows: Sequence[RowCost], *, unknown_in_full: bool = False) -> Division:
    """A time, divided over rows by the rules of the module docstring.

    Args:
        time: the time, such as 2h.
        rows: the rows of the plan.
        unknown_in_full: run rows of which nothing is known as the plan asks for them, on top of the time; they are left out when False.

    Raises:
        TimeBudgetError: it is no time, or the rows that do not learn take longer.
    """
    shares: dict[str, RowShare] = {}
    for row in rows:
        if not row.known:
            shares[row.label] = RowShare(row, budget=row.budget) if unknown_in_full else RowShare(row, left_out=UNKNOWN)
        elif not row.learns:
            shares[row.label] = RowShare(row, seconds=row.steady_s)
    steady = sum(share.seconds for share in shares.values())
    left = seconds_of(time) - steady
    if left < 0:
        raise TimeBudgetError(
            f"expected more than {spell_duration(steady)}, which the rows that do not learn take alone, got {time}; give more time, or "
            "fewer scenes or rows"
        )
    shares |= _poured(left, [row for row in rows if row.label not in shares])
    return Division(time, tuple(shares[row.label] for row in rows))


def _poured(left: float, rows: Sequence[RowCost]) -> dict[str, RowShare]:
    """The share of each row that learns, by its label: the water-filling of the module docstring."""
    shares: dict[str, RowShare] = {}
    open_rows = list(rows)
    while open_rows:
        part = left / len(open_rows)
        fitting = [row for row in open_rows if row.whole_s <= part * (1 + _EXACT)]
        if fitting:
            shares |= {row.label: RowShare(row, row.budget, row.whole_s) for row in fitting}
            left -= sum(row.whole_s for row in fitting)
            open_rows = [row for row in open_rows if row.label not in shares]
            continue
        stuck = [row for row in open_rows if row.budget is None] or [row for row in open_rows if _largest(row, part) < LEAST]
        if not stuck:
            break
        longest = max(stuck, key=lambda row: row.whole_s if row.budget is None else row.steady_s)
        shares[longest.label] = RowShare(longest, left_out=_why_out(longest, part))
        open_rows.remove(longest)
    for row in open_rows:
        budget = _largest(row, left / len(open_rows))
        shares[row.label] = RowShare(row, budget, row.seconds(budget))
    return shares


def _largest(row: RowCost, part: float) -> float:
    """The largest budget of two significant digits with which a row takes no more than its part; at most what the plan asks for."""
    if row.budget is None or part <= row.steady_s:
        return 0.0
    return _rounded_down((part - row.steady_s) / row.learning_s * row.budget * (1 + _EXACT)) if row.whole_s > part else row.budget


def _rounded_down(number: float) -> float:
    """A number above 0 with two significant digits, never more than it was."""
    exact = Decimal(number)
    return float(exact.quantize(Decimal(1).scaleb(exact.adjusted() - 1), rounding=ROUND_FLOOR))


def _why_out(row: RowCost, part: float) -> str:
    """Why a row that learns does not fit its part."""
    if row.budget is None:
        return f"it takes {spell_duration(row.whole_s)}, its part of the time is {spell_duration(part)}, and it has no parameter `budget`"
    least = spell_duration(row.seconds(LEAST))
    return f"{LEAST:g} of the published training takes {least}, and its part of the time is {spell_duration(part)}"
