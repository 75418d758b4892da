"""Tables as GitHub's Markdown: a summary, the table over all protocols, and tables of texts.

The best value of a tier is bold, the second in italics, and the notes stand below the table.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from reports.content.captions import OLDER, has_spread, machine_sentence, over_sentence
from reports.content.columns import Column
from reports.content.notes import ABOUT
from reports.content.protocol_facts import protocol_sentence
from reports.content.protocols_table import ProtocolsTable, protocols_notes
from reports.content.row import MISSING, Row
from reports.content.summary import Summary
from reports.content.text_table import TextTable
from reports.style import DASH


def markdown_escape(text: str) -> str:
    """`text` on one line, such that neither Markdown nor the HTML in it changes it."""
    line = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_{}\[\]|#!~])", r"\\\1", line)


def markdown_summary(summary: Summary) -> str:
    """The summary of one protocol, scene or tier."""
    heads = ["method", "tier", *(f"{column.label} {column.unit}".strip() for column in summary.columns), *["cells"] * summary.shows_cells]
    lines = [
        f"**{markdown_escape(summary.name)}**: {markdown_escape(protocol_sentence(summary.protocol))}",
        "",
        f"| {' | '.join(heads)} |",
        f"| --- | --- |{' ---: |' * (len(heads) - 2)}",
    ]
    for row in summary.rows:
        cells = [_summary_value(row, column, place, ranges=summary.shows_range) for place, column in enumerate(summary.columns)]
        name = _name(row.label, row.marks, bold=row.highlighted)
        cells += [f"{row.scored}/{row.expected}"] * summary.shows_cells
        lines.append(f"| {name} | {markdown_escape(row.tier)} | {' | '.join(cells)} |")
    what = ", in brackets the least and the largest value over" if summary.shows_range else " ± standard deviation over"
    spread = f"{what} the {summary.over}." if has_spread(summary) else ""
    legend = f"{over_sentence(summary)}{spread} {machine_sentence(summary)}{f' {OLDER}' if summary.provenance.older else ''}"
    lines += ["", f"{markdown_escape(legend)} Best of a tier **bold**, second _in italics_."]
    lines += [f"\n{note.mark} {markdown_escape(note.sentence)}".replace("\n ", "\n") for note in summary.shared_notes(ABOUT)]
    return "\n".join(lines) + "\n"


def markdown_protocols(table: ProtocolsTable) -> str:
    """The table over all protocols."""
    heads = [f"{summary.name}: {column.label} {column.unit}".strip() for summary in table.summaries for column in table.columns]
    lines = [f"| method | tier | {' | '.join(map(markdown_escape, heads))} |", f"| --- | --- |{' ---: |' * len(heads)}"]
    for line in table.rows:
        cells = [text for row in line.by_protocol for text in _protocol_values(row, table.columns)]
        lines.append(f"| {_name(line.label, line.marks, bold=line.highlighted)} | {markdown_escape(line.tier)} | {' | '.join(cells)} |")
    lines += [f"\n{mark} {markdown_escape(text)}".replace("\n ", "\n") for mark, text in protocols_notes(table)]
    return "\n".join(lines) + "\n"


def markdown_text_table(table: TextTable) -> str:
    """A table of texts: statistics, claims, conventions."""
    lines = [f"**{markdown_escape(table.title)}**", "", _line(table.heads), f"| --- |{' ---: |' * (len(table.heads) - 1)}"]
    lines += [_line(row) for row in table.rows]
    lines += [f"\n{markdown_escape(note)}" for note in table.notes]
    return "\n".join(lines) + "\n"


def _name(label: str, marks: str, *, bold: bool) -> str:
    """The name of a row and its marks."""
    name = markdown_escape(label)
    return f"{f'**{name}**' if bold else name} {marks}".strip()


def _line(texts: Sequence[str]) -> str:
    """One line of a table of texts."""
    return f"| {' | '.join(map(markdown_escape, texts))} |"


def _summary_value(row: Row, column: Column, place: int, *, ranges: bool) -> str:
    """The mean with its spread; for a row without scores, in its first column, the outcome of its cells."""
    if row.scored == 0:
        return f"{row.outcomes} {MISSING}" if place == 0 else DASH
    spread = row.values[column.key].spread_text
    return _value(row, column, (f" ({spread})" if ranges else f" ± {spread}") if spread else "")


def _protocol_values(row: Row | None, columns: Sequence[Column]) -> list[str]:
    """The cells of one protocol in one line."""
    if row is None or row.scored == 0:
        return [f"{'not run' if row is None else row.outcomes} {MISSING}", *[DASH] * (len(columns) - 1)]
    texts = [_value(row, column) for column in columns]
    return [f"{texts[0]} {row.gaps}".strip(), *texts[1:]]


def _value(row: Row, column: Column, spread: str = "") -> str:
    """The mean in the type of its place, and a mark where it is over fewer cells."""
    value = row.values[column.key]
    text = {"best": f"**{value.text}**", "second": f"_{value.text}_", "": value.text}[value.place]
    return f"{text}{spread} {row.mark_of(column)}".strip()
