"""What fits on a printed page, the same for LaTeX and Typst: names on one line, protocols beside each other, and notes below a table."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

from reports.content.captions import Caption
from reports.content.protocols_table import ProtocolsTable

LONGEST_NAME = 26  # characters on one line
_MOST_NUMBERS = 9  # columns of numbers beside short names; three fewer beside long ones
_PAGE = 683  # points: the height of the text
_CAPTION_LINE, _NOTE_LINE = (112, 12.0), (148, 9.5)  # characters, and points
_TABLE, _ROW, _SMALL_ROW, _TIER = 74, 21.4, 18.4, 14.0  # points: the heads and rules, a row with its spreads, a line with a tier
MOST_ROWS = 20  # in the usual font size; with their spreads, more do not fit on a page
_RESIZED = 0.7  # of the page, at most, for a table that is shrunk
FURTHER = "Further notes on methods are in the CSV of this table and on the page of the report"


def needs_breaking(names: Sequence[str]) -> bool:
    """Whether one of these names is too long for one line of its column."""
    return max(map(len, names)) > LONGEST_NAME


def protocol_blocks(table: ProtocolsTable) -> list[list[int]]:
    """The numbers of the protocols that stand beside each other; each further block follows below."""
    wide = needs_breaking([row.label for row in table.rows])
    each = max((_MOST_NUMBERS - 3 * wide) // len(table.columns), 1)
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
