"""`run --time-budget`: what is told, run and kept, and that a run which is resumed is the same run."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import run_benchmark
from benchmark.matrix.estimate_files import estimate_name
from benchmark.matrix.time_budget import kept_time_budget
from benchmark.review import known_costs as known_costs_text
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import read_json
from benchmark.run_folder.record import Clock
from tests.benchmark.conftest import plan, world
from tests.benchmark.folders import read_records, run_folder, variant
from tests.benchmark.matrix.test_time_budget import learner

pytestmark = pytest.mark.usefixtures("without_figures")

__all__ = ["world"]


def costs(folder: Path, fit: float) -> Path:
    """A run in which `steady` takes 1 s, and `learner` learns for `fit` s and fuses for 1 s, on the scene of the tests."""
    clock = Clock(fuse=1.0, fuse_low=1.0, fuse_high=1.0, rounds=1, warmed=True)
    learns = {"name": "Learner", "learns": "on the scene"}
    records = [
        variant("a", method="steady", parameters={"strength": 1.0}, card={"name": "s"}, clock=clock, ended=""),
        variant(
            "b",
            method="learner",
            parameters={"budget": 1.0, "width": 3},
            card=learns,
            clock=Clock(fuse=1.0, fuse_low=1.0, fuse_high=1.0, rounds=1, warmed=True, fit=fit),
            ended="",
        ),
    ]
    return run_folder(folder, records)


def test_a_time_is_divided_once_and_a_run_that_is_resumed_keeps_the_shares(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_costs_text, "named_bundles", dict)
    learner(world)
    file = plan(world, ["steady", "learner", "bicubic"], scenes=("a",))
    given = ["run", str(file), "--plugins", str(world / "plugins"), "--device", "cpu", "--out", str(world / "out")]
    known = ["--costs", str(costs(world / "costs", 60.0))]
    # 33 s - 1 s of `steady` = 32 s; 1 s + 60 s b <= 32 s: b = 31 / 60 = 0.5166...
    assert run_benchmark.main([*given, *known, "--time-budget", "33s", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "--time-budget 33s: 33 s planned; of 1 rows that learn here: 1 reduced and not ranked, 1 left out" in told
    assert "Learner: reduced to budget = 0.51 (the plan asks for 1, 1.0 min), 1 cell, 32 s" in told
    assert "method Bicubic is left out: no earlier record says how long it takes" in told
    assert not (world / "out").exists()

    assert run_benchmark.main([*given, *known, "--time-budget", "33s"]) == 0
    assert "Learner: reduced to budget = 0.51" in capsys.readouterr().err
    folder = RunFolder(world / "out")
    records = {record.method: record for record in read_records(world / "out")}
    assert set(records) == {"steady", "learner"}
    assert records["learner"].parameters == {"budget": 0.51, "width": 3}
    assert records["learner"].label == "Learner (0.51)"
    assert not records["learner"].ranked
    table = kept_time_budget(folder.kept_plan())
    assert table is not None
    assert (table.time, table.budgets, list(table.left_out)) == ("33s", {"Learner": 0.51}, ["Bicubic"])
    moments = {key: folder.record(key).stat().st_mtime_ns for key in folder.record_keys()}

    other = ["--costs", str(costs(world / "slower", 600.0))]
    assert run_benchmark.main([*given, *other, "--time-budget", "33 s"]) == 0
    assert "--time-budget 33s: as divided when the run began (Learner: budget = 0.51)" in capsys.readouterr().err
    assert {key: folder.record(key).stat().st_mtime_ns for key in folder.record_keys()} == moments
    assert kept_time_budget(folder.kept_plan()) == table

    copy = ["cell", str(folder.plan_text), records["learner"].key, "--out", str(world / "one"), "--device", "cpu"]
    assert run_benchmark.main([*copy, "--plugins", str(world / "plugins")]) == 0
    assert [record.key for record in read_records(world / "one")] == [records["learner"].key]

    cubes = world / "cubes"
    cubes.mkdir()
    shutil.copy(folder.estimate(records["steady"].key), cubes / f"{estimate_name(records['steady'].scene, 'camera-x8', 0)}.h5")
    score = [
        "score",
        str(cubes),
        "--plan",
        str(file),
        "--label",
        "Theirs",
        "--out",
        str(world / "out"),
        "--plugins",
        str(world / "plugins"),
    ]
    assert run_benchmark.main(score) == 0
    assert kept_time_budget(folder.kept_plan()) == table
    assert {record.label for record in read_records(world / "out")} == {"steady", "Learner (0.51)", "Theirs"}
    capsys.readouterr()

    assert run_benchmark.main([*given, *other, "--time-budget", "63s", "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "--time-budget 63s: " in told
    assert "as divided when the run began" not in told, "another time is divided anew"
    assert run_benchmark.main([*given, "--dry-run"]) == 0
    told = capsys.readouterr().out
    assert "the run in this folder was made with --time-budget; without it, every row is run in full" in told
    assert "Learner  1 cell: 1 to run" in told


def test_unknown_rows_run_in_full_only_where_that_is_asked_for(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_costs_text, "named_bundles", dict)
    learner(world)
    file = plan(world, ["steady", "learner"], scenes=("a",))
    given = ["run", str(file), "--plugins", str(world / "plugins"), "--device", "cpu", "--out", str(world / "out"), "--dry-run"]
    assert run_benchmark.main([*given, "--time-budget", "1h"]) == 2
    assert "expected at least one that fits the time, got none" in capsys.readouterr().err
    assert run_benchmark.main([*given, "--time-budget", "1h", "--unknown", "full"]) == 0
    told = capsys.readouterr().out
    assert "Learner: in full, 1 cell, on top of the time: how long it takes is not known" in told
    assert "2 cells, into" in told
    assert run_benchmark.main([*given, "--time-budget", "soon"]) == 2
    assert "expected a time such as 2h, 90min, 45m, 7200s or 1h30min, got 'soon'" in capsys.readouterr().err


def test_a_run_records_the_speed_of_the_machine_once_and_the_dry_run_scales_by_it(
    world: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_costs_text, "named_bundles", dict)
    file = plan(world, ["steady"], scenes=("a",))
    given = ["run", str(file), "--plugins", str(world / "plugins"), "--device", "cpu", "--out", str(world / "out")]
    speeds = iter([0.05, 0.08, 0.2])
    monkeypatch.setattr("benchmark.runner.supervisor.machine_speed", lambda threads: next(speeds))
    assert run_benchmark.main(given) == 0
    folder = RunFolder(world / "out")
    digests = {record.environment for record in read_records(world / "out")}
    assert read_json(folder.last_environment)["calibration_s"] == 0.05
    assert run_benchmark.main([*given, "--retry"]) == 0
    assert read_json(folder.last_environment)["calibration_s"] == 0.05, "it is measured once for an environment"
    assert [path.stem for path in (world / "out" / "environments").iterdir()] == list(digests)
    capsys.readouterr()
    monkeypatch.setattr("benchmark.runner.machine_speed.machine_speed", lambda threads: 0.125)
    other = ["run", str(file), *given[2:-1], str(world / "new"), "--dry-run", "--costs", str(world / "out")]
    assert run_benchmark.main(other) == 0
    assert "times 2.50 for this machine" in capsys.readouterr().out
