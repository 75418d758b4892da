"""The leaderboard of a protocol: each method with its rank, one line of description, what it is told, and where its score lies.

Ranks are by the first metric as printed, among ranked rows: inside what they are told (the tier), and over all. Baselines, which use one of
the two images alone, keep their rank and stand below a rule with the rows that are not ranked, each with its reason.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite
from statistics import fmean

from reports.content.cards import family_of, family_words
from reports.content.columns import SECONDS, Column, Value, values_by_scene
from reports.content.row import Row, missing_cells
from reports.content.summary import Summary
from reports.style import duration_text

_LEAN_SCORES = 4  # of the scores; the others are behind "more columns"
_BASELINES = {"interpolation": "baseline: uses the blurred image alone"}  # by their family
_LEARNS = {"on the scene": "learns on the scene", "beforehand": "learns beforehand"}


@dataclass(frozen=True)
class ScoreBar:
    """The first metric on an axis from 0 to 1: its mean, and the scenes."""

    mean: float
    scenes: tuple[tuple[str, float], ...]  # name and text of the scene, and its place
    words: str


@dataclass(frozen=True)
class BoardRow:
    """One method of the leaderboard."""

    row: Row
    within: int | None  # rank among those told the same; None where it is not ranked
    overall: int | None
    about: str
    told: str
    learned: str  # from other scenes, or empty
    learns: str
    best_of_all: frozenset[str]  # the columns in which no ranked row is better
    why: str  # why it stands below the rule; empty above it
    bar: ScoreBar | None

    def text(self, column: Column) -> str:
        """The value of a column as the leaderboard shows it: seconds in the unit that fits them."""
        value = self.row.values[column.key]
        return duration_text(value.mean) if column.key in SECONDS and value.mean is not None else value.text


@dataclass(frozen=True)
class Board:
    """The leaderboard of one protocol."""

    groups: tuple[tuple[str, tuple[BoardRow, ...]], ...]  # by tier, above the rule
    below: tuple[BoardRow, ...]
    lean: frozenset[str]  # the keys of the columns that are shown at first
    axis: str  # where the bars begin and end, in words; empty without bars
    columns: tuple[Column, ...]

    @property
    def rows(self) -> tuple[BoardRow, ...]:
        """Every row, those below the rule last."""
        return (*(each for _, rows in self.groups for each in rows), *self.below)


def leaderboard(summary: Summary) -> Board:
    """The leaderboard of a summary."""
    lead = summary.scores[0]
    within = {id(row): place for _, rows in summary.tiers for row, place in _ranks(rows, lead)}
    overall = {id(row): place for row, place in _ranks(summary.rows, lead)}
    ends = _axis(summary, lead)
    rows = {id(row): _board_row(summary, row, within.get(id(row)), overall.get(id(row)), ends) for row in summary.rows}
    groups = [(tier, tuple(rows[id(row)] for row in inside if not rows[id(row)].why)) for tier, inside in summary.tiers]
    lean = {column.key for column in (*summary.scores[:_LEAN_SCORES], *(c for c in summary.columns if c.key in SECONDS))}
    unit = f" {lead.unit}" if lead.unit else ""
    return Board(
        tuple((tier, inside) for tier, inside in groups if inside),
        tuple(each for each in rows.values() if each.why),
        frozenset({column.key for column in summary.columns} if summary.chosen else lean),
        "" if ends is None else f"{ends[0]:g} to {ends[1]:g}{unit}",
        summary.columns,
    )


def _board_row(summary: Summary, row: Row, within: int | None, overall: int | None, ends: tuple[float, float] | None) -> BoardRow:
    told, _, learned = row.tier.partition("; ")
    learns = str(row.results[0].card.get("learns") or "not stated")
    return BoardRow(
        row=row,
        within=within,
        overall=overall,
        about=_about(row, learns),
        told=told,
        learned=learned,
        learns=learns,
        best_of_all=frozenset(column.key for column in summary.scores if _is_best(summary, row, column)),
        why=_below(row),
        bar=None if ends is None else _bar(row, summary.scores[0], ends),
    )


def _ranks(rows: Sequence[Row], lead: Column) -> list[tuple[Row, int]]:
    """The place of each ranked row by the printed first metric; equal values share a place."""
    ranked = [row for row in rows if row.ranked and row.values[lead.key].n]
    sign = 1 if lead.higher_is_better is False else -1
    values = [sign * row.values[lead.key].printed for row in ranked]
    return [(row, 1 + sum(other < value for other in values)) for row, value in zip(ranked, values, strict=True)]


def _is_best(summary: Summary, row: Row, column: Column) -> bool:
    """Whether no ranked row has a better printed value, of two or more."""
    values = [_comparable(each, column) for each in summary.rows]
    known = [value for value in values if value is not None]
    own = _comparable(row, column)
    best = (min if column.higher_is_better is False else max)(known.copy() or [0.0])
    return own is not None and len(known) > 1 and own == best


def _comparable(row: Row, column: Column) -> float | None:
    value: Value = row.values[column.key]
    return value.printed if row.ranked and value.n and not row.partly_defined(column) else None


def _below(row: Row) -> str:
    """Why the row stands below the rule; empty where it does not."""
    if row.unranked:
        return f"not ranked: {row.unranked}"
    if not row.complete:
        lost = missing_cells(row)
        if not lost:
            return f"not ranked: {row.share}"
        reasons = dict.fromkeys(reason or outcome for _, outcome, reason in lost)
        outcomes = ", ".join(dict.fromkeys(outcome for _, outcome, _ in lost))
        scored = "no score" if row.scored == 0 else f"{row.scored} of {len(row.planned)} cells scored"
        told = f"not ranked, {scored}: {outcomes}, {'; '.join(list(reasons)[:2])}{' and others' if len(reasons) > 2 else ''}"
        return f"{told}; {row.share}" if row.share else told
    return _BASELINES.get(family_of(row), "")


def _about(row: Row, learns: str) -> str:
    """One line on the method: its family, its first author and year, and when it learns."""
    card = row.results[0].card
    author, year = str(card.get("paper") or "").partition(",")[0].strip(), str(card.get("year") or "")
    named = f"{author} et al. {year}".strip() if re.fullmatch(r"[^\W\d_][\w'\u2019-]+(?: [A-Z]\.)?", author) else year
    parts = [family_words(family_of(row)), named, _LEARNS.get(learns, "")]
    return ", ".join(part for part in parts if part and part != "not recorded")


def _axis(summary: Summary, lead: Column) -> tuple[float, float] | None:
    """Round ends of the bars: below the least and above the largest finite score on a scene; None without any."""
    found = [value for row in summary.rows for value in _scene_means(row, lead).values() if isfinite(value)]
    if not found:
        return None
    low, high = min(found), max(found)
    step = 5.0 if high - low > 10 else 1.0 if high - low > 1 else 0.1
    low, high = floor(low / step) * step, ceil(high / step) * step
    return (low, high) if high > low else (low, low + step)


def _scene_means(row: Row, lead: Column) -> dict[str, float]:
    return {scene: fmean(values) for scene, values in values_by_scene(lead, row.results).items()}


def _bar(row: Row, lead: Column, ends: tuple[float, float]) -> ScoreBar | None:
    """The mean and the scenes on the axis; None where the mean is none or infinite."""
    value, scenes = row.values[lead.key], _scene_means(row, lead)
    if value.mean is None or value.infinite:
        return None
    low, high = ends
    places = tuple((f"{scene} {lead.text(each)}", (each - low) / (high - low)) for scene, each in scenes.items() if isfinite(each))
    return ScoreBar((value.mean - low) / (high - low), places, "; ".join(text for text, _ in places))
