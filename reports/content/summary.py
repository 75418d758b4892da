"""The summary of a protocol: its methods in their tiers, with means, spreads, places and notes.

A row is one configuration: a method with its parameters. Its numbers are taken over its n scored cells (scenes and seeds):

    mean   = sum(x) / n                          for each metric and for the seconds; for memory and parameters the maximum
    spread = sqrt(sum((x - mean)^2) / (n - 1))   for each metric, where n > 1

A row is ranked when its card does not forbid that and every cell of the protocol was scored: means over different scenes are never
compared. A mean of values of which some are infinite is infinite: it is shown as such with their number, "∞ (1 of 3)", it ranks before
every number (after every number where lower is better), it has no spread, and a note says what the mean squared error comes to.

Best and second are chosen inside a tier (over all tiers, where the user asks for that), among at least two ranked rows, and by the printed
digits, so that a tie is shown as a tie.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from math import inf, isinf, log10
from statistics import fmean, stdev
from typing import Any, Literal, TypeVar

from benchmark.metrics.metric_facts import HEADLINE, find_metric
from benchmark.run_folder.record import Result
from reports.style import DASH, count_text, identity, megabytes_text, seconds_text, shorten, tier_order

Item = TypeVar("Item")
Key = TypeVar("Key")
Place = Literal["", "best", "second"]
BestOf = Literal["tier", "all"]
Cell = tuple[str, int]  # scene, seed
MISSING, UNRANKED, UNDEFINED = "†", "‡", "§"  # the marks of notes
INFINITE = "∞"  # the text of an infinite value, and the mark of its note


@dataclass(frozen=True)
class Column:
    """A quantity of the summary. `higher_is_better` is None where rows are not compared by it: costs depend on the machine."""

    key: str
    label: str
    unit: str
    higher_is_better: bool | None
    text: Callable[[float], str]
    of: Callable[[Result], float | None]
    pool: Callable[[list[float]], float] = fmean
    definition: str = ""  # only for a metric


@dataclass(frozen=True)
class Value:
    """A quantity over the scored cells of a row; `mean` is None where the quantity is not defined, or no cell was scored."""

    mean: float | None = None
    spread: float | None = None  # only for metrics; None for a single value
    n: int = 0
    text: str = DASH
    spread_text: str = ""
    place: Place = ""
    infinite: int = 0  # how many of the n values are

    @property
    def printed(self) -> float:
        """The mean at the printed precision, by which values are compared."""
        return inf if self.infinite else float(self.text)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One configuration of a method; its results are sorted by scene and seed."""

    label: str
    tier: str
    results: tuple[Result, ...]
    expected: int  # the number of cells of the protocol
    values: Mapping[str, Value]

    @property
    def scored(self) -> int:
        """The number of cells with scores."""
        return sum(result.outcome == "scored" for result in self.results)

    @property
    def complete(self) -> bool:
        """Whether every cell of the protocol was scored."""
        return self.scored == self.expected

    @property
    def unranked(self) -> str:
        """The reason why the card forbids a rank; empty where it does not."""
        return str(self.results[0].card.get("unranked") or "")

    @property
    def ranked(self) -> bool:
        """Whether the row is compared with the other rows of its tier."""
        return self.complete and not self.unranked

    @property
    def marks(self) -> str:
        """The marks of the notes on the whole row."""
        return (MISSING if not self.complete else "") + (UNRANKED if self.unranked else "")

    def partly_defined(self, column: Column) -> bool:
        """Whether a metric is undefined in a scored cell, so that its mean is over fewer cells."""
        return column.higher_is_better is not None and self.values[column.key].n < self.scored

    @property
    def outcomes(self) -> str:
        """The outcomes of the cells without scores, such as "failed, timeout"; "not run" where a cell has no record."""
        outcomes = {result.outcome for result in self.results if result.outcome != "scored"}
        return ", ".join([*sorted(outcomes), *(["not run"] if len(self.results) < self.expected else [])])


@dataclass(frozen=True)
class Note:
    """The explanation of a mark on one row."""

    mark: str
    label: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The rows of one protocol, tier after tier, with their notes."""

    name: str  # of the protocol; numbered where protocols share a name
    protocol: Mapping[str, Any]
    columns: tuple[Column, ...]
    tiers: tuple[tuple[str, tuple[Row, ...]], ...]
    notes: tuple[Note, ...]
    scenes: tuple[str, ...]
    seeds: tuple[int, ...]
    machine: str  # the devices and threads with which the seconds were measured
    best_of: BestOf = "tier"  # best and second are chosen inside a tier, or among all rows
    convention: str = ""  # one sentence on how the metrics are computed; empty for the textbook convention

    @property
    def scores(self) -> tuple[Column, ...]:
        """The columns by which rows are compared."""
        return tuple(column for column in self.columns if column.higher_is_better is not None)

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every row, tier after tier."""
        return tuple(row for _, rows in self.tiers for row in rows)


