"""The statistics of a run as sections: for every protocol, who is better inside each tier, and over all tiers.

Rows whose card forbids a rank take no part. Everything else follows `reports.statistics`, whose policies the sentences state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from reports.profiles import ProfileTable
from reports.rank_figures import critical_difference_diagram, names_of, rank_figure
from reports.sections import Section
from reports.statistics import ALPHA, DRAWS, LEAST_SCENES, PRACTICAL, Comparison, Pair, compare
from reports.style import DASH, significant, slug
from reports.summary import Column, Row, Summary

_SIGNS = {"better": "▲", "worse": "▼", "equal": "=", "open": "?", "cannot tell": DASH}
_TURNED = {"better": "worse", "worse": "better", "equal": "equal", "open": "open", "cannot tell": "cannot tell"}
_MOST_PAIRS = 45  # in the table of pairs; the CSV has all
ALL = "all tiers"


@dataclass(frozen=True, eq=False)
class Compared:
    """One protocol's methods of one tier, or of all, by one metric."""

    protocol: str
    tier: str
    column: Column
    rows: tuple[Row, ...]
    found: Comparison
    left_out: tuple[str, ...]  # labels without any score here
    unranked: tuple[str, ...]

    @property
    def stem(self) -> str:
        """Of its files."""
        return f"statistics_{slug(self.protocol)}_{slug(self.tier)}"


def comparisons(summaries: Sequence[Summary], practical: float | None = None) -> list[Compared]:
    """By the first metric, for each protocol and tier with two methods or more, and for all tiers together where there are several.

    `practical`: differences that do not matter, in the metric's unit; None for its default.
    """
    found = []
    for summary in summaries:
        groups = [(tier, list(rows)) for tier, rows in summary.tiers]
        groups += [(ALL, list(summary.rows))] if len(groups) > 1 else []
        found += [each for tier, rows in groups if (each := _compared(summary, tier, rows, practical)) is not None]
    return found


def _compared(summary: Summary, tier: str, rows: Sequence[Row], practical: float | None) -> Compared | None:
    """These rows by the first metric; None where fewer than two can be compared."""
    column = summary.scores[0]
    candidates = [row for row in rows if not row.unranked]
    taking_part = [row for row in candidates if row.values[column.key].n]
    if len(taking_part) < 2:
        return None
    places = {scene: place for place, scene in enumerate(summary.scenes)}
    seeds = {seed: place for place, seed in enumerate(summary.seeds)}
    scores = np.full((len(taking_part), len(places), len(seeds)), np.nan)
    for method, row in enumerate(taking_part):
        for result in row.results:
            value = column.of(result) if result.outcome == "scored" else None
            if value is not None:
                scores[method, places[result.scene], seeds[result.seed]] = value
    used = ~np.isnan(scores).all(axis=(0, 2))  # a scene that nobody has a score for says nothing of anybody
    found = compare(
        names_of(taking_part, tiers=tier == ALL),
        scores[:, used],
        higher_is_better=column.higher_is_better is not False,
        practical=PRACTICAL.get(column.key, 0.0) if practical is None else practical,
    )
    left_out = tuple(row.label for row in candidates if row not in taking_part)
    return Compared(summary.name, tier, column, tuple(taking_part), found, left_out, tuple(row.label for row in rows if row.unranked))


def comparison_section(each: Compared, number: int) -> Section:
    """The comparison for a page: what was done, the matrix, the pairs, the diagram and the ranks."""
    title = f"{each.protocol}: {each.tier}"
    figures = (
        (f"Critical-difference diagram, {title}", critical_difference_diagram(each.found, title)),
        (f"Ranks on each scene, {title}", rank_figure(each.found, title)),
    )
    tables = (matrix_table(each), pair_table(each))
    return Section(f"statistics-{number}", f"Who is better: {title}, by {each.column.label}", sentences(each), tables, figures)


def sentences(each: Compared) -> tuple[str, ...]:
    """What was compared, what counts as a tie, what became of failures, and what can be told."""
    found, unit = each.found, f" {each.column.unit}" if each.column.unit else ""
    tie = f"differences of at most {found.practical:g}{unit} count as ties" if found.practical else "only equal values count as ties"
    failed = [f"{name} {lost}" for name, lost in zip(found.names, found.failures, strict=True) if lost]
    told = [
        f"{len(found.names)} methods on {found.scenes} scene{'s' * (found.scenes > 1)}, paired over scenes and seeds; the scene is the "
        f"unit, {tie}."
    ]
    if not found.tells:
        told.append(f"With fewer than {LEAST_SCENES} scenes the statistics cannot tell: the differences are shown, no verdict is given.")
    if each.tier == ALL:
        told.append("These methods know different things; inside a tier alone is the comparison fair.")
    told.append(
        f"Scenes without all scores count as the worst rank and as a loss: {', '.join(failed)}; the intervals are of the other scenes."
        if failed
        else "No scene is without scores."
    )
    told += [f"Left out, for want of any score: {', '.join(each.left_out)}."] if each.left_out else []
    told += [f"Left out, not ranked: {', '.join(each.unranked)}."] if each.unranked else []
    return tuple(told)


