"""The clock of programs: what is taken off, when, and that no method in Python can have anything taken off."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from benchmark.authors.sample_pairs import random_pair
from benchmark.measure.meter import measure_first
from benchmark.measure.program_clock import PENDING, RESOLUTION_S, ProgramClock
from benchmark.measure.rounds import LONGEST_WARM_UP_S
from datasets.observation import Observation
from methods.catalog import find_one
from methods.contract import AnyMethod, Card, Estimate, FusionMethod
from methods.declared.empty_start import EmptyStart
from methods.declared.program_kind import ProgramMethod
from methods.declared.program_run import ProgramRun
from tests.programs import nearest, program

SEEN, CPU = random_pair(5, 3), torch.device("cpu")


def method_in(folder: Path, more: str = "") -> AnyMethod:
    """A program that repeats each pixel."""
    return find_one(str(nearest(folder, more=more))).load()()


@dataclass(frozen=True)
class Hiding(FusionMethod):
    """A method in Python that lets a program of the suite run inside, so as to have its seconds taken off."""

    card: ClassVar[Card] = Card(name="hiding", paper="", doi="", year=2026, fidelity="none")
    inner: FusionMethod

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        return self.inner.fuse(seen, rng)


def test_the_empty_start_is_measured_when_the_estimate_is_safe_and_taken_off_each_call(tmp_path: Path) -> None:
    estimate, first = measure_first(method_in(tmp_path, 'version = ["echo", "one"]'), SEEN, CPU, 0, outside=True)
    assert torch.equal(estimate.cube, SEEN.hsi.repeat_interleave(4, 1).repeat_interleave(4, 2))
    assert first.program is not None
    run = first.program.first
    assert first.program.empty is PENDING
    assert "nothing is subtracted" in first.program.facts.empty_start_problem
    assert first.clock.fuse == pytest.approx(first.whole - run.handing_seconds)
    clock, facts = first.repeat(), first.program.facts
    assert facts.version == "one"
    assert facts.empty_start_seconds is not None
    assert clock.first == pytest.approx(max(RESOLUTION_S, first.whole - run.handing_seconds - facts.empty_start_seconds))
    assert clock.rounds == len(clock.round_seconds) >= 1
    assert clock.warmed or first.whole > LONGEST_WARM_UP_S or clock.round_notes, "the first call stands alone for a stated reason only"


def test_of_a_method_in_python_nothing_is_taken_off(tmp_path: Path) -> None:
    inner = method_in(tmp_path)
    assert isinstance(inner, ProgramMethod)
    _, first = measure_first(Hiding(inner), SEEN, CPU, 0)
    assert first.program is None
    assert first.clock.fuse == first.whole


def test_where_no_empty_start_is_known_nothing_is_taken_off_and_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "fusion").write_text('#!/bin/sh\nexec "$3" "$4" "$1" "$2"\n')
    (tmp_path / "fusion").chmod(0o755)
    nearest(tmp_path, "other")
    command = ["./fusion", "{observation}", "{estimate}", sys.executable, "{here}/nearest.py"]
    _, first = measure_first(find_one(str(program(tmp_path, "x", command))).load()(), SEEN, CPU, 0, outside=True)
    first.repeat()
    assert first.program is not None
    assert first.program.facts.empty_start_seconds is None
    assert "no empty start of fusion is known: nothing is subtracted" in first.program.facts.subtracted


def test_no_figure_is_below_the_resolution(tmp_path: Path) -> None:
    method = method_in(tmp_path)
    assert isinstance(method, ProgramMethod)
    run = ProgramRun(method.program, seconds=0.2, handing_seconds=0.1, learning_seconds=None, fusing_seconds=None, parameter_count=None)
    clock = ProgramClock(run, EmptyStart("x", 0.25))
    assert clock.net(0.3, [run]) == RESOLUTION_S
    assert clock.net(1.0, [run]) == pytest.approx(0.65)
    assert clock.net(1.0, [run, run]) == pytest.approx(0.3), "two runs in one call have two starts"
    assert clock.net(1.0, []) == 1.0
