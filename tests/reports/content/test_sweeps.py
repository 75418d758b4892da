"""A sweep is found where one number varies over three or more protocols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reports.content.summary import summarise
from reports.content.sweeps import find_sweeps
from tests.reports.conftest import results_over


@pytest.mark.parametrize(
    "changes",
    [
        [{"hsi_snr_db": 40.0}, {"hsi_snr_db": 20.0}],
        [{"hsi_snr_db": 40.0, "ratio": 2}, {"hsi_snr_db": 20.0, "ratio": 4}, {"hsi_snr_db": 10.0, "ratio": 8}],
        [{"boundary": "reflect"}, {"boundary": "circular"}, {"boundary": "replicate"}],
    ],
)
def test_two_points_two_numbers_or_words_make_none(changes: list[Mapping[str, Any]]) -> None:
    assert find_sweeps(summarise(results_over(changes))) == []


def test_a_grid_of_two_numbers_is_a_sweep_of_one_at_each_of_the_other() -> None:
    grid = [{"hsi_snr_db": noise, "shift": [shift, 0.0]} for noise in (20.0, 30.0, 40.0) for shift in (0.0, 1.0)]
    assert [sweep.number for sweep in find_sweeps(summarise(results_over(grid)))] == ["hsi_snr_db", "hsi_snr_db"]
