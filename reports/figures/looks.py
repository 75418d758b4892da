"""How methods look in every figure and table of a report: a colour and a dash for each method, a marker for what it is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.content.method_series import series_numbers
from reports.content.row import Row
from reports.content.summary import Summary
from reports.style import series_colour, series_dash, tier_order

_FIXED = {"told nothing": "o", "told the blur": "s", "told the colour response": "^", "told blur and colour response": "D"}
_OTHERS = ("P", "X", "v", "p")  # of rarer tiers, in the order of tiers


@dataclass(frozen=True)
class Looks:
    """The matplotlib marker of each tier, and the number of each row by its label and tier, which decides colour and dash."""

    markers: dict[str, str]
    series: dict[tuple[str, str], int]

    @classmethod
    def of(cls, summaries: Sequence[Summary]) -> Looks:
        """The looks of every tier and row in these summaries, which should be all those of a report."""
        tiers = {tier for summary in summaries for tier, _ in summary.tiers}
        others = [tier for tier in sorted(tiers, key=tier_order) if tier not in _FIXED]
        markers = {**_FIXED, **{tier: _OTHERS[place % len(_OTHERS)] for place, tier in enumerate(others)}}
        return cls(markers, series_numbers(summaries))

    def number(self, row: Row) -> int:
        """The number of the row."""
        return self.series[row.label, row.tier]

    def colour(self, row: Row) -> str:
        """The colour of the row in a figure, in hexadecimal digits."""
        return series_colour(self.number(row))

    def dash(self, row: Row) -> str:
        """The dash of the row's line in a figure."""
        return series_dash(self.number(row))
