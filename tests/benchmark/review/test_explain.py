"""Everything about one cell."""

from __future__ import annotations

import json
import math
import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark.clone import ROOT
from benchmark.matrix.plan import PlanError
from benchmark.matrix.plan_file import read_plan
from benchmark.review.explain import explain
from benchmark.run_folder.json_file import RecordError, read_json
from benchmark.run_folder.record import Memory, read_record
from benchmark.runner.rehearse import rehearse
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import plan, plugin
from tests.benchmark.folders import FIRST, run_folder, variant


def test_every_fact_of_a_record_is_told(tmp_path: Path) -> None:
    assert FIRST.clock is not None
    record = replace(FIRST, flops=2_000_000, flops_uncounted=("fft",), attempts=2, clock=replace(FIRST.clock, steal=0.5))
    folder = run_folder(tmp_path / "run", [record])
    text = explain(folder, FIRST.key).text()
    for part in (
        "outcome    scored",
        "Steady (steady): rank=3",
        "a test, 2026, doi 10.0/0",
        "tier       told nothing",
        "scene      file/a, 31 x 16 x 24",
        "ratio=8",
        "channels   r, g, b",
        "fuse 1 (0.9..1.1, 5 rounds), fit 2",
        "peak 200 MB, before the method 150 MB",
        "12,345 parameters, 345 of them at inference",
        "2e+06 of one fusion, 2 per multiply-add; a lower bound, not counted: fft",
        "contended",
        "attempts   2",
        "cpu, 1 thread,",
        "PSNR 30.00 dB",
        "Q2n not defined",
        f"estimates/{FIRST.key}.h5",
        "scenes/5ce0.h5",
        "its last line",
        f"cell {shlex.quote(str(folder / 'plan.toml'))} {FIRST.key} --out {shlex.quote(str(ROOT / 'results'))}/cell_{FIRST.key} --device "
        "cpu --seed 0",
    ):
        assert part in text, part


def test_infinity_is_told_in_words(tmp_path: Path) -> None:
    oracle = {"count": 3, "best": 2, "psnr": [30.0, math.inf, None]}
    record = variant("b", metrics={"psnr": math.inf, "q2n": None, "of_a_later_version": math.inf}, oracle=oracle)
    lines = explain(run_folder(tmp_path / "run", [record]), record.key).text().splitlines()
    for line in (
        "metric     PSNR infinite",
        "metric     Q2n not defined",
        "metric     of_a_later_version infinite",
        "oracle     iterate 2 of 3, picked by the truth; PSNR of each, dB: 30.00 infinite -",
    ):
        assert line in lines, line


@pytest.mark.parametrize(
    ("changes", "clock", "told"),
    [
        ({}, {"first": 3.5}, "set-up     2.5 s of the first call, which took 3.5"),
        ({}, {"first": 1.9}, ""),
        ({}, {"used": 2.25, "used_by_children": 0.5}, "cores      2.25 kept busy by the method, 0.50 of them by processes that it started"),
        ({}, {"used": 0.98, "used_by_children": 0.0}, "cores      0.98 kept busy by the method\n"),
        (
            {"memory": Memory(peak=500_000_000, base=150_000_000, main_process=200_000_000)},
            {},
            "peak 500 MB with the processes that it started, 200",
        ),
        ({"memory": Memory(peak=200_000_000, base=150_000_000, main_process=200_000_000)}, {}, "peak 200 MB, before the method 150 MB"),
        ({"flops_reason": "the first call took 99 s"}, {}, "flops      not counted: the first call took 99 s"),
    ],
)
def test_what_is_unusual_of_a_measurement_is_told(tmp_path: Path, changes: dict[str, Any], clock: dict[str, Any], told: str) -> None:
    assert FIRST.clock is not None
    folder = run_folder(tmp_path / "run", [replace(FIRST, clock=replace(FIRST.clock, **clock), **changes)])
    text = explain(folder, FIRST.key).text()
    assert told in text
    assert ("set-up" in text) == told.startswith("set-up")


