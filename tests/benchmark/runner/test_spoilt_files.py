"""Files of a run folder that were cut short, edited or planted: the next run makes them again, and no code in them runs."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmark.matrix.plan_file import read_plan
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.record import Result
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import plan, plugin
from tests.benchmark.matrix.test_training_set import go as train_and_run
from tests.benchmark.matrix.test_training_set import learner
from tests.rounding import scores_near


def go(world: Path, **changes: Any) -> list[Result]:
    checked = read_plan(plan(world, ["steady"], scenes=("a",)), DataRoots.parse([]), world / "plugins")
    return run(checked, RunSettings(world / "run", **changes), lambda _: None)


def measurement_of(record: Result, table: dict[str, Any]) -> dict[str, Any]:
    return {"clock": table["clock"], "memory": table["memory"], "observed": table["observed"], "threads": 1, "clock_key": record.clock_key}


WRONG_CLOCKS: tuple[Callable[[dict[str, Any]], Any], ...] = (
    lambda whole: json.dumps(whole)[:40],
    lambda whole: "",
    lambda whole: "[]",
    lambda whole: "{}",
    lambda whole: json.dumps(whole | {"clock": {"x": 1}}),
    lambda whole: json.dumps(whole | {"clock": {**whole["clock"], "fuse": "fast"}}),
    lambda whole: json.dumps(whole | {"clock": [1, 2]}),
    lambda whole: json.dumps(whole | {"memory": {**whole["memory"], "peak": None}}),
    lambda whole: json.dumps(whole | {"observed": "much"}),
    lambda whole: json.dumps(whole | {"flops": "many"}),
    lambda whole: json.dumps(whole | {"oracle": [3]}),
)


@pytest.fixture(scope="module")
def one_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    from tests.benchmark.conftest import small_world

    world = small_world(tmp_path_factory.mktemp("spoilt"))
    plugin(world / "plugins", "steady", f"open({str(world / 'calls')!r}, 'a').write('x')\n        return Estimate(low)")
    return world, go(world)[0]


@pytest.mark.parametrize("which", range(len(WRONG_CLOCKS)))
def test_a_spoilt_measurement_counts_as_missing_and_the_cell_runs(one_run: tuple[Path, Result], which: int) -> None:
    world, record = one_run
    folder = RunFolder(world / "run")
    table = json.loads(folder.record(record.key).read_text())
    folder.record(record.key).unlink()
    folder.measured(record.key).write_text(WRONG_CLOCKS[which](measurement_of(record, table)))
    calls = len((world / "calls").read_text())
    again = go(world)[0]
    assert again.outcome == "scored"
    assert scores_near(again.metrics, record.metrics)
    assert len((world / "calls").read_text()) > calls, "the method was run"
    assert not folder.measured(record.key).exists()


def test_a_whole_measurement_is_taken_and_the_method_does_not_run(one_run: tuple[Path, Result]) -> None:
    world, record = one_run
    folder = RunFolder(world / "run")
    table = json.loads(folder.record(record.key).read_text())
    folder.record(record.key).unlink()
    folder.measured(record.key).write_text(json.dumps(measurement_of(record, table)))
    calls = (world / "calls").read_text()
    assert go(world)[0].outcome == "scored"
    assert (world / "calls").read_text() == calls


def test_a_scored_record_that_names_no_metrics_is_scored_again(one_run: tuple[Path, Result]) -> None:
    world, record = one_run
    file = RunFolder(world / "run").record(record.key)
    file.write_text(json.dumps({**json.loads(file.read_text()), "metrics_key": "", "metrics": {"psnr": 99.0}}))
    calls = (world / "calls").read_text()
    again = go(world)[0]
    assert again.metrics_key != ""
    assert scores_near(again.metrics, record.metrics)
    assert (world / "calls").read_text() == calls, "its estimate is there: only the score is made again"


@pytest.mark.parametrize("what", ["folder", "pipe", "torn"])
def test_something_else_in_the_place_of_a_record_costs_that_cell_one_more_run(one_run: tuple[Path, Result], what: str) -> None:
    world, record = one_run
    folder = RunFolder(world / "run")
    file = folder.record(record.key)
    file.unlink()
    if what == "folder":
        file.mkdir()
        (file / "mine.txt").write_text("not to be lost")
    elif what == "pipe":
        os.mkfifo(file)
    else:
        file.write_text('{"schema": 2')
    with pytest.raises(RecordError, match=rf"cells/{record.key}\.json is not a record: .*; move it away or run the plan again"):
        folder.read(record.key)
    assert go(world)[0].outcome == "scored"
    assert folder.read(record.key).outcome == "scored"
    if what == "folder":
        assert [one.read_text() for one in folder.part("cells").rglob("mine.txt")] == ["not to be lost"]


@pytest.mark.parametrize("text", ["", "[]", '{"cells', '{"cells": {"k": 3}, "schema": 2}', '{"schema": 77}'])
def test_a_spoilt_index_is_written_anew_by_the_next_run(one_run: tuple[Path, Result], text: str) -> None:
    world, record = one_run
    folder = RunFolder(world / "run")
    folder.index_file.write_text(text)
    with pytest.raises(RecordError, match=r"index\.json is not an index: .*; run its plan again into"):
        folder.index()
    assert go(world)[0].key == record.key
    assert list(folder.index().cells) == [record.key]


class Planted:
    """What creates a file when it is unpickled."""

    def __init__(self, place: Path) -> None:
        self.place = place

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.place),))


@pytest.mark.parametrize("damage", ["half", "empty", "planted", "no seal", "another seal"])
def test_a_spoilt_fit_is_trained_again_and_never_unpickled(world: Path, damage: str) -> None:
    counter, trap = world / "trainings", world / "trap"
    learner(world / "plugins", f"open({str(counter)!r}, 'a').write('x')")
    first = train_and_run(world, scenes=("a",))[0]
    fit = next((world / "run" / "fits").glob("*.pt"))
    whole, seal = fit.read_bytes(), fit.with_suffix(".sha256")
    if damage == "half":
        fit.write_bytes(whole[: len(whole) // 2])
    elif damage == "empty":
        fit.write_bytes(b"")
    elif damage == "planted":
        fit.write_bytes(pickle.dumps(Planted(trap)))
    elif damage == "no seal":
        seal.unlink()
    else:
        seal.write_text("0" * 64)
    records = {record.scene: record for record in train_and_run(world, scenes=("a", "b"))}
    assert {record.outcome for record in records.values()} == {"scored"}
    assert records["file/a"] == first
    assert counter.read_text() == "xx", "it was trained once more"
    assert not trap.exists()
    shutil.rmtree(world / "run" / "cells")
    train_and_run(world, scenes=("a", "b"))
    assert counter.read_text() == "xx", "the new one is whole"
