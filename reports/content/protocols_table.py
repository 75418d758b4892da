"""One table over all protocols: a row a method, a group of columns a protocol; as LaTeX, CSV and Markdown.

Means, places and tiers are those of each protocol's own summary: nothing is averaged over protocols. A cell without scores says what became
of it, a mean over fewer cells than the protocol has is marked, and both have their reason in a note.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from reports.content.captions import Caption, conventions, mean_of, places_sentence
from reports.content.summary import MISSING, Column, Row, Summary, configuration
from reports.style import DASH, identity, protocol_statements
from reports.typeset.latex import MARKS, RESIZED, RESIZED_END, escape, floating, head, label_column, name_of, type_size, value_of
from reports.typeset.plain_text import markdown_text, markdown_value

_MOST_COLUMNS = 9  # of numbers beside each other, three fewer beside long names; further protocols follow below
_MOST_METRICS = 3  # of a protocol, the first ones
_MOST_LINES = 30  # of a LaTeX table with its spreads: more do not fit on a page


@dataclass(frozen=True)
class Line:
    """One configuration: its row in each protocol, None where the protocol has none."""

    label: str
    tier: str
    rows: tuple[Row | None, ...]

    @property
    def paper(self) -> str:
        """As its card names it."""
        return next((str(row.results[0].card.get("paper") or "") for row in self.rows if row is not None), "")


@dataclass(frozen=True)
class Spanning:
    """The protocols, the columns of each, and the lines, tier after tier."""

    summaries: tuple[Summary, ...]
    columns: tuple[Column, ...]
    lines: tuple[Line, ...]

    @property
    def blocks(self) -> list[list[int]]:
        """Protocols that stand beside each other."""
        wide = label_column([line.label for line in self.lines]) != "l"
        each = max((_MOST_COLUMNS - 3 * wide) // len(self.columns), 1)
        return [list(range(start, min(start + each, len(self.summaries)))) for start in range(0, len(self.summaries), each)]


def span(summaries: Sequence[Summary]) -> Spanning | None:
    """The table over these protocols; None where there is only one."""
    if len(summaries) < 2:
        return None
    found: dict[str, dict[int, Row]] = {}
    for place, summary in enumerate(summaries):
        for row in summary.rows:
            found.setdefault(configuration(row.results[0]), {})[place] = row
    tiers = list(dict.fromkeys(tier for summary in summaries for tier, _ in summary.tiers))
    lines = [
        Line(next(iter(rows.values())).label, next(iter(rows.values())).tier, tuple(rows.get(place) for place in range(len(summaries))))
        for rows in found.values()
    ]
    lines.sort(key=lambda line: tiers.index(line.tier))
    return Spanning(tuple(summaries), summaries[0].scores[:_MOST_METRICS], tuple(lines))


def spanning_latex(table: Spanning, keys: Mapping[str, str] | None = None, *, resize: bool = False) -> str:
    r"""The table for \input into a document that loads booktabs; protocols that do not fit beside the others follow below, or, where
    that would not fit on a page, in further tables."""
    notes = [rf"{MARKS[mark]} {escape(text)}." for mark, text in notes_of(table)]
    size = type_size(len(table.lines))
    blocks = [_block(table, block, keys or {}, resize=resize) for block in table.blocks]
    if len(table.lines) * len(blocks) <= _MOST_LINES:
        stacked = [line for place, block in enumerate(blocks) for line in ([r"\par\medskip"] if place else []) + block]
        return floating(spanning_caption(table), "protocols", stacked, notes, size=size, resize=resize)
    first = floating(spanning_caption(table), "protocols", blocks[0], notes, size=size, resize=resize)
    more = (
        floating(
            [("All protocols", f", continued from table 1 of {len(blocks)}")], f"protocols {place}", block, [], size=size, resize=resize
        )
        for place, block in enumerate(blocks[1:], start=2)
    )
    return "\n".join([first, *more])


def _block(table: Spanning, block: Sequence[int], keys: Mapping[str, str], *, resize: bool) -> list[str]:
    """The lines of one tabular: these protocols beside each other."""
    metrics = len(table.columns)
    alignment = (r"@{\hskip 12pt}" + "r" * metrics) * len(block)
    lines = [RESIZED] if resize else []
    lines += [rf"\begin{{tabular}}{{@{{}}{label_column([line.label for line in table.lines])}{alignment}@{{}}}}", r"\toprule"]
    heads = " & ".join(rf"\multicolumn{{{metrics}}}{{c}}{{{escape(table.summaries[at].name)}}}" for at in block)
    rules = "".join(rf"\cmidrule(lr){{{2 + metrics * step}-{1 + metrics * (step + 1)}}}" for step in range(len(block)))
    units = [head(column) + (rf"\,{{\scriptsize {escape(column.unit)}}}" if column.unit else "") for column in table.columns]
    lines += [rf"Method & {heads} \\", rules, " & ".join(["", *units * len(block)]) + r" \\"]
    for tier in dict.fromkeys(line.tier for line in table.lines):
        lines += [r"\midrule", rf"\multicolumn{{{1 + metrics * len(block)}}}{{@{{}}l}}{{\textit{{{escape(tier)}}}}} \\"]
        lines += [_line(line, block, table.columns, keys) for line in table.lines if line.tier == tier]
    return [*lines, r"\bottomrule", r"\end{tabular}" + RESIZED_END * resize]


def spanning_frame(table: Spanning) -> pd.DataFrame:
    """One row a method, unrounded means under `<protocol>: <metric>`, cells scored of those expected under `<protocol>: cells`."""
    rows = []
    for line in table.lines:
        cells: dict[str, object] = {"tier": line.tier, "label": line.label}
        for summary, row in zip(table.summaries, line.rows, strict=True):
            cells |= {f"{summary.name}: {column.key}": None if row is None else row.values[column.key].mean for column in table.columns}
            cells[f"{summary.name}: cells"] = "not run" if row is None else f"{row.scored}/{row.expected}"
        first = next(row for row in line.rows if row is not None)
        cells["configuration"] = identity(first.results[0].parameters)
        rows.append(cells)
    return pd.DataFrame(rows)


def spanning_markdown(table: Spanning) -> str:
    """A GitHub table; best bold, second in italics, notes below."""
    heads = [f"{summary.name}: {column.label} {column.unit}".strip() for summary in table.summaries for column in table.columns]
    lines = [f"| method | tier | {' | '.join(map(markdown_text, heads))} |", f"| --- | --- |{' ---: |' * len(heads)}"]
    for line in table.lines:
        cells = [text for row in line.rows for text in _markdown_cells(row, table.columns)]
        lines.append(f"| {markdown_text(line.label)} | {markdown_text(line.tier)} | {' | '.join(cells)} |")
    lines += [f"\n{mark} {markdown_text(text)}" for mark, text in notes_of(table)]
    return "\n".join(lines) + "\n"


def spanning_caption(table: Spanning) -> Caption:
    """What all protocols share, what each has of its own, and how to read the numbers and marks."""
    means = [mean_of(summary) for summary in table.summaries]
    said = {
        summary.name: [*protocol_statements(summary.protocol), mean[:1].lower() + mean[1:]]
        for summary, mean in zip(table.summaries, means, strict=True)
    }
    first, *others = said.values()
    shared = [text for text in first if all(text in each for each in others)]
    own = [(name, f": {'; '.join(text for text in texts if text not in shared) or 'nothing else'}.") for name, texts in said.items()]
    reading = f"{places_sentence(table.summaries[0])} {conventions(table.summaries[0], table.columns)}"
    return [("All protocols", f": {'; '.join(shared) or 'nothing in common'}."), *own, ("", reading)]


def notes_of(table: Spanning) -> list[tuple[str, str]]:
    """(mark, text) of every protocol's notes; a text that protocols share stands once."""
    found: dict[tuple[str, str], list[str]] = {}
    for summary in table.summaries:
        for note in summary.notes:
            found.setdefault((note.mark, f"{note.label}: {note.text}"), []).append(summary.name)
    notes = [(mark, f"{', '.join(names)}: {text}" if len(names) < len(table.summaries) else text) for (mark, text), names in found.items()]
    absent = {
        line.label: [summary.name for summary, row in zip(table.summaries, line.rows, strict=True) if row is None] for line in table.lines
    }
    return [*notes, *((MISSING, f"{label}: not run under {', '.join(names)}") for label, names in absent.items() if names)]


