"""One table's content: a protocol's methods in their tiers, with means, spreads, places and notes; numbers and words, no layout.

A row is one configuration: a method with its parameters. Over its scored cells (scenes and seeds), n of them,

    mean   = sum(x) / n                          of each metric and of the seconds; memory and parameters: the maximum
    spread = sqrt(sum((x - mean)^2) / (n - 1))   of each metric, where n > 1

A row is ranked when its card does not forbid it and every cell of the protocol was scored: means over different scenes are never compared.
A mean of values of which some are infinite is infinite: it is shown as such with their number, "∞ (1 of 3)", it ranks before every number
(after every number where lower is better), it has no spread, and a note says what the mean squared error comes to.

Best and second are taken inside a tier (over all tiers, where that is asked for), among at least two ranked rows, at the printed precision,
so that a tie is shown as a tie.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, isinf, log10
from statistics import fmean, stdev
from typing import Any, Literal, TypeVar

from benchmark.metrics.metric_facts import HEADLINE, find_metric
from benchmark.run_folder.record import Result
from reports.style import DASH, count, identity, megabytes, seconds, shorten, tier_order

Item = TypeVar("Item")
Key = TypeVar("Key")
Place = Literal["", "best", "second"]
BestOf = Literal["tier", "all"]
Cell = tuple[str, int]  # scene, seed
MISSING, UNRANKED, UNDEFINED = "†", "‡", "§"  # marks of notes
INFINITE = "∞"  # the text of an infinite value, and the mark of its note


@dataclass(frozen=True)
class Column:
    """A quantity of the table. `higher_is_better` is None where rows are not compared by it: costs vary with the machine."""

    key: str
    label: str
    unit: str
    higher_is_better: bool | None
    text: Callable[[float], str]
    of: Callable[[Result], float | None]
    pool: Callable[[list[float]], float] = fmean
    definition: str = ""  # of a metric


@dataclass(frozen=True)
class Value:
    """A quantity over the scored cells of a row; `mean` is None where it is not defined or nothing was scored."""

    mean: float | None = None
    spread: float | None = None  # metrics alone, and None for a single value
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
    """One configuration of a method; its results are in the order of scene and seed."""

    label: str
    tier: str
    results: tuple[Result, ...]
    expected: int  # cells of the protocol
    values: Mapping[str, Value]

    @property
    def scored(self) -> int:
        """How many cells have scores."""
        return sum(result.outcome == "scored" for result in self.results)

    @property
    def complete(self) -> bool:
        """Whether every cell of the protocol was scored."""
        return self.scored == self.expected

    @property
    def unranked(self) -> str:
        """Why the card forbids a rank; empty when it does not."""
        return str(self.results[0].card.get("unranked") or "")

    @property
    def ranked(self) -> bool:
        """Whether the row is compared with the others of its tier."""
        return self.complete and not self.unranked

    @property
    def marks(self) -> str:
        """Of the notes that the row as a whole has."""
        return (MISSING if not self.complete else "") + (UNRANKED if self.unranked else "")

    def partly_defined(self, column: Column) -> bool:
        """Whether a metric is undefined in some scored cell, so that its mean is over fewer of them."""
        return column.higher_is_better is not None and self.values[column.key].n < self.scored

    @property
    def outcomes(self) -> str:
        """What became of the cells without scores: "failed, timeout"; "not run" for those without a record."""
        found = {result.outcome for result in self.results if result.outcome != "scored"}
        return ", ".join([*sorted(found), *(["not run"] if len(self.results) < self.expected else [])])


@dataclass(frozen=True)
class Note:
    """What a mark stands for, in one row."""

    mark: str
    label: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The rows of one protocol, tier after tier, with the notes that belong to them."""

    name: str  # of the protocol; numbered where two protocols share a name
    protocol: Mapping[str, Any]
    columns: tuple[Column, ...]
    tiers: tuple[tuple[str, tuple[Row, ...]], ...]
    notes: tuple[Note, ...]
    scenes: tuple[str, ...]
    seeds: tuple[int, ...]
    machine: str  # devices and threads that the seconds were taken with
    best_of: BestOf = "tier"  # among which rows best and second are taken
    convention: str = ""  # of the metrics, one sentence; empty for the textbook's

    @property
    def scores(self) -> tuple[Column, ...]:
        """The columns that rows are compared by."""
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
    """A summary for each protocol, in the order of their names; protocols that share a name but not every number are told apart.

    `columns`: of the scores, instead of those of `metrics`; `convention` says in a sentence what they are, where that is not the textbook.
    """
    groups = _grouped(results, lambda result: (str(result.protocol.get("name", "unnamed")), identity(result.protocol)))
    names = [name for name, _ in sorted(groups)]
    titles = [f"{name} ({names[: place + 1].count(name)})" if names.count(name) > 1 else name for place, name in enumerate(names)]
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
    """The summary of results that share one protocol. Expected of each row: every scene and seed that any row has.

    Raises:
        LookupError: a metric without facts.
    """
    columns = (*(columns or [metric_column(metric) for metric in metrics]), *_cost_columns(results))
    cells = sorted({(result.scene, result.seed) for result in results})
    rows = [
        Row(
            label=label,
            tier=own[0].tier,
            results=tuple(own),
            expected=len(cells),
            values={column.key: _value(column, own) for column in columns},
        )
        for label, own in _configurations(results)
    ]
    tiers = []
    for tier in sorted({row.tier for row in rows}, key=tier_order):
        inside = sorted((row for row in rows if row.tier == tier), key=lambda row: _order(row, columns[0]))
        tiers.append((tier, inside))
    placed = _with_places(rows, columns) if best_of == "all" else [each for _, inside in tiers for each in _with_places(inside, columns)]
    by_results = {id(row.results): row for row in placed}
    tiers = [(tier, [by_results[id(row.results)] for row in inside]) for tier, inside in tiers]
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
    """One text for one row: the method with its parameters, in its tier."""
    return identity([result.method, result.label, result.tier, result.parameters])


