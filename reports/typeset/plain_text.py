"""A summary, and a table of texts, as plain text for a terminal.

In a summary the best value of a tier is marked with *, the second with +.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

from reports.content.captions import OLDER, machine_sentence, over_sentence
from reports.content.columns import SECONDS, Column
from reports.content.notes import ABOUT
from reports.content.protocol_facts import protocol_sentence
from reports.content.row import MISSING, ROW_MARKS, Row
from reports.content.summary import Summary
from reports.content.text_table import TextTable
from reports.style import DASH, shorten

WIDTH = 110  # characters per line of the terminal
_GAP, _INDENT = " ", "  "
_PLACES = {"best": "*", "second": "+", "": " "}


def plain_summary(summary: Summary, width: int = WIDTH) -> str:
    """The summary in aligned columns, with tiers as headings and notes below; every line has at most `width` characters.

    A label of two words stands on two lines where the column has no unit.
    There is no room for the column of GPU memory; the other formats have it.
    """
    columns = [column for column in summary.columns if column.key != "gpu_bytes"]
    body = {id(row): [_value(row, column, place) for place, column in enumerate(columns)] for row in summary.rows}
    words = [(column.label, column.unit) if column.unit else column.label.partition(" ")[::2] for column in columns]
    heads = [[word[line] + " " for word in words] for line in (0, 1)]  # one character for the mark of the place
    sizes = [max(len(cells[place]) for cells in (*heads, *body.values())) for place in range(len(columns))]
    used = sum(sizes) + len(_GAP) * (len(sizes) + 1) + len("cells")
    names = max([0, *(len(_label(row)) + len(_INDENT) for row in summary.rows)])
    first = max(min(names, width - used), 12)

    def line(label: str, cells: Sequence[str], scored: str) -> str:
        padded = [f"{cell:>{size}}" for cell, size in zip(cells, sizes, strict=True)]
        return _GAP.join([f"{label:<{first}}", *padded, *[f"{scored:>5}"] * summary.shows_cells]).rstrip()

    lines = [*textwrap.wrap(f"{summary.name}: {protocol_sentence(summary.protocol)}", width), ""]
    lines += [line("", heads[0], "cells"), line("", heads[1], "")]
    for tier, rows in summary.tiers:
        lines.append(f"{tier} {'─' * max(0, first + used - len(tier) - 1)}")
        lines += [line(_INDENT + _fit(_label(row), first - len(_INDENT)), body[id(row)], f"{row.scored}/{row.expected}") for row in rows]
    lines += ["", *textwrap.wrap(_legend(summary), width)]
    for note in summary.shared_notes(ABOUT):
        lines += textwrap.wrap(f"{note.mark} {note.sentence}".strip(), width, subsequent_indent="  ")
    return "\n".join(lines) + "\n"


def plain_text_table(table: TextTable, width: int = WIDTH) -> str:
    """The table of texts; columns that do not fit beside the others follow below, where the first column is repeated."""
    names = max(len(row[0]) for row in (table.heads, *table.rows))
    sizes = [max(len(row[place]) for row in (table.heads, *table.rows)) for place in range(1, len(table.heads))]
    lines, start = [*textwrap.wrap(table.title, width), ""], 0
    while start < len(sizes):
        stop = start + 1
        while stop < len(sizes) and names + sum(size + 2 for size in sizes[start : stop + 1]) <= width:
            stop += 1
        for row in (table.heads, *table.rows):
            cells = (f"{text:>{size}}" for text, size in zip(row[1 + start : 1 + stop], sizes[start:stop], strict=True))
            lines.append("  ".join([f"{row[0]:<{names}}", *cells]).rstrip())
        lines.append("")
        start = stop
    for note in table.notes:
        lines += textwrap.wrap(note, width, subsequent_indent="  ")
    return "\n".join(lines) + "\n"


def _label(row: Row) -> str:
    """The name of the row with its marks."""
    return f"{row.label} {row.marks}".strip()


def _fit(text: str, size: int) -> str:
    """`text` in `size` characters; the word oracle and the marks at its end are kept."""
    ending = re.search(rf"(?P<oracle>, oracle \([^()]*\))?(?P<marks> [{ROW_MARKS}]+)?$", text)
    if len(text) <= size or ending is None:
        return text
    kept = (", oracle" if ending["oracle"] else "") + (ending["marks"] or "")
    return shorten(text[: ending.start()], size - len(kept)) + kept


def _value(row: Row, column: Column, place: int) -> str:
    """A number followed by one character for its place; for a row without scores, in its first column, the outcome of its cells."""
    if row.scored == 0:
        return f"{row.outcomes.partition(',')[0]}{MISSING}" if place == 0 else f"{DASH} "
    value = row.values[column.key]
    return value.text + (row.mark_of(column) or _PLACES[value.place])


def _legend(summary: Summary) -> str:
    """How to read the table."""
    sentences = [
        over_sentence(summary),
        "* best, + second of the tier.",
        machine_sentence(summary) if any(column.key in SECONDS for column in summary.columns) else "",
        "Memory: peak of the processes of the cell, libraries included." if any(c.key == "peak_bytes" for c in summary.columns) else "",
        OLDER if summary.provenance.older else "",
    ]
    return " ".join(filter(None, sentences))
