"""The time left against a loop over all cells, at every step of a run in a lopsided order."""

from __future__ import annotations

from statistics import fmean

import pytest

from benchmark.runner.pace import Pace
from benchmark.runner.run_settings import Work

SECONDS = {"slow": [90.0, 70.0, 80.0], "quick": [1.0, 3.0], "never ends": [], "odd": [7.0, 7.0, 1.0, 2.0]}


def left_by_hand(ended: dict[str, list[float]], waiting: list[str], running: list[tuple[str, float]], slots: int) -> float | None:
    """Each open cell takes the mean of its label, less what it has run for; nothing is known where a label has no mean."""
    if any(not ended[label] for label in (*waiting, *(label for label, _ in running))):
        return None
    rest = [fmean(ended[label]) for label in waiting] + [max(fmean(ended[label]) - so_far, 0) for label, so_far in running]
    return sum(rest) / slots


@pytest.mark.parametrize("open_ended", [True, False])
def test_the_time_left_is_that_of_each_open_cell_by_its_label(open_ended: bool) -> None:
    labels = [label for label in SECONDS if open_ended or label != "never ends"]
    waiting = [label for label in labels for _ in (*SECONDS[label], 0)]  # one more of each, which never ends
    pace, ended = Pace(waiting), {label: list[float]() for label in labels}
    running: list[tuple[str, float]] = []
    known = 0
    order = ["odd", "slow", "never ends", "quick", "odd", "slow", "odd", "quick", "odd", "slow", "quick"]
    for turn, label in enumerate(label for label in order if label in labels):
        pace.start(label)
        waiting.remove(label)
        if turn == 4 and open_ended:  # a cell that goes back into the queue
            pace.wait("never ends")
            running.remove(("never ends", 5.0))
            waiting.append("never ends")
        if len(ended[label]) < len(SECONDS[label]):
            seconds = SECONDS[label][len(ended[label])]
            pace.ended(label, seconds)
            ended[label].append(seconds)
        else:
            running.append((label, 5.0))
        by_hand = left_by_hand(ended, waiting, running, 2)
        known += by_hand is not None
        assert pace.left(running, 2) == (None if by_hand is None else pytest.approx(by_hand, rel=1e-9))
    assert (known > 0) is not open_ended


def test_nothing_is_known_before_a_cell_of_each_label_has_ended() -> None:
    pace = Pace(["a", "b", "b"])
    pace.start("a")
    assert pace.left([("a", 0.3)], 1) is None
    pace.ended("a", 1.0)
    assert pace.left([], 1) is None  # two seconds were told here once, with more than a hundred to go
    pace.start("b")
    pace.ended("b", 54.0)
    assert pace.left([], 1) == pytest.approx(54.0)


def test_what_observing_and_scoring_take_counts_in_the_same_share() -> None:
    pace = Pace(["a"] * 3)
    pace.start("a")
    pace.ended("a", 10.0)
    assert pace.left([], 1, 15.0) == pytest.approx(2 * 10 * 1.5)
    assert pace.left([], 1, 5.0) == pytest.approx(2 * 10)
    assert pace.left([], 1, 1000.0) == pytest.approx(2 * 10 * 3)


def test_a_cell_is_as_far_as_its_steps_or_its_seconds_say() -> None:
    assert Work(seconds=15.0, usual_s=20.0, steps=20, usual_steps=40).share == pytest.approx(0.5)
    assert Work(seconds=5.0, usual_s=20.0, steps=40, usual_steps=40).share == pytest.approx(0.25)  # its steps are done, and it fuses still
    assert Work(seconds=5.0, usual_s=20.0, steps=0, usual_steps=0).share == pytest.approx(0.25)
    assert Work(seconds=25.0, usual_s=20.0, steps=0, usual_steps=0).share == pytest.approx(1.0)
    assert Work(seconds=5.0, usual_s=None, steps=30, usual_steps=0).share is None
