"""What the caption of a summary says, in plain text; LaTeX and Typst escape it, each in its own way.

A caption is a list of (strong text, text): the name of the protocol, what was done, what the numbers are means of, how the metrics are
defined, and how to read the marks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from reports.content.columns import SECONDS, Column
from reports.content.protocol_facts import protocol_sentence
from reports.content.provenance import place_names, version_differences
from reports.content.row import TIMED
from reports.content.summary import Summary

Caption = list[tuple[str, str]]
CaptionLength = Literal["short", "full", "none"]
OLDER = "Made by an earlier version of the suite."
_LEFT_OUT = " left out"  # ends the part of a definition that says what it does not count
_MOST_SCENES = 16  # named in a caption


def caption_of_length(summary: Summary, length: CaptionLength) -> Caption:
    """The caption of a summary: whole, without the definitions, or none."""
    return [] if length == "none" else short_caption(summary) if length == "short" else summary_caption(summary)


def short_caption(summary: Summary) -> Caption:
    """The protocol, what the numbers are means of, and how to read the marks; `definitions_text` has the rest."""
    sentences = [f"{means_sentence(summary)}.", cropped_sentence(summary), *summary.remarks, places_sentence(summary)]
    sentences += [origin_sentence([summary])]
    sentences += [machine_sentence(summary), clock_sentence(summary)] if any(column.key in SECONDS for column in summary.columns) else []
    return [(summary.name, f": {protocol_sentence(summary.protocol)}. {' '.join(sentence for sentence in sentences if sentence)}")]


def definitions_text(summary: Summary) -> str:
    """How the scores and the memory of a summary are defined, and where the seconds are from: once for all tables of a paper."""
    memory = "Memory: peak of the processes of the cell, libraries included, in units of 10⁶ bytes."
    seconds = "Seconds are means of the cells' medians." if summary.home is not None else ""
    return " ".join(filter(None, [conventions_sentence(summary), seconds, memory]))


def summary_caption(summary: Summary) -> Caption:
    """The protocol, what the numbers are means of, the definitions of the metrics, and how to read the marks."""
    scenes = f": {scene_names(summary.scenes)}" if 1 < len(summary.scenes) <= _MOST_SCENES else ""
    machine = machine_sentence(summary)
    sentences = [
        f"{means_sentence(summary)}{scenes}.",
        cropped_sentence(summary),
        *summary.remarks,
        places_sentence(summary),
        conventions_sentence(summary),
        f"{machine} They are means of the cells' medians." if machine else "",
        clock_sentence(summary),
        "Memory: peak of the processes of the cell, libraries included, in units of 10⁶ bytes.",
        origin_sentence([summary]),
    ]
    return [(summary.name, f": {protocol_sentence(summary.protocol)}. {' '.join(sentence for sentence in sentences if sentence)}")]


def over_sentence(summary: Summary) -> str:
    """What the numbers are means of, such as "Mean over 12 scenes."; what they cannot tell; and what was not alike for all of them.

    That is: where the clock was disturbed, and of which libraries there were several versions.
    """
    rest = [cropped_sentence(summary), *summary.remarks, clock_sentence(summary), versions_sentence([summary])]
    return " ".join(filter(None, [f"{_mean_words(summary)}.", *rest]))


def cropped_sentence(summary: Summary) -> str:
    """Which scenes are scored without their last rows and columns, which the ratio does not divide; empty where none is."""
    sizes: dict[tuple[tuple[int, ...], tuple[int, ...]], list[str]] = {}
    for result in (result for row in summary.rows for result in row.results):
        whole, used = (tuple(result.observed.get(name) or ())[1:] for name in ("whole_shape", "shape"))
        if whole and used and whole != used and result.scene not in sizes.setdefault((whole, used), []):
            sizes[whole, used].append(result.scene)
    parts = [
        f"{whole[0]} \N{MULTIPLICATION SIGN} {whole[1]} to {used[0]} \N{MULTIPLICATION SIGN} {used[1]} ({scene_names(scenes)})"
        for (whole, used), scenes in sizes.items()
        if scenes
    ]
    return f"Cropped to whole coarse pixels: {'; '.join(parts)}." if parts else ""


def means_sentence(summary: Summary) -> str:
    """What the numbers are means of, their spreads, and n, the number of scenes or seeds of a complete row; without a full stop."""
    n = len(summary.scenes) if summary.over == "scenes" else len(summary.seeds)
    what = ", below it the least and the largest value over" if summary.shows_range else " ± standard deviation over"
    spread = f"{what} the {summary.over}" if has_spread(summary) else ""
    one_seed = any(row.seedless for row in summary.rows) and len(summary.seeds) > 1
    return f"{_mean_words(summary)}{spread} (n = {n})" + ("; methods that do not depend on the seed have one seed" if one_seed else "")


def has_spread(summary: Summary) -> bool:
    """Whether some of the numbers have a standard deviation."""
    return any(value.spread_text for row in summary.rows for value in row.values.values())


def machine_sentence(summary: Summary) -> str:
    """Where the seconds were taken, those that are not marked; empty where no row's were taken at one place."""
    if summary.home is None:
        return ""
    others = [place for row in summary.rows if row.timing != "here" for place in row.places if not place.alike(summary.home)]
    unless = f", but for those with {TIMED}" if any(row.timing != "here" for row in summary.rows) else ""
    return f"Seconds on {place_names([summary.home, *others])[0]}{unless}."


