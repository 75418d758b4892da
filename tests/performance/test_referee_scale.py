"""Whether the referee's cost a cell stays flat: whole runs of a method that does nothing, 100, 1,000 and (asked for) 10,000 cells.

A cell here is all of it: fusing in its own process, storing, scoring in another, the record fsynced. Ask for the large one by
HMIF_SCALE=10000; it takes a quarter of an hour.
"""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmark.matrix.plan_file import read_plan
from benchmark.measure.group import resident_bytes
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.cube_file import CubeFile, write_cube
from datasets.data_roots import DataRoots
from tests.performance.test_referee_speed import NOTHING

SIZES = [100, 1000, *([10_000] if os.environ.get("HMIF_SCALE") == "10000" else [])]


@pytest.mark.benchmark(group="whole runs of so many cells that do nothing")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("cells", SIZES)
def test_a_run_of_cells_that_do_nothing(benchmark: BenchmarkFixture, tmp_path: Path, cells: int) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "nothing.py").write_text(NOTHING)
    write_cube(tmp_path / "a.h5", CubeFile(np.random.default_rng(0).random((31, 16, 24), dtype=np.float32), np.linspace(400, 700, 31), "a"))
    seeds = ", ".join(str(seed) for seed in range(cells // 100))
    grid = ", ".join(f"{strength / 100}" for strength in range(100))
    (tmp_path / "plan.toml").write_text(
        f'scenes = ["file:{tmp_path / "a.h5"}"]\nprotocols = ["camera-x8"]\nseeds = [{seeds}]\nthreads = 1\n'
        f'[[method]]\nname = "nothing"\ngrid = {{strength = [{grid}]}}\n'
    )
    plan = read_plan(tmp_path / "plan.toml", DataRoots.parse([]), tmp_path / "plugins")
    before = resident_bytes("VmRSS")
    settings = RunSettings(tmp_path / "run", slots=2)
    records = benchmark.pedantic(run, args=(plan, settings, lambda progress: None), rounds=1, iterations=1)  # a second would only resume
    assert len(records) == cells
    assert {record.outcome for record in records} == {"scored"}
    benchmark.extra_info["MB grown"] = round((resident_bytes("VmRSS") - before) / 1e6, 1)
    began = perf_counter()
    assert len(run(plan, settings, lambda progress: None)) == cells
    benchmark.extra_info["seconds to resume when all is done"] = round(perf_counter() - began, 2)
