"""The look that every product of a report shares: sizes, fonts and colours of figures, and how numbers and short texts are written.

No two colours of `PALETTE`, nor one of them and the ink of the truth, come closer than 20 (CIE 1976) to one another, seen by people with
and without protanopia or deuteranopia (the matrices of Machado, Oliveira and Fernandes 2009).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

DASH = "\N{EN DASH}"  # stands where there is no value
INK, GRID, PAPER = "#26262a", "#d9d9dc", "#fefefe"  # on the page, `inline_svg` replaces them by the page's colours
ONE_COLUMN, TWO_COLUMNS = 3.46, 7.13  # inches: 88 and 181 mm, the column widths of journals
FONT = "DejaVu Sans"
TEXT, SMALL, TINY = 7.5, 6.5, 5.5  # font sizes in points, at the printed size
HEAT_MAP = "cividis"  # looks the same with any common colour blindness, and in a grey print
PALETTE = ("#1b75d0", "#d8590b", "#258f56", "#a02878", "#684800", "#2a2c86", "#5b98ba", "#8a8a8a")  # of methods; --s0 to --s7 of the page
DASHES = ("-", "--", ":", "-.")

_TOLD = (  # what a method is told, from nothing to all; methods/contract.py has the words
    "told nothing",
    "told the noise level",
    "told the blur",
    "told blur and noise level",
    "told the colour response",
    "told colour response and noise level",
    "told blur and colour response",
    "told blur, colour response and noise level",
)
_LEARNED = ("", "learned from other scenes, without their truth", "learned from other scenes, with their truth")


def figure_settings() -> dict[Any, Any]:
    """Matplotlib's settings for every figure, to be used in a `with`, so that nothing stays set after it."""
    ink = ("text.color", "axes.labelcolor", "xtick.color", "ytick.color", "axes.edgecolor")
    return {
        **dict.fromkeys(ink, INK),
        "figure.facecolor": "white",
        "axes.facecolor": "white",
        "axes.grid": True,
        "grid.color": GRID,
        "grid.linewidth": 0.5,
        "axes.axisbelow": True,
        "axes.linewidth": 0.6,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.titlesize": TEXT,
        "axes.labelsize": TEXT,
        "xtick.labelsize": SMALL,
        "ytick.labelsize": SMALL,
        "xtick.major.width": 0.6,
        "ytick.major.width": 0.6,
        "xtick.minor.width": 0.4,
        "ytick.minor.width": 0.4,
        "legend.fontsize": SMALL,
        "legend.frameon": False,
        "lines.linewidth": 1.2,
        "lines.markersize": 4.5,
        "font.family": ["sans-serif"],
        "font.sans-serif": [FONT],
        "font.size": TEXT,
        "pdf.fonttype": 42,
        "svg.hashsalt": "hmif-bench",
        "text.parse_math": False,
    }


def series_colour(number: int) -> str:
    """The colour of the row with this number, in hexadecimal digits."""
    return PALETTE[number % len(PALETTE)]


def series_dash(number: int) -> str:
    """The dash of the line with this number; the first 32 numbers have different pairs of colour and dash."""
    return DASHES[(number + number // len(PALETTE)) % len(DASHES)]


def tier_order(tier: str) -> tuple[int, int, str]:
    """The key that sorts tiers: those that learned from no other scene come first, then those without, then those with their truth.

    Among them, those that are told less come first. Words that are none of today's, as older records have them, come last, by name.
    """
    told, _, learned = tier.partition("; ")
    known = told in _TOLD and learned in _LEARNED
    return (_LEARNED.index(learned), _TOLD.index(told), tier) if known else (len(_LEARNED), 0, tier)


def short_tier(tier: str) -> str:
    """A tier for a figure, in which its whole words have no room: "told blur + colour", "told nothing; learned with truth"."""
    told, _, learned = tier.partition("; ")
    if told not in _TOLD or learned not in _LEARNED:
        return tier
    words = told.replace("the ", "").replace(" response", "").replace(" level", "").replace(", ", " + ").replace(" and ", " + ")
    return words + ("", "; learned without truth", "; learned with truth")[_LEARNED.index(learned)]


def significant_text(value: float, digits: int = 2) -> str:
    """A `value` of at least 0 as text with that many significant digits and without an exponent: 0.012, 1.2, 12, 123."""
    if value <= 0:
        return "0"
    if value < 1e-4:
        return "<0.0001"
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return f"{value:.{max(digits - 1 - exponent, 0)}f}"


def seconds_text(value: float) -> str:
    """Seconds as text with two significant digits; a dash for 0."""
    return significant_text(value) if value > 0 else DASH


def duration_text(value: float) -> str:
    """Seconds in the unit that fits them, with two significant digits: 0.7 ms, 7 ms, 1.2 s, 3 min, 2.5 h; a dash for 0."""
    if value <= 0:
        return DASH
    for below, unit, text in ((0.9995, 1e-3, "ms"), (99.5, 1.0, "s"), (5970.0, 60.0, "min")):
        if value < below:
            return f"{significant_text(value / unit)} {text}"
    return f"{significant_text(value / 3600)} h"


def count_word(number: int) -> str:
    """A small number as a word, with which a sentence can begin once it has a capital: "three"; from thirteen on in digits."""
    words = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    return words[number] if number < len(words) else str(number)


def megabytes_text(value: float) -> str:
    """A number of bytes as text, in units of 10^6 bytes."""
    return f"{value / 1e6:.0f}"


def count_text(value: float) -> str:
    """A number of learned parameters as text: 0, 812, 8.2 k, 540 k, 1.3 M."""
    if value < 1000:
        return f"{value:.0f}"
    number, unit = (value / 1e3, "k") if value < 999_500 else (value / 1e6, "M")
    return f"{significant_text(number).removesuffix('.0')} {unit}"


def value_text(value: Any) -> str:
    """A value from a record as short text: without quotes, yes or no for truth values, tables as pairs of key and value."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        kind = [str(value["kind"])] if "kind" in value else []
        return ", ".join(kind + [f"{key} {value_text(item)}" for key, item in value.items() if key != "kind"]) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(value_text(item) for item in value) or "nothing"
    return str(value)


def listed_text(texts: Sequence[str]) -> str:
    """The texts in a sentence: "a", "a and b", "a, b and c"."""
    return " and ".join(filter(None, [", ".join(texts[:-1]), *texts[-1:]]))


def identity(value: Any) -> str:
    """A text that is the same for equal values, whatever the order of their keys."""
    return json.dumps(value, sort_keys=True, default=str)


def slug(text: str) -> str:
    """`text` reduced to small letters, digits, dots, hyphens and underscores, for file names, labels and classes of the page."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-.") or "unnamed"


def shorten(text: str, length: int = 160) -> str:
    """`text` on one line, cut to at most `length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"


def shorten_inside(text: str, length: int) -> str:
    """`text` on one line of at most `length` characters, cut in its middle: names of a family begin alike and differ at their ends."""
    line = " ".join(text.split())
    if len(line) <= length:
        return line
    tail = length // 2 - 1
    return f"{line[: length - 1 - tail].rstrip()}…{line[len(line) - tail :].lstrip()}"
