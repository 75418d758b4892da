"""What fits on a printed page, the same for LaTeX and Typst: names on one line, protocols beside each other, and notes below a table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import ceil

from reports.content.captions import Caption
from reports.content.protocols_table import ProtocolsTable
from reports.content.text_table import TextTable

LONGEST_NAME = 26  # characters on one line
SMALLER = 4  # characters of a name as wide as what the small print of marks and citation saves
BREAKS = "-_,;:/)]>|+"  # a long name may be broken after these characters
_MOST_NUMBERS = 9  # columns of numbers beside short names; three fewer beside long ones
_MOST_NARROW = 4  # likewise, in one column of the text; one fewer
_PAGE = 683  # points: the height of the text
_CAPTION_LINE, _NOTE_LINE = (112, 12.0), (148, 9.5)  # characters, and points
_TABLE, _ROW, _SMALL_ROW, _TIER = 74, 21.4, 18.4, 14.0  # points: the heads and rules, a row with its spreads, a line with a tier
MOST_ROWS = 20  # in the usual font size; with their spreads, more do not fit on a page
_RESIZED = 0.7  # of the page, at most, for a table that is shrunk
_WIDTH, _LEAST_NAME = 181, 38  # mm: of a page with two columns; of the first column at least
_SMALL_LETTER, _SMALL_GAP = 1.45, 2.2  # mm: of the small print of a table of texts, and between its columns
FURTHER = "Further notes on methods are in the CSV of this table and on the page of the report"


def needs_breaking(names: Sequence[str]) -> bool:
    """Whether one of these names is too long for one line of its column."""
    return max(map(len, names)) > LONGEST_NAME


def wrapped_name(name: str, room: int = 0) -> list[str]:
    """The name on lines of at most `LONGEST_NAME` characters.

    `room`: how many more follow on the last line, in smaller print, which may therefore be somewhat longer.
    """
    pieces = re.findall(
        rf"[^ {re.escape(BREAKS)}]{{0,{LONGEST_NAME - 1}}}(?:[ {re.escape(BREAKS)}]|$)|.{{{LONGEST_NAME}}}", " ".join(name.split())
    )
    lines = [""]
    for place, piece in enumerate(pieces):
        needed = len(piece.rstrip()) + (max(room - SMALLER, 0) if place == len(pieces) - 1 else 0)
        if lines[-1] and len(lines[-1]) + needed > LONGEST_NAME:
            lines.append("")
        lines[-1] += piece
    return [line.strip() for line in lines]


def first_column_mm(table: TextTable) -> int | None:
    """The width of the first column of a table of texts, where it must be broken: what the other columns leave of the page, in mm.

    None where every text of the first column has room on one line.
    """
    columns = [max(map(len, texts)) for texts in zip(table.heads, *table.rows, strict=True)]
    room = _WIDTH - sum(length * _SMALL_LETTER + _SMALL_GAP for length in columns[1:])
    return None if columns[0] * _SMALL_LETTER <= room else max(int(room), _LEAST_NAME)


def protocol_blocks(table: ProtocolsTable, *, narrow: bool = False) -> list[list[int]]:
    """The numbers of the protocols that stand beside each other; each further block follows below. `narrow`: in one column of the text."""
    wide = needs_breaking([row.label for row in table.rows])
    most = _MOST_NARROW if narrow else _MOST_NUMBERS
    each = max((most - (1 if narrow else 3) * wide) // len(table.columns), 1)
    return [list(range(start, min(start + each, len(table.summaries)))) for start in range(0, len(table.summaries), each)]


def notes_with_room(
    notes: Sequence[tuple[str, str]], caption: Caption, rows: int, tiers: int, *, resize: bool = False
) -> list[tuple[str, str]]:
    """Of the notes of a table, as (mark, text), all that explain a mark, and of the others those for which the page has room.

    `rows` and `tiers`: how many lines of the table have a method, or the name of a tier.
    """
    table = _TABLE + rows * (_ROW if rows <= MOST_ROWS else _SMALL_ROW) + tiers * _TIER
    table = min(table, _RESIZED * _PAGE) if resize else table
    room = _PAGE - table - _height(sum(len(strong) + len(text) for strong, text in caption), *_CAPTION_LINE)
    room -= sum(_height(len(text), *_NOTE_LINE) for mark, text in notes if mark) + _NOTE_LINE[1]  # one line for `FURTHER`
    kept = []
    for mark, text in notes:
        room -= 0 if mark else _height(len(text), *_NOTE_LINE)
        kept += [(mark, text)] if mark or room >= 0 else []
    return kept if len(kept) == len(notes) else [*kept, ("", FURTHER)]


def _height(length: int, characters: int, points: float) -> float:
    """The height of a text of that length, in lines of so many characters and points."""
    return ceil(length / characters) * points
