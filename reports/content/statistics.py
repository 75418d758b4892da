r"""Which method is better, when there are few scenes: paired differences, intervals, tests and ranks, with ties shown as ties.

The scene is the unit: a method's value on a scene is the mean over the seeds, and two methods A and B are compared by their differences on
the same scenes and seeds. For each scene s on which both have scores, d[s] = mean over seeds of (value A - value B), with the sign chosen
so that a positive d favours A:

    interval    percentiles 2.5 and 97.5 of mean(d) over 10,000 draws of whole scenes with replacement (a block bootstrap); from 6 scenes on
    p           Wilcoxon's signed-rank test of d, two-sided; exact up to 20 scenes, ties included; beyond that the normal approximation,
                corrected for ties
    Holm        p adjusted for all m pairs of a comparison: (m - place) p, at least the value of every smaller p, at most 1
    ranks       of the methods on each scene: the best has 1, ties share the mean rank; Friedman's chi^2 of them, corrected for ties
    CD          critical difference q(alpha, k) sqrt(k (k + 1) / (6 n)), with q the quantile of the studentized range over sqrt(2):
                methods whose mean ranks differ by less cannot be told apart (Nemenyi; Demsar, Journal of Machine Learning Research 7, 2006)
    verdict     differences of at most `practical` (0.2 dB of PSNR) count as ties. `better` means that the interval lies beyond `practical`
                and that Holm's p is below 0.05; `equal` that the interval lies inside; `open` everything else, and a pair without interval

With fewer than 6 scenes there is no verdict: even if one method wins on all of five scenes, Wilcoxon's p stays above 0.05. There is no
interval either: a bootstrap of so few values gives their range at best, which is not where the mean lies with 95 %. The differences on the
scenes are reported instead.

An infinite score (the PSNR of what was met exactly) is a value: two of them tie, d = 0, and against a number d is infinite. A mean over
scenes with infinite d of both signs is not defined, and neither is its interval; with infinite d of one sign the interval ends at infinity.

Failures: where a method has no score on a scene for a seed for which any method has one, whatever the reason, that scene counts as its
worst: the last rank, and a loss against every method that has all its scores there. Such scenes are counted and reported, and the intervals
are taken over the other scenes. A method without any score in the protocol is left out and named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import chi2, norm, rankdata, studentized_range

LEAST_SCENES = 6
ALPHA = 0.05
DRAWS = 10_000
EXACT_UP_TO = 20  # scenes
PRACTICAL = {"psnr": 0.2, "psnr_cube": 0.2}  # differences that do not matter in practice; other metrics have none
Verdict = Literal["better", "worse", "equal", "open", "cannot tell"]
ScoreArray = Float[np.ndarray, "methods scenes seeds"]  # NaN where there is no score
Vector = Float[np.ndarray, " n"]


@dataclass(frozen=True)
class Pair:
    """Method number `first` against method number `second`; positive differences favour the first."""

    first: int
    second: int
    mean: float  # NaN where no scene has both, or infinite differences of both signs meet
    median: float
    low: float  # ends of the interval of the mean; NaN where fewer than `LEAST_SCENES` scenes have both
    high: float
    p: float  # by Wilcoxon's test
    holm: float  # p adjusted for all pairs
    wins: int  # scenes on which the first is better by more than `practical`
    ties: int
    losses: int
    differences: tuple[float, ...]  # on each scene; NaN where a score of one of the two is missing
    failed: tuple[int, int]  # for each of the two: the number of scenes without all its scores
    verdict: Verdict


@dataclass(frozen=True, eq=False)
class MethodComparison:
    """Several methods on the same scenes."""

    names: tuple[str, ...]
    scenes: int
    practical: float
    pairs: tuple[Pair, ...]
    ranks: Float[np.ndarray, "methods scenes"]
    failures: tuple[int, ...]  # for each method: the number of scenes without all its scores
    friedman: float  # chi^2
    friedman_p: float
    critical_difference: float

    @property
    def mean_ranks(self) -> Vector:
        """The mean rank of each method; 1 is the best."""
        return np.asarray(self.ranks.mean(axis=1))

    @property
    def agreement(self) -> float:
        """Kendall's W, how far the scenes rank the methods alike: 0 not at all, 1 completely."""
        return self.friedman / (self.scenes * (len(self.names) - 1))

    @property
    def enough_scenes(self) -> bool:
        """Whether there are enough scenes for intervals, tests and verdicts."""
        return self.scenes >= LEAST_SCENES

    @property
    def groups(self) -> list[tuple[int, ...]]:
        """The largest groups of two or more methods, in the order of their ranks, that no critical difference separates."""
        order = sorted(range(len(self.names)), key=lambda method: float(self.mean_ranks[method]))
        ranks, groups = self.mean_ranks[order], []
        reach = 0
        for start in range(len(order)):
            stop = int(np.searchsorted(ranks, ranks[start] + self.critical_difference, side="right"))
            if stop > reach and stop - start > 1:
                groups.append(tuple(order[start:stop]))
            reach = max(reach, stop)
        return groups


