"""The statistics of a run in words and tables: for every protocol, which method is better inside each tier, and over all tiers.

Rows whose card forbids a rank take no part, and neither do rows that the plan has on some of the scenes alone: there nothing has failed
that could be counted as a loss. Everything else follows `reports.content.statistics`; the sentences state its rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from reports.content.columns import Column
from reports.content.row import Row
from reports.content.sections import Section
from reports.content.statistics import ALPHA, DRAWS, LEAST_SCENES, PRACTICAL, MethodComparison, Pair, compare_methods
from reports.content.summary import Summary
from reports.content.text_table import TextTable
from reports.style import DASH, count_word, short_tier, significant_text

_SIGNS = {"better": "▲", "worse": "▼", "equal": "=", "open": "?", "cannot tell": DASH}
_TURNED = {"better": "worse", "worse": "better", "equal": "equal", "open": "open", "cannot tell": "cannot tell"}
_MOST_PAIRS = 45  # in the table of pairs; statistics.csv has all
_CSV = "; the CSV has all"
ALL = "all tiers"


@dataclass(frozen=True, eq=False)
class TierComparison:
    """The methods of one tier, or of all, under one protocol, compared by one metric."""

    protocol: str
    tier: str
    column: Column
    rows: tuple[Row, ...]
    scenes: tuple[str, ...]  # those of the statistics, in the same order
    statistics: MethodComparison
    left_out: tuple[str, ...]  # labels of rows without any score here
    unranked: tuple[str, ...]
    partial: tuple[str, ...] = ()  # labels of rows that the plan has on some of the scenes alone

    @property
    def title(self) -> str:
        """The protocol and the tier."""
        return f"{self.protocol}: {self.tier}"


def compare_tiers(summaries: Sequence[Summary], practical: float | None = None) -> list[TierComparison]:
    """The comparisons by the first metric: for each protocol, one per tier with two methods or more, and one over all of several tiers.

    `practical`: the largest difference that does not matter, in the metric's unit; None for the metric's default.
    """
    comparisons = []
    for summary in summaries:
        groups = [(tier, list(rows)) for tier, rows in summary.tiers]
        groups += [(ALL, list(summary.rows))] if len(groups) > 1 else []
        comparisons += [each for tier, rows in groups if (each := _compare_rows(summary, tier, rows, practical)) is not None]
    return comparisons


def _compare_rows(summary: Summary, tier: str, rows: Sequence[Row], practical: float | None) -> TierComparison | None:
    """The comparison of these rows by the first metric; None where fewer than two can be compared."""
    column = summary.scores[0]
    candidates = [row for row in rows if not row.unranked and not row.beyond]
    taking_part = [row for row in candidates if row.values[column.key].n]
    if len(taking_part) < 2:
        return None
    scores = np.stack([_score_array(row, column, summary) for row in taking_part])
    used = ~np.isnan(scores).all(axis=(0, 2))  # a scene on which no method has a score says nothing about any
    statistics = compare_methods(
        row_names(taking_part, tiers=tier == ALL),
        scores[:, used],
        higher_is_better=column.higher_is_better is not False,
        practical=PRACTICAL.get(column.key, 0.0) if practical is None else practical,
    )
    left_out = tuple(row.label for row in candidates if row not in taking_part)
    unranked = tuple(row.label for row in rows if row.unranked)
    partial = tuple(row.label for row in rows if row.beyond and not row.unranked)
    scenes = tuple(scene for place, scene in enumerate(summary.scenes) if used[place])
    return TierComparison(summary.name, tier, column, tuple(taking_part), scenes, statistics, left_out, unranked, partial)


def _score_array(row: Row, column: Column, summary: Summary) -> Float[np.ndarray, "scenes seeds"]:
    """The scores of a row, NaN where there are none; of a row that does not depend on the seed, one score stands for every seed."""
    scenes, seeds = (names.index for names in (summary.scenes, summary.seeds))
    scores = np.full((len(summary.scenes), len(summary.seeds)), np.nan)
    for result in row.results:
        value = column.of(result) if result.outcome == "scored" else None
        if value is not None:
            scores[scenes(result.scene), seeds(result.seed)] = value
    if row.seedless:
        there = {cell for other in summary.rows for cell in other.cells}
        own = {(result.scene, result.seed) for result in row.results}
        for scene, seed in there - own:
            known = scores[scenes(scene)]
            scores[scenes(scene), seeds(seed)] = known[~np.isnan(known)][0] if not np.isnan(known).all() else np.nan
    return scores


def row_names(rows: Sequence[Row], *, tiers: bool) -> list[str]:
    """The labels of the rows, followed by their tiers where rows of several tiers stand together."""
    return [f"{row.label} [{short_tier(row.tier)}]" if tiers else row.label for row in rows]


def tiered_names(each: TierComparison) -> list[tuple[str, str]]:
    """The labels of the methods of a comparison, each with its tier in short words where they are of several tiers."""
    return [(row.label, short_tier(row.tier) if each.tier == ALL else "") for row in each.rows]


def comparison_section(each: TierComparison, number: int, stem: str, *, csv: bool = True) -> Section:
    """The comparison for the page: what was compared, the matrix and the pairs; `stem` begins the names of their files.

    `csv`: whether statistics.csv, which has every pair, lies beside the page.
    """
    title = f"Who is better: {each.title}, by {each.column.label}"
    tables = (matrix_table(each, f"{stem}_matrix"), pair_table(each, f"{stem}_pairs", csv=csv))
    return Section(f"statistics-{number}", title, comparison_sentences(each), tables)


def statistics_sentences(comparisons: Sequence[TierComparison], *, csv: bool = True) -> tuple[str, ...]:
    """What the statistics of a run are; where no comparison has enough scenes, the one sentence that they cannot tell."""
    most = max((each.statistics.scenes for each in comparisons), default=0)
    if not comparisons:
        return ("There are no two ranked methods to compare.",)
    if most < LEAST_SCENES:
        scenes = f"{count_word(most)} scene{'s' * (most > 1)}"
        return (
            f"{scenes[:1].upper()}{scenes[1:]} cannot tell which method is better: even one that wins on all of five scenes may do so by "
            f"chance (p = 0.06). From {count_word(LEAST_SCENES)} scenes on there are intervals, tests and ranks here"
            f"{'; the differences on each scene are in tables/statistics.csv' if csv else ''}.",
        )
    few = sum(not each.statistics.enough_scenes for each in comparisons)
    return (
        "Two methods are compared by their differences on the same scenes. A verdict needs the whole interval of the mean difference and "
        "a test; otherwise it is open. A tier is a group of methods that are told the same.",
        *([f"{few} comparison{'s' * (few > 1)} of fewer than {LEAST_SCENES} scenes: no verdict, and not shown."] if few else []),
    )


def comparison_sentences(each: TierComparison) -> tuple[str, ...]:
    """What was compared, what counts as a tie, how failures were treated, and whether the scenes are enough for a verdict."""
    statistics, unit = each.statistics, f" {each.column.unit}" if each.column.unit else ""
    tie = (
        f"differences of at most {statistics.practical:g}{unit} count as ties"
        if statistics.practical
        else "only equal values count as ties"
    )
    failed = [f"{name} {lost}" for name, lost in zip(statistics.names, statistics.failures, strict=True) if lost]
    sentences = [
        f"{len(statistics.names)} methods on {statistics.scenes} scene{'s' * (statistics.scenes > 1)}, paired over scenes and seeds; the "
        f"scene is the unit, {tie}."
    ]
    if not statistics.enough_scenes:
        sentences.append(
            f"With fewer than {LEAST_SCENES} scenes the statistics cannot tell: the difference on each scene is shown, without an interval "
            "and without a verdict."
        )
    if each.tier == ALL:
        sentences.append("These methods know different things; the comparison is fair only inside a tier.")
    sentences.append(
        f"Scenes without all scores count as the worst rank and as a loss: {', '.join(failed)}; the differences are of the other scenes."
        if failed
        else "No scene is without scores."
    )
    sentences += [f"Left out, because they have no score: {', '.join(each.left_out)}."] if each.left_out else []
    sentences += [f"Left out, because they are not ranked: {', '.join(each.unranked)}."] if each.unranked else []
    sentences += [f"Left out, because the plan has them on some of the scenes alone: {', '.join(each.partial)}."] if each.partial else []
    return tuple(sentences)


def pair_table(each: TierComparison, stem: str, *, csv: bool = True) -> TextTable:
    """Every pair, the better method first: the differences, their interval, the test and the verdict.

    A pair with fewer than `LEAST_SCENES` common scenes has its difference on each scene in the place of the interval.
    """
    statistics, text = each.statistics, each.column.text
    pairs = sorted((turned_pair(pair) if pair.mean < 0 else pair for pair in statistics.pairs), key=lambda pair: -np.nan_to_num(pair.mean))
    rows = []
    for pair in pairs[:_MOST_PAIRS]:
        rows.append(
            (
                f"{statistics.names[pair.first]} against {statistics.names[pair.second]}",
                DASH if np.isnan(pair.mean) else text(pair.mean),
                DASH if np.isnan(pair.median) else text(pair.median),
                _points(each, pair) if np.isnan(pair.low) else f"{text(pair.low)} to {text(pair.high)}",
                _p_text(pair.p) if statistics.enough_scenes else DASH,
                _p_text(pair.holm) if statistics.enough_scenes else DASH,
                f"{pair.wins}/{pair.ties}/{pair.losses}",
                pair.verdict,
            )
        )
    unit = f" ({each.column.unit})" if each.column.unit else ""
    interval = "95 % interval" if statistics.enough_scenes else "On each scene"
    heads = ("Pair", f"Mean{unit}", "Median", interval, "p", "Holm", "Win/tie/loss", "Verdict")
    title = f"Paired differences in {each.column.label}, {each.protocol}, {each.tier}"
    return TextTable(stem, title, heads, tuple(rows), tuple(_pair_notes(each, csv=csv)))


def _points(each: TierComparison, pair: Pair) -> str:
    """The differences of a pair, scene by scene; beside intervals only those of scenes that both methods have."""
    return (
        ", ".join(
            DASH if np.isnan(value) else each.column.text(value)
            for value in pair.differences
            if not np.isnan(value) or not each.statistics.enough_scenes
        )
        or DASH
    )


def _pair_notes(each: TierComparison, *, csv: bool) -> list[str]:
    """How to read the table of pairs."""
    statistics, count = each.statistics, len(each.statistics.pairs)
    signs = "Positive differences favour the first method."
    if statistics.enough_scenes:
        notes = [
            f"{signs} Interval: 95 %, bootstrap over whole scenes, {DRAWS:,} draws. "
            f"p: Wilcoxon's signed ranks, two-sided; Holm: adjusted for {count} pair{'s' * (count > 1)}. "
            f"Verdict: better where the interval lies beyond {statistics.practical:g} and Holm's p is below {ALPHA:g}; equal where it lies "
            "inside; open otherwise."
        ]
        without = {int(np.count_nonzero(~np.isnan(pair.differences))) < LEAST_SCENES for pair in statistics.pairs if np.isnan(pair.low)}
        if True in without:
            notes.append(f"A pair with fewer than {LEAST_SCENES} common scenes has no interval: its differences on them are listed.")
        if False in without:
            notes.append("A pair with infinite differences of both signs has no mean and no interval: its differences are listed.")
    else:
        notes = [f"{signs} Scenes, in this order: {', '.join(each.scenes)}. Fewer than {LEAST_SCENES}: no interval, no test, no verdict."]
    return notes + ([f"The {_MOST_PAIRS} widest differences of {count}{_CSV if csv else ''}."] if count > _MOST_PAIRS else [])


def matrix_table(each: TierComparison, stem: str) -> TextTable:
    """Row against column: the scenes won, tied and lost, with the sign of the verdict; rows and columns are sorted by mean rank."""
    statistics = each.statistics
    order = sorted(range(len(statistics.names)), key=lambda method: float(statistics.mean_ranks[method]))
    cells = {}
    for pair in statistics.pairs:
        cells[pair.first, pair.second] = f"{pair.wins}/{pair.ties}/{pair.losses} {_SIGNS[pair.verdict]}"
        cells[pair.second, pair.first] = f"{pair.losses}/{pair.ties}/{pair.wins} {_SIGNS[_TURNED[pair.verdict]]}"
    rows = tuple(
        (
            f"{place}. {statistics.names[method]}",
            f"{statistics.mean_ranks[method]:.2f}",
            str(statistics.failures[method]),
            *(cells.get((method, other), DASH) for other in order),
        )
        for place, method in enumerate(order, 1)
    )
    heads = ("Method", "Mean rank", "Failed scenes", *(f"{place}." for place in range(1, len(order) + 1)))
    note = "Scenes won/tied/lost by the row against the column. ▲ better, ▼ worse, = equal in practice, ? open" + (
        "." if statistics.enough_scenes else f", {DASH} cannot tell from fewer than {LEAST_SCENES} scenes."
    )
    p = _p_text(statistics.friedman_p)
    tests = (
        f"Friedman's chi^2 = {statistics.friedman:.2f}, {f'p {p}' if p.startswith('<') else f'p = {p}'}, agreement of the scenes "
        f"W = {statistics.agreement:.2f}. Critical difference of mean ranks {statistics.critical_difference:.2f}."
    )
    title = f"Wins, ties and losses in {each.column.label}, {each.protocol}, {each.tier}"
    return TextTable(stem, title, heads, rows, (note, tests) if statistics.enough_scenes else (note,))


def turned_pair(pair: Pair) -> Pair:
    """The same pair with the two methods exchanged."""
    return Pair(
        first=pair.second,
        second=pair.first,
        mean=-pair.mean,
        median=-pair.median,
        low=-pair.high,
        high=-pair.low,
        differences=tuple(0.0 - each for each in pair.differences),  # never -0.0
        p=pair.p,
        holm=pair.holm,
        wins=pair.losses,
        ties=pair.ties,
        losses=pair.wins,
        failed=(pair.failed[1], pair.failed[0]),
        verdict=_TURNED[pair.verdict],  # type: ignore[arg-type]
    )


def _p_text(value: float) -> str:
    """A p as text with two significant digits."""
    return significant_text(value) if value < 0.995 else "1"
