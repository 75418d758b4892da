"""The memory of observing, fusing (bicubic), scoring and reporting on 600 x 600 x 100, in cubes of float32: printed as `extra_info`.

pytest tests/performance/test_stage_memory.py --benchmark-only -o addopts="--import-mode=importlib"
"""

from __future__ import annotations

from pathlib import Path

import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from tests.performance.stage_memory import STAGES, peak_in_cubes

SIZE = (600, 600, 100)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all stages, each of which needs what the one before it has written."""
    return tmp_path_factory.mktemp("stages")


@pytest.mark.benchmark(group="memory of a stage")
@pytest.mark.parametrize("stage", STAGES)
def test_the_memory_of_a_stage(benchmark: BenchmarkFixture, place: Path, stage: str) -> None:
    peak = benchmark.pedantic(peak_in_cubes, args=(stage, place, SIZE), rounds=1, iterations=1)
    benchmark.extra_info["cubes above base"] = round(peak, 2)
    assert peak < 3
