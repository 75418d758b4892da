"""No cell can hurt another: a plan of good and murderous methods, two at a time, and what each leaves behind."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from benchmark.children.endings import LOG_BYTES
from benchmark.matrix.plan_file import read_plan
from benchmark.run_folder.record import Result
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import alive, plan, plugin

HANGING_S = 8  # the limit of what hangs alone: all others have the plan's, which a loaded machine does not reach
MURDEROUS = {
    "segfault": ("os.kill(os.getpid(), signal.SIGSEGV)", "killed", "SIGSEGV"),
    "hang": ("time.sleep(600)", "timeout", f"time limit of {HANGING_S} s"),
    "memory": ("raise MemoryError('no room')", "out of memory", "no room"),
    "abort": ("os.abort()", "killed", "SIGABRT"),
    "holds_the_gil": ("__import__('ctypes').PyDLL(None).sleep(600)", "timeout", f"time limit of {HANGING_S} s"),
    "exits": ("os._exit(7)", "killed", "exit status 7"),
}


def go(world: Path, methods: list[str], extra: str = "", *, slots: int = 1) -> dict[str, Result]:
    checked = read_plan(plan(world, methods, extra, scenes=("a",)), DataRoots.parse([]), world / "plugins")
    return {record.label: record for record in run(checked, RunSettings(world / "run", slots=slots), lambda progress: None)}


def one(world: Path, body: str, extra: str = "", card: str = "") -> Result:
    plugin(world / "plugins", "subject", body, card)
    return go(world, ["subject"], extra)["subject"]


@pytest.fixture
def scratch(world: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the cells of this test work, and no others: other runs on the machine have theirs in the common place."""
    place = world / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


def test_of_fourteen_cells_eight_are_kept_and_six_are_named(world: Path) -> None:
    for name, (body, _, _) in MURDEROUS.items():
        plugin(world / "plugins", name, body)
    rows = ["[[method]]\nname = 'steady'\ngrid = {strength = [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]}"]
    rows += [f"[[method]]\nname = '{name}'\ntime_limit_s = {HANGING_S}" for name in MURDEROUS if MURDEROUS[name][1] == "timeout"]
    records = go(world, [name for name in MURDEROUS if MURDEROUS[name][1] != "timeout"], "\n".join(rows), slots=2)
    assert len(records) == 14
    assert [record.outcome for label, record in records.items() if label.startswith("steady")] == ["scored"] * 8
    for name, (_, outcome, text) in MURDEROUS.items():
        assert (name, records[name].outcome) == (name, outcome)
        assert text in records[name].reason