def compare_methods(names: Sequence[str], scores: ScoreArray, *, higher_is_better: bool, practical: float = 0.0) -> MethodComparison:
    """The comparison of all pairs of these methods, and their ranks.

    Raises:
        ValueError: fewer than two methods, or no scene.
    """
    methods, scenes, _ = scores.shape
    if methods < 2 or scenes < 1 or len(names) != methods:
        raise ValueError(f"expected two methods or more with a name each, and a scene, got {len(names)} names, {methods} x {scenes}")
    signed = scores if higher_is_better else -scores
    used = ~np.isnan(signed).all(axis=0)  # seeds of a scene for which any method has a score
    full = ~(np.isnan(signed) & used).any(axis=2)  # methods x scenes
    means = _means(signed, used)
    pairs = [_pair(means, full, first, second, practical) for first in range(methods) for second in range(first + 1, methods)]
    adjusted = holm([pair.p for pair in pairs])
    worst = np.where(full, np.maximum(means, np.finfo(float).min), -np.inf)  # below the worst score, infinite ones included
    ranks = np.stack([rankdata(-worst[:, scene]) for scene in range(scenes)], axis=1)
    statistic, p = friedman(ranks)
    return MethodComparison(
        names=tuple(names),
        scenes=scenes,
        practical=practical,
        pairs=tuple(judge_pair(pair, each, scenes, practical) for pair, each in zip(pairs, adjusted, strict=True)),
        ranks=ranks,
        failures=tuple(int(scenes - row.sum()) for row in full),
        friedman=statistic,
        friedman_p=p,
        critical_difference=critical_difference(methods, scenes),
    )


def bootstrap_interval(values: Vector) -> tuple[float, float]:
    """The 95 % interval of the mean of `values`, one value per scene.

    NaN for fewer than `LEAST_SCENES` values, and where infinite values of both signs meet.
    """
    if len(values) < LEAST_SCENES or (np.isposinf(values).any() and np.isneginf(values).any()):
        return np.nan, np.nan
    means = values[_draws(len(values))].mean(axis=1)
    method: Literal["linear", "inverted_cdf"] = "linear" if np.isfinite(means).all() else "inverted_cdf"  # nothing lies between infinities
    low, high = np.percentile(means, [100 * ALPHA / 2, 100 - 100 * ALPHA / 2], method=method)
    return float(low), float(high)


@lru_cache(maxsize=8)
def _draws(scenes: int) -> Int[np.ndarray, "draws scenes"]:
    """Numbers of scenes, drawn with replacement; the same draws at every call."""
    return np.random.Generator(np.random.Philox(0)).integers(0, scenes, size=(DRAWS, scenes))


def wilcoxon(differences: Vector) -> float:
    """The two-sided p of the signed-rank test; zeros are left out, infinite differences rank highest. It is 1 without any difference."""
    nonzero = differences[differences != 0]
    n = len(nonzero)
    if n == 0:
        return 1.0
    ranks = rankdata(np.abs(nonzero))
    above = float(ranks[nonzero > 0].sum())
    smaller = min(above, n * (n + 1) / 2 - above)
    if n <= EXACT_UP_TO:
        counts = np.ones(1)  # the number of sign patterns for each value of twice the sum of positive ranks
        for twice in np.rint(2 * ranks).astype(int):
            wider = np.zeros(len(counts) + twice)
            wider[: len(counts)] += counts
            wider[twice:] += counts
            counts = wider
        return min(1.0, 2 * float(counts[: round(2 * smaller) + 1].sum()) / 2.0**n)
    sizes = np.unique(ranks, return_counts=True)[1]
    variance = n * (n + 1) * (2 * n + 1) / 24 - float((sizes**3 - sizes).sum()) / 48
    return min(1.0, 2 * float(norm.cdf((smaller - n * (n + 1) / 4) / np.sqrt(variance))))


