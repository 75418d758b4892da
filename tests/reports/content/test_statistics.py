"""The statistics by other routes: sign patterns in loops, scipy, printed tables, scikit-posthocs; and the meaning of a verdict."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.stats import friedmanchisquare
from scipy.stats import wilcoxon as scipy_wilcoxon

from reports.content.statistics import bootstrap_interval, compare_methods, critical_difference, friedman, holm, wilcoxon


def scores_of(*methods: list[float]) -> np.ndarray:
    """One seed."""
    return np.asarray(methods, dtype=float)[:, :, None]


@pytest.mark.parametrize(
    "differences",
    [[0.3, -0.1, 0.9, 0.4, 0.2, -0.7, 1.1], [1.0, 1.0, -1.0, 2.0, 2.0, 3.0], [0.0, 0.5, -0.5, 2.0, np.inf, np.inf, -0.1], [1.0] * 5],
)
def test_the_signed_rank_p_is_the_share_of_sign_patterns_as_far_out(differences: list[float]) -> None:
    sizes = [abs(d) for d in differences if d != 0]
    ranks = [sum(other < size for other in sizes) + (sum(other == size for other in sizes) + 1) / 2 for size in sizes]
    above = sum(rank for rank, d in zip(ranks, [d for d in differences if d != 0], strict=True) if d > 0)
    middle = sum(ranks) / 2
    patterns = [sum(rank for rank, sign in zip(ranks, signs, strict=True) if sign) for signs in product((0, 1), repeat=len(ranks))]
    far = sum(abs(value - middle) >= abs(above - middle) - 1e-9 for value in patterns) / len(patterns)
    assert wilcoxon(np.asarray(differences)) == pytest.approx(far, rel=1e-12)


def test_a_clean_sweep_of_five_scenes_stays_above_five_percent_and_of_six_does_not() -> None:
    assert wilcoxon(np.arange(1.0, 6.0)) == 0.0625
    assert wilcoxon(np.arange(1.0, 7.0)) == 0.03125


def test_many_scenes_agree_with_scipys_normal_form_ties_included() -> None:
    differences = np.round(np.random.default_rng(3).normal(0.2, 1, 41), 1)
    differences = differences[differences != 0]
    expected = scipy_wilcoxon(differences, method="approx", correction=False).pvalue
    assert wilcoxon(differences) == pytest.approx(float(expected), rel=1e-9)


def test_holm_is_stepwise_bonferroni() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    gaps = holm([0.01, np.nan, 0.04, 0.03, np.nan, 0.005])
    assert np.isnan([gaps[1], gaps[4]]).all(), "where there was no test there is no p"
    assert [gaps[place] for place in (0, 2, 3, 5)] == holm([0.01, 0.04, 0.03, 0.005]), "and it weakens no other"


def test_friedman_is_scipys_with_ties() -> None:
    values = np.round(np.random.default_rng(5).random((4, 9)), 1)
    ranks = compare_methods("abcd", values[:, :, None], higher_is_better=False).ranks
    statistic, p = friedman(ranks)
    expected = friedmanchisquare(*values)
    assert (statistic, p) == (pytest.approx(float(expected.statistic), rel=1e-12), pytest.approx(float(expected.pvalue), rel=1e-9))
    assert friedman(np.full((3, 5), 2.0)) == (0.0, 1.0)


@pytest.mark.parametrize(("methods", "quantile"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)])
def test_the_critical_difference_has_the_quantiles_of_demsars_table(methods: int, quantile: float) -> None:
    assert critical_difference(methods, 14) == pytest.approx(quantile * np.sqrt(methods * (methods + 1) / (6 * 14)), abs=6e-4)


def test_nemenyi_and_holm_agree_with_scikit_posthocs() -> None:
    posthocs = pytest.importorskip("scikit_posthocs", reason="needs scikit-posthocs (extra `stats`)")
    values = np.random.default_rng(11).normal([[0.0], [0.3], [0.9], [2.0]], 1, (4, 12))
    found = compare_methods("abcd", values[:, :, None], higher_is_better=True)
    table = posthocs.posthoc_nemenyi_friedman(values.T).to_numpy()
    for one in range(4):
        for other in range(one):
            apart = abs(found.mean_ranks[one] - found.mean_ranks[other]) > found.critical_difference
            assert apart == (table[one, other] < 0.05)
    paired = posthocs.posthoc_wilcoxon([list(row) for row in values], p_adjust="holm").to_numpy()
    for pair in found.pairs:
        assert pair.holm == pytest.approx(paired[pair.first, pair.second], rel=1e-9)


def test_the_interval_is_of_whole_scenes_and_covers_about_as_often_as_it_says() -> None:
    assert bootstrap_interval(np.full(7, 3.0)) == (3.0, 3.0)
    rng = np.random.default_rng(0)
    hits = sum(low <= 1.0 <= high for low, high in (bootstrap_interval(rng.normal(1.0, 2.0, 25)) for _ in range(200)))
    assert 176 <= hits <= 198


@pytest.mark.parametrize(("scenes", "interval"), [(0, False), (2, False), (3, False), (5, False), (6, True)])
def test_there_is_no_interval_of_fewer_than_six_scenes_and_the_differences_are_there(scenes: int, interval: bool) -> None:
    assert np.isfinite(bootstrap_interval(np.arange(float(scenes)))).all() == interval
    if scenes:
        base, ahead = np.linspace(35, 45, scenes), np.linspace(0.5, 2, scenes)
        (pair,) = compare_methods(["a", "b"], scores_of(list(base + ahead), list(base)), higher_is_better=True).pairs
        assert np.isfinite([pair.low, pair.high]).all() == interval
        assert pair.differences == pytest.approx(tuple(ahead))


def test_a_pair_with_few_common_scenes_has_no_interval_and_no_verdict_for_it_among_many_scenes() -> None:
    scores = scores_of([50.0] * 8, [40.0] * 8)
    scores[1, :3, 0] = np.nan
    (pair,) = compare_methods("ab", scores, higher_is_better=True, practical=0.2).pairs
    assert np.isnan([pair.low, pair.high]).all()
    assert np.isnan(pair.differences[:3]).all()
    assert pair.differences[3:] == (10.0,) * 5
    assert (pair.wins, pair.failed, pair.verdict) == (8, (0, 3), "open")


def test_seeds_do_not_pass_for_scenes() -> None:
    rng = np.random.default_rng(1)
    base = rng.normal(40, 2, (1, 6, 1))
    one = np.concatenate([base, base + rng.normal(0.5, 0.5, (1, 6, 1))])
    found, again = (
        compare_methods("ab", one, higher_is_better=True),
        compare_methods("ab", np.repeat(one, 5, axis=2), higher_is_better=True),
    )
    assert found.pairs[0].p == again.pairs[0].p
    assert (found.pairs[0].low, found.pairs[0].high) == pytest.approx((again.pairs[0].low, again.pairs[0].high))


@pytest.mark.parametrize(
    ("shift", "scenes", "verdict"),
    [(1.0, 8, "better"), (-1.0, 8, "worse"), (0.05, 8, "equal"), (0.2, 8, "open"), (5.0, 5, "cannot tell")],
)
def test_the_verdict_is_about_differences_that_matter(shift: float, scenes: int, verdict: str) -> None:
    base = np.linspace(35, 45, scenes)
    wobble = 0.06 * np.cos(np.arange(scenes))
    found = compare_methods(["a", "b"], scores_of(list(base + shift + wobble), list(base)), higher_is_better=True, practical=0.2)
    assert found.pairs[0].verdict == verdict
    assert found.pairs[0].mean == pytest.approx(shift + wobble.mean())
    assert found.enough_scenes == (verdict != "cannot tell")


def test_wins_ties_and_losses_use_the_practical_difference_and_lower_can_be_better() -> None:
    found = compare_methods(["a", "b"], scores_of([1.0, 2.0, 3.0, 4.0], [1.5, 2.1, 2.0, 4.0]), higher_is_better=False, practical=0.2)
    assert (found.pairs[0].wins, found.pairs[0].ties, found.pairs[0].losses) == (1, 2, 1)
    assert list(found.ranks[:, 0]) == [1.0, 2.0]
    assert list(found.ranks[:, 3]) == [1.5, 1.5]


def test_an_infinite_score_is_the_best_rank_and_no_failure() -> None:
    found = compare_methods("abc", scores_of([np.inf, 50.0, 50.0], [30.0, 30.0, 30.0], [np.inf, 20.0, np.nan]), higher_is_better=True)
    assert found.failures == (0, 0, 1)
    assert found.ranks.T.tolist() == [[1.5, 3.0, 1.5], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]
    assert list(found.mean_ranks) == pytest.approx([3.5 / 3, 7 / 3, 7.5 / 3])
    exact, tie = found.pairs[0], found.pairs[1]
    assert (exact.wins, exact.ties, exact.losses, exact.mean, exact.median) == (3, 0, 0, np.inf, 20.0)
    assert (tie.wins, tie.ties, tie.losses) == (2, 1, 0)  # one scene tied at infinity, one won, one lost by the other for want of a score
    assert (tie.mean, tie.median) == (15.0, 15.0)


def test_where_lower_is_better_an_infinite_score_is_the_worst_but_for_a_failure() -> None:
    found = compare_methods("abc", scores_of([1.0, 1.0], [np.inf, 2.0], [np.nan, 3.0]), higher_is_better=False)
    assert found.ranks.T.tolist() == [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]
    assert (found.pairs[0].mean, found.pairs[0].wins) == (np.inf, 2)


def test_seeds_that_are_infinite_on_both_sides_tie_their_scene() -> None:
    scores = np.array([[[np.inf, 30.0], [40.0, 41.0]], [[30.0, np.inf], [40.0, 39.0]]])
    found = compare_methods("ab", scores, higher_is_better=True)
    assert found.ranks[:, 0].tolist() == [1.5, 1.5]
    assert (found.pairs[0].wins, found.pairs[0].ties, found.pairs[0].mean) == (1, 1, 0.5)


@pytest.mark.parametrize(("exact", "verdict"), [(8, "better"), (1, "better"), (0, "open")])
def test_an_exact_method_is_better_than_one_at_any_number(exact: int, verdict: str) -> None:
    base = np.linspace(35, 45, 8)
    first = base + (0.5 if exact else 0.2) + 0.06 * np.cos(np.arange(8))
    first[:exact] = np.inf
    pair = compare_methods("ab", scores_of(list(first), list(base)), higher_is_better=True, practical=0.2).pairs[0]
    assert pair.verdict == verdict
    assert np.isinf(pair.mean) == np.isinf(pair.high) == (exact > 0)
    assert np.isinf(pair.low) == (exact == 8)
    assert pair.p == wilcoxon(np.where(np.arange(8) < exact, np.inf, first - base))


def test_infinite_differences_of_both_signs_have_no_mean_and_no_verdict() -> None:
    pair = compare_methods("ab", scores_of([np.inf, 1.0, *[5.0] * 6], [1.0, np.inf, *[4.0] * 6]), higher_is_better=True).pairs[0]
    assert np.isnan([pair.mean, pair.low, pair.high]).all()
    assert (pair.median, pair.wins, pair.losses, pair.verdict) == (1.0, 7, 1, "open")


def test_the_interval_of_values_of_which_some_are_infinite_ends_at_infinity() -> None:
    values = np.array([1.0, 2.0, 3.0, 5.0, 8.0, np.inf])
    low, high = bootstrap_interval(values)
    draws = [np.mean(each) for each in product(values, repeat=6)]  # every resample, instead of random ones
    assert low == pytest.approx(sorted(draws)[round(0.025 * len(draws))], abs=0.3)
    assert high == np.inf
    assert bootstrap_interval(np.full(6, np.inf)) == (np.inf, np.inf)
    assert bootstrap_interval(np.array([1.0, 2.0, 3.0, 4.0, 5.0, -np.inf]))[0] == -np.inf
    assert np.isnan(bootstrap_interval(np.array([np.inf, -np.inf, 1.0, 2.0, 3.0, 4.0]))).all()


def test_a_failure_is_the_worst_rank_and_a_loss_and_is_counted() -> None:
    scores = scores_of([50.0] * 7, [40.0] * 7, [30.0] * 7)
    scores[0, 2, 0] = np.nan
    found = compare_methods("abc", scores, higher_is_better=True, practical=0.2)
    assert found.failures == (1, 0, 0)
    assert list(found.ranks[:, 2]) == [3.0, 1.0, 2.0]
    first = found.pairs[0]
    assert (first.wins, first.losses, first.failed) == (6, 1, (1, 0))
    assert (first.mean, first.verdict) == (10.0, "open")  # a method that failed is not called better
    assert first.p == wilcoxon(np.array([10.0] * 6 + [-np.inf]))


def test_a_seed_that_failed_fails_its_scene_and_an_unused_seed_does_not() -> None:
    scores = np.full((2, 6, 3), 40.0)
    scores[:, :, 2] = np.nan  # a seed that nobody has
    scores[0] += 1
    scores[0, 4, 1] = np.nan
    found = compare_methods("ab", scores, higher_is_better=True)
    assert found.failures == (1, 0)
    assert found.pairs[0].mean == pytest.approx(1.0)


def test_groups_are_the_maximal_runs_within_the_critical_difference() -> None:
    scores = scores_of([5.0] * 9, [4.0, 3.0] * 4 + [4.0], [3.0, 4.0] * 4 + [3.0], [1.0] * 9)
    found = compare_methods("abcd", scores, higher_is_better=True)
    assert [round(float(rank), 2) for rank in found.mean_ranks] == [1.0, 2.44, 2.56, 4.0]
    assert found.critical_difference == pytest.approx(1.563, abs=1e-3)
    assert found.groups == [(0, 1, 2), (1, 2, 3)]


def test_one_method_or_no_scene_is_refused() -> None:
    with pytest.raises(ValueError, match="two methods or more"):
        compare_methods(["a"], np.ones((1, 3, 1)), higher_is_better=True)
