"""What the statistics, the claims and other extras hand to the page, to LaTeX and to the terminal: a title, sentences, tables, figures.

A `Section` knows nothing of where it is shown. The page draws each as one section of its own: `render_page(..., extras=[...])`.
"""

from __future__ import annotations

from dataclasses import dataclass

from matplotlib.figure import Figure

from reports.content.convention_tables import ProfileTable


@dataclass(frozen=True, eq=False)
class Section:
    """One thing to show: any of its parts may be empty."""

    id: str  # letters, digits and hyphens: an anchor, and the beginning of every id in its figures
    title: str
    sentences: tuple[str, ...] = ()  # above the tables, one paragraph
    tables: tuple[ProfileTable, ...] = ()  # of texts; the first column names the rows
    figures: tuple[tuple[str, Figure], ...] = ()  # (what it shows, the figure), for `figures.inline_svg`
