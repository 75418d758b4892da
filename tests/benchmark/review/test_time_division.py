"""A time divided over rows that learn: against the level that bisection finds, and against cases worked out by hand."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from benchmark.matrix.plan_file import read_plan
from benchmark.review.forecast import MethodForecast
from benchmark.review.time_division import LEAST, UNKNOWN, RowCost, TimeBudgetError, divided, row_costs, seconds_of
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import plan


def learner(label: str, steady_s: float, learning_s: float, budget: float | None = 1.0) -> RowCost:
    return RowCost(label, 2, steady_s, learning_s, budget, learns=True)


def level(left: float, wholes: list[float]) -> float:
    """The part of each row: the level at which sum(min(whole, level)) is what is left, found by bisection."""
    low, high = 0.0, max(wholes)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if sum(min(whole, middle) for whole in wholes) < left else (low, middle)
    return low


@pytest.mark.parametrize("number", range(20))
def test_the_parts_are_those_of_water_that_is_poured_into_rows_of_different_heights(number: int) -> None:
    rng = random.Random(number)
    rows = [learner(f"r{place}", rng.uniform(0, 3), 10 ** rng.uniform(1, 5), rng.choice([1.0, 1.0, 0.4])) for place in range(7)]
    still = RowCost("still", 3, 41.5)
    time = 60 * rng.randint(30, 600)
    found = {share.cost.label: share for share in divided(f"{time}s", [still, *rows]).rows}
    height = level(time - 41.5, [row.steady_s + row.learning_s for row in rows])
    for row in rows:
        share = found[row.label]
        assert not share.left_out
        assert share.budget is not None
        assert row.budget is not None
        if row.steady_s + row.learning_s < height * (1 - 1e-6):
            assert share.budget == row.budget, "what fits whole is as the plan asks"
            continue
        exact = (height - row.steady_s) / (row.learning_s / row.budget)
        assert float(f"{share.budget:.1e}") == share.budget, "more than two digits"
        assert share.budget <= exact * (1 + 1e-6)
        assert share.budget * 1.1 > exact * (1 - 1e-6), "the next share of two digits would fit"
        assert share.seconds == pytest.approx(row.steady_s + row.learning_s / row.budget * share.budget)
    assert sum(share.seconds for share in found.values()) <= time * (1 + 1e-9)


def test_what_a_row_does_not_need_goes_to_the_others() -> None:
    rows = [RowCost("still", 1, 100.0), learner("short", 1.0, 19.0), learner("long", 2.0, 1000.0), learner("longer", 10.0, 4000.0)]
    found = divided("10min", rows)  # 600 - 100 - 20 = 480, 240 s each
    assert [share.budget for share in found.rows] == [None, 1.0, 0.23, 0.057]
    assert [share.seconds for share in found.rows] == pytest.approx([100.0, 20.0, 232.0, 238.0])
    assert found.table().budgets == {"short": 1.0, "long": 0.23, "longer": 0.057}
    assert found.table().left_out == {}
    assert "of 3 rows that learn here: 1 as the plan asks, 2 reduced and not ranked" in found.text()
    assert "long: reduced to budget = 0.23 (the plan asks for 1, 17 min), 2 cells, 3.9 min" in found.text()


def test_a_share_is_rounded_down_and_never_up() -> None:
    for left, expected in ((299.9, 0.29), (300.0, 0.3), (34.99, 0.034), (999.0, 0.99), (1000.0, 1.0)):
        assert divided(f"{left}s", [learner("one", 0.0, 1000.0)]).rows[0].budget == expected


def test_a_row_that_cannot_be_reduced_is_run_whole_or_left_out_and_gives_its_part_back() -> None:
    rows = [learner("rigid", 0.0, 400.0, None), learner("small", 0.0, 90.0, None), learner("one", 0.0, 1000.0)]
    found = {share.cost.label: share for share in divided("690s", rows).rows}  # 230 each; after small 300 each; 400 does not fit
    assert found["small"].seconds == 90.0
    assert "it takes 6.7 min, its part of the time is 5.0 min, and it has no parameter `budget`" in found["rigid"].left_out
    assert found["one"].budget == 0.6
    assert divided("690s", rows).table().budgets == {"small": 1.0, "one": 0.6}


def test_less_than_a_thousandth_of_a_training_is_not_worth_a_row() -> None:
    rows = [learner("endless", 5.0, 1e6), learner("one", 0.0, 1000.0)]
    found = {share.cost.label: share for share in divided("500s", rows).rows}
    assert f"{LEAST:g} of the published training takes 17 min, and its part of the time is 4.2 min" in found["endless"].left_out
    assert found["one"].budget == 0.5


def test_rows_of_which_nothing_is_known_are_left_out_or_run_in_full_on_top() -> None:
    unknown = [RowCost("new", 4, 0.0, known=False), RowCost("deep", 4, 0.0, 0.0, 0.5, learns=True, known=False)]
    rows = [*unknown, learner("one", 0.0, 1000.0)]
    found = divided("100s", rows)
    assert found.table().left_out == {"new": UNKNOWN, "deep": UNKNOWN}
    full = divided("100s", rows, unknown_in_full=True)
    assert full.table().left_out == {}
    assert full.table().budgets == {"deep": 0.5, "one": 0.1}
    assert "new: in full, 4 cells, on top of the time" in full.text()


def test_a_time_that_other_rows_take_alone_is_refused() -> None:
    with pytest.raises(TimeBudgetError, match=r"expected more than 1\.7 min, which the rows that do not learn take alone, got 99s"):
        divided("99s", [RowCost("still", 1, 100.0), learner("one", 0.0, 5.0)])


def test_a_cell_that_its_own_limit_would_end_is_told_before_it_runs() -> None:
    slow = RowCost("slow", 2, 0.0, 10_000.0, 1.0, learns=True, longest=0.75, limit_s=3600.0)
    told = divided("5000s", [slow]).text()  # 0.5 of it; 3750 s on the largest scene
    assert "2 cells, 1.4 h; its largest cell would learn for 1.0 h and is ended after 1.0 h: raise time_limit_s" in told
    assert "time_limit_s" not in divided("4000s", [slow]).text()
    assert "would learn for 2.1 h and is ended" in divided("20000s", [slow]).text()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2h", 7200.0), ("90min", 5400.0), ("45m", 2700.0), ("7200s", 7200.0), ("1.5h", 5400.0), ("1h30min", 5400.0), ("2 d", 172800.0)],
)
def test_times_are_read_in_the_usual_spellings(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "2", "h", "2hours", "-2h", "0min", "2h of work", "two h", "1e3s"])
def test_what_is_no_time_is_refused_with_examples(text: str) -> None:
    with pytest.raises(TimeBudgetError, match="expected a time such as 2h, 90min"):
        seconds_of(text)


def test_the_costs_of_a_row_are_its_forecast_split_into_what_a_share_changes_and_what_it_does_not(world: Path) -> None:
    extra = '[[method]]\nname = "c2ff"\nparameters = {budget = 0.5}\n[[method]]\nname = "gsa"\n[[method]]\nname = "kriging"'
    cells = read_plan(plan(world, [], extra), DataRoots.parse([])).cells("cpu")
    labels = list(dict.fromkeys(cell.contestant.label for cell in cells))
    forecasts = {label: MethodForecast(label, 2, 7.0, 11.0, 3.0, 1, overhead_s=2.0) for label in labels}
    deep, gsa, kriging = row_costs(cells, forecasts)
    assert (deep.steady_s, deep.learning_s, deep.budget, deep.learns, deep.cells) == (5.0, 18.0, 0.5, True, 2)
    assert deep.seconds(0.1) == pytest.approx(5.0 + 18.0 / 5)
    assert (gsa.steady_s, gsa.learning_s, gsa.budget, gsa.learns) == (23.0, 0.0, None, False)
    assert (kriging.steady_s, kriging.learning_s, kriging.budget, kriging.learns) == (5.0, 18.0, None, True)
    assert [row.limit_s for row in row_costs(cells, forecasts, 600.0)] == [600.0] * 3
    assert deep.longest == pytest.approx(19 * 25 / (19 * 25 + 16 * 24)), "of two scenes of 16 x 24 and 19 x 25 pixels"
    unknown = row_costs(cells, {labels[0]: MethodForecast(labels[0], 2)})
    assert [row.known for row in unknown] == [False, True, True]
