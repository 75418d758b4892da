"""What changed between two runs, and what is noise."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark.review.compare import compare_runs
from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.record import Clock, Result, alike_for_timing
from tests.benchmark.folders import FIRST, run_folder, variant


def clock(fuse: float, spread: float = 0.1, rounds: int = 5) -> Clock:
    return Clock(fuse=fuse, fuse_low=fuse * (1 - spread), fuse_high=fuse * (1 + spread), rounds=rounds, warmed=True)


def difference(tmp_path: Path, old: Result, new: Result, **changes: Any) -> tuple[str, ...]:
    a, b = run_folder(tmp_path / "a", [old]), run_folder(tmp_path / "b", [new], **changes)
    told = compare_runs(a, b)
    assert told.changed == bool(told.differences)
    return told.differences[0].what if told.differences else ()


def test_a_run_is_like_itself_under_other_keys_and_labels(tmp_path: Path) -> None:
    protocol = {**FIRST.protocol, "name": "renamed", "source": "elsewhere"}
    assert difference(tmp_path, FIRST, variant("b", label="Steady (rank=3)", protocol=protocol)) == ()
    assert "1 cells alike, 0 changed, 0 in one run only" in compare_runs(tmp_path / "a", tmp_path / "b").text()


@pytest.mark.parametrize(
    ("metrics", "told"),
    [
        ({"psnr": 30.009}, ()),
        ({"psnr": 30.011}, ("PSNR 30.00 dB -> PSNR 30.01 dB",)),
        ({"psnr": None}, ("PSNR 30.00 dB -> PSNR not defined",)),
        ({"psnr": math.inf}, ("PSNR 30.00 dB -> PSNR infinite",)),
        ({"q2n": 0.5}, ("Q2n not defined -> Q2n 0.5000",)),
        ({"sam_pixels_left_out": 1.0}, ("SAM pixels left out 0 pixels -> SAM pixels left out 1 pixels",)),
        ({"of_a_later_version": 1.0}, ()),
    ],
)
def test_a_metric_changes_by_more_than_its_last_printed_digit(tmp_path: Path, metrics: dict[str, float], told: tuple[str, ...]) -> None:
    assert difference(tmp_path, FIRST, variant("b", metrics={**FIRST.metrics, **metrics})) == told


@pytest.mark.parametrize(
    ("new", "told"), [(math.inf, ()), (90.0, ("PSNR infinite -> PSNR 90.00 dB",)), (None, ("PSNR infinite -> PSNR not defined",))]
)
def test_infinity_is_like_itself_alone(tmp_path: Path, new: float | None, told: tuple[str, ...]) -> None:
    assert difference(tmp_path, variant("a", metrics={"psnr": math.inf}), variant("b", metrics={"psnr": new})) == told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (clock(1.0), clock(1.3), True),  # quartiles apart, factor 1.3
        (clock(1.3), clock(1.0), True),
        (clock(1.0, 0.3), clock(1.3), False),  # quartiles overlap
        (clock(1.0, 0.01), clock(1.2, 0.01), False),  # apart, but within what another process may cost
        (clock(1.0, 0.0, 1), clock(1.9, 0.0, 1), False),  # one round has no spread
        (clock(1.0, 0.0, 1), clock(2.1, 0.0, 1), True),
    ],
)
def test_seconds_change_beyond_the_quartiles(tmp_path: Path, old: Clock, new: Clock, told: bool) -> None:
    what = difference(tmp_path, replace(FIRST, clock=old), variant("b", clock=new))
    assert bool(what) == told
    assert all("times)" in line for line in what)


@pytest.mark.parametrize("changes", [{"processor": "another"}, {}])
def test_seconds_of_other_machines_or_threads_are_not_compared(tmp_path: Path, changes: dict[str, str]) -> None:
    new = variant("b", clock=clock(9.0), threads=1 if changes else 2)
    assert difference(tmp_path, FIRST, new, **changes) == ()
    assert "seconds of 1 cells were not compared" in compare_runs(tmp_path / "a", tmp_path / "b").text()


@pytest.mark.parametrize("fact", ["processor", "cores", "gpu", "gpus", "gpu_driver", "threads_per_cell", "slots", "omp_wait_policy"])
def test_environments_are_alike_for_timing_in_all_that_seconds_depend_on(fact: str) -> None:
    place: dict[str, Any] = {"processor": "P", "cores": 2, "gpu": "G", "slots": 1, "commit": "a", "started": "then", "torch": "2"}
    assert alike_for_timing(place, {**place, "commit": "b", "started": "now"})
    assert not alike_for_timing(place, {**place, fact: "another"})
    assert not alike_for_timing({**place, fact: "another"}, place)
    assert alike_for_timing({**place, fact: None}, {name: value for name, value in place.items() if name != fact})


def test_seconds_taken_beside_other_work_are_not_compared(tmp_path: Path) -> None:
    assert difference(tmp_path, FIRST, variant("b", clock=replace(clock(9.0), others=0.5))) == ()


def test_another_outcome_is_told_with_its_reason(tmp_path: Path) -> None:
    failed = variant("b", outcome="failed", reason="no luck", metrics={}, clock=None)
    assert difference(tmp_path, FIRST, failed) == ("scored -> failed no luck",)


def test_cells_of_one_run_alone_are_a_change(tmp_path: Path) -> None:
    a = run_folder(tmp_path / "a", [FIRST, variant("b", seed=1)])
    b = run_folder(tmp_path / "b", [FIRST, variant("c", parameters={"rank": 4, "weights": None})])
    told = compare_runs(a, b)
    assert told.changed
    assert (told.same, len(told.differences)) == (1, 0)
    assert [record.seed for record in told.only_before] == [1]
    assert [record.parameters["rank"] for record in told.only_after] == [4]
    for part in ("only in A Steady on file/a, camera-x8, seed 1", "only in B Steady on file/a, camera-x8, seed 0", "explain"):
        assert part in told.text(), part


def test_of_two_records_of_one_cell_the_later_counts(tmp_path: Path) -> None:
    old = variant("b", metrics={"psnr": 10.0}, ended="2025-01-01T00:00:00+00:00")
    assert not compare_runs(run_folder(tmp_path / "a", [FIRST]), run_folder(tmp_path / "b", [FIRST, old])).changed


def test_a_folder_without_records_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty" / "cells").mkdir(parents=True)
    with pytest.raises(RecordError, match="at least one record"):
        compare_runs(run_folder(tmp_path / "a", [FIRST]), tmp_path / "empty")