def summarise(
    results: Sequence[Result],
    metrics: Sequence[str] = HEADLINE,
    *,
    columns: Sequence[Column] = (),
    best_of: BestOf = "tier",
    convention: str = "",
) -> list[Summary]:
    """One summary per protocol, sorted by name; protocols with one name but different numbers are separate, and numbered.

    `columns` replaces the columns of `metrics`; `convention` then says in one sentence how these scores are computed.
    """
    groups = _grouped(results, lambda result: (str(result.protocol.get("name", "unnamed")), identity(result.protocol)))
    titles = _titles([name for name, _ in sorted(groups)])
    return [
        summarise_protocol(groups[key], title, metrics, columns=columns, best_of=best_of, convention=convention)
        for key, title in zip(sorted(groups), titles, strict=True)
    ]


def summarise_protocol(
    results: Sequence[Result],
    name: str,
    metrics: Sequence[str] = HEADLINE,
    *,
    columns: Sequence[Column] = (),
    best_of: BestOf = "tier",
    convention: str = "",
) -> Summary:
    """The summary of results that share one protocol. Each row is expected to have every scene and seed that any row has.

    Raises:
        LookupError: a metric without facts.
    """
    columns = (*(columns or [metric_column(metric) for metric in metrics]), *_cost_columns(results))
    cells = sorted({(result.scene, result.seed) for result in results})
    rows = [
        Row(
            label=label,
            tier=inside[0].tier,
            results=tuple(inside),
            expected=len(cells),
            values={column.key: _value(column, inside) for column in columns},
        )
        for label, inside in _configurations(results)
    ]
    groups = [rows] if best_of == "all" else [[row for row in rows if row.tier == tier] for tier in {row.tier for row in rows}]
    placed = [row for group in groups for row in _with_places(group, columns)]
    tiers = [
        (tier, sorted((row for row in placed if row.tier == tier), key=lambda row: _order(row, columns[0])))
        for tier in sorted({row.tier for row in rows}, key=tier_order)
    ]
    scored = [result for result in results if result.outcome == "scored"]
    return Summary(
        name=name,
        protocol=results[0].protocol,
        columns=columns,
        tiers=tuple((tier, tuple(inside)) for tier, inside in tiers),
        notes=tuple(note for _, inside in tiers for row in inside for note in _notes(row, cells, columns)),
        scenes=tuple(sorted({scene for scene, _ in cells})),
        seeds=tuple(sorted({seed for _, seed in cells})),
        machine="; ".join(sorted({f"{r.device}, {r.threads} thread{'' if r.threads == 1 else 's'}" for r in scored if r.device})),
        best_of=best_of,
        convention=convention,
    )


def configuration(result: Result) -> str:
    """A text that is the same for results of one row: the method, its label, its tier and its parameters."""
    return identity([result.method, result.label, result.tier, result.parameters])


def missing_cells(row_results: Sequence[Result], cells: Sequence[Cell]) -> list[tuple[Cell, str, str]]:
    """Each cell of a row without scores, as (scene, seed), outcome and reason."""
    there = {(result.scene, result.seed): result for result in row_results}
    absent = [(cell, "not run", "there is no record of it") for cell in cells if cell not in there]
    return sorted([*absent, *((cell, r.outcome, r.reason) for cell, r in there.items() if r.outcome != "scored")])


def metric_column(name: str, digits: int | None = None) -> Column:
    """The column of a metric of the records, with `digits` after the point, or with the metric's usual number of them.

    Raises:
        LookupError: a metric without facts.
    """
    fact = find_metric(name)
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


def fixed(places: int) -> Callable[[float], str]:
    """How a score is written: with so many digits after the point, infinity by its sign."""
    return lambda value: f"{value:.{places}f}".replace("inf", INFINITE)


def _cost_columns(results: Sequence[Result]) -> list[Column]:
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


def _titles(names: Sequence[str]) -> list[str]:
    """The names, numbered as in "a (1)" where several are equal; no two titles are equal."""
    titles: list[str] = []
    for name in names:
        numbered = (f"{name} ({number})" for number in count(1))
        free = (title for title in numbered if title not in titles and title not in names)
        titles.append(next(free) if names.count(name) > 1 else name)
    return titles


def _configurations(results: Sequence[Result]) -> list[tuple[str, list[Result]]]:
    """Each row's label and results; where rows of a tier share a label, it names the parameters that differ."""
    groups = [sorted(inside, key=lambda r: (r.scene, r.seed)) for inside in _grouped(results, configuration).values()]
    labelled = []
    for inside in groups:
        first = inside[0]
        alike = [other[0].parameters for other in groups if (other[0].label, other[0].tier) == (first.label, first.tier)]
        differing = [key for key, value in first.parameters.items() if any(identity(p.get(key)) != identity(value) for p in alike)]
        labelled.append(
            (f"{first.label} ({', '.join(f'{key}={first.parameters[key]}' for key in differing)})" if differing else first.label, inside)
        )
    return labelled


