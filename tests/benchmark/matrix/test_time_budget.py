"""The table [time_budget] of a plan: the rows that it reduces and leaves out, and the copy of the plan that keeps it."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from benchmark.matrix.kept_estimates import with_estimates
from benchmark.matrix.plan import Plan, PlanError
from benchmark.matrix.plan_file import read_plan
from benchmark.matrix.time_budget import TimeBudgetTable, kept_time_budget, with_time_budget
from datasets.data_roots import DataRoots
from datasets.settings import SettingError
from tests.benchmark.conftest import plan

LEARNER = '''"""A method for tests that learns on the scene."""
from __future__ import annotations
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar
import torch
from datasets.observation import Observation
from methods.contract import Card, Estimate, Example, FusionMethod, TrainableMethod


@dataclass(frozen=True)
class Repeated(FusionMethod):
    card: ClassVar[Card] = Card(
        name="Learner", paper="a test", doi="", year=2026, fidelity="none", learns="on the scene", supervision="self"
    )
    budget: float = 1.0

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        return Estimate(self.budget * seen.hsi.repeat_interleave(seen.ratio, 1).repeat_interleave(seen.ratio, 2))


@dataclass(frozen=True)
class Method(TrainableMethod):
    card: ClassVar[Card] = Repeated.card
    budget: float = 1.0
    width: int = 3

    def describe(self) -> Card:
        return {describe}

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FusionMethod:
        return Repeated(self.budget)
'''
SAYS = 'self.card if self.budget >= 1 else replace(self.card, name=f"Learner ({self.budget:g})", unranked=f"reduced: {self.budget:g}")'


def learner(world: Path, describe: str = SAYS, name: str = "learner") -> None:
    (world / "plugins" / f"{name}.py").write_text(LEARNER.replace("{describe}", describe))


def divided_plan(world: Path, extra: str, table: TimeBudgetTable) -> Plan:
    file = plan(world, [], extra, scenes=("a",))
    text = with_time_budget(file.read_text(), table)
    return read_plan(file, DataRoots.parse([]), world / "plugins", text=text)


def test_a_row_below_what_the_plan_asks_for_is_the_row_that_a_plan_with_that_budget_has(world: Path) -> None:
    learner(world)
    found = divided_plan(
        world, '[[method]]\nname = "learner"\nparameters = {width = 5}', TimeBudgetTable("2h", {"Learner (width=5)": 0.03})
    )
    written = plan(world, [], '[[method]]\nname = "learner"\nparameters = {width = 5, budget = 0.03}', scenes=("a",))
    wanted = read_plan(written, DataRoots.parse([]), world / "plugins")
    assert [cell.key for cell in found.cells("cpu")] == [cell.key for cell in wanted.cells("cpu")]
    assert found.contestants[0].label == wanted.contestants[0].label == "Learner (0.03) (width=5)"
    assert found.contestants[0].card.unranked == "reduced: 0.03"
    assert found.contestants[0].parameters == {"budget": 0.03, "width": 5}


def test_a_label_of_the_plan_says_that_the_row_is_reduced(world: Path) -> None:
    learner(world)
    found = divided_plan(world, '[[method]]\nname = "learner"\nlabel = "Mine"', TimeBudgetTable("2h", {"Mine": 0.25}))
    assert found.contestants[0].label == "Mine (reduced: 0.25 of the published training)"


def test_a_share_of_one_changes_nothing_and_a_plan_is_never_given_more_than_it_asks_for(world: Path) -> None:
    learner(world)
    extra = '[[method]]\nname = "learner"\n[[method]]\nname = "learner"\nlabel = "Half"\nparameters = {budget = 0.5}\n'
    file = plan(world, [], extra, scenes=("a",))
    whole = read_plan(file, DataRoots.parse([]), world / "plugins")
    names = [row.label for row in whole.contestants]
    found = divided_plan(world, extra, TimeBudgetTable("2h", dict.fromkeys(names, 1.0)))
    assert [cell.key for cell in found.cells("cpu")] == [cell.key for cell in whole.cells("cpu")]


def test_rows_are_left_out_with_the_reason_of_the_table(world: Path) -> None:
    learner(world)
    table = TimeBudgetTable("2h", {}, {"Learner": "it takes too long"})
    found = divided_plan(world, '[[method]]\nname = "steady"\n[[method]]\nname = "learner"', table)
    assert [row.entry.name for row in found.contestants] == ["steady"]
    assert "method Learner is left out: it takes too long" in found.left_out
    with pytest.raises(PlanError, match="expected at least one that fits the time"):
        divided_plan(world, '[[method]]\nname = "learner"', table)


def test_a_row_that_learns_and_has_no_share_is_an_error_as_the_time_was_divided_over_other_rows(world: Path) -> None:
    learner(world)
    with pytest.raises(PlanError, match="expected a share for each row that learns, got none for 'Learner'"):
        divided_plan(world, '[[method]]\nname = "learner"', TimeBudgetTable("2h", {"Other": 0.5}))


def test_a_method_whose_card_hides_that_it_is_reduced_is_left_out(world: Path) -> None:
    learner(world, "self.card", "silent")
    extra = '[[method]]\nname = "steady"\n[[method]]\nname = "silent"'
    found = divided_plan(world, extra, TimeBudgetTable("2h", {"Learner": 0.5}))
    assert [row.entry.name for row in found.contestants] == ["steady"]
    assert any("does not say that budget = 0.5 is reduced" in sentence for sentence in found.left_out)


def test_two_rows_that_come_to_one_budget_are_one_row(world: Path) -> None:
    learner(world)
    extra = '[[method]]\nname = "learner"\nlabel = "L"\ngrid = {budget = [1.0, 0.2]}'
    labels = ["L (budget=1)", "L (budget=0.2)"]
    for shares in ((0.2, 0.2), (0.1, 0.1)):
        found = divided_plan(world, extra, TimeBudgetTable("2h", dict(zip(labels, shares, strict=True))))
        assert [row.parameters["budget"] for row in found.contestants] == [shares[0]]
        assert any(f"with budget = {shares[0]} it is another row" in sentence for sentence in found.left_out)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('[time_budget]\ntime = "2h"\nbudget = 1', "unknown setting 'budget'"),
        ('[time_budget]\ntime = "2h"\nbudgets = {Learner = "all"}', "budgets: 'Learner': expected a number above 0, got 'all'"),
        ('[time_budget]\ntime = "2h"\nbudgets = {Learner = 0}', "expected a number above 0, got 0"),
        ('[time_budget]\ntime = "2h"\nleft_out = {Learner = 3}', "left_out: 'Learner': expected a text, got 3"),
    ],
)
def test_what_is_no_such_table_is_refused(world: Path, table: str, words: str) -> None:
    file = plan(world, [], '[[method]]\nname = "steady"\n' + table)
    with pytest.raises(PlanError, match=r"\[time_budget\]") as caught:
        read_plan(file, DataRoots.parse([]), world / "plugins")
    assert words in str(caught.value)


def test_the_table_goes_into_the_text_of_a_plan_and_comes_out_of_it_whatever_stands_around_it() -> None:
    base = 'name = "t"\n\n[[method]]\nname = "gsa"\n'
    table = TimeBudgetTable("90min", {'A "quoted" label, \u00fc \U0001f600': 0.03, "B": 1.0}, {"C\\D": "too long\nby far"})
    row = {"label": "Theirs", "folder": "/cubes"}
    plain = with_time_budget(base, table)
    for text in (plain, with_time_budget(plain, table), with_time_budget(with_estimates(base, new=row), table)):
        assert kept_time_budget(text) == table
        assert tomllib.loads(text)["method"] == [{"name": "gsa"}]
    both = with_estimates(plain, new=row)
    assert tomllib.loads(both)["estimates"] == [row]
    assert kept_time_budget(both) == table
    other = TimeBudgetTable("1h", {"B": 0.5})
    assert tomllib.loads(with_time_budget(both, other)) == {
        **tomllib.loads(base),
        "time_budget": {"time": "1h", "budgets": {"B": 0.5}},
        "estimates": [row],
    }
    assert tomllib.loads(with_time_budget(both, None)) == {**tomllib.loads(base), "estimates": [row]}
    assert with_time_budget(plain, None) == base
    assert with_time_budget(base, None) == base
    assert kept_time_budget(base) is None


def test_a_spoilt_table_in_a_run_folder_is_told() -> None:
    with pytest.raises(SettingError, match=r"--time-budget has added to plan\.toml in the run folder"):
        kept_time_budget(with_time_budget("", TimeBudgetTable("2h")).replace('"2h"', "2h"))
