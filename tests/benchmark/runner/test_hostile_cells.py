"""Whatever a cell's process does or leaves costs that cell alone, and its outcome follows types and signals, never a message."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest

from benchmark.matrix.plan_file import read_plan
from benchmark.run_folder.record import Result
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import alive, plan, plugin

PATIENCE_S = 200.0  # for what the kernel does at once on an idle machine


def go(world: Path, bodies: dict[str, str], **settings: object) -> dict[str, Result]:
    """The records of methods whose `fuse` ends so, and of one that is sound."""
    for name, body in bodies.items():
        plugin(world / "plugins", name, body)
    checked = read_plan(plan(world, [*bodies, "steady"], scenes=("a",)), DataRoots.parse([]), world / "plugins")
    records = {record.label: record for record in run(checked, RunSettings(world / "run", **settings), lambda _: None)}  # type: ignore[arg-type]
    assert records["steady"].outcome == "scored"
    return records


def pids_in(world: Path, record: Result) -> list[int]:
    return [int(pid) for pid in re.findall(r"child (\d+)", (world / "run" / "logs" / f"{record.key}.txt").read_text())]


FORK = "os.setsid(); grandchild = os.fork()\n            if grandchild: print('child', grandchild, flush=True); os._exit(0)\n"
LEAVES = {
    "session": "os.setsid(); time.sleep(600)",
    "group": "os.setpgid(0, 0); time.sleep(600)",
    "daemon": f"{FORK}            time.sleep(600)",
    "daemon_with_children": (
        f"{FORK}            last = os.fork()\n            if last: print('child', last, flush=True)\n            time.sleep(600)"
    ),
}


@pytest.mark.parametrize("ending", ["time.sleep(0.3); return Estimate(low)", "time.sleep(0.3); os.kill(os.getpid(), signal.SIGKILL)"])
def test_what_a_method_leaves_behind_ends_with_its_cell(world: Path, ending: str) -> None:
    bodies = {
        name: f"pid = os.fork()\n        if pid == 0:\n            {body}\n        print('child', pid, flush=True); {ending}"
        for name, body in LEAVES.items()
    }
    records = go(world, bodies)
    for name in LEAVES:
        assert records[name].outcome == ("killed" if "SIGKILL" in ending else "scored"), (name, records[name].reason)
        pids = pids_in(world, records[name])
        assert len(pids) >= 1 + ("daemon" in name), name
        until = time.monotonic() + PATIENCE_S
        while any(map(alive, pids)) and time.monotonic() < until:
            time.sleep(0.05)
        assert not [pid for pid in pids if alive(pid)], name


TABLE = "{'how': 'done', 'table': {'sources': 7, 'clock': []}, 'reason': '', 'more': False}"
FORGE = f"import json; json.dump({TABLE}, open('answer.json', 'w'))\n        "
ONCE = "if os.environ.setdefault('ROUND', '') != 'later': os.environ['ROUND'] = 'later'; "
ERRORS = {
    "silent": (
        "class E(Exception):\n            def __str__(self): raise RuntimeError\n        raise E",
        "failed",
        "its message cannot be had",
    ),
    "surrogate": ("raise ValueError('\\udcff\\x1b[31m\\x00')", "failed", "\\udcff\\x1b[31m\\x00"),
    "claims_memory": ('raise RuntimeError("DefaultCPUAllocator: can\'t allocate memory")', "failed", "can't allocate memory"),
    "true_memory": ("torch.empty(10**15); return Estimate(low)", "out of memory", "allocate"),
    "named_refused": ("class RefusedError(Exception): pass\n        raise RefusedError('no')", "failed", "RefusedError: no"),
    "no_streams": ("import sys; sys.stdout.close(); sys.stderr.close(); raise ValueError('quiet')", "failed", "quiet"),
    "closed_at_the_end": ("import sys; sys.stdout.close(); sys.stderr = None; return Estimate(low)", "scored", ""),
    "exits": ("raise SystemExit(0)", "failed", "SystemExit: 0"),
    "full": ("raise OSError(28, 'No space left on device')", "not run", "the disk is full, which is not the method's fault"),
    "log_is_a_folder": (f"{ONCE}os.unlink('log.txt'); os.mkdir('log.txt')\n        return Estimate(low)", "scored", ""),
    "log_is_a_pipe": (f"{ONCE}os.unlink('log.txt'); os.mkfifo('log.txt')\n        return Estimate(low)", "scored", ""),
    "deep": (
        f"{ONCE}[(os.mkdir('d'), os.chdir('d')) for _ in range(3000)]\n        return Estimate(low)",
        "scored",
        "",
    ),
    "forged": (f"{FORGE}os._exit(0)", "failed", "what its process left cannot be used"),
    "forged_with_estimate": (
        f"{FORGE}open('estimate.h5', 'w').close(); os._exit(0)",
        "failed",
        "what its process left cannot be used",
    ),
    "linked": (
        FORGE.replace("'sources': 7, 'clock': []", "") + "os.symlink('/etc/hostname', 'estimate.h5'); os._exit(0)",
        "killed",
        "its estimate is gone",
    ),
}


def test_each_outcome_follows_types_and_what_is_left_costs_one_cell(world: Path) -> None:
    records = go(world, {name: body for name, (body, _, _) in ERRORS.items()})
    for name, (_, outcome, text) in ERRORS.items():
        assert (name, records[name].outcome) == (name, outcome), records[name].reason
        assert text in records[name].reason, (name, records[name].reason)
        assert records[name].reason.isprintable(), name


def test_a_cell_that_the_machine_kept_from_running_runs_again_without_being_asked(world: Path) -> None:
    flag = world / "full"
    flag.touch()
    body = f"if os.path.exists({str(flag)!r}): raise OSError(122, 'Disk quota exceeded')\n        return Estimate(low)"
    assert go(world, {"unlucky": body})["unlucky"].outcome == "not run"
    flag.unlink()
    assert go(world, {"unlucky": body})["unlucky"].outcome == "scored"


def test_ctrl_c_at_any_moment_ends_all_children_and_the_run_goes_on_from_there(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = plan(world, ["steady", "bicubic"])
    for moment in range(0, 12, 2):
        calls = iter(range(1000))

        def show(_: object, moment: int = moment, calls: object = calls) -> None:
            if next(calls) == moment:  # type: ignore[call-overload]
                raise KeyboardInterrupt

        checked = read_plan(file, DataRoots.parse([]), world / "plugins")
        with pytest.raises(KeyboardInterrupt):
            run(checked, RunSettings(world / f"run{moment}", slots=2), show)
        records = run(checked, RunSettings(world / f"run{moment}", slots=2), lambda _: None)
        assert [record.outcome for record in records] == ["scored"] * 4