def test_a_failed_cell_tells_the_reason_and_the_end_of_its_log(tmp_path: Path) -> None:
    folder = run_folder(
        tmp_path / "run", [variant("b", outcome="failed", reason="ValueError: no luck", metrics={}, clock=None, memory=None)]
    )
    (folder / "logs" / f"{'b' * 20}.txt").write_text("".join(f"line {number}\n" for number in range(100)))
    told = explain(folder, "bbb")
    assert told.log_tail == tuple(f"line {number}" for number in range(70, 100))
    assert "outcome    failed: ValueError: no luck" in told.text()


def test_a_record_of_an_earlier_version_is_read_and_told(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", [FIRST])
    file = folder / "cells" / f"{FIRST.key}.json"
    table = json.loads(file.read_text())
    for name in ("first", "round_seconds", "used", "used_by_children"):
        del table["clock"][name]
    del table["memory"]["main_process"], table["flops_reason"]
    file.write_text(json.dumps(table))
    assert read_record(file) == FIRST
    assert "memory     peak 200 MB, before the method 150 MB" in explain(folder, FIRST.key).text()


def test_the_rounds_come_back_as_they_were(tmp_path: Path) -> None:
    assert FIRST.clock is not None
    record = replace(FIRST, clock=replace(FIRST.clock, round_seconds=(1.1, 0.9, 1.0)))
    folder = run_folder(tmp_path / "run", [record])
    assert read_record(folder / "cells" / f"{FIRST.key}.json") == record


def test_a_cell_that_waits_is_told_by_the_plan(tmp_path: Path) -> None:
    told = explain(run_folder(tmp_path / "run", [FIRST], waiting=("c",)), "c")
    assert told.record is None
    assert "label      Later" in told.text()
    assert "not run yet" in told.text()
    assert told.repetition is not None


def test_a_key_that_is_none_or_that_of_several_names_the_nearest(tmp_path: Path) -> None:
    folder = run_folder(tmp_path / "run", [variant("b"), variant("c")], waiting=("d",))
    with pytest.raises(RecordError, match=r"one of 3 cells .* got 'cccccccccd'; the nearest: c{20}.*ls "):
        explain(folder, "cccccccccd")
    with pytest.raises(RecordError, match="got ''"):
        explain(folder, "")
    run_folder(folder, [replace(FIRST, key="b" * 19 + "0"), variant("b")])
    with pytest.raises(RecordError, match=f"the nearest: {'b' * 19}0, {'b' * 20}"):
        explain(folder, "bb")


def test_the_plan_that_was_run_is_named_while_it_is_the_same(world: Path) -> None:
    file = plan(world, ["steady"], scenes=("a",))
    checked = read_plan(file, DataRoots.parse([]), world / "plugins")
    arguments = ("--plugins", str(world / "plugins"))
    record = run(checked, RunSettings(world / "run", arguments=arguments, plan_file=str(file)), lambda _: None)[0]
    repetition = explain(world / "run", record.key).repetition
    assert repetition is not None
    assert repetition.plan == file
    command = shlex.split(repetition.command(ROOT))
    assert command[:5] == [sys.executable, str(ROOT / "run_benchmark.py"), "cell", str(file), record.key]
    assert command[-2:] == ["--plugins", str(world / "plugins")]
    assert rehearse(repetition)["clock"]["rounds"] >= 1
    plan(world, ["bicubic"], scenes=("a",))
    changed = explain(world / "run", record.key).repetition
    assert changed is not None
    assert changed.plan == world / "run" / "plan.toml"
    assert changed.plan.read_text() == checked.text
    assert read_json(world / "run" / "index.json")["cells"][record.key]["label"] == "steady"
    plugin(world / "plugins", "steady", "raise ValueError('in this process')")
    with pytest.raises(PlanError, match=r"expected the key of one of the plan's 1 cells, got .*sources"):
        rehearse(changed)
