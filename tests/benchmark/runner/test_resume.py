"""Resume: a supervisor killed at any moment loses the cells in flight and nothing else; changed things run again, and only they."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from benchmark.matrix.plan_file import read_plan
from benchmark.run_folder.record import Result
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.cube_file import CubeFile, read_cube, write_cube
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import alive, plan, plugin
from tests.benchmark.folders import read_records
from tests.rounding import scores_near

ROOT = Path(__file__).resolve().parents[3]
KILLS = int(os.environ.get("HMIF_KILLS", "1"))  # 20 take some minutes: a supervisor has to start for each
CELLS = 20 if KILLS < 4 else 60  # so that each kill meets some that have not run
COMMAND = [sys.executable, str(ROOT / "tests" / "run_without_figures.py"), "run"]
PATIENCE_S = 240  # for what comes in a second or two on an idle machine


def disturb(command: list[str], world: Path, name: str, kills: int) -> Path:
    """Start the run, kill its supervisor at a random moment, check what is there; `kills` times, then let it end."""
    out, ledger, dice = world / name, world / f"{name}.ledger", random.Random(name)
    environment = {**os.environ, "LEDGER": str(ledger)}
    finished: dict[str, int] = {}
    ledger.touch()
    for _ in range(kills):
        supervisor = subprocess.Popen(
            [*command, "--out", str(out)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=world, env=environment
        )
        began, lines = time.monotonic(), ledger.read_text().count("\n")
        while supervisor.poll() is None and (
            ledger.read_text().count("\n") <= lines or len(list((out / "cells").glob("*.json"))) <= len(finished)
        ):
            assert time.monotonic() - began < PATIENCE_S
            time.sleep(0.02)  # until a method has run and a record is new, so that every kill meets work and has something to lose
        time.sleep(dice.random() * 0.5)
        supervisor.send_signal(signal.SIGKILL)
        assert supervisor.wait() == -signal.SIGKILL
        now = {path.name: path.stat().st_mtime_ns for path in (out / "cells").glob("*.json")}
        assert finished.items() <= now.items(), "a finished record was lost or written again"
        for record in now:
            json.loads((out / "cells" / record).read_text())
        finished = now
    assert len(finished) < CELLS, "the last kill came after the last cell"
    ended = subprocess.run([*command, "--out", str(out)], capture_output=True, text=True, cwd=world, env=environment, check=False)
    assert ended.returncode == 0, ended.stderr
    assert finished.items() <= {path.name: path.stat().st_mtime_ns for path in (out / "cells").glob("*.json")}.items()
    return out


@pytest.mark.timeout(3600)
def test_killed_at_random_moments_a_run_of_many_cells_ends_as_if_undisturbed(world: Path) -> None:
    body = "with open(os.environ['LEDGER'], 'a') as f: print(self.strength, file=f)\n        return Estimate(low * self.strength)"
    plugin(world / "plugins", "counted", body)
    grid = [round(0.1 + 0.03 * step, 2) for step in range(CELLS // 2)]
    file = plan(world, [], f"[[method]]\nname = 'counted'\ngrid = {{strength = {grid}}}")
    command = [*COMMAND, str(file), "--plugins", str(world / "plugins"), "--slots", "2"]
    parts = {"one": KILLS - KILLS // 2, "other": KILLS // 2}  # two folders side by side: starting a supervisor is what takes the time
    with ThreadPoolExecutor(2) as pool:
        halves = [pool.submit(disturb, command, world, name, kills) for name, kills in parts.items() if kills]
        folders = [half.result() for half in halves]
    folders.append(disturb(command, world, "calm", 0))
    *several, calm = ({record.key: record for record in read_records(folder)} for folder in folders)
    assert len(calm) == CELLS
    for disturbed in several:
        assert disturbed.keys() == calm.keys()
        assert {record.outcome for record in disturbed.values()} == {record.outcome for record in calm.values()} == {"scored"}
        assert all(scores_near(disturbed[key].metrics, record.metrics) for key, record in calm.items())


def test_no_cell_outlives_its_supervisor(world: Path) -> None:
    plugin(world / "plugins", "sleeper", f"open({str(world / 'pid')!r}, 'w').write(str(os.getpid()))\n        time.sleep(600)")
    file = plan(world, ["sleeper"], scenes=("a",))
    command = [*COMMAND, str(file), "--plugins", str(world / "plugins"), "--out", str(world / "o")]
    supervisor = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=world)
    began = time.monotonic()
    while not (world / "pid").exists() or not (world / "pid").read_text():
        assert time.monotonic() - began < PATIENCE_S
        time.sleep(0.05)
    pid = int((world / "pid").read_text())
    os.kill(pid, 0)
    supervisor.kill()
    supervisor.wait()
    began = time.monotonic()
    while alive(pid):
        assert time.monotonic() - began < PATIENCE_S, "the cell is still alive"
        time.sleep(0.05)


def keys_of(world: Path, file: Path) -> dict[tuple[str, str, str], str]:
    checked = read_plan(file, DataRoots.parse([]), world / "plugins")
    return {(cell.contestant.label, cell.scene.name, cell.protocol.name): cell.key for cell in checked.cells("cpu")}


def changed(before: dict[tuple[str, str, str], str], after: dict[tuple[str, str, str], str]) -> set[tuple[str, str, str]]:
    return {name for name in before if before[name] != after[name]}


def test_a_change_runs_exactly_the_cells_that_it_concerns(world: Path) -> None:
    (world / "plugins" / "helper.py").write_text('"""Shared."""\nSCALE = 1.0\n')
    helped = "from helper import SCALE\n        return Estimate(low * SCALE)"
    plugin(world / "plugins" / "family", "helped", helped)
    (world / "plugins" / "family" / "helper.py").write_text("SCALE = 1.0\n")
    (world / "plugins" / "helper.py").unlink()
    extra = '[[protocol]]\nname = "mine"\nratio = 4\nphase = 1\npsf = {kind = "box", taps = 4}\nsensor = "rgb_camera"\n'
    file = plan(world, ["steady", "helped", "bicubic"], extra)
    before = keys_of(world, file)
    assert len(before) == 12
    (world / "plugins" / "family" / "helper.py").write_text("SCALE = 2.0\n")
    after = keys_of(world, file)
    assert changed(before, after) == {name for name in before if name[0] == "helped"}
    file.write_text(file.read_text().replace("taps = 4", "taps = 3"))
    third = keys_of(world, file)
    assert changed(after, third) == {name for name in before if name[2] == "mine"}
    cube = read_cube(world / "b.h5")
    write_cube(world / "b.h5", CubeFile(cube.cube / 2, cube.wavelengths_nm, "b"))
    fourth = keys_of(world, file)
    assert changed(third, fourth) == {name for name in before if name[1] == "file/b"}


def test_pruned_runs_keep_their_scores_and_what_was_asked_for(world: Path) -> None:
    file = plan(world, ["steady", "bicubic"], scenes=("a",))
    checked = read_plan(file, DataRoots.parse([]), world / "plugins")
    kept: dict[str, list[str]] = {}
    records: dict[str, list[Result]] = {}
    for keep in ("estimates", "float32", "top", "none"):
        records[keep] = run(checked, RunSettings(world / keep, keep=keep), lambda progress: None)  # type: ignore[arg-type]
        kept[keep] = sorted(path.stem for path in (world / keep / "estimates").glob("*.h5"))
    best = max(records["estimates"], key=lambda record: record.metrics["psnr"] or 0)
    everything = sorted(record.key for record in records["estimates"])
    assert kept == {"estimates": everything, "float32": everything, "top": [best.key], "none": []}
    cubes = [read_cube(world / keep / "estimates" / f"{best.key}.h5").cube for keep in ("estimates", "float32")]
    error = np.sqrt(np.mean((cubes[0].astype(np.float64) - cubes[1]) ** 2))
    assert 0 < error < 2 * np.ptp(cubes[1]) / 65535 / 12**0.5, "16 bits over the cube's own range"
    for pruned, kept_whole in zip(records["none"], records["estimates"], strict=True):
        assert scores_near(pruned.metrics, kept_whole.metrics)
