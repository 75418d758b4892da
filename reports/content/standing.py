"""Where the rows of a run stand among those of a bundle: one sentence for each new row and protocol.

New is a row whose method with its parameters is not in the bundle; where all rows of the run are in it, all of them are told. Places are by
the mean of the first metric, among ranked rows; confidence is that of the paired statistics (statistics.py), with Holm's p adjusted for the
pairs of that one row, since no other pair is asked about.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from reports.content.reference_rows import is_reference
from reports.content.row import Row
from reports.content.statistics import LEAST_SCENES, Verdict, holm, judge_pair
from reports.content.summary import Summary
from reports.content.verdicts import ALL, TierComparison, turned_pair
from reports.style import identity, short_tier

_RULE = "Holm's p over these pairs below 0.05, and the interval beyond"


def standing_sentences(summaries: Sequence[Summary], comparisons: Sequence[TierComparison]) -> list[str]:
    """A sentence for each new row under each protocol: its place in its class and overall, and with how much confidence.

    Args:
        summaries: the tables, with the rows of the run and of the bundle.
        comparisons: what `compare_tiers` gives for them, by the tier and over all.
    """
    rows = [(summary, row) for summary in summaries for row in summary.rows]
    known = {_method(row) for _, row in rows if _of_bundle(row)}
    own = [(summary, row) for summary, row in rows if not _of_bundle(row)]
    new = [(summary, row) for summary, row in own if _method(row) not in known] or own
    by_group = {(each.protocol, each.tier): each for each in comparisons}
    return [_sentence(summary, row, by_group) for summary, row in new]


def _of_bundle(row: Row) -> bool:
    return any(map(is_reference, row.results))


def _method(row: Row) -> str:
    """The method and its parameters, whatever the label."""
    first = row.results[0]
    return identity([first.method, dict(first.parameters), dict(first.files), first.tier])


def _sentence(summary: Summary, row: Row, comparisons: dict[tuple[str, str], TierComparison]) -> str:
    scenes = f"{len(summary.scenes)} scene{'' if len(summary.scenes) == 1 else 's'}"
    head = f"{row.label} on {summary.name} ({scenes})"
    if not row.ranked:
        return f"{head}: no place, {row.unranked or _incomplete(row)}"
    inside = next(rows for tier, rows in summary.tiers if tier == row.tier)
    parts = [_place(summary, row, inside, f"in its class ({short_tier(row.tier)})", comparisons.get((summary.name, row.tier)))]
    if len(summary.tiers) > 1:
        parts.append(_place(summary, row, summary.rows, "overall", comparisons.get((summary.name, ALL))))
    return f"{head}: {'; '.join(parts)}"


def _incomplete(row: Row) -> str:
    """Why a row that its card does not forbid to be ranked is not complete."""
    lost = len(row.planned) - row.scored
    return f"{lost} of its {len(row.planned)} cells have no score" if lost else row.share


def _place(summary: Summary, row: Row, rows: Sequence[Row], where: str, comparison: TierComparison | None) -> str:
    """The place of a row among others by the first metric, and what the statistics say of it."""
    column = summary.scores[0]
    ranked = [each for each in rows if each.ranked and each.values[column.key].mean is not None]
    if len(ranked) < 2 or row not in ranked:
        return f"{where} nothing to compare with"
    sign = -1 if column.higher_is_better is False else 1
    own = sign * (row.values[column.key].mean or 0.0)
    place = 1 + sum(sign * (each.values[column.key].mean or 0.0) > own for each in ranked)
    text = f"place {place} of {len(ranked)} {where} by {column.label}"
    return f"{text}, {_confidence(row, comparison)}" if comparison is not None else text


def _confidence(row: Row, comparison: TierComparison) -> str:
    """How sure the place is: the verdicts on its pairs, and the difference to the best of the others."""
    statistics, column = comparison.statistics, comparison.column
    number = next(index for index, each in enumerate(comparison.rows) if each is row)
    pairs = [pair if pair.first == number else turned_pair(pair) for pair in statistics.pairs if number in (pair.first, pair.second)]
    others = [pair for pair in pairs if pair.mean == pair.mean]  # not NaN
    rival = min(others, key=lambda pair: pair.mean, default=None)
    text = ""
    if rival is not None:
        unit = f" {column.unit}" if column.unit else ""
        name = comparison.rows[rival.second].label
        side = "ahead of" if rival.mean >= 0 else "behind"
        interval = "" if rival.low != rival.low else f" (95 % interval {column.text(rival.low)} to {column.text(rival.high)})"
        text = f"{column.text(abs(rival.mean))}{unit} {side} {name}{interval}; "
    if not statistics.enough_scenes or not pairs:
        return f"{text}fewer than {LEAST_SCENES} scenes: no verdict"
    adjusted = holm([pair.p for pair in pairs])
    judged = [judge_pair(pair, each, statistics.scenes, statistics.practical) for pair, each in zip(pairs, adjusted, strict=True)]
    counts = Counter(pair.verdict for pair in judged)
    words: dict[Verdict, str] = {"better": "better than", "worse": "worse than", "equal": "equal to", "open": "undecided against"}
    told = [f"{words[verdict]} {counts[verdict]}" for verdict in words if counts[verdict]]
    return f"{text}{', '.join(told)} of {len(pairs)} ({_RULE} {statistics.practical:g})"
