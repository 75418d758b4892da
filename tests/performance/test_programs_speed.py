"""What a program in another language costs beyond the same method in this process: GSA in Octave, and a nearest-neighbour cube in Python.

Printed as `extra_info`: the seconds of the whole cell's process up to its answer (start, exchange, empty starts, version, storing), and the
column Fusion. One run of one plan, so that the machine is the same for all.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from pytest_benchmark.fixture import BenchmarkFixture

from benchmark.matrix.plan_file import read_plan
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.cube_file import CubeFile, write_cube
from datasets.data_roots import DataRoots

ROOT = Path(__file__).resolve().parents[2]
INSIDE = '''"""The HSI, each pixel repeated."""
from __future__ import annotations
from dataclasses import dataclass
from typing import ClassVar
import torch
from datasets.observation import Observation
from methods.contract import Card, Estimate, FusionMethod


@dataclass(frozen=True)
class Method(FusionMethod):
    card: ClassVar[Card] = Card(name="nearest here", paper="a test", doi="", year=2026, fidelity="none", random=False)

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        return Estimate(seen.hsi.repeat_interleave(seen.ratio, 1).repeat_interleave(seen.ratio, 2))
'''
OUTSIDE = """import sys
import numpy as np
seen = np.load(sys.argv[1])
ratio = int(seen["ratio"])
np.savez(sys.argv[2], cube=seen["hsi"].repeat(ratio, 0).repeat(ratio, 1))
"""
TOML = """[card]
name = "nearest outside"
year = 2026
random = false
[run]
command = ["{python}", "{{here}}/outside.py", "{{observation}}", "{{estimate}}"]
format = "npz"
files = ["outside.py"]
"""


@pytest.mark.benchmark(group="a program in another language")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("side", [128, 512])
def test_a_program_beside_the_same_method_in_this_process(benchmark: BenchmarkFixture, tmp_path: Path, side: int) -> None:
    if shutil.which("octave") is None:
        pytest.skip("needs Octave: the package octave")
    rng = np.random.default_rng(0)
    shares = rng.random((6, side // 8, side // 8), dtype=np.float32).repeat(8, 1).repeat(8, 2)
    cube = np.tensordot(rng.random((31, 6), dtype=np.float32) / 6, shares, 1) + 0.01 * rng.random((31, side, side), dtype=np.float32)
    write_cube(tmp_path / "scene.h5", CubeFile(cube.astype(np.float32), np.linspace(400, 700, 31), "scene"))
    shutil.copytree(ROOT / "docs" / "examples" / "external_octave", tmp_path / "octave")
    (tmp_path / "inside.py").write_text(INSIDE)
    (tmp_path / "outside.py").write_text(OUTSIDE)
    (tmp_path / "nearest.toml").write_text(TOML.format(python=sys.executable))
    names = ("gsa", "octave/gsa_octave.toml", str(tmp_path / "inside.py"), "nearest.toml")
    file = tmp_path / "plan.toml"
    file.write_text(
        f'scenes = ["file:{tmp_path}/scene.h5"]\nprotocols = ["camera-x8"]\nthreads = 1\n'
        + "".join(f'[[method]]\nname = "{name}"\n' for name in names)
    )
    plan = read_plan(file, DataRoots.parse([]))
    records = benchmark.pedantic(run, args=(plan, RunSettings(tmp_path / "run"), lambda progress: None), rounds=1, iterations=1)
    for record in records:
        assert record.outcome == "scored", record.reason
        clock, memory, facts = record.clock, record.memory, record.program
        assert clock is not None
        assert memory is not None
        whole = (
            f"cell to its answer {clock.outside or 0:.2f} s, Fusion {clock.fuse:.4f} s ({clock.rounds} rounds), {memory.peak / 1e6:.0f} MB"
        )
        if facts is not None:
            whole += (
                f", wall {facts.wall_seconds:.2f} s, empty start {facts.empty_start_seconds:.3f} s, files {facts.handing_seconds:.3f} s"
            )
            whole += f", {facts.self_timed}" if facts.self_timed else ""
        benchmark.extra_info[record.label] = f"{whole}, PSNR {record.metrics['psnr']:.2f} dB"
