"""How much memory a stage of a cell takes above what its process holds before: `peak_in_cubes` runs it in a process of its own.

The unit is the cube in float32. The stage runs on a small scene first, so that libraries, their buffers and the memory of threads are there
before the peak is set back (/proc/self/clear_refs).
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STAGES = ("observe", "fuse", "score", "report")
SMALL = (64, 64, 8)  # rows, columns, bands of the scene that warms the process up
SCRIPT = """
import gc, os, sys
from unittest import mock
from pathlib import Path
import numpy as np, torch
torch.set_num_threads(1)
from benchmark.matrix.plan_file import read_plan
from benchmark.run_folder.folder import RunFolder
from benchmark.runner import handout
from datasets.cube_file import CubeFile, write_cube
from datasets.data_roots import DataRoots
from reports.scene.detail import Detail
from reports.scene.reduced_estimates import read_scene_reference, reduce_estimate

def resident(which):
    return next(int(line.split()[1]) * 1024 for line in open("/proc/self/status") if line.startswith(which + ":"))

def cell_of(folder, rows, cols, bands):
    folder.mkdir(exist_ok=True)
    file, plan = folder / "scene.h5", folder / "plan.toml"
    if not file.exists():
        rng = np.random.default_rng(0)
        ramp = np.linspace(0, 1, cols, dtype=np.float32)
        cube = np.stack([0.9 * np.roll(ramp, 3 * band) + 0.1 * rng.random((rows, cols), dtype=np.float32) for band in range(bands)])
        write_cube(file, CubeFile(cube, np.linspace(400, 1000, bands), "scene"))
        plan.write_text(f'scenes = ["file:{file}"]\\nprotocols = ["camera-x8"]\\n[[method]]\\nname = "bicubic"\\n')
    return read_plan(plan, DataRoots.parse([]), None).cells("cpu")[0], RunFolder(folder / "run")

def prepare(stage, cell, run):
    estimate = run.estimate(cell.key)
    if stage == "observe":
        job = handout.observe_job(cell, run)
        scene = job.scene.load()

        def observe():
            with mock.patch.object(type(job.scene), "load", lambda self: scene):  # reading a scene is the reader's memory
                job.run()

        return observe
    if stage == "fuse":
        job = handout.fuse_job(cell, run.observation(cell.observation_digest), "cpu", keep=True)
        handout._read.cache_clear()
        estimate.parent.mkdir(exist_ok=True)
        os.chdir(estimate.parent)
        return lambda: (job.run(), os.replace("estimate.h5", estimate))
    if stage == "score":
        return handout.score_job(cell, run, picks=False).run
    return lambda: reduce_estimate(estimate, read_scene_reference(run.reference(cell.scene_digest), Detail(64, 8)))

stage, folder, *size = sys.argv[1:]
folder, size = Path(folder), tuple(map(int, size))
for place, (rows, cols, bands) in ((folder / "small", SMALL), (folder / "large", size)):
    do = prepare(stage, *cell_of(place, rows, cols, bands))
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    do()
print((resident("VmHWM") - before) / (4 * rows * cols * bands))
"""


def peak_in_cubes(stage: str, folder: Path, size: tuple[int, int, int]) -> float:
    """The peak above the base, in cubes; the stages before it must have been run in the same folder.

    Observing starts from the loaded scene, whose cube is part of its base.
    """
    code = SCRIPT.replace("SMALL", repr(SMALL))
    words = [sys.executable, "-c", code, stage, str(folder), *map(str, size)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return float(done.stdout.split()[-1])