def pair_table(each: Compared) -> ProfileTable:
    """Every pair, the better one first: differences, their interval, the test, and the verdict."""
    found, text = each.found, each.column.text
    pairs = sorted((_turned(pair) if pair.mean < 0 else pair for pair in found.pairs), key=lambda pair: -np.nan_to_num(pair.mean))
    rows = []
    for pair in pairs[:_MOST_PAIRS]:
        interval = f"{text(pair.low)} to {text(pair.high)}" if not np.isnan(pair.low) else DASH
        rows.append(
            (
                f"{found.names[pair.first]} against {found.names[pair.second]}",
                text(pair.mean) if not np.isnan(pair.mean) else DASH,
                text(pair.median) if not np.isnan(pair.median) else DASH,
                interval,
                _p(pair.p) if found.tells else DASH,
                _p(pair.holm) if found.tells else DASH,
                f"{pair.wins}/{pair.ties}/{pair.losses}",
                pair.verdict,
            )
        )
    unit = f" ({each.column.unit})" if each.column.unit else ""
    notes = [
        f"Differences are signed so that positive favours the first. Interval: 95 %, bootstrap over whole scenes, {DRAWS:,} draws. "
        f"p: Wilcoxon's signed ranks, two sided; Holm's over {len(found.pairs)} pair{'s' * (len(found.pairs) > 1)}. "
        f"Verdict: better where the interval lies beyond {found.practical:g} and Holm's p is below {ALPHA:g}; equal where it lies inside; "
        "open otherwise."
    ]
    notes += [f"The {_MOST_PAIRS} widest differences of {len(pairs)}; the CSV has all."] if len(pairs) > _MOST_PAIRS else []
    heads = ("Pair", f"Mean difference{unit}", "Median", "95 % interval", "p", "Holm", "Win/tie/loss", "Verdict")
    title = f"Paired differences in {each.column.label}, {each.protocol}, {each.tier}"
    return ProfileTable(f"{each.stem}_pairs", title, heads, tuple(rows), tuple(notes))


def matrix_table(each: Compared) -> ProfileTable:
    """Row against column: scenes won, tied and lost, with the sign of the verdict; rows and columns by mean rank."""
    found = each.found
    order = sorted(range(len(found.names)), key=lambda method: float(found.mean_ranks[method]))
    cells = {}
    for pair in found.pairs:
        cells[pair.first, pair.second] = f"{pair.wins}/{pair.ties}/{pair.losses} {_SIGNS[pair.verdict]}"
        cells[pair.second, pair.first] = f"{pair.losses}/{pair.ties}/{pair.wins} {_SIGNS[_TURNED[pair.verdict]]}"
    rows = tuple(
        (
            f"{place}. {found.names[method]}",
            f"{found.mean_ranks[method]:.2f}",
            str(found.failures[method]),
            *(cells.get((method, other), DASH) for other in order),
        )
        for place, method in enumerate(order, 1)
    )
    heads = ("Method", "Mean rank", "Failed scenes", *(f"{place}." for place in range(1, len(order) + 1)))
    note = "Scenes won/tied/lost by the row against the column. ▲ better, ▼ worse, = equal in practice, ? open" + (
        "." if found.tells else f", {DASH} cannot tell from fewer than {LEAST_SCENES} scenes."
    )
    friedman = f"Friedman's chi^2 = {found.friedman:.2f}, {_p_is(found.friedman_p)}, agreement of the scenes W = {found.share:.2f}."
    notes = (note, f"{friedman} Critical difference of mean ranks {found.critical_difference:.2f}.") if found.tells else (note,)
    title = f"Wins, ties and losses in {each.column.label}, {each.protocol}, {each.tier}"
    return ProfileTable(f"{each.stem}_matrix", title, heads, rows, notes)


def comparisons_frame(compared: Sequence[Compared]) -> pd.DataFrame:
    """One row a pair, unrounded."""
    rows = []
    for each in compared:
        for pair in each.found.pairs:
            rows.append(
                {
                    "protocol": each.protocol,
                    "tier": each.tier,
                    "metric": each.column.key,
                    "first": each.found.names[pair.first],
                    "second": each.found.names[pair.second],
                    "scenes": each.found.scenes,
                    "mean": pair.mean,
                    "median": pair.median,
                    "low": pair.low,
                    "high": pair.high,
                    "p": pair.p,
                    "holm": pair.holm,
                    "wins": pair.wins,
                    "ties": pair.ties,
                    "losses": pair.losses,
                    "failed_first": pair.lost[0],
                    "failed_second": pair.lost[1],
                    "verdict": pair.verdict,
                    "rank_first": each.found.mean_ranks[pair.first],
                    "rank_second": each.found.mean_ranks[pair.second],
                }
            )
    return pd.DataFrame(rows)


def _turned(pair: Pair) -> Pair:
    """The same pair from the other side."""
    return Pair(
        first=pair.second,
        second=pair.first,
        mean=-pair.mean,
        median=-pair.median,
        low=-pair.high,
        high=-pair.low,
        p=pair.p,
        holm=pair.holm,
        wins=pair.losses,
        ties=pair.ties,
        losses=pair.wins,
        lost=(pair.lost[1], pair.lost[0]),
        verdict=_TURNED[pair.verdict],  # type: ignore[arg-type]
    )


def _p_is(value: float) -> str:
    return f"p {_p(value)}" if value < 1e-4 else f"p = {_p(value)}"


def _p(value: float) -> str:
    return significant(value) if value < 0.995 else "1"
