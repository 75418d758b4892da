"""What a table says above itself, in plain text: LaTeX and Typst escape it, each in its own way.

A caption is a list of (strong, text): the protocol's name, what was done, what the numbers are means of, the conventions of the metrics,
and how to read the marks.
"""

from __future__ import annotations

from collections.abc import Sequence

from reports.content.summary import Column, Summary
from reports.style import protocol_sentence
from reports.typeset.plain_text import clock_sentence, mean_sentence

Caption = list[tuple[str, str]]
_MOST_SCENES = 16  # named in a caption


def caption_of(summary: Summary) -> Caption:
    """Protocol, what the numbers are means of, the conventions of the metrics, and how to read the marks."""
    scenes = f": {named(summary.scenes)}" if 1 < len(summary.scenes) <= _MOST_SCENES else ""
    sentences = [
        f"{mean_of(summary)}{scenes}.",
        places_sentence(summary),
        conventions(summary),
        f"Seconds on {summary.machine}: mean of the cells' medians." if summary.machine else "",
        clock_sentence(summary),
        "Memory: peak of the cell's own process, libraries included, in units of 10⁶ bytes.",
    ]
    return [(summary.name, f": {protocol_sentence(summary.protocol)}. {' '.join(sentence for sentence in sentences if sentence)}")]


def mean_of(summary: Summary) -> str:
    """What the numbers are means of, their spreads, and n, the number of cells that a complete row is a mean of."""
    values = [value for row in summary.rows for value in row.values.values()]
    spread = " ± standard deviation over them" if any(value.spread_text for value in values) else ""
    return f"{mean_sentence(summary).rstrip('.')}{spread} (n = {max(row.expected for row in summary.rows)})"


def conventions(summary: Summary, columns: Sequence[Column] = ()) -> str:
    """What the scores are (those of `columns`, or all), whose code they follow, and where the border is."""
    metrics = "; ".join(f"{c.label}{f' ({c.unit})' if c.unit else ''}: {c.definition}" for c in columns or summary.scores)
    profile = f"{summary.convention}." if summary.convention else "Textbook metrics: peak 1, nothing clipped, no border cropped."
    return f"{profile} {metrics}."


def named(scenes: Sequence[str]) -> str:
    """The scenes' names; the data set that all are of stands once."""
    sets = {scene.partition("/")[0] for scene in scenes if "/" in scene}
    if len(sets) == 1 and all("/" in scene for scene in scenes):
        return f"{sets.pop()} ({', '.join(scene.partition('/')[2] for scene in scenes)})"
    return ", ".join(scenes)


def places_sentence(summary: Summary) -> str:
    """How to read bold and underlined."""
    among = "of a tier" if summary.best_of == "tier" else "of all tiers, which know different things,"
    return f"Best {among} in bold, second underlined, among at least two ranked rows; a tie is marked as one."
