"""How the tables for a paper look: which columns, names and order of the rows, spreads, and how long the caption is.

--columns psnr,sam,seconds    exactly these columns, in this order: metrics, `seconds`, `learning`, `memory`, `gpu`, `parameters`, `cells`
--spread std|none|range       the standard deviation over the scenes, nothing, or from the least to the largest value
--rename "Old=New"            another name for a row, in tables and figures alike; may be repeated
--order "A,B*"                rows in this order inside their tier; those that are not named follow
--highlight "A,B*"            rows whose names stand out, in bold, or behind a triangle in the terminal
--scenes-as-rows              one more table for each protocol and metric: a row for each scene, a column for each method (scenes_table.py)
--published                   published numbers for the same protocol and scenes as rows below the others, marked and not ranked
--single-column               LaTeX tables for one column of the text (table) instead of the whole page (table*)
--caption short|full|none     the protocol and what the numbers are means of; with the definitions of the metrics; or no caption

Columns, order and spreads are those of the typeset tables (LaTeX, Typst, Markdown, terminal); the CSV files have every number. The
definitions that a short caption leaves out stand in definitions.tex, as a command to be used once in the text.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Literal

from benchmark.metrics.metric_facts import METRICS
from benchmark.run_folder.record import Result
from benchmark.run_folder.selection import SelectionError, listed
from datasets.nearest import did_you_mean
from reports.content.captions import CaptionLength
from reports.content.columns import INFINITE, Column, Value, values_by_scene
from reports.content.row import Row
from reports.content.summary import Summary

Spread = Literal["std", "none", "range"]
CELLS = "cells"
BLIND = "blind"  # the parameter that puts an estimator of the responses before a method (methods/blind.py)
COSTS: Mapping[str, str] = {  # the names of columns of costs on the command line, and their keys
    "seconds": "seconds",
    "learning": "learning_seconds",
    "memory": "peak_bytes",
    "gpu": "gpu_bytes",
    "parameters": "parameters",
}


@dataclass(frozen=True, kw_only=True)
class PaperStyle:
    """How the typeset tables look. By default: every column, spreads, the names and the order of the ranking, and short captions."""

    columns: tuple[str, ...] = ()  # keys of columns, and `cells`; empty for all
    spread: Spread = "std"
    order: tuple[str, ...] = ()  # patterns of labels
    highlight: tuple[str, ...] = ()  # patterns of names or labels, of rows whose names stand out
    scenes_as_rows: bool = False  # a further table for each protocol and metric, with a row for each scene
    rename: Mapping[str, str] = field(default_factory=dict)
    caption: CaptionLength = "short"
    published: bool = False  # published numbers as rows below the others (published_rows.py)
    single_column: bool = False  # a `table` in one column of the text, and not a `table*` over the page

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics among the columns."""
        known = {metric.name for metric in METRICS}
        return tuple(name for name in self.columns if name in known)


def read_columns(text: str) -> tuple[str, ...]:
    """The columns that a text with commas names.

    Raises:
        SelectionError: an unknown name, or no metric among them.
    """
    known = (*(metric.name for metric in METRICS), *COSTS, CELLS)
    names = listed(text)
    for name in names:
        if name not in known:
            raise SelectionError(f"--columns: {did_you_mean(name, known)}expected one of {', '.join(known)}, got {name!r}")
    comparing = {metric.name for metric in METRICS if metric.higher_is_better is not None}
    if names and not comparing & set(names):
        raise SelectionError(f"--columns: expected a metric by which methods can be compared among them, got {text}; add psnr")
    return tuple(COSTS.get(name, name) for name in names)


def read_renaming(texts: Sequence[str]) -> dict[str, str]:
    """New names by the old ones, from texts such as "Old=New".

    Raises:
        SelectionError: a text is not of that form, or two rows would get one name.
    """
    names: dict[str, str] = {}
    for text in texts:
        old, equals, new = (part.strip() for part in text.partition("="))
        if not (equals and old and new):
            raise SelectionError(f'--rename: expected "OLD=NEW" with the label of a row, got {text!r}')
        names[old] = new
    twice = next((name for name in names.values() if list(names.values()).count(name) > 1), None)
    if twice is not None:
        raise SelectionError(f"--rename: expected a name of its own for each row, got {twice!r} twice")
    return names


