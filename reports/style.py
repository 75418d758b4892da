"""The look and the wording that every product shares: sizes, fonts, colours and markers, numbers, protocols, reasons.

Colours are Okabe and Ito's, which differ under every common colour blindness; each tier has a marker of its own besides.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

DASH = "\N{EN DASH}"  # a value that is not there
INK, GRID, PAPER = "#26262a", "#d9d9dc", "#fefefe"  # replaced by the page's own colours in `figures.inline_svg`
ONE_COLUMN, TWO_COLUMNS = 3.46, 7.13  # inches: 88 and 181 mm, as journals set them
FONT = "DejaVu Sans"
TEXT, SMALL, TINY = 7.5, 6.5, 5.5  # points, at the printed size
HEAT_MAP = "cividis"  # alike under every common colour blindness, and in print
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#b8578f", "#b38600", "#56b4e9", "#6f6bb5", "#7a7a7a")  # of lines
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
_LOOKS = {
    "told nothing": ("#0072b2", "o"),
    "told the blur": ("#b38600", "s"),
    "told the colour response": ("#d55e00", "^"),
    "told blur and colour response": ("#009e73", "D"),
}
_OTHER_LOOKS = (("#b8578f", "P"), ("#6f6bb5", "X"), ("#7a7a7a", "v"), ("#4a90a4", "p"))
_LABELS = {
    "psf": "PSF",
    "hsi_snr_db": "HSI SNR",
    "msi_snr_db": "MSI SNR",
    "ratio": "ratio",
    "sensor": "SRF",
    "srf": "SRF",
    "sensor_sha256": "SRF sha256",
    "reveals": "reveals",
}


# What methods are told wrongly, or is wrong between the two images: what it is where nothing is, and how it is said.
_MISMATCHES: Mapping[str, tuple[Any, str]] = {
    "given_psf": (None, "methods are told the PSF {}"),
    "given_phase": (None, "methods are told phase {} px"),
    "given_srf_shift_nm": (0, "methods are told an SRF {} nm too high"),
    "given_hsi_noise_db": (0, "methods are told an HSI noise {} dB too high"),
    "given_msi_noise_db": (0, "methods are told an MSI noise {} dB too high"),
    "msi_gain": (1, "MSI gain {}"),
    "shift": ([0, 0], "HSI shifted by {} px (rows, columns)"),
    "rotation_deg": (0, "HSI rotated by {} deg"),
}


def figure_settings() -> dict[Any, Any]:
    """The look of every figure, as matplotlib's settings for a `with`; nothing is set beyond it."""
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


def tier_order(tier: str) -> tuple[int, int, str]:
    """Sorting key of a tier: first those that learned from no other scene, then without, then with their truth; told less before told more.

    Words that are none of today's, as older records have them, come last, by name.
    """
    told, _, learned = tier.partition("; ")
    known = told in _TOLD and learned in _LEARNED
    return (_LEARNED.index(learned), _TOLD.index(told), tier) if known else (len(_LEARNED), 0, tier)


def short_tier(tier: str) -> str:
    """A tier for a figure, where its whole words have no room: "told blur + colour", "told nothing; learned with truth"."""
    told, _, learned = tier.partition("; ")
    if told not in _TOLD or learned not in _LEARNED:
        return tier
    words = told.replace("the ", "").replace(" response", "").replace(" level", "").replace(", ", " + ").replace(" and ", " + ")
    return words + ("", "; learned without truth", "; learned with truth")[_LEARNED.index(learned)]


def tier_looks(tiers: list[str]) -> dict[str, tuple[str, str]]:
    """Colour (hex) and matplotlib marker of each tier; those that are rarer take theirs in the tiers' order."""
    others = [tier for tier in sorted(set(tiers), key=tier_order) if tier not in _LOOKS]
    return {**_LOOKS, **{tier: _OTHER_LOOKS[place % len(_OTHER_LOOKS)] for place, tier in enumerate(others)}}


def significant(value: float, digits: int = 2) -> str:
    """`value` >= 0 with that many significant digits and no exponent: 0.012, 1.2, 12, 123."""
    if value <= 0:
        return "0"
    if value < 1e-4:
        return "<0.0001"
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])
    return f"{value:.{max(digits - 1 - exponent, 0)}f}"


def seconds(value: float) -> str:
    """Seconds with two significant digits; a dash for none at all."""
    return significant(value) if value > 0 else DASH


def megabytes(value: float) -> str:
    """Bytes in units of 10^6 bytes."""
    return f"{value / 1e6:.0f}"


def count(value: float) -> str:
    """A number of learned parameters: 0, 812, 8.2 k, 540 k, 1.3 M."""
    if value < 1000:
        return f"{value:.0f}"
    number, unit = (value / 1e3, "k") if value < 999_500 else (value / 1e6, "M")
    return f"{significant(number).removesuffix('.0')} {unit}"


def plain(value: Any) -> str:
    """A value from a record as short text: no quotes, yes and no for truth values, tables as `key value` pairs."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, Mapping):
        kind = [str(value["kind"])] if "kind" in value else []
        return ", ".join(kind + [f"{key} {plain(item)}" for key, item in value.items() if key != "kind"]) or "none"
    if isinstance(value, list | tuple):
        return ", ".join(plain(item) for item in value) or "nothing"
    return str(value)


def protocol_facts(protocol: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Every number of a protocol, labelled; the ratio, the two responses and the noise first."""
    first = ("ratio", "psf", "phase", "boundary", "sensor", "srf", "channels", "hsi_snr_db", "msi_snr_db", "reveals")
    keys = [key for key in first if key in protocol] + sorted(key for key in protocol if key not in first and key != "name")
    return [(_LABELS.get(key, key.replace("_", " ")), _protocol_text(key, protocol[key])) for key in keys]


def protocol_sentence(protocol: Mapping[str, Any]) -> str:
    """The protocol in one line, for captions."""
    return "; ".join(protocol_statements(protocol))


def protocol_statements(protocol: Mapping[str, Any]) -> list[str]:
    """What decides the difficulty of a protocol, and what is told wrongly; without hashes and sources."""
    wanted = ("ratio", "PSF", "phase", "boundary", "SRF", "channels")
    facts = [f"{label} {text}" for label, text in protocol_facts(protocol) if label in wanted]
    quiet = all(protocol.get(key) is None for key in ("hsi_snr_db", "msi_snr_db"))
    noise = ["no noise"] if quiet else [f"{label} {text}" for label, text in protocol_facts(protocol) if label in ("HSI SNR", "MSI SNR")]
    wrong = [said.format(plain(protocol[key])) for key, (none, said) in _MISMATCHES.items() if protocol.get(key, none) != none]
    return [*facts, *noise, *wrong]


def identity(value: Any) -> str:
    """One text for one value, whatever the order of its keys."""
    return json.dumps(value, sort_keys=True, default=str)


def slug(text: str) -> str:
    """`text` as a part of a file name or of an address: small letters, digits, dot, hyphen and underscore."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-.") or "unnamed"


def shorten(text: str, length: int = 160) -> str:
    """The first line of `text`, at most `length` characters."""
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 1].rstrip()}…"


def _protocol_text(key: str, value: Any) -> str:
    """One number of a protocol with its unit."""
    if key in ("hsi_snr_db", "msi_snr_db"):
        return "no noise" if value is None else f"{plain(value)} dB"
    if key == "ratio":
        return f"\N{MULTIPLICATION SIGN}{plain(value)}"
    if key.endswith("sha256"):
        return str(value)[:12]
    if key == "phase" and isinstance(value, int | float):
        return f"{plain(value)} px"
    return plain(value)
