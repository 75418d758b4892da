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
from reports.style import DASH, listed_text, shorten

WIDTH = 110  # characters per line of the terminal
_GAP, _INDENT = " ", "  "
_HIGHLIGHT = "\N{BLACK RIGHT-POINTING SMALL TRIANGLE} "
_LEAST_NAME = 24  # characters of the first column, for which other columns make room
_LEAST = ("parameters", "peak_bytes", "learning_seconds")  # the columns that a narrow terminal does without first, the least one first
_PLACES = {"best": "*", "second": "+", "": " "}


def plain_summary(summary: Summary, width: int = WIDTH) -> str:
    """The summary in aligned columns, with tiers as headings and notes below; every line has at most `width` characters.

    A label of two words stands on two lines where the column has no unit.
    There is no room for the column of GPU memory; the other formats have it. Where others have no room either, the least ones are left out:
    parameters, memory, learning, then the last scores, then the seconds; a sentence below names them.
    """
    names = max([0, *(len(_label(row)) + len(_INDENT) for row in summary.rows)])
    columns, dropped = [column for column in summary.columns if column.key != "gpu_bytes"], list[Column]()
    while (used := _used(summary, columns)) > width - min(names, _LEAST_NAME) and len(columns) > 1:
        dropped.append(_least(columns))
        columns.remove(dropped[-1])
    body = {id(row): [_value(row, column, place) for place, column in enumerate(columns)] for row in summary.rows}
    heads, sizes = _heads(columns), _sizes(summary, columns)
    first = max(min(names, width - used), 12)

    def line(label: str, cells: Sequence[str], scored: str) -> str:
        padded = [f"{cell:>{size}}" for cell, size in zip(cells, sizes, strict=True)]
        return _GAP.join([f"{label:<{first}}", *padded, *[f"{scored:>5}"] * summary.shows_cells]).rstrip()

    lines = [*textwrap.wrap(f"{summary.name}: {protocol_sentence(summary.protocol)}", width), ""]
    lines += [line("", heads[0], "cells"), line("", heads[1], "")]
    for tier, rows in summary.tiers:
        lines.append(shorten(f"{tier} {'─' * max(0, first + used - len(tier) - 1)}", width))
        lines += [line(_INDENT + _fit(_label(row), first - len(_INDENT)), body[id(row)], f"{row.scored}/{row.expected}") for row in rows]
    left_out = [f"No room here for {listed_text([column.label for column in dropped])}: the files have them."] if dropped else []
    lines += ["", *textwrap.wrap(" ".join([_legend(summary, columns), *left_out]), width)]
    for note in summary.shared_notes(ABOUT):
        lines += textwrap.wrap(f"{note.mark} {note.sentence}".strip(), width, subsequent_indent="  ")
    return "\n".join(lines) + "\n"


def _least(columns: Sequence[Column]) -> Column:
    """Of several columns, the one that a reader misses least."""
    by_key = {column.key: column for column in columns}
    costs = [by_key[key] for key in _LEAST if key in by_key]
    scores = [column for column in columns[1:] if column.key not in SECONDS]
    return [*costs, *reversed(scores), columns[-1]][0]


def _heads(columns: Sequence[Column]) -> list[list[str]]:
    """The two lines of the heads, with one character for the mark of a place."""
    words = [(column.label, column.unit) if column.unit else column.label.partition(" ")[::2] for column in columns]
    return [[word[line] + " " for word in words] for line in (0, 1)]


def _sizes(summary: Summary, columns: Sequence[Column]) -> list[int]:
    """The width of each column."""
    body = [[_value(row, column, place) for place, column in enumerate(columns)] for row in summary.rows]
    return [max(len(cells[place]) for cells in (*_heads(columns), *body)) for place in range(len(columns))]


def _used(summary: Summary, columns: Sequence[Column]) -> int:
    """The characters of a line beside the name."""
    return sum(_sizes(summary, columns)) + len(_GAP) * (len(columns) + 1) + len("cells") * summary.shows_cells


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
    """The name of the row with its marks, behind a triangle where it is to stand out."""
    return f"{_HIGHLIGHT * row.highlighted}{row.label} {row.marks}".strip()


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


def _legend(summary: Summary, columns: Sequence[Column]) -> str:
    """How to read the table with these columns."""
    sentences = [
        over_sentence(summary),
        "* best, + second of the tier.",
        machine_sentence(summary) if any(column.key in SECONDS for column in columns) else "",
        "Memory: peak of the processes of the cell, libraries included." if any(c.key == "peak_bytes" for c in columns) else "",
        OLDER if summary.provenance.older else "",
    ]
    return " ".join(filter(None, sentences))
