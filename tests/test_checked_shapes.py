"""The shapes that signatures state are checked in each test run, on every floor that states some."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

from benchmark.metrics.band_statistics import band_statistics
from datasets.placed_psf import placed_psf
from methods.numerics.images.resample import upsample
from reports.scene.pictures import fitting_gain

CALLS: dict[str, Callable[[], object]] = {
    "datasets": lambda: placed_psf(torch.ones(3), 2, (0.5, 0.5)),
    "methods": lambda: upsample(torch.zeros(24, 16), 2, (0.5, 0.5)),
    "benchmark": lambda: band_statistics(np.zeros((3, 16, 24)), np.zeros((3, 24, 16))),
    "reports": lambda: fitting_gain(np.zeros((4, 16, 24))),
}


@pytest.mark.parametrize("floor", CALLS)
def test_an_array_of_another_shape_than_stated_is_an_error_in_a_test(floor: str) -> None:
    with pytest.raises(TypeCheckError):
        CALLS[floor]()


def test_where_seconds_are_measured_nothing_is_checked() -> None:
    program = """
import sys
sys.argv = ["pytest", "tests/performance", "--benchmark-only"]
import tests.conftest
import numpy as np
from reports.scene.pictures import fitting_gain
print(fitting_gain(np.full((4, 16, 24), 0.5)))
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False)
    assert (ended.stdout.strip(), ended.returncode) == ("2.0", 0), ended.stderr
