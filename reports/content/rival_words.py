"""Differences, ratios and intervals between a method and its rivals, as text."""

from __future__ import annotations

from reports.content.rival_pairs import Interval, RivalPair
from reports.style import significant_text


def difference_text(each: RivalPair) -> str:
    """The paired difference in PSNR, with its interval and n."""
    found = Interval(each.pair.mean, each.pair.low, each.pair.high, each.n)
    return f"{each.pair.mean:+.2f} dB{interval_text(found, signed=True)}, n = {each.n}"


def interval_text(found: Interval, *, signed: bool = False) -> str:
    """The 95 % interval in brackets; empty where there is none."""
    if found.low != found.low:  # NaN
        return ""
    return f" [{found.low:+.2f}, {found.high:+.2f}]" if signed else f" [{found.low:.2f}, {found.high:.2f}]"


def ratio_text(found: Interval) -> str:
    """How many times as long, with its interval."""
    ends = "" if found.low != found.low else f" [{significant_text(found.low)}, {significant_text(found.high)}]"
    return f"{significant_text(found.mean)}{ends}"