def missing_cells(row_results: Sequence[Result], cells: Sequence[Cell]) -> list[tuple[Cell, str, str]]:
    """Each cell without scores: (scene, seed), outcome, reason."""
    own = {(result.scene, result.seed): result for result in row_results}
    absent = [(cell, "not run", "there is no record of it") for cell in cells if cell not in own]
    return sorted([*absent, *((cell, r.outcome, r.reason) for cell, r in own.items() if r.outcome != "scored")])


def metric_column(name: str, digits: int | None = None) -> Column:
    """The column of a metric of the records, with its own number of digits or another.

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
    """Seconds, memory and parameters; the GPU's memory only where one was used."""
    columns = [
        Column("seconds", "Fusion", "s", None, seconds, lambda r: r.clock.fuse if r.clock else None),
        Column("learning_seconds", "Learning", "s", None, seconds, lambda r: r.clock.fit + r.clock.adapt if r.clock else None),
        Column("peak_bytes", "Memory", "MB", None, megabytes, lambda r: r.memory.peak if r.memory else None, max),
        Column("gpu_bytes", "GPU", "MB", None, megabytes, lambda r: r.memory.cuda_peak if r.memory else None, max),
        Column("parameters", "Params", "", None, count, lambda r: r.parameters_total, max),
    ]
    gpu = any(result.memory is not None and result.memory.cuda_peak is not None for result in results)
    return [column for column in columns if gpu or column.key != "gpu_bytes"]


def _configurations(results: Sequence[Result]) -> list[tuple[str, list[Result]]]:
    """Each row's label and results; rows of a tier that share a label get the parameters that differ, or else a number."""
    groups = [sorted(own, key=lambda r: (r.scene, r.seed)) for own in _grouped(results, configuration).values()]
    labelled = []
    for own in groups:
        first = own[0]
        alike = [other[0].parameters for other in groups if (other[0].label, other[0].tier) == (first.label, first.tier)]
        differing = [key for key, value in first.parameters.items() if any(identity(p.get(key)) != identity(value) for p in alike)]
        labelled.append(
            (f"{first.label} ({', '.join(f'{key}={first.parameters[key]}' for key in differing)})" if differing else first.label, own)
        )
    return labelled


def _value(column: Column, results: Sequence[Result]) -> Value:
    """The mean (or maximum) over the scored cells in which the quantity is defined."""
    found = [value for result in results if result.outcome == "scored" and (value := column.of(result)) is not None]
    if not found:
        return Value()
    mean = column.pool([float(value) for value in found])
    if isinf(mean):
        infinite = sum(map(isinf, found))
        return Value(mean, None, len(found), INFINITE + (f" ({infinite} of {len(found)})" if len(found) > 1 else ""), infinite=infinite)
    spread = stdev(found) if len(found) > 1 and column.higher_is_better is not None else None
    return Value(mean, spread, len(found), column.text(mean), "" if spread is None else column.text(spread))


def _order(row: Row, first: Column) -> tuple[bool, bool, bool, float]:
    """Ranked rows first, then incomplete, then unranked ones; inside these by the first column, best first."""
    mean = row.values[first.key].mean
    return (bool(row.unranked), not row.complete, mean is None, (mean or 0.0) * (-1 if first.higher_is_better else 1))


def _with_places(rows: Sequence[Row], columns: Sequence[Column]) -> tuple[Row, ...]:
    """The rows of one tier with their best and second values marked."""
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
    """Why the row is not ranked, or one of its values not compared."""
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
    """on the scenes of these cells; their seeds too where others of the scene are not among them."""
    if len(missing) == len(cells):
        return " on every scene" if len(cells) > 1 else ""
    every, own = _grouped(cells, lambda cell: cell[0]), _grouped(missing, lambda cell: cell[0])
    parts = [
        scene if len(of) == len(every[scene]) else f"{scene} (seed {', '.join(str(seed) for _, seed in of)})" for scene, of in own.items()
    ]
    return f" on {', '.join(parts)}"


def _grouped(items: Sequence[Item], key: Callable[[Item], Key]) -> dict[Key, list[Item]]:
    """Items by their key, both in order of appearance."""
    groups: dict[Key, list[Item]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups
