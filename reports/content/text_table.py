"""A table of texts, as statistics, claims and conventions have them; `reports.typeset` sets it in every format."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TextTable:
    """A table of texts; the first column names the rows."""

    stem: str  # the name of its files, without suffix
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
