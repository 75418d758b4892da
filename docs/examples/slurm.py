"""A plan on a SLURM cluster: each job is one worker, each worker one cell at a time. Start it on the login node, from the clone.

    python docs/examples/slurm.py mine.toml results/mine

dask-jobqueue submits the jobs (at most MOST, fewer while little waits) and ends them when the plan is done. For PBS take PBSCluster, and
`resource_spec="select=1:ncpus=4:mem=16GB"` instead of the lines in `job_extra_directives`. See docs/cluster.md.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dask_jobqueue import SLURMCluster

CLONE = Path(__file__).resolve().parents[2]
GPU = True
MOST = 8  # jobs at a time


def cluster() -> SLURMCluster:
    """One worker a job, with one slot: a cell never shares its cores or its GPU."""
    return SLURMCluster(
        queue="gpu" if GPU else "cpu",
        cores=1,  # slots of dask's worker, not processor cores: those are asked for below
        processes=1,
        memory="16GB",
        job_cpu=4,
        walltime="04:00:00",
        python=sys.executable,  # of the environment in the clone's .venv, on a file system that the nodes see
        worker_extra_args=["--resources GPU=1"] if GPU else [],
        job_extra_directives=["--gres=gpu:1"] if GPU else [],
        job_script_prologue=["export HMIF_DATA=/scratch/$USER/hmif"],  # the data root, on the nodes
        log_directory="slurm_logs",
    )


def main(plan: str, out: str) -> int:
    """Run the plan on the cluster; the exit status of `run`."""
    with cluster() as jobs:
        jobs.adapt(minimum_jobs=1, maximum_jobs=MOST)
        device = ["--device", "cuda"] if GPU else []
        command = [sys.executable, str(CLONE / "run_benchmark.py"), "run", plan, "--out", out, *device, "--cluster", jobs.scheduler_address]
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