def test_what_a_cell_forks_ends_with_it(world: Path) -> None:
    record = one(
        world,
        "pid = os.fork()\n        if pid == 0: time.sleep(600)\n        print('child', pid, flush=True)\n        return Estimate(low)",
    )
    assert record.outcome == "scored"
    pids = re.findall(r"child (\d+)", (world / "run" / "logs" / f"{record.key}.txt").read_text())
    assert pids
    until = time.monotonic() + 200  # what was killed is gone when the kernel comes to it
    while any(alive(int(pid)) for pid in pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert not [pid for pid in pids if alive(int(pid))]


def test_a_flood_of_output_is_kept_at_both_ends(world: Path) -> None:
    record = one(world, "print('first line'); print(('x' * 999 + chr(10)) * 40_000); print('last line'); return Estimate(low)")
    assert record.outcome == "scored"
    log = (world / "run" / "logs" / f"{record.key}.txt").read_text()
    assert len(log) < 2 * LOG_BYTES + 200
    assert log.startswith("first line")
    assert "bytes left out" in log
    assert log.rstrip().endswith("last line")


def test_a_file_without_end_is_refused_to_the_cell(world: Path, scratch: Path) -> None:
    record = one(world, "open('big', 'wb').truncate(2**45); return Estimate(low)")
    assert record.outcome == "failed"
    assert "File too large" in record.reason
    assert not list(scratch.rglob("big"))


@pytest.mark.parametrize("body", ["x = torch.ones(10**9)", "import numpy as np; x = np.ones(10**9)", "x = bytearray(8 * 10**9)"])
def test_more_memory_than_the_plan_allows_is_out_of_memory(world: Path, body: str) -> None:
    record = one(world, f"{body}\n        return Estimate(low)", "memory_limit_mb = 800")
    assert record.outcome == "out of memory", record.reason


def test_the_limit_leaves_room_for_honest_work(world: Path) -> None:
    assert one(world, "x = torch.ones(10**7); return Estimate(low)", "memory_limit_mb = 800").outcome == "scored"


def test_a_methods_own_limits_replace_the_plans(world: Path) -> None:
    plugin(world / "plugins", "slow", "time.sleep(3); return Estimate(low)")
    patient = "label = 'patient'\nparameters = {strength = 2.0}"
    extra = "time_limit_s = 60\n[[method]]\nname = 'slow'\ntime_limit_s = 1.5\n[[method]]\nname = 'slow'\n" + patient
    records = go(world, [], extra)
    assert {label: record.outcome for label, record in records.items()} == {"slow": "timeout", "patient": "scored"}


def test_an_estimate_that_is_the_input_is_scored_as_it_stands(world: Path) -> None:
    body = "cube = seen.msi[:1].expand(seen.hsi.shape[0], -1, -1)\n        return Estimate(cube)"
    record = one(world, body)
    assert record.outcome == "scored"


def test_what_a_cell_does_to_its_process_stays_there(world: Path) -> None:
    before = dict(os.environ), Path.cwd()
    body = "os.environ['PATH'] = ''; os.chdir('/'); torch.set_num_threads(61); torch.manual_seed(1); signal.signal(2, signal.SIG_IGN)"
    plugin(world / "plugins", "vandal", f"{body}\n        return Estimate(low)")
    plugin(world / "plugins", "after", "assert os.environ['PATH'] and torch.get_num_threads() != 61; return Estimate(low)")
    records = go(world, ["vandal", "after"])
    assert {record.outcome for record in records.values()} == {"scored"}
    assert (dict(os.environ), Path.cwd()) == before


@pytest.mark.parametrize(("retries", "outcome", "attempts"), [(0, "failed", 1), (1, "failed", 2), (3, "scored", 3)])
def test_a_failed_cell_is_tried_again_as_often_as_the_plan_says(world: Path, retries: int, outcome: str, attempts: int) -> None:
    counter = world / "count"
    write = f"with open({str(counter)!r}, 'a') as f: f.write('x')"
    body = f"{write}\n        assert os.path.getsize({str(counter)!r}) >= 3\n        return Estimate(low)"
    record = one(world, body, f"retries = {retries}")
    assert (record.outcome, record.attempts) == (outcome, attempts)


def test_a_method_trained_on_the_scene_is_refused(world: Path) -> None:
    record = one(world, "return Estimate(low)", card="trained_scenes=('file/a',)")
    assert record.outcome == "skipped"
    assert "was trained on file/a" in record.reason


def test_no_scratch_folder_is_left(world: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    mkdtemp = tempfile.mkdtemp
    monkeypatch.setattr(tempfile, "mkdtemp", lambda **how: made.append(Path(mkdtemp(**how))) or str(made[-1]))
    one(world, "os._exit(1)")
    listing = subprocess.run(["ls", str(world / "run")], capture_output=True, text=True, check=True).stdout.split()
    assert "cells" in listing
    assert made
    assert all(scratch in folder.parents for folder in made)
    assert list(scratch.glob("hmif-bench-*/cell-*")) == []


def test_what_fills_the_disk_in_pieces_is_ended(world: Path) -> None:
    temporary = "with __import__('tempfile').NamedTemporaryFile(delete=False) as file: file.write(bytes(2**20))"
    record = one(world, f"while True:\n            {temporary}\n            time.sleep(0.005)", "disk_limit_mb = 60")
    assert record.outcome == "killed"
    assert "more than 60 MB" in record.reason
    assert "disk_limit_mb" in record.reason


def test_the_disk_limit_leaves_room_for_honest_work(world: Path) -> None:
    body = "open('cache', 'wb').write(bytes(20 * 2**20)); time.sleep(2.5); return Estimate(low)"
    assert one(world, body, "disk_limit_mb = 60").outcome == "scored"
