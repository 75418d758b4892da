"""Seconds of the metrics on one cube of 31 x 512 x 512, beside sewar's on the same cube.

pytest tests/performance/test_metrics_speed.py --benchmark-only -o addopts="--import-mode=importlib"
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import sewar
from numpy.typing import NDArray
from pytest_benchmark.fixture import BenchmarkFixture
from scipy.ndimage import gaussian_filter
from sewar.utils import Filter

from benchmark.metrics.pixel import cc, psnr
from benchmark.metrics.q2n import q2n
from benchmark.metrics.spectral import ergas, sam
from benchmark.metrics.structural import ssim, uiqi
from benchmark.metrics.textbook import score

Cube = NDArray[np.float64]
RATIO = 8
OURS: dict[str, Callable[[Cube, Cube], object]] = {
    "psnr": psnr,
    "ssim": ssim,
    "sam": sam,
    "ergas": lambda reference, estimate: ergas(reference, estimate, RATIO),
    "uiqi": uiqi,
}
SEWAR: dict[str, Callable[[Cube, Cube], object]] = {
    "psnr": lambda reference, estimate: sewar.psnr(reference, estimate, MAX=1.0),
    "ssim": lambda reference, estimate: sewar.ssim(
        reference, estimate, MAX=1.0, fltr_specs={"fltr": Filter.GAUSSIAN, "sigma": 1.5, "ws": 11}
    ),
    "sam": sewar.sam,
    "ergas": lambda reference, estimate: sewar.ergas(reference, estimate, r=1 / RATIO),
    "uiqi": sewar.uqi,  # the same work, another number: it takes means where the formula has sums
}


@pytest.fixture(scope="module")
def cubes() -> tuple[Cube, Cube]:
    """A smooth reference and a noisy estimate, bands first."""
    rng = np.random.default_rng(0)
    reference = gaussian_filter(rng.random((31, 512, 512)), (0, 4, 4))
    reference = (reference - reference.min()) / np.ptp(reference)
    return reference, reference + 0.01 * rng.standard_normal(reference.shape)


@pytest.fixture(scope="module")
def cubes_bands_last(cubes: tuple[Cube, Cube]) -> tuple[Cube, Cube]:
    """The same pair as sewar wants it."""
    reference, estimate = (np.ascontiguousarray(cube.transpose(1, 2, 0)) for cube in cubes)
    return reference, estimate


@pytest.mark.benchmark(group="metrics: the five headline ones together")
def test_headline_of_ours(benchmark: BenchmarkFixture, cubes: tuple[Cube, Cube]) -> None:
    benchmark.pedantic(lambda: [metric(*cubes) for metric in OURS.values()], rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="metrics: the five headline ones together")
def test_headline_of_sewar(benchmark: BenchmarkFixture, cubes_bands_last: tuple[Cube, Cube]) -> None:
    benchmark.pedantic(lambda: [metric(*cubes_bands_last) for metric in SEWAR.values()], rounds=2)


@pytest.mark.benchmark(group="metrics: one by one")
@pytest.mark.parametrize("name", OURS)
def test_one_of_ours(benchmark: BenchmarkFixture, cubes: tuple[Cube, Cube], name: str) -> None:
    benchmark.pedantic(OURS[name], args=cubes, rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="metrics: one by one")
@pytest.mark.parametrize("name", SEWAR)
def test_one_of_sewar(benchmark: BenchmarkFixture, cubes_bands_last: tuple[Cube, Cube], name: str) -> None:
    benchmark.pedantic(SEWAR[name], args=cubes_bands_last, rounds=2)


@pytest.mark.benchmark(group="metrics: one by one")
@pytest.mark.parametrize("metric", [q2n, cc], ids=["q2n", "cc"])
def test_one_more_of_ours(benchmark: BenchmarkFixture, cubes: tuple[Cube, Cube], metric: Callable[[Cube, Cube], float]) -> None:
    benchmark.pedantic(metric, args=cubes, rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="metrics: all of them")
def test_all_textbook_metrics(benchmark: BenchmarkFixture, cubes: tuple[Cube, Cube]) -> None:
    benchmark.pedantic(score, args=(*cubes, RATIO), rounds=5, warmup_rounds=1)