def _line(line: Line, block: Sequence[int], columns: Sequence[Column], keys: Mapping[str, str]) -> str:
    """One row: the name, and each protocol's values or what became of its cells."""
    key = keys.get(line.paper)
    cells = [name_of(line.label) + (rf"~\cite{{{key}}}" if key else "")]
    for row in (line.rows[place] for place in block):
        if row is None or row.scored == 0:
            what = "not run" if row is None else row.outcomes
            cells.append(rf"\multicolumn{{{len(columns)}}}{{c}}{{{escape(what)}{MARKS[MISSING]}}}")
        else:
            values = [value_of(row, column) for column in columns]
            cells += [values[0] + "".join(MARKS[mark] for mark in row.marks), *values[1:]]
    lines = [" & ".join(cells) + r" \\"]
    spreads = [_spread(line.rows[place], column) for place in block for column in columns]
    return "\n".join([*lines, *([" & ".join(["", *spreads]) + r" \\[1.5pt]"] if any(spreads) else [])])


def _spread(row: Row | None, column: Column) -> str:
    """The spread in small print."""
    text = "" if row is None else row.values[column.key].spread_text
    return rf"{{\tiny$\pm$\,{text}}}" if text else ""


def _markdown_cells(row: Row | None, columns: Sequence[Column]) -> list[str]:
    if row is None or row.scored == 0:
        return [f"{'not run' if row is None else row.outcomes} {MISSING}", *[DASH] * (len(columns) - 1)]
    texts = [markdown_value(row, column) for column in columns]
    return [f"{texts[0]} {row.marks}".strip(), *texts[1:]]