def renamed_records(results: Sequence[Result], names: Mapping[str, str]) -> list[Result]:
    """The records under their new labels.

    Raises:
        SelectionError: no record has an old name, or another row has a new one already.
    """
    labels = {result.label for result in results}
    for old, new in names.items():
        if old not in labels:
            near = did_you_mean(old, labels)
            raise SelectionError(f"--rename {old}={new}: {near}expected one of {', '.join(sorted(labels))}, got {old!r}")
        if new in labels - set(names):
            raise SelectionError(f"--rename {old}={new}: expected a name of its own, but another row is called {new!r}; choose another")
    return [replace(result, label=names.get(result.label, result.label)) for result in results]


def method_names(results: Sequence[Result]) -> Callable[[Result], tuple[str, str]]:
    """What a record is called by the name of its method, and its label.

    A blind form is called `rfuse blind=hysure` where the run has the method itself, too, so that `rfuse` is that row alone.
    """
    plain = {result.method for result in results if not result.parameters.get(BLIND)}

    def names(result: Result) -> tuple[str, str]:
        blind = result.parameters.get(BLIND)
        return (f"{result.method} {BLIND}={blind}" if blind and result.method in plain else result.method), result.label

    return names


def styled_all(summaries: Sequence[Summary], style: PaperStyle) -> list[Summary]:
    """The summaries as they are typeset.

    Raises:
        SelectionError: a pattern of the order, or of the rows that stand out, fits no row of any of them.
    """
    there = {row.label: row for summary in summaries for row in summary.rows}
    for option, patterns in (("--order", style.order), ("--highlight", style.highlight)):
        lonely = next((one for one in patterns if not any(_named(row, one) for row in there.values())), None)
        if lonely is not None:
            raise SelectionError(f"{option} {lonely}: {did_you_mean(lonely, there)}expected one of {', '.join(there)}, got no match")
    return [styled(summary, style) for summary in summaries]


def styled(summary: Summary, style: PaperStyle) -> Summary:
    """The summary as it is typeset."""
    chosen = [column for key in style.columns for column in summary.columns if column.key == key]
    columns = tuple(chosen) if chosen else summary.columns
    tiers = tuple(
        (tier, tuple(_highlighted(_spread(row, columns, style.spread), style.highlight) for row in _ordered(rows, style.order)))
        for tier, rows in summary.tiers
    )
    shown = not style.columns or CELLS in style.columns
    timed = any(column.higher_is_better is None for column in columns)
    notes = tuple(note for note in summary.notes if timed or note.about == "scores")
    return replace(
        summary, columns=columns, tiers=tiers, notes=notes, chosen=bool(chosen), shows_cells=shown, shows_range=style.spread == "range"
    )


def _named(row: Row, pattern: str) -> bool:
    """Whether a pattern fits the label of a row, or is the name of its method; a blind form has its label alone."""
    first = row.results[0]
    return row.label == pattern or fnmatchcase(row.label, pattern) or (first.method == pattern and not first.parameters.get(BLIND))


def _highlighted(row: Row, patterns: Sequence[str]) -> Row:
    return replace(row, highlighted=True) if any(_named(row, one) for one in patterns) else row


def _ordered(rows: Sequence[Row], order: Sequence[str]) -> list[Row]:
    """The rows that a pattern names first, in the order of the patterns."""
    places = {id(row): next((at for at, one in enumerate(order) if _named(row, one)), len(order)) for row in rows}
    return sorted(rows, key=lambda row: places[id(row)])


def _spread(row: Row, columns: Sequence[Column], spread: Spread) -> Row:
    if spread == "std":
        return row
    values = {**row.values, **{column.key: _value(row, column, spread) for column in columns}}
    return replace(row, values=values)


def _value(row: Row, column: Column, spread: Spread) -> Value:
    value = row.values[column.key]
    if spread == "none" or not value.spread_text:
        return replace(value, spread_text="")
    inside = values_by_scene(column, row.results)
    scenes = [column.pool(seeds) for seeds in inside.values()]
    over = scenes if len(scenes) > 1 else [one for seeds in inside.values() for one in seeds]
    low, high = column.text(min(over)), column.text(max(over))
    return replace(value, spread_text="" if INFINITE in (low, high) else f"{low}..{high}")
