r"""Who is better, when there are few scenes: paired differences, intervals, tests and ranks, with ties shown as ties.

The scene is the unit: a method's value on it is the mean over seeds, and two methods are compared by the differences on the same scenes
and seeds. With s the scenes both have scores for, d[s] = mean over seeds of (value A - value B), signed so that positive favours A:

    interval    percentiles 2.5 and 97.5 of mean(d) over 10,000 draws of whole scenes with replacement (a bootstrap in blocks)
    p           Wilcoxon's signed-rank test of d, two sided; exact up to 20 scenes, ties included, beyond that normal, corrected for ties
    Holm        p, adjusted over all pairs of a comparison: max over the smaller ones of (m - place) p, at most 1
    ranks       of the methods on each scene, best is 1, ties share; Friedman's chi^2 over them, corrected for ties
    CD          q(alpha, k) sqrt(k (k + 1) / (6 n)), q the studentized range's quantile over sqrt(2): methods whose mean ranks are closer
                than this are not told apart (Nemenyi; Demsar, Journal of Machine Learning Research 7, 2006)
    equivalent  differences of at most `practical` (0.2 dB of PSNR) count as ties. The verdict is `better` where the interval lies beyond it
                and Holm's p is below 0.05, `equal` where the interval lies inside, else `open`

Fewer than 6 scenes cannot tell: not even a clean sweep of five brings Wilcoxon's p below 0.05, and no verdict is given.

An infinite score (the PSNR of what was met exactly) is a value: two of them tie, d = 0, and against a number d is infinite. A mean over
scenes with infinite d of both signs is not defined, nor is its interval; with infinite ones of one sign the interval ends at them.

Failures: a scene where a method has no score for every seed that any method has (for whatever reason) counts as its worst: last rank, and a
loss against every method that has them. It is flagged, and intervals are then of the other scenes alone. A method without any score in the
protocol is left out, and named.
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
PRACTICAL = {"psnr": 0.2, "psnr_cube": 0.2}  # differences that do not matter; none is stated for other metrics
Verdict = Literal["better", "worse", "equal", "open", "cannot tell"]
Scores = Float[np.ndarray, "methods scenes seeds"]  # NaN: no score
Vector = Float[np.ndarray, " n"]


@dataclass(frozen=True)
class Pair:
    """Method `first` against method `second` (their places); positive differences favour the first."""

    first: int
    second: int
    mean: float  # NaN where no scene has both, or infinite differences of both signs meet
    median: float
    low: float  # of the interval of the mean
    high: float
    p: float  # Wilcoxon's
    holm: float  # adjusted over all pairs
    wins: int  # scenes on which the first is better by more than `practical`
    ties: int
    losses: int
    lost: tuple[int, int]  # scenes that each has no full score for
    verdict: Verdict


@dataclass(frozen=True, eq=False)
class Comparison:
    """Methods on common scenes."""

    names: tuple[str, ...]
    scenes: int
    practical: float
    pairs: tuple[Pair, ...]
    ranks: Float[np.ndarray, "methods scenes"]
    failures: tuple[int, ...]  # scenes that each method has no full score for
    friedman: float  # chi^2
    friedman_p: float
    critical_difference: float

    @property
    def mean_ranks(self) -> Vector:
        """Of each method, 1 the best."""
        return np.asarray(self.ranks.mean(axis=1))

    @property
    def share(self) -> float:
        """Kendall's W, the agreement of the scenes' rankings: 0 none, 1 all alike."""
        return self.friedman / (self.scenes * (len(self.names) - 1))

    @property
    def tells(self) -> bool:
        """Whether there are scenes enough."""
        return self.scenes >= LEAST_SCENES

    @property
    def groups(self) -> list[tuple[int, ...]]:
        """Methods in the order of their ranks that no critical difference separates; maximal groups of two and more."""
        order = sorted(range(len(self.names)), key=lambda method: float(self.mean_ranks[method]))
        ranks, found = self.mean_ranks[order], []
        reach = 0
        for start in range(len(order)):
            stop = int(np.searchsorted(ranks, ranks[start] + self.critical_difference, side="right"))
            if stop > reach and stop - start > 1:
                found.append(tuple(order[start:stop]))
            reach = max(reach, stop)
        return found


def compare(names: Sequence[str], scores: Scores, *, higher_is_better: bool, practical: float = 0.0) -> Comparison:
    """All pairs of these methods, and their ranks.

    Raises:
        ValueError: fewer than two methods, or no scene.
    """
    methods, scenes, _ = scores.shape
    if methods < 2 or scenes < 1 or len(names) != methods:
        raise ValueError(f"expected two methods or more with a name each, and a scene, got {len(names)} names, {methods} x {scenes}")
    signed = scores if higher_is_better else -scores
    used = ~np.isnan(signed).all(axis=0)  # seeds of a scene that any method has
    full = ~(np.isnan(signed) & used).any(axis=2)  # methods x scenes
    means = _means(signed, used)
    pairs = [_pair(means, full, first, second, practical) for first in range(methods) for second in range(first + 1, methods)]
    adjusted = holm([pair.p for pair in pairs])
    worst = np.where(full, np.maximum(means, np.finfo(float).min), -np.inf)  # below the worst score, infinite ones included
    ranks = np.stack([rankdata(-worst[:, scene]) for scene in range(scenes)], axis=1)
    statistic, p = friedman(ranks)
    return Comparison(
        names=tuple(names),
        scenes=scenes,
        practical=practical,
        pairs=tuple(_judged(pair, each, scenes, practical) for pair, each in zip(pairs, adjusted, strict=True)),
        ranks=ranks,
        failures=tuple(int(scenes - row.sum()) for row in full),
        friedman=statistic,
        friedman_p=p,
        critical_difference=critical_difference(methods, scenes),
    )


def bootstrap_interval(values: Vector) -> tuple[float, float]:
    """95 % interval of the mean of values that are one a scene; NaN without any, and where infinite ones of both signs meet."""
    if not len(values) or (np.isposinf(values).any() and np.isneginf(values).any()):
        return np.nan, np.nan
    means = values[_draws(len(values))].mean(axis=1)
    method: Literal["linear", "inverted_cdf"] = "linear" if np.isfinite(means).all() else "inverted_cdf"  # nothing lies between infinities
    low, high = np.percentile(means, [100 * ALPHA / 2, 100 - 100 * ALPHA / 2], method=method)
    return float(low), float(high)


@lru_cache(maxsize=8)
def _draws(scenes: int) -> Int[np.ndarray, "draws scenes"]:
    """Places of scenes drawn with replacement; the same ones each time."""
    return np.random.Generator(np.random.Philox(0)).integers(0, scenes, size=(DRAWS, scenes))


def wilcoxon(differences: Vector) -> float:
    """Two-sided p of the signed-rank test; zeros are left out, infinite differences have the highest ranks. 1 without any difference."""
    found = differences[differences != 0]
    n = len(found)
    if n == 0:
        return 1.0
    ranks = rankdata(np.abs(found))
    above = float(ranks[found > 0].sum())
    smaller = min(above, n * (n + 1) / 2 - above)
    if n <= EXACT_UP_TO:
        counts = np.ones(1)  # of sign patterns, by twice the sum of their positive ranks
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
    """Each p adjusted for all of them."""
    order = sorted(range(len(values)), key=lambda place: values[place])
    adjusted, largest = [0.0] * len(values), 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(values) - place) * values[index]))
        adjusted[index] = largest
    return adjusted


def friedman(ranks: Float[np.ndarray, "methods scenes"]) -> tuple[float, float]:
    """chi^2 with methods - 1 degrees of freedom, corrected for ties, and its p; (0, 1) where all methods tie on every scene."""
    k, n = ranks.shape
    ties = sum(float((sizes**3 - sizes).sum()) for column in ranks.T for sizes in [np.unique(column, return_counts=True)[1]])
    correction = 1 - ties / (n * k * (k * k - 1))
    if correction <= 0:
        return 0.0, 1.0
    statistic = (12 / (n * k * (k + 1)) * float((ranks.sum(axis=1) ** 2).sum()) - 3 * n * (k + 1)) / correction
    return statistic, float(chi2.sf(statistic, k - 1))


def critical_difference(methods: int, scenes: int, alpha: float = ALPHA) -> float:
    """Nemenyi's, of mean ranks."""
    quantile = float(studentized_range.ppf(1 - alpha, methods, 1e6)) / np.sqrt(2)  # so many degrees of freedom stand for infinity
    return float(quantile * np.sqrt(methods * (methods + 1) / (6 * scenes)))