def _value(column: Column, results: Sequence[Result]) -> Value:
    """The mean (or the maximum) over the scored cells in which the quantity is defined."""
    values = [value for result in results if result.outcome == "scored" and (value := column.of(result)) is not None]
    if not values:
        return Value()
    mean = column.pool([float(value) for value in values])
    if isinf(mean):
        infinite = sum(map(isinf, values))
        text = INFINITE + (f" ({infinite} of {len(values)})" if len(values) > 1 else "")
        return Value(mean, None, len(values), text, infinite=infinite)
    spread = stdev(values) if len(values) > 1 and column.higher_is_better is not None else None
    return Value(mean, spread, len(values), column.text(mean), "" if spread is None else column.text(spread))


def _order(row: Row, first: Column) -> tuple[bool, bool, bool, float]:
    """The key that sorts rows: ranked, then incomplete, then unranked ones, each group by the first column, best first."""
    mean = row.values[first.key].mean
    return (bool(row.unranked), not row.complete, mean is None, (mean or 0.0) * (-1 if first.higher_is_better else 1))


def _with_places(rows: Sequence[Row], columns: Sequence[Column]) -> tuple[Row, ...]:
    """The rows with their best and second values marked."""
    values = {id(row): dict(row.values) for row in rows}
    for column in columns:
        taking_part = [row for row in rows if row.ranked and row.values[column.key].n == row.scored]
        if column.higher_is_better is None or len(taking_part) < 2:
            continue
        printed = sorted({row.values[column.key].printed for row in taking_part}, reverse=column.higher_is_better)
        places: dict[float, Place] = dict(zip(printed, ("best", "second"), strict=False))
        for row in taking_part:
            value = row.values[column.key]
            values[id(row)][column.key] = replace(value, place=places.get(value.printed, ""))
    return tuple(replace(row, values=values[id(row)]) for row in rows)


def _notes(row: Row, cells: Sequence[Cell], columns: Sequence[Column]) -> list[Note]:
    """The notes that say why the row is not ranked, or why one of its values is not compared."""
    notes = []
    if not row.complete:
        why = _grouped(missing_cells(row.results, cells), lambda item: (item[1], item[2]))
        parts = [
            f"{outcome}{_where([cell for cell, _, _ in items], cells)}" + (f" ({shorten(reason)})" if reason else "")
            for (outcome, reason), items in why.items()
        ]
        share = f"{row.scored} of {row.expected} cells scored, hence not ranked: " if len(cells) > 1 else ""
        notes.append(Note(MISSING, row.label, f"{share}{'; '.join(parts)}"))
    if row.unranked:
        notes.append(Note(UNRANKED, row.label, f"not ranked: {row.unranked}"))
    for column in columns:
        if row.partly_defined(column):
            defined = f"{column.label} is defined in {row.values[column.key].n} of {row.scored} scored cells, hence not compared"
            notes.append(Note(UNDEFINED, row.label, defined))
    if infinite := [column for column in columns if row.values[column.key].infinite]:
        notes.append(Note(INFINITE, row.label, _infinite_sentence(row, infinite)))
    return notes


def _infinite_sentence(row: Row, columns: Sequence[Column]) -> str:
    """How many of the row's values are infinite, and, of a PSNR, what the mean squared error over all its scored cells comes to."""
    counts = [f"{column.label} in {row.values[column.key].infinite} of {row.scored} scored cells" for column in columns]
    told = f"infinite: {', '.join(counts)}"
    errors = [result.metrics.get("rmse") for result in row.results if result.outcome == "scored"]
    known = [error**2 for error in errors if error is not None]
    if not any(column.key.startswith("psnr") for column in columns) or len(known) < len(errors):
        return told
    mean = fmean(known)
    pooled = f"{-10 * log10(mean):.2f} dB" if mean > 0 else "infinite too: every value is met exactly"
    return f"{told}; the PSNR of the mean squared error, over all values of these cells, is {pooled}"


def _where(missing: Sequence[Cell], cells: Sequence[Cell]) -> str:
    """ "on" and the scenes of the missing cells; with the seeds where only some cells of a scene are missing."""
    if len(missing) == len(cells):
        return " on every scene" if len(cells) > 1 else ""
    every, absent = _grouped(cells, lambda cell: cell[0]), _grouped(missing, lambda cell: cell[0])
    parts = [
        scene if len(of) == len(every[scene]) else f"{scene} (seed {', '.join(str(seed) for _, seed in of)})"
        for scene, of in absent.items()
    ]
    return f" on {', '.join(parts)}"


def _grouped(items: Sequence[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """The items grouped by their key; groups and items stay in their order."""
    groups: dict[Key, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups
