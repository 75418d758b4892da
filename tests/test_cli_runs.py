"""The commands on runs: one cell, how far, everything about one, what changed, brought together."""

from __future__ import annotations

import pdb
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import run_benchmark
from benchmark.matrix.plan_file import read_plan
from benchmark.review import known_costs
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import ROOT, alive, plan, plugin, world
from tests.benchmark.folders import FIRST, read_records, run_folder, variant
from tests.heeded_signals import heed_signals
from tests.rounding import scores_near
from tests.test_cli import cli

pytestmark = pytest.mark.usefixtures("without_figures")

__all__ = ["world"]


def test_a_cell_runs_alone_as_it_does_among_all(world: Path) -> None:
    file = plan(world, ["bicubic", "steady"], scenes=("a",))
    together = run(read_plan(file, DataRoots.parse([]), world / "plugins"), RunSettings(world / "all"), lambda _: None)
    chosen = together[1]
    assert all(record.uncovered == () for record in together), "the keys of our own methods cover all that they import"
    done = cli("cell", file, chosen.key, "--out", world / "one", "--plugins", world / "plugins", "--device", "cpu", folder=world)
    assert done.returncode == 0, done.stderr
    alone = read_records(world / "one")
    assert [record.key for record in alone] == [chosen.key]
    assert scores_near(alone[0].metrics, chosen.metrics)
    for part in (f"cell       {chosen.key}", "outcome    scored", "PSNR", "to repeat it alone"):
        assert part in done.stdout, part


def test_a_part_of_a_plan_runs_and_the_whole_goes_on_from_it(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_costs, "named_bundles", dict)  # no bundle of the suite need be read to tell the time
    file = plan(world, ["bicubic", "steady"], scenes=("a", "b"))
    given = ["run", str(file), "--out", str(world / "part"), "--plugins", str(world / "plugins"), "--device", "cpu"]
    assert run_benchmark.main([*given, "--select", "scene=*b", "--select", "method=steady"]) == 0
    part = {(record.method, record.scene) for record in read_records(world / "part")}
    whole = read_plan(file, DataRoots.parse([]), world / "plugins").cells("cpu")
    assert part == {("steady", next(cell.scene.name for cell in whole if cell.scene.name.endswith("b")))}
    kept = {path.name: path.stat().st_mtime_ns for path in (world / "part" / "cells").iterdir()}
    capsys.readouterr()
    assert run_benchmark.main(["run", str(file), *given[2:], "--dry-run", "--select", "method=steady"]) == 0
    told = capsys.readouterr().out
    assert told.count("(done)") == 1
    assert "2 cells" in told
    assert run_benchmark.main(given) == 0
    assert len(read_records(world / "part")) == 4
    assert all((world / "part" / "cells" / name).stat().st_mtime_ns == time for name, time in kept.items()), "a cell ran twice"
    assert run_benchmark.main([*given, "--select", "scene=nowhere"]) == 2
    assert "got no match" in capsys.readouterr().err
    assert run_benchmark.main([*given, "--select", "tier=told nothing"]) == 2
    assert "FIELD one of scene, protocol, seed, method, label" in capsys.readouterr().err


def test_an_unknown_key_and_no_place_for_the_record_are_refused(world: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = plan(world, ["bicubic"], scenes=("a",))
    key = read_plan(file, DataRoots.parse([])).cells("cpu")[0].key
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    assert run_benchmark.main(["cell", str(file), wrong, "--out", str(world / "one"), "--device", "cpu"]) == 2
    told = capsys.readouterr().err
    assert f"got '{wrong}'; the nearest is {key}" in told
    assert "--dry-run" in told
    with pytest.raises(SystemExit) as stopped:
        run_benchmark.main(["cell", str(file), key])
    assert stopped.value.code == 2


def test_a_failed_cell_has_the_status_one_and_the_debugger_opens_on_request(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin(world / "plugins", "raises", "raise ValueError('no luck')")
    file = plan(world, ["raises"], scenes=("a",))
    plugins = ["--plugins", str(world / "plugins")]
    key = read_plan(file, DataRoots.parse([]), world / "plugins").cells("cpu")[0].key
    assert run_benchmark.main(["cell", str(file), key, "--out", str(world / "one"), "--device", "cpu", *plugins]) == 1
    assert "outcome    failed: ValueError: no luck" in capsys.readouterr().out
    opened: list[bool] = []
    monkeypatch.setattr(pdb, "post_mortem", lambda: opened.append(True))
    assert run_benchmark.main(["explain", str(world / "one"), key[:6]]) == 0
    assert not opened
    assert run_benchmark.main(["explain", str(world / "one"), key[:6], "--debug"]) == 1
    assert opened
    told = capsys.readouterr()
    assert "--plugins" in told.out
    assert "ValueError: no luck" in told.err


def test_status_compare_and_merge_print_and_answer_by_their_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    a = run_folder(tmp_path / "a", [FIRST])
    b = run_folder(tmp_path / "b", [FIRST, variant("b", seed=1)])
    assert run_benchmark.main(["status", str(a)]) == 0
    assert "1 of 1 cells done (1 scored); complete" in capsys.readouterr().out
    assert run_benchmark.main(["compare", str(a), str(a)]) == 0
    assert run_benchmark.main(["compare", str(a), str(b)]) == 1
    assert "only in B" in capsys.readouterr().out
    assert run_benchmark.main(["merge", str(a), str(b), "--out", str(tmp_path / "c")]) == 0
    assert "2 records, 2 of them written now" in capsys.readouterr().out
    assert run_benchmark.main(["merge", str(a), "--out", str(b)]) == 2
    assert "error: merge: expected a new folder" in capsys.readouterr().err
    for command in (["status"], ["explain", "k"], ["compare", str(a)]):
        assert run_benchmark.main([command[0], str(tmp_path / "none"), *command[1:]]) == 2
        assert "expected a run folder" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_end_keeps_what_is_done_and_leaves_no_process(world: Path, number: signal.Signals) -> None:
    """As a batch system sends it when the time of a job is over."""
    plugin(world / "plugins", "endless", f"open({str(world / 'pid')!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    file = plan(world, ["steady", "endless"], scenes=("a",))
    arguments = ["run", file, "--out", world / "run", "--plugins", world / "plugins", "--device", "cpu"]
    process = subprocess.Popen(
        [sys.executable, ROOT / "run_benchmark.py", *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=heed_signals,
    )
    until = time.monotonic() + 200
    while not (world / "pid").exists() and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(number)
    assert "the cells that had ended are kept" in process.communicate(timeout=200)[1]
    assert process.returncode == 130
    assert not alive(int((world / "pid").read_text()))
    assert [record.label for record in read_records(world / "run")] == ["steady"]


def test_the_copy_of_a_plan_in_a_run_folder_can_be_run_from_anywhere(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = plan(world, ["bicubic"], scenes=("a",))
    file.write_text(file.read_text().replace(f"file:{world}/", "file:"))
    assert run_benchmark.main(["run", str(file), "--out", str(world / "first"), "--device", "cpu"]) == 0
    elsewhere = world / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    for source, folder in (("first", "second"), ("second", "third")):
        copy = str(world / source / "plan.toml")
        assert run_benchmark.main(["run", copy, "--out", str(world / folder), "--device", "cpu"]) == 0
    keys = {tuple(record.key for record in read_records(world / folder)) for folder in ("first", "second", "third")}
    assert len(keys) == 1
