"""Run folders written without a run, for tests of what reads them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import write_json
from benchmark.run_folder.record import Clock, Memory, Result
from datasets.cube_file import CubeFile, write_cube

FIRST = Result(
    key="aa" * 10,
    outcome="scored",
    method="steady",
    label="Steady",
    parameters={"rank": 3, "weights": None},
    card={"name": "Steady", "paper": "a test, 2026", "doi": "10.0/0", "fidelity": "none"},
    tier="told nothing",
    scene="file/a",
    scene_digest="5ce0",
    observation_digest="0b5e",
    protocol={"name": "camera-x8", "source": "made up", "ratio": 8, "psf": {"kind": "gaussian", "sigma": 2.0}},
    observed={"shape": [31, 16, 24], "channels_used": ["r", "g", "b"]},
    seed=0,
    metrics={"psnr": 30.0, "sam": 5.0, "q2n": None, "sam_pixels_left_out": 0.0},
    clock=Clock(fuse=1.0, fuse_low=0.9, fuse_high=1.1, rounds=5, warmed=True, fit=2.0),
    memory=Memory(peak=200_000_000, base=150_000_000),
    parameters_total=12_345,
    parameters_inference=345,
    device="cpu",
    threads=1,
    environment="e0",
    metrics_key="m0",
    ended="2026-01-01T00:00:10+00:00",
)


def read_records(folder: Path) -> list[Result]:
    """The current records of a run folder."""
    return RunFolder(folder).current_records()


def write_record(folder: Path, result: Result) -> Path:
    """Write a record into a run folder."""
    return RunFolder(folder).write(result)


def variant(key: str, **changes: Any) -> Result:
    """The first record under another key (a letter, repeated) and with other facts."""
    return replace(FIRST, **{"key": key * 20, **changes})


def run_folder(folder: Path, records: list[Result], *, waiting: tuple[str, ...] = (), processor: str = "P", plan: str = "") -> Path:
    """A run folder with these records, their files, and cells of the plan that have not run."""
    for record in records:
        write_record(folder, record)
        for part, name in (("scenes", record.scene_digest), ("observations", record.observation_digest)):
            write_cube(folder / part / f"{name}.h5", CubeFile(_cube(name), None, name))
        write_cube(folder / "estimates" / f"{record.key}.h5", CubeFile(_cube(record.key), None, "estimate"))
        (folder / "logs").mkdir(exist_ok=True)
        (folder / "logs" / f"{record.key}.txt").write_text(f"log of {record.key}\nits last line\n")
    cells = {record.key: {"label": record.label, "scene": record.scene, "protocol": "camera-x8", "seed": record.seed} for record in records}
    cells |= {key * 20: {"label": "Later", "scene": "file/b", "protocol": "camera-x8", "seed": 0} for key in waiting}
    write_json(folder / "plan.json", {"command": "python run_benchmark.py run p.toml", "plan": {"name": folder.name}, "cells": len(cells)})
    write_json(folder / "index.json", {"arguments": ["--seed", "0"], "file": "/gone/p.toml", "device": "cpu", "cells": cells})
    (folder / "plan.toml").write_text(f'name = "{plan or folder.name}"\n')
    place = {"processor": processor, "cores": 2, "started": "2026-01-01T00:00:00+00:00"}
    write_json(folder / "environment.json", place)
    for record in records:
        write_json(folder / "environments" / f"{record.environment}.json", place)
    return folder


def _cube(name: str) -> np.ndarray:
    """Some values that depend on the name alone."""
    return np.random.default_rng(sum(name.encode())).random((3, 4, 5)).astype(np.float32)
