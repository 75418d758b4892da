"""What the caption of a summary says, in plain text; LaTeX and Typst escape it, each in its own way.

A caption is a list of (strong text, text): the name of the protocol, what was done, what the numbers are means of, how the metrics are
defined, and how to read the marks.
"""

from __future__ import annotations

from collections.abc import Sequence

from reports.content.protocol_facts import protocol_sentence
from reports.content.summary import Column, Summary

Caption = list[tuple[str, str]]
_MOST_SCENES = 16  # named in a caption


def summary_caption(summary: Summary) -> Caption:
    """The protocol, what the numbers are means of, the definitions of the metrics, and how to read the marks."""
    scenes = f": {scene_names(summary.scenes)}" if 1 < len(summary.scenes) <= _MOST_SCENES else ""
    sentences = [
        f"{means_sentence(summary)}{scenes}.",
        places_sentence(summary),
        conventions_sentence(summary),
        f"Seconds on {summary.machine}: mean of the cells' medians." if summary.machine else "",
        clock_sentence(summary),
        "Memory: peak of the process of the cell, libraries included, in units of 10⁶ bytes.",
    ]
    return [(summary.name, f": {protocol_sentence(summary.protocol)}. {' '.join(sentence for sentence in sentences if sentence)}")]


def over_sentence(summary: Summary) -> str:
    """What the numbers are means of, such as "Mean over 12 scenes and 3 seeds."; and a warning where the clock was disturbed."""
    return f"{_mean_sentence(summary)} {clock_sentence(summary)}".strip()


def means_sentence(summary: Summary) -> str:
    """What the numbers are means of, their spreads, and n, the number of cells of a complete row; without a full stop."""
    values = [value for row in summary.rows for value in row.values.values()]
    spread = " ± standard deviation over them" if any(value.spread_text for value in values) else ""
    return f"{_mean_sentence(summary).rstrip('.')}{spread} (n = {max(row.expected for row in summary.rows)})"


def clock_sentence(summary: Summary) -> str:
    """A warning where other work disturbed the clock; empty where none did."""
    timed = [result for row in summary.rows for result in row.results if result.clock is not None]
    spoilt = sum(result.contended for result in timed)
    return f"Other work took part of the machine in {spoilt} of {len(timed)} cells: seconds there are too high." if spoilt else ""


def conventions_sentence(summary: Summary, columns: Sequence[Column] = ()) -> str:
    """How the scores are defined (those of `columns`, or all), whose code they follow, and how the image border is treated."""
    metrics = "; ".join(f"{c.label}{f' ({c.unit})' if c.unit else ''}: {c.definition}" for c in columns or summary.scores)
    profile = f"{summary.convention}." if summary.convention else "Textbook metrics: peak 1, nothing clipped, no border cropped."
    return f"{profile} {metrics}."


def places_sentence(summary: Summary) -> str:
    """How to read bold and underlined numbers."""
    among = "of a tier" if summary.best_of == "tier" else "of all tiers (which know different things)"
    return f"Best {among} in bold, second underlined, among at least two ranked rows; equal values are marked alike."


def scene_names(scenes: Sequence[str]) -> str:
    """The names of the scenes; a data set to which all of them belong appears once."""
    sets = {scene.partition("/")[0] for scene in scenes if "/" in scene}
    if len(sets) == 1 and all("/" in scene for scene in scenes):
        return f"{sets.pop()} ({', '.join(scene.partition('/')[2] for scene in scenes)})"
    return ", ".join(scenes)


def _mean_sentence(summary: Summary) -> str:
    """What the numbers are means of."""
    scenes, seeds = len(summary.scenes), len(summary.seeds)
    over = f"{scenes} scene{'' if scenes == 1 else 's'}" + (f" and {seeds} seeds" if seeds > 1 else "")
    return f"Mean over {over}." if scenes * seeds > 1 else f"One scene, {summary.scenes[0]}."
