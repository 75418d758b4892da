"""The speed of a machine in one number."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from benchmark.measure.calibration import CALIBRATION, ROUNDS, least_seconds
from benchmark.measure.environment import environment_digest
from benchmark.review import past_runs
from benchmark.runner.machine_speed import machine_speed


def test_each_part_counts_with_its_shortest_round_and_the_first_round_not_at_all() -> None:
    now = [0.0]
    lasting = {"slow": [0.5, 9.0, 7.0, 8.0, 7.5, 9.5], "quick": [0.1, 4.0, 3.0, 3.5, 2.0, 6.0]}  # rounds, the first one the shortest
    assert all(len(seconds) == ROUNDS + 1 for seconds in lasting.values())

    def part(name: str) -> Callable[[], object]:
        rounds = iter(lasting[name])

        def work() -> None:
            now[0] += next(rounds)

        return work

    assert least_seconds((part("slow"), part("quick")), lambda: now[0]) == pytest.approx(7.0 + 2.0)


def test_a_child_gives_a_number_that_is_kept_for_this_process() -> None:
    found = machine_speed(1)
    assert found is not None
    assert 0 < found < 30
    assert machine_speed(1) is found


def test_the_digest_of_an_environment_does_not_move_with_the_speed() -> None:
    facts = {"processor": "P", "cores": 2, CALIBRATION: 0.05}
    assert (
        environment_digest(facts) == environment_digest({**facts, CALIBRATION: 0.07}) == environment_digest({"processor": "P", "cores": 2})
    )
    assert environment_digest(facts) != environment_digest({**facts, "cores": 3})


def test_the_name_is_the_same_where_records_are_read() -> None:
    assert past_runs.CALIBRATION == CALIBRATION
