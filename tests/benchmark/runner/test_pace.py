"""The time left against a loop over all cells, at every step of a run in a lopsided order."""

from __future__ import annotations

from statistics import fmean

import pytest

from benchmark.runner.pace import Pace

SECONDS = {"slow": [90.0, 70.0, 80.0], "quick": [1.0, 3.0], "never ends": [], "odd": [7.0, 7.0, 1.0, 2.0]}


def left_by_hand(ended: dict[str, list[float]], still_open: list[str], slots: int) -> float | None:
    means = {label: fmean(seconds) for label, seconds in ended.items() if seconds}
    return sum(means.get(label, fmean(means.values())) for label in still_open) / slots if means else None


def test_the_time_left_is_that_of_each_open_cell_by_its_label() -> None:
    waiting = [label for label, seconds in SECONDS.items() for _ in (*seconds, 0)]  # one more of each, which never ends
    pace, ended = Pace(waiting), {label: list[float]() for label in SECONDS}
    running: list[str] = []
    for turn, label in enumerate(["odd", "slow", "never ends", "quick", "odd", "slow", "odd", "quick", "odd", "slow"]):
        pace.start(label)
        waiting.remove(label)
        running.append(label)
        if turn == 4:  # a cell that goes back into the queue
            pace.wait("never ends")
            running.remove("never ends")
            waiting.append("never ends")
        if SECONDS[label]:
            seconds = SECONDS[label][len(ended[label])]
            pace.ended(label, seconds)
            running.remove(label)
            ended[label].append(seconds)
        assert pace.left(running, 2) == pytest.approx(left_by_hand(ended, [*waiting, *running], 2), rel=1e-9)


def test_nothing_is_known_before_a_cell_has_ended() -> None:
    pace = Pace(["a", "b"])
    pace.start("a")
    assert pace.left(["a"], 1) is None
