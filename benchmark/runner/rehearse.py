"""One cell in this process, for the debugger: the jobs are the same, but there is no child, no time limit, and nothing is stored.

The process holds the truth while it observes, so what it gives is a rehearsal and never a result.
"""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmark.matrix.plan import find_cell
from benchmark.matrix.plan_file import read_plan
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.repetition import Repetition, plan_start
from benchmark.runner.handout import fit_job, fuse_job, observe_job, take_job
from datasets.data_roots import DataRoots


def rehearse(repetition: Repetition, threads: int = 1) -> dict[str, Any]:
    """What the meter gives for the cell, run in this process; whatever the method raises is raised here.

    Raises:
        PlanError: the plan has no such cell any more, since parameters, data or sources have been changed.
    """
    given: dict[str, list[str]] = {"--data": [], "--plugins": [], "--seed": []}
    for name, value in zip(repetition.arguments[::2], repetition.arguments[1::2], strict=True):
        given[name].append(value)
    plugins = Path(given["--plugins"][0]) if given["--plugins"] else None
    seed = int(given["--seed"][0]) if given["--seed"] else None
    plan = read_plan(repetition.plan, DataRoots.parse(given["--data"]), plugins, seed, start=plan_start(repetition.plan))
    cell = find_cell(plan.cells(repetition.device), repetition.key)
    with TemporaryDirectory(prefix="hmif-bench-") as place:
        folder = RunFolder(Path(place))
        observe_job(cell, folder).run()
        if cell.estimate_file is not None:
            with chdir(place):  # where the job stores the cube
                return take_job(cell, folder, cell.estimate_file.absolute(), exact=True).run()
        torch.set_num_threads(threads)
        torch.manual_seed(cell.seed)
        fitted = None if cell.training is None else Path(place) / "fitted.pt"
        if fitted is not None and cell.training is not None:
            fit_job(cell, cell.training, repetition.device, fitted).run()
        learned = None if fitted is None else fitted.read_bytes()
        return fuse_job(cell, folder.observation(cell.observation_digest), repetition.device, keep=False, fitted=learned).run()
