"""Memory and seconds of a whole cell on scenes of 500, 1,000 and (asked for) 2,000 rows and columns, 100 bands: printed as `extra_info`.

HMIF_LARGE=2000 pytest tests/performance/test_large_scene.py --benchmark-only -o addopts="--import-mode=importlib"

A cube of 2,000 rows takes 1.6 GB, and its scene some minutes to write. The memory is what the record has: the peak of the cell's process
above what it held before the method started.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmark.matrix.plan_file import read_plan
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.cube_file import CubeFile, write_cube
from datasets.data_roots import DataRoots
from datasets.observation import PairSizes
from methods.catalog import find_one

SIDES = [500, 1000, *([2000] if os.environ.get("HMIF_LARGE") == "2000" else [])]
BANDS = 100
METHODS = ("bicubic", "gsa", "rfuse", "kriging")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("large")


def scene(folder: Path, side: int) -> Path:
    """A smooth scene of six materials with a little texture."""
    file = folder / f"{side}.h5"
    if not file.exists():
        rng = np.random.default_rng(0)
        coarse = rng.random((6, side // 8 + 1, side // 8 + 1), dtype=np.float32)
        shares = coarse.repeat(8, axis=1).repeat(8, axis=2)[:, :side, :side]
        spectra = rng.random((6, BANDS), dtype=np.float32) / 3
        cube = np.empty((BANDS, side, side), np.float32)
        for band in range(BANDS):
            cube[band] = np.tensordot(spectra[:, band], shares, 1) + 0.01 * rng.random((side, side), dtype=np.float32)
        write_cube(file, CubeFile(cube, np.linspace(400, 1000, BANDS), str(side)))
    return file


@pytest.mark.benchmark(group="a whole cell on a large scene")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("method", METHODS)
def test_a_cell_on_a_large_scene(benchmark: BenchmarkFixture, scenes: Path, tmp_path: Path, method: str, side: int) -> None:
    file = tmp_path / "plan.toml"
    file.write_text(f'scenes = ["file:{scene(scenes, side)}"]\nprotocols = ["camera-x8"]\n[[method]]\nname = "{method}"\n')
    plan = read_plan(file, DataRoots.parse([]), None)
    (record,) = benchmark.pedantic(run, args=(plan, RunSettings(tmp_path / "run"), lambda progress: None), rounds=1, iterations=1)
    assert record.outcome == "scored", record.reason
    assert record.memory is not None
    bands, rows, cols = record.observed["shape"]
    sizes = PairSizes(bands, 3, rows, cols, 8)
    above = (record.memory.peak - record.memory.base) / sizes.cube_bytes
    estimate = find_one(method).load()().memory_estimate(sizes)
    benchmark.extra_info["cubes above base"] = round(above, 2)
    benchmark.extra_info["cubes as the method says"] = "not said" if estimate is None else round(estimate / sizes.cube_bytes, 2)
    benchmark.extra_info["seconds to fuse"] = None if record.clock is None else round(record.clock.fuse, 3)
