"""How far a run is, by its files alone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmark.review.status import status
from benchmark.run_folder.json_file import RecordError, read_json, write_json
from benchmark.run_folder.lock import claimed
from tests.benchmark.folders import FIRST, run_folder, variant, write_record

NOW = datetime(2026, 1, 1, 0, 1, 0, tzinfo=UTC)  # 60 s after the folder's run was started


def test_done_failed_running_and_the_time_left_are_told(tmp_path: Path) -> None:
    failed = variant("b", outcome="timeout", reason="ended after 4 s", metrics={}, clock=None)
    run = run_folder(tmp_path / "run", [FIRST, failed], waiting=("c", "d", "e"))
    write_json(run / "running.json", {"running": ["Later on file/b"]})
    with claimed(run):
        told = status(run, NOW)
    assert (told.total, told.done, dict(told.outcomes)) == (5, 2, {"scored": 1, "timeout": 1})
    assert told.busy
    assert told.running == ("Later on file/b",)
    assert told.left_s == pytest.approx(90.0)  # two cells took 60 s, three wait
    text = told.text()
    for part in (
        "2 of 5 cells done (1 scored, 1 timeout); a run is at work",
        "about 90 s left",
        "running       Later on file/b",
    ):
        assert part in text, part
    assert f"timeout       {'b' * 20}  Steady on file/a: ended after 4 s" in text
    assert "explain" in text
    assert "--retry" in text


def test_cells_that_ended_before_this_start_do_not_set_the_pace(tmp_path: Path) -> None:
    early = variant("b", ended="2025-12-31T00:00:00+00:00")
    run = run_folder(tmp_path / "run", [FIRST, early], waiting=("c", "d"))
    with claimed(run):
        assert status(run, NOW).left_s == pytest.approx(120.0)
        (run / "cells" / f"{FIRST.key}.json").unlink()
        assert status(run, NOW).left_s is None


def test_a_run_that_nobody_is_at_work_on_says_how_to_go_on(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run", [FIRST], waiting=("c",))
    write_json(run / "running.json", {"running": ["Later on file/b"]})
    with claimed(run):
        pass
    told = status(run, NOW)
    assert (told.busy, told.left_s) == (False, None)
    assert "no run is at work" in told.text()
    assert "was cut short Later on file/b" in told.text()
    assert "to go on: python run_benchmark.py run p.toml" in told.text()
    for command, wanted in (
        ("python run_benchmark.py run p.toml --select method=gsa --out r --select=scene=a", "python run_benchmark.py run p.toml --out r"),
        ("python run_benchmark.py merge a b --out r", "run the plan again with --out on this folder"),
    ):
        write_json(run / "plan.json", {**read_json(run / "plan.json"), "command": command})
        assert f"to go on: {wanted}\n" in status(run, NOW).text() + "\n"
    whole = status(run_folder(tmp_path / "whole", [FIRST]), NOW)
    assert "1 of 1 cells done (1 scored); complete" in whole.text()
    assert "next" not in whole.text()


def test_records_of_cells_that_the_plan_has_no_more_are_counted_apart(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run", [FIRST])
    write_record(run, variant("f", outcome="failed"))
    told = status(run, NOW)
    assert (told.total, told.done, told.failed, told.superseded) == (1, 1, (), 1)


def test_a_folder_of_an_earlier_version_and_one_that_is_none(tmp_path: Path) -> None:
    run = run_folder(tmp_path / "run", [FIRST], waiting=("c",))
    (run / "index.json").unlink()
    assert (status(run, NOW).total, status(run, NOW).done) == (2, 1)
    with pytest.raises(RecordError, match="expected a run folder"):
        status(tmp_path)
