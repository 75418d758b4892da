"""The shapes that signatures state are checked in each test run, on every floor that states some."""

from __future__ import annotations

from collections.abc import Callable

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
