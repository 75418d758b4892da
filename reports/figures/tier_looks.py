"""The colour and the marker of each tier, the same in every figure and table of a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reports.content.summary import Summary
from reports.style import tier_order

_FIXED = {
    "told nothing": ("#0072b2", "o"),
    "told the blur": ("#b38600", "s"),
    "told the colour response": ("#d55e00", "^"),
    "told blur and colour response": ("#009e73", "D"),
}
_OTHERS = (("#b8578f", "P"), ("#6f6bb5", "X"), ("#7a7a7a", "v"), ("#4a90a4", "p"))  # of rarer tiers, in the order of tiers


@dataclass(frozen=True)
class TierLooks:
    """Of each tier: its colour (hex) and its matplotlib marker."""

    colours: dict[str, str]
    markers: dict[str, str]

    @classmethod
    def of(cls, summaries: Sequence[Summary]) -> TierLooks:
        """The looks of every tier in these summaries."""
        tiers = {tier for summary in summaries for tier, _ in summary.tiers}
        others = [tier for tier in sorted(tiers, key=tier_order) if tier not in _FIXED]
        looks = {**_FIXED, **{tier: _OTHERS[place % len(_OTHERS)] for place, tier in enumerate(others)}}
        return cls({tier: colour for tier, (colour, _) in looks.items()}, {tier: marker for tier, (_, marker) in looks.items()})
