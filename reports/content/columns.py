"""The columns of a summary, and what a row has in each of them.

The scene is the unit. x[s] is the mean over the seeds of scene s for which the quantity is defined, and over the n scenes

    mean   = sum(x) / n                          for each metric and for the seconds; for memory and parameters the maximum
    spread = sqrt(sum((x - mean)^2) / (n - 1))   for each metric, where n > 1

With a single scene and several seeds, x are the values of the seeds and n is their number: the spread is then over seeds.

A mean of values of which some are infinite is infinite: it is shown as such with their number, "∞ (1 of 3)", and has no spread.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf
from statistics import fmean, stdev
from typing import Literal

from benchmark.metrics.metric_facts import find_metric
from benchmark.run_folder.record import Result
from reports.style import DASH, count_text, megabytes_text, seconds_text

Place = Literal["", "best", "second"]
Unit = Literal["scenes", "seeds"]
Precision = Mapping[str, int] | int | None  # digits after the point: of some metrics, of all, or each metric's usual number
INFINITE = "∞"  # the text of an infinite value, and the mark of its note
SECONDS = ("seconds", "learning_seconds")  # columns that are compared only where they were taken alike


@dataclass(frozen=True)
class Column:
    """A quantity of the summary. `higher_is_better` is None where rows are not compared by it: costs depend on the machine."""

    key: str
    label: str
    unit: str
    higher_is_better: bool | None
    text: Callable[[float], str]
    of: Callable[[Result], float | None]
    pool: Callable[[Iterable[float]], float] = fmean
    definition: str = ""  # only for a metric


@dataclass(frozen=True)
class Value:
    """A quantity over the scored cells of a row; `mean` is None where the quantity is not defined, or no cell was scored."""

    mean: float | None = None
    spread: float | None = None  # only for metrics; None for a single value
    n: int = 0  # scenes, or seeds of a single scene: what mean and spread are over
    cells: int = 0  # in which the quantity is defined
    text: str = DASH
    spread_text: str = ""
    place: Place = ""
    infinite: int = 0  # how many of the n values are

    @property
    def printed(self) -> float:
        """The mean at the printed precision, by which values are compared."""
        return inf if self.infinite else float(self.text)


def metric_column(name: str, precision: Precision = None) -> Column:
    """The column of a metric of the records.

    Raises:
        LookupError: a metric without facts.
    """
    fact = find_metric(name)
    digits = digits_of(name, precision)
    places = fact.digits if digits is None else digits
    return Column(
        name,
        fact.label,
        fact.unit,
        fact.higher_is_better,
        fixed(places),
        lambda result: result.metrics.get(name),
        definition=fact.definition,
    )


def digits_of(metric: str, precision: Precision) -> int | None:
    """The digits after the point that are asked for; None for the usual number of the metric."""
    return precision if precision is None or isinstance(precision, int) else precision.get(metric)


def fixed(places: int) -> Callable[[float], str]:
    """How a score is written: with so many digits after the point, infinity by its sign."""
    return lambda value: f"{value:.{places}f}".replace("inf", INFINITE)


def cost_columns(results: Sequence[Result]) -> list[Column]:
    """The columns of seconds, memory and parameters; GPU memory only where a GPU was used."""
    columns = [
        Column("seconds", "Fusion", "s", None, seconds_text, lambda r: r.clock.fuse if r.clock else None),
        Column("learning_seconds", "Learning", "s", None, seconds_text, lambda r: r.clock.fit + r.clock.adapt if r.clock else None),
        Column("peak_bytes", "Memory", "MB", None, megabytes_text, lambda r: r.memory.peak if r.memory else None, max),
        Column("gpu_bytes", "GPU", "MB", None, megabytes_text, lambda r: r.memory.cuda_peak if r.memory else None, max),
        Column("parameters", "Params", "", None, count_text, lambda r: r.parameters_total, max),
    ]
    gpu = any(result.memory is not None and result.memory.cuda_peak is not None for result in results)
    return [column for column in columns if gpu or column.key != "gpu_bytes"]


def pooled_value(column: Column, results: Iterable[Result], over: Unit) -> Value:
    """The quantity over the scored cells in which it is defined; `over` the seeds where the table has a single scene."""
    by_scene = values_by_scene(column, results)
    if not by_scene:
        return Value()
    every = [value for inside in by_scene.values() for value in inside]
    values = [column.pool(inside) for inside in by_scene.values()] if over == "scenes" else every
    mean, n = column.pool(values), len(values)
    if isinf(mean):
        infinite = sum(map(isinf, values))
        return Value(mean, None, n, len(every), INFINITE + (f" ({infinite} of {n})" if n > 1 else ""), infinite=infinite)
    spread = stdev(values) if n > 1 and column.higher_is_better is not None else None
    return Value(mean, spread, n, len(every), column.text(mean), "" if spread is None else column.text(spread))


def values_by_scene(column: Column, results: Iterable[Result]) -> dict[str, list[float]]:
    """The quantity of every scored cell in which it is defined, by scene; scenes without any are left out."""
    by_scene: dict[str, list[float]] = {}
    for result in results:
        value = column.of(result) if result.outcome == "scored" else None
        if value is not None:
            by_scene.setdefault(result.scene, []).append(float(value))
    return by_scene
