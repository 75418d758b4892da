"""What the statistics and the claims hand to the page: a title, sentences and tables, without layout."""

from __future__ import annotations

from dataclasses import dataclass

from reports.content.text_table import TextTable


@dataclass(frozen=True)
class Section:
    """One section of the page. Sentences and tables may be empty."""

    id: str  # letters, digits and hyphens: the anchor of the section, and the beginning of every id in its figures
    title: str
    sentences: tuple[str, ...] = ()  # one paragraph above the tables
    tables: tuple[TextTable, ...] = ()
    folded: tuple[TextTable, ...] = ()  # further tables, closed at first