def holm(values: Sequence[float]) -> list[float]:
    """Each p adjusted for all of them, by Holm's method; NaN, which says that there was no test, stays NaN and does not count."""
    order = sorted((place for place, value in enumerate(values) if value == value), key=lambda place: values[place])
    adjusted, largest = [np.nan] * len(values), 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - place) * values[index]))
        adjusted[index] = largest
    return adjusted


def friedman(ranks: Float[np.ndarray, "methods scenes"]) -> tuple[float, float]:
    """Friedman's chi^2 with methods - 1 degrees of freedom, corrected for ties, and its p; (0, 1) where all methods tie on every scene."""
    k, n = ranks.shape
    ties = sum(float((sizes**3 - sizes).sum()) for column in ranks.T for sizes in [np.unique(column, return_counts=True)[1]])
    correction = 1 - ties / (n * k * (k * k - 1))
    if correction <= 0:
        return 0.0, 1.0
    statistic = (12 / (n * k * (k + 1)) * float((ranks.sum(axis=1) ** 2).sum()) - 3 * n * (k + 1)) / correction
    return statistic, float(chi2.sf(statistic, k - 1))


@lru_cache(maxsize=256)
def critical_difference(methods: int, scenes: int, alpha: float = ALPHA) -> float:
    """Nemenyi's critical difference of mean ranks."""
    quantile = float(studentized_range.ppf(1 - alpha, methods, 1e6)) / np.sqrt(2)  # 1e6 degrees of freedom stand for infinitely many
    return float(quantile * np.sqrt(methods * (methods + 1) / (6 * scenes)))


def _means(signed: ScoreArray, used: Bool[np.ndarray, "scenes seeds"]) -> Float[np.ndarray, "methods scenes"]:
    """The mean over the used seeds; 0 where none is used."""
    values = np.where(np.isnan(signed), 0.0, signed)
    return np.asarray(np.where(used, values, 0.0).sum(axis=2) / np.maximum(used.sum(axis=1), 1))


def _pair(
    means: Float[np.ndarray, "methods scenes"],
    full: Bool[np.ndarray, "methods scenes"],
    first: int,
    second: int,
    practical: float,
) -> Pair:
    """The comparison of two methods, before p is adjusted for the other pairs."""
    with np.errstate(invalid="ignore"):  # infinity less infinity: a tie
        difference = np.where(means[first] == means[second], 0.0, means[first] - means[second])
    both, only_first, only_second = full[first] & full[second], full[first] & ~full[second], full[second] & ~full[first]
    tested = np.where(both, difference, 0.0)
    tested = np.where(only_first, np.inf, np.where(only_second, -np.inf, tested))
    rounded = np.round(tested, 12)  # differences that agree up to rounding errors are ties
    known = difference[both]
    with np.errstate(invalid="ignore"):  # infinite differences of both signs have no mean
        mean, median = (float(known.mean()), float(np.median(known))) if len(known) else (np.nan, np.nan)
    low, high = bootstrap_interval(known)
    return Pair(
        first=first,
        second=second,
        mean=mean,
        median=median,
        low=low,
        high=high,
        differences=tuple(float(each) for each in np.where(both, difference, np.nan)),
        p=wilcoxon(rounded),
        holm=np.nan,
        wins=int((rounded > practical).sum()),
        ties=int((np.abs(rounded) <= practical).sum()),
        losses=int((rounded < -practical).sum()),
        failed=(int((~full[first]).sum()), int((~full[second]).sum())),
        verdict="open",
    )


def judge_pair(pair: Pair, adjusted: float, scenes: int, practical: float) -> Pair:
    """The pair with its adjusted p and its verdict; a method with failures is never called better, nor equal to one without."""
    verdict: Verdict = "open"
    if scenes < LEAST_SCENES:
        verdict = "cannot tell"
    elif pair.low > practical and adjusted < ALPHA and not pair.failed[0]:
        verdict = "better"
    elif pair.high < -practical and adjusted < ALPHA and not pair.failed[1]:
        verdict = "worse"
    elif -practical <= pair.low and pair.high <= practical and pair.failed == (0, 0):
        verdict = "equal"
    return replace(pair, holm=adjusted, verdict=verdict)
