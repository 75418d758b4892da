"""One method against each of its rivals under one protocol: paired differences over scenes, seconds, parameters, and a verdict.

Against each rival only the scenes count of which both have a record; a scene on which one of the two failed is its loss, as in
`reports.content.statistics`, and a skipped cell is as one that was not run. Holm's adjustment is over the rivals of one scope that have
six common scenes or more: of the others nothing is said, so that they must not weaken what is said of these. A scope is a set of tiers:

    own tier        those that are told the same, and learned from the same
    told the same   those that are told the same, whatever they learned from, but for those that saw the truth of other scenes
    all tiers       every ranked method

Seconds are those of one scene: fusion, and learning on that scene; what was learned beforehand is no part of them. With s the seconds of
the method on a scene and r those of the rival, `ratio` is 2^mean(log2(s / r)), and its interval that of the mean, by the bootstrap over
scenes on which both were timed on one machine, with the same settings and by one version of the clock; without any there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log2, nan
from statistics import fmean

import numpy as np

from benchmark.run_folder.record import Result
from reports.content.columns import Column, metric_column, values_by_scene
from reports.content.provenance import Provenance, timing_places
from reports.content.row import Row
from reports.content.statistics import LEAST_SCENES, PRACTICAL, Pair, bootstrap_interval, compare_methods, holm, judge_pair
from reports.content.summary import Summary

LEAD, SECOND = "psnr", "sam"
OWN, TOLD, ALL_TIERS = "own tier", "told the same", "all tiers"
_WITH_TRUTH = "with their truth"


@dataclass(frozen=True)
class Interval:
    """A mean over n scenes with its 95 % interval; the ends are NaN below six scenes."""

    mean: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class RivalPair:
    """The method against one rival; a positive difference favours the method."""

    rival: Row
    pair: Pair  # in PSNR
    n: int  # scenes of which both have a record
    angle: Interval  # difference in SAM, with the sign turned so that positive favours the method
    ratio: Interval | None  # of the seconds: above 1 the method takes longer
    parameters: int | None  # of the rival

    @property
    def is_tested(self) -> bool:
        """Whether there are enough common scenes for a verdict."""
        return self.n >= LEAST_SCENES


def rival_pairs(summary: Summary, subject: Row, scope: str = ALL_TIERS) -> list[RivalPair]:
    """The pairs of this row with the ranked rows of other methods, the strongest rival first; rows without a common scene are left out."""
    found = [
        each
        for row in summary.rows
        if row is not subject
        and not row.unranked
        and row.results[0].method != subject.results[0].method
        and in_scope(row, subject, scope)
        and (each := _against(subject, row, summary.provenance)) is not None
    ]
    adjusted = holm([each.pair.p if each.is_tested else nan for each in found])
    judged = [replace(each, pair=judge_pair(each.pair, p, each.n, PRACTICAL[LEAD])) for each, p in zip(found, adjusted, strict=True)]
    return sorted(judged, key=lambda each: (np.isnan(each.pair.mean), each.pair.mean, each.rival.label))


def in_scope(row: Row, subject: Row, scope: str) -> bool:
    """Whether a row belongs to the tiers that a scope compares."""
    if scope == OWN:
        return row.tier == subject.tier
    if scope == TOLD:
        told, _, learned = row.tier.partition("; ")
        return told == subject.tier.partition("; ")[0] and not learned.endswith(_WITH_TRUTH)
    return True


def scene_seconds(result: Result) -> float | None:
    """The seconds that one scene takes: fusion, and learning on it; None where they are not known."""
    if result.clock is None:
        return None
    learned = result.clock.fit if result.card.get("learns") == "on the scene" else 0.0
    return result.clock.fuse + learned + result.clock.adapt


def mean_interval(values: Sequence[float]) -> Interval:
    """The mean of one value per scene, with its interval."""
    low, high = bootstrap_interval(np.asarray(values, dtype=float)) if values else (nan, nan)
    return Interval(fmean(values) if values else nan, low, high, len(values))


def largest_parameters(row: Row) -> int | None:
    """The number of learned parameters, the largest over the scenes; None where it was not counted."""
    counts = [r.parameters_total for r in row.results if r.outcome == "scored" and r.parameters_total is not None]
    return max(counts, default=None)


def _against(subject: Row, rival: Row, provenance: Provenance) -> RivalPair | None:
    both = sorted(_ran(subject) & _ran(rival))
    lead, second = metric_column(LEAD), metric_column(SECOND)
    if not both or not (values_by_scene(lead, rival.results).keys() & set(both)):
        return None
    scores = np.array([[[_mean(lead, row, scene)] for scene in both] for row in (subject, rival)])
    if np.isnan(scores).all(axis=(0, 2)).any():  # both failed there: that says nothing
        known = ~np.isnan(scores).all(axis=(0, 2))
        both, scores = [scene for scene, here in zip(both, known, strict=True) if here], scores[:, known]
    comparison = compare_methods((subject.label, rival.label), scores, higher_is_better=True, practical=PRACTICAL[LEAD])
    angles = [(_mean(second, rival, scene), _mean(second, subject, scene)) for scene in both]
    return RivalPair(
        rival=rival,
        pair=comparison.pairs[0],
        n=len(both),
        angle=mean_interval([theirs - ours for theirs, ours in angles if theirs == theirs and ours == ours]),
        ratio=_ratio(subject, rival, both, provenance),
        parameters=largest_parameters(rival),
    )


def _ran(row: Row) -> set[str]:
    """The scenes of which a row has a record that counts."""
    return {result.scene for result in row.results if result.outcome not in ("skipped", "not run")}


def _mean(column: Column, row: Row, scene: str) -> float:
    """The mean of a scene's scores over all seeds; NaN if one of the seeds has no score."""
    inside = [result for result in row.results if result.scene == scene]
    values = values_by_scene(column, inside).get(scene, [])
    return fmean(values) if values and len(values) == len(inside) else nan


def _ratio(subject: Row, rival: Row, scenes: Sequence[str], provenance: Provenance) -> Interval | None:
    """How many times as long the method takes, over the scenes on which both were timed alike; None where there is no such scene."""
    logs = []
    for scene in scenes:
        timed = [
            [(r, s) for r in row.results if r.scene == scene and not r.doubtful and (s := scene_seconds(r))] for row in (subject, rival)
        ]
        places = timing_places([r for both in timed for r, _ in both], provenance)
        if all(timed) and len(places) == 1:
            ours, theirs = (fmean(seconds for _, seconds in both) for both in timed)
            logs.append(log2(ours / theirs))
    if not logs:
        return None
    found = mean_interval(logs)
    return Interval(2**found.mean, 2**found.low, 2**found.high, found.n)
