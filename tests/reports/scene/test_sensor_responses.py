"""Sensor responses: what files hold is read, and kernels are laid on one window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from reports.scene.sensor_responses import SensorResponses, estimated_responses, kernel_pictures, true_responses
from tests.reports.conftest import KERNEL, WEIGHTS


def test_what_a_file_holds_of_responses_is_read(small_run: Path) -> None:
    file = next((small_run / "responses").glob("*.h5"))
    true = true_responses(file)
    assert true is not None
    assert true.kernel == pytest.approx(KERNEL)
    assert true.weights == pytest.approx(WEIGHTS)
    assert (true.phase, true.names) == (1, ("blue", "green & <b>", "red"))
    assert true_responses(file.with_name("none.h5")) is None
    assert estimated_responses({"storing_psnr_db": 100.0}) is None


def test_kernels_are_laid_on_one_window_by_their_phase() -> None:
    one, two = np.zeros((5, 5)), np.zeros((2, 2))
    one[1, 3] = 1.0  # phase 2: at 2 + 1 - 2 = 1, 2 + 3 - 2 = 3
    two[1, 0] = 1.0  # phase 0: at 0 + 1 - 0 = 1, 0
    first, second, third = kernel_pictures([SensorResponses(one, 2), SensorResponses(two, 0), SensorResponses(None, 0, np.ones((1, 2)))])
    assert third is None
    assert first is not None
    assert second is not None
    dark = np.array([68, 1, 84])  # viridis at 0
    places = [tuple(map(int, np.argwhere((picture != dark).any(-1))[0])) for picture in (first, second)]
    assert places[0][0] == places[1][0]
    assert places[0][1] - places[1][1] == 3