def clock_sentence(summary: Summary) -> str:
    """A warning where other work disturbed the clock; empty where none did."""
    timed = [result for row in summary.rows for result in row.results if result.clock is not None]
    spoilt = sum(result.contended for result in timed)
    return f"Other work took part of the machine in {spoilt} of {len(timed)} cells: seconds there are too high." if spoilt else ""


def versions_sentence(summaries: Sequence[Summary]) -> str:
    """The libraries of which the records were made with several versions; empty where there are none."""
    results = [result for summary in summaries for row in summary.rows for result in row.results]
    differing = version_differences(results, summaries[0].provenance)
    return f"Made with {'; '.join(differing)}." if differing else ""


def origin_sentence(summaries: Sequence[Summary]) -> str:
    """What else there is to say of how the records were made: several versions of libraries, an earlier version of the suite."""
    return " ".join(filter(None, [versions_sentence(summaries), OLDER if summaries[0].provenance.older else ""]))


def conventions_sentence(summary: Summary, columns: Sequence[Column] = ()) -> str:
    """How the scores are defined (those of `columns`, or all), whose code they follow, and how the image border is treated."""
    definitions, left_out = [], dict[str, list[str]]()
    for column in columns or summary.scores:
        *parts, last = column.definition.split("; ")
        if last.endswith(_LEFT_OUT):
            left_out.setdefault(last.removesuffix(_LEFT_OUT), []).append(column.label)
        definitions.append(f"{column.label}: {'; '.join(parts) if parts and last.endswith(_LEFT_OUT) else column.definition}")
    profile = f"{summary.convention}." if summary.convention else "Textbook metrics: peak 1, nothing clipped, no border cropped."
    exceptions = "; ".join(f"{what} ({', '.join(labels)})" for what, labels in left_out.items())
    return f"{profile} {'; '.join(definitions)}.{f' Left out: {exceptions}.' if exceptions else ''}"


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


def _mean_words(summary: Summary) -> str:
    """What the numbers are means of."""
    scenes, seeds = len(summary.scenes), len(summary.seeds)
    if scenes > 1:
        return f"Mean over {scenes} scenes" + (f", on each of them over {seeds} seeds" if seeds > 1 else "")
    return f"Mean over {seeds} seeds on one scene, {summary.scenes[0]}" if seeds > 1 else f"One scene, {summary.scenes[0]}"