def _means(signed: Scores, used: Bool[np.ndarray, "scenes seeds"]) -> Float[np.ndarray, "methods scenes"]:
    """Mean over the seeds in use; 0 where there is none."""
    values = np.where(np.isnan(signed), 0.0, signed)
    return np.asarray(np.where(used, values, 0.0).sum(axis=2) / np.maximum(used.sum(axis=1), 1))


def _pair(
    means: Float[np.ndarray, "methods scenes"],
    full: Bool[np.ndarray, "methods scenes"],
    first: int,
    second: int,
    practical: float,
) -> Pair:
    """The two methods compared; p is not adjusted yet."""
    with np.errstate(invalid="ignore"):  # infinity less infinity: a tie
        difference = np.where(means[first] == means[second], 0.0, means[first] - means[second])
    both, only_first, only_second = full[first] & full[second], full[first] & ~full[second], full[second] & ~full[first]
    tested = np.where(both, difference, 0.0)
    tested = np.where(only_first, np.inf, np.where(only_second, -np.inf, tested))
    rounded = np.round(tested, 12)  # differences equal but for the last bits are ties
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
        p=wilcoxon(rounded),
        holm=np.nan,
        wins=int((rounded > practical).sum()),
        ties=int((np.abs(rounded) <= practical).sum()),
        losses=int((rounded < -practical).sum()),
        lost=(int((~full[first]).sum()), int((~full[second]).sum())),
        verdict="open",
    )


def _judged(pair: Pair, adjusted: float, scenes: int, practical: float) -> Pair:
    """The pair with its adjusted p and its verdict; a method that failed is never called better, nor equal to one that did not."""
    verdict: Verdict = "open"
    if scenes < LEAST_SCENES:
        verdict = "cannot tell"
    elif pair.low > practical and adjusted < ALPHA and not pair.lost[0]:
        verdict = "better"
    elif pair.high < -practical and adjusted < ALPHA and not pair.lost[1]:
        verdict = "worse"
    elif -practical <= pair.low and pair.high <= practical and pair.lost == (0, 0):
        verdict = "equal"
    return replace(pair, holm=adjusted, verdict=verdict)
