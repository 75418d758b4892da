"""The number of each row of a report, which decides its colour and its dash in every chart and figure.

A number n has colour n % `COLOURS`; rows beyond the first `COLOURS` share colours and differ in dash. Where a row stands depends on its
method alone, and on which others are in the report: a method has a home colour, and takes the next free one where another holds it. So the
order of scores, a filter or the choice of a figure changes no colour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import count
from zlib import crc32

from reports.content.row import Row
from reports.content.summary import Summary
from reports.style import PALETTE, identity, tier_order

COLOURS = len(PALETTE)
_APART = 3  # colours between the homes of two rows of one method
_HOMES = {"gsa": 0, "spectralift": 1, "rfuse": 2, "mossfuse": 3, "cnmf": 4, "kriging": 5, "sfim": 6, "bicubic": 7}  # often together


def series_numbers(summaries: Sequence[Summary]) -> dict[tuple[str, str], int]:
    """The number of each row, by its label and tier; no two are alike."""
    rows = {(row.label, row.tier): row for summary in summaries for row in summary.rows}
    found: dict[tuple[str, str], int] = {}
    for turn, key in _in_turn(rows):
        name = _method_of(rows[key])
        home = _HOMES.get(name, crc32(name.encode()) % COLOURS) + _APART * turn
        taken = set(found.values())
        places = (COLOURS * level + (home + step) % COLOURS for level in count() for step in range(COLOURS))
        found[key] = next(place for place in places if place not in taken)
    return found


def _in_turn(rows: Mapping[tuple[str, str], Row]) -> list[tuple[int, tuple[str, str]]]:
    """The rows in the order in which they are given their colours, each with its number among those of its method.

    One row of each method comes before any second one, so that none takes another's home; methods with a home of their own come first.
    """
    of_method: dict[str, list[tuple[str, str]]] = {}
    for key in sorted(rows, key=lambda key: _rank(rows[key])):
        of_method.setdefault(_method_of(rows[key]), []).append(key)
    turns = [(place, name not in _HOMES, name, key) for name, keys in of_method.items() for place, key in enumerate(keys)]
    return [(place, key) for place, _, _, key in sorted(turns)]


def _rank(row: Row) -> tuple[int, int, str, str]:
    """The order among the rows of one method: a form that is told more is the one of its paper, the blind ones follow."""
    learned, told, _ = tier_order(row.tier)
    return learned, -told, identity(row.results[0].parameters) if row.results else "", row.label


def _method_of(row: Row) -> str:
    """The name of the method; the label where the row has no record."""
    return row.results[0].method if row.results else row.label
