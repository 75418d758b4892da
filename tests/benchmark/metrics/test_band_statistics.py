"""The statistics of bands, against sums in exact arithmetic, over images that are read in several blocks and a rest."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.metrics.band_statistics import band_statistics
from benchmark.metrics.bands import live_numbers

SHAPE = (3, 131, 257)  # 33,667 pixels: two blocks and a rest


def pair() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Bands of large contrast, of a contrast of 1e-5 about a high level, and of two levels, the first of which fills the first block."""
    rng = np.random.default_rng(0)
    noise = rng.standard_normal((2, *SHAPE))
    reference = np.stack([0.5 + 0.2 * noise[0, 0], 0.9 + 1e-5 * noise[0, 1], 0.3 + 1e-4 * noise[0, 2]])
    reference[2, 70:] += 0.6
    estimate = 0.8 * reference + 0.1 + np.array([0.05, 3e-6, 1e-5])[:, None, None] * noise[1]
    return reference.astype(np.float32), estimate.astype(np.float32)


def moments(x: NDArray[np.float32], y: NDArray[np.float32]) -> dict[str, float]:
    """The formulas of the module, by sums that round once."""
    r, e = [float(v) for v in x.flat], [float(v) for v in y.flat]
    n = len(r)
    mean, other = math.fsum(r) / n, math.fsum(e) / n
    return {
        "mse": math.fsum((b - a) ** 2 for a, b in zip(r, e, strict=True)) / n,
        "mean": mean,
        "power": math.fsum(a * a for a in r) / n,
        "peak": max(map(abs, r)),
        "span": max(r) - min(r),
        "variance": math.fsum((a - mean) ** 2 for a in r) / n,
        "estimate_variance": math.fsum((b - other) ** 2 for b in e) / n,
        "covariance": math.fsum((a - mean) * (b - other) for a, b in zip(r, e, strict=True)) / n,
    }


@pytest.mark.parametrize("band", range(3))
def test_the_statistics_of_each_band_are_the_sums_of_their_definitions(band: int) -> None:
    reference, estimate = pair()
    expected = moments(reference[band], estimate[band])
    found = band_statistics(reference, estimate)
    values = {name: float(getattr(found, name)[band]) for name in expected}
    assert values.pop("span") == pytest.approx(expected.pop("span"), rel=1e-6)  # in the type of the cube
    assert values == pytest.approx(expected, rel=1e-10)


def test_live_bands_are_those_that_all_other_metrics_take() -> None:
    reference, estimate = pair()
    reference[0], estimate[1] = 0.4, 0.7
    found = band_statistics(reference, estimate)
    assert list(np.flatnonzero(found.live)) == live_numbers(reference) == [1, 2]
    assert list(found.varies) == [True, False, True]
