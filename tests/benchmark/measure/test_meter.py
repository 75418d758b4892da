"""The meter: what is timed, how often, and what the memory is."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from benchmark.authors.sample_pairs import random_pair
from benchmark.measure.disturbance import FrequencyWatch, MachineWatch
from benchmark.measure.group import resident_bytes
from benchmark.measure.meter import measure_method
from benchmark.measure.rounds import LEAST_ROUNDS, LONGEST_WARM_UP_S, MOST_ROUNDS, ROUNDS_S, enough_rounds
from benchmark.run_folder.record import Clock
from datasets.observation import Observation
from methods.adapting import AdaptingMethod
from methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount, TrainableMethod
from tests.benchmark.folders import FIRST

CARD = Card(name="t", paper="t", doi="", year=2026, supervision="self", learns="on the scene", fidelity="t")
CALLS: list[str] = []
BUSY = "import time\nwhile time.process_time() < {}: pass"
NOW = [0.0]  # of the clock that these tests set: a machine under load is no slower by it


def nap(seconds: float) -> None:
    NOW[0] += seconds


@dataclass(frozen=True)
class Sleeper(FusionMethod):
    card: ClassVar[Card] = CARD
    naps: tuple[float, ...] = (0.2, 0.02)

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        CALLS.append(f"fuse {float(torch.rand(1, generator=rng)):.6f}")
        nap(self.naps[min(len(CALLS), len(self.naps)) - 1])
        return Estimate(torch.full((*seen.hsi.shape[:1], *seen.msi.shape[1:]), 1.0) + seen.msi[:1])

    def parameter_count(self) -> ParameterCount:
        return ParameterCount(7, 5)


@dataclass(frozen=True)
class Hanging(FusionMethod):
    card: ClassVar[Card] = CARD

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        cube = torch.ones((*seen.hsi.shape[:1], *seen.msi.shape[1:]), requires_grad=True)
        return Estimate(cube, std=1 * cube)


@dataclass(frozen=True)
class Learner(TrainableMethod):
    card: ClassVar[Card] = CARD

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FusionMethod:
        assert [example.truth for example in examples] == [None]
        nap(0.1)
        return Sleeper(naps=(0.001,))


@dataclass(frozen=True)
class Adapter(AdaptingMethod):
    card: ClassVar[Card] = CARD

    def adapt(self, seen: Observation, rng: torch.Generator) -> FusionMethod:
        CALLS.append("adapt")
        nap(0.1)
        return Sleeper(naps=(0.001,))


@pytest.fixture(autouse=True)
def _forget() -> None:
    CALLS.clear()


@pytest.fixture
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("timed_call", "rounds", "disturbance"):
        monkeypatch.setattr(f"benchmark.measure.{module}.wall_seconds", lambda: NOW[0])


@pytest.mark.usefixtures("_clock")
def test_the_first_call_is_a_warm_up_and_the_median_is_of_the_others() -> None:
    measured = measure_method(Sleeper(), random_pair(3, 2), torch.device("cpu"), seed=4)
    assert measured.clock.warmed
    assert LEAST_ROUNDS == measured.clock.rounds == len(CALLS) - 1
    assert [measured.clock.fuse_low, measured.clock.fuse, measured.clock.fuse_high] == pytest.approx([0.02] * 3)
    assert len(set(CALLS)) == 1, "every round must see the same random numbers"
    assert torch.equal(measured.estimate.cube[0], 1 + random_pair(3, 2).msi[0]), "the estimate kept is that of the first call"
    assert measured.parameters == ParameterCount(7, 5)


@pytest.mark.usefixtures("_clock")
def test_the_first_call_and_each_round_are_kept() -> None:
    clock = measure_method(Sleeper(naps=(0.2, 0.02)), random_pair(3, 2), torch.device("cpu"), seed=0).clock
    assert clock.first is not None
    assert clock.first == pytest.approx(0.2)
    assert len(clock.round_seconds) == clock.rounds == len(CALLS) - 1
    ordered = sorted(clock.round_seconds)
    middle = [ordered[(clock.rounds - 1) // 2], ordered[clock.rounds // 2]]
    assert clock.fuse == pytest.approx(sum(middle) / 2)
    assert clock.set_up == pytest.approx(clock.first - sum(middle) / 2)


@pytest.mark.parametrize(
    ("first", "warmed", "expected"),
    [(5.0, True, 3.0), (4.0, True, 0.0), (4.1, True, 2.1), (0.5, True, 0.0), (5.0, False, 0.0), (None, True, 0.0)],
)
def test_set_up_is_what_a_first_call_takes_beyond_twice_the_median(first: float | None, warmed: bool, expected: float) -> None:
    clock = Clock(fuse=2.0, fuse_low=1.9, fuse_high=2.3, rounds=3, warmed=warmed, first=first)
    assert clock.set_up == pytest.approx(expected)


@pytest.mark.usefixtures("_clock")
def test_fusing_again_is_the_same_call() -> None:
    measured = measure_method(Sleeper(naps=(0.01,)), random_pair(3, 2), torch.device("cpu"), seed=4)
    before = len(CALLS)
    measured.again()
    assert len(CALLS) == before + 1
    assert len(set(CALLS)) == 1, "with the same random numbers"


def test_a_cube_that_hangs_on_a_graph_is_taken_off_it() -> None:
    estimate = measure_method(Hanging(), random_pair(3, 2), torch.device("cpu"), seed=0).estimate
    assert estimate.std is not None
    for image in (estimate.cube, estimate.std):
        assert not image.requires_grad
        assert float(image.numpy().min()) == 1


@pytest.mark.usefixtures("_clock")
def test_a_slow_method_is_called_once() -> None:
    measured = measure_method(Sleeper(naps=(LONGEST_WARM_UP_S + 0.05,)), random_pair(3, 2), torch.device("cpu"), seed=0)
    assert (measured.clock.rounds, measured.clock.warmed, len(CALLS)) == (1, False, 1)
    assert measured.clock.fuse == pytest.approx(LONGEST_WARM_UP_S + 0.05)
    assert measured.clock.first == measured.clock.round_seconds[0] == measured.clock.fuse


@pytest.mark.usefixtures("_clock")
def test_an_unsteady_method_is_called_until_the_budget_is_spent() -> None:
    naps = (0.4, *(0.2 + 0.1 * (number % 3) for number in range(MOST_ROUNDS)))
    assert measure_method(Sleeper(naps), random_pair(3, 2), torch.device("cpu"), seed=0).clock.rounds == 4  # three take 0.9 s, four 1.1 s


@pytest.mark.usefixtures("_clock")
def test_what_is_done_between_rounds_is_part_of_their_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.measure.rounds.check_estimate", lambda *_: nap(0.6))
    naps = (0.01, 0.01, 0.03, 0.02, 0.05, *(0.01 + 0.01 * (number % 3) for number in range(MOST_ROUNDS)))
    clock = measure_method(Sleeper(naps), random_pair(3, 2), torch.device("cpu"), seed=0).clock
    assert (clock.rounds, sum(clock.round_seconds)) == (2, pytest.approx(0.04))


@pytest.mark.usefixtures("_clock")
def test_learning_has_its_own_column() -> None:
    measured = measure_method(Learner(), random_pair(3, 2), torch.device("cpu"), seed=0)
    assert measured.clock.fit == pytest.approx(0.1)
    assert measured.clock.fuse == pytest.approx(0.001)


@pytest.mark.usefixtures("_clock")
def test_what_has_learned_beforehand_and_learns_on_the_scene_besides_is_timed_apart() -> None:
    measured = measure_method(Adapter(), random_pair(3, 2), torch.device("cpu"), seed=0)
    assert measured.clock.adapt == pytest.approx(0.1)
    assert measured.clock.fuse == pytest.approx(0.001)
    assert measured.clock.fit == 0, "its training was in another process"
    assert not any(call.startswith("adapt") for call in CALLS[1:]), "adapted once, then fused in every round"
    assert measure_method(Learner(), random_pair(3, 2), torch.device("cpu"), seed=0).clock.adapt == 0


def test_memory_is_that_of_the_process() -> None:
    base = resident_bytes("VmRSS")
    held = torch.ones(40_000_000)
    assert resident_bytes("VmRSS") - base > 100e6
    peak = resident_bytes("VmHWM")
    del held
    assert resident_bytes("VmHWM") == pytest.approx(peak, abs=4e6)  # the kernel counts pages in batches
    assert peak >= base + 100e6


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has taken; 1 where the kernel does not tell."""
    file = Path(f"/proc/{pid}/stat")
    return sum(map(int, file.read_text().rpartition(")")[2].split()[11:13])) if file.exists() else 1


def test_other_work_on_the_machine_is_noticed() -> None:
    # A process without a parent here, in a group of its own: nobody could take it for work of this process.
    there = "start_new_session=True, stdout=DEVNULL, stderr=DEVNULL"
    start = f"from subprocess import *; print(Popen([{sys.executable!r}, '-c', {BUSY.format(30)!r}], {there}).pid)"
    busy = int(subprocess.run([sys.executable, "-c", start], stdout=subprocess.PIPE, text=True, check=True).stdout)
    try:
        while not cpu_seconds(busy):
            time.sleep(0.01)
        machine = MachineWatch()
        spin(0.6)  # work of this process is not counted
        seen = machine.disturbance()
    finally:
        os.kill(busy, signal.SIGKILL)
    if seen.others is None or seen.steal is None:
        pytest.skip("needs /proc/stat")
    assert seen.others > 0.2
    assert 0 <= seen.steal <= 1


def test_work_of_processes_that_a_method_started_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[float] = []  # the moments that the meter knows
    monkeypatch.setattr("benchmark.measure.disturbance.wall_seconds", lambda: told.append(time.perf_counter()) or told[-1])
    machine = MachineWatch()
    running = subprocess.Popen([sys.executable, "-c", BUSY.format(30)])
    try:
        ended = subprocess.run([sys.executable, "-c", BUSY.format(0.5)], check=True)
        seen = machine.disturbance()
        lasted = told[-1] - machine.start
        alone = running.poll() is None
    finally:
        running.kill()
        running.wait()
    assert alone
    assert ended.returncode == 0
    if seen.used is None or seen.used_by_children is None:
        pytest.skip("needs /proc/stat")
    started = resource.getrusage(resource.RUSAGE_CHILDREN)  # the kernel's own account, when both have ended
    assert 0.15 < seen.used_by_children * lasted <= started.ru_utime + started.ru_stime + 0.05
    assert seen.used >= seen.used_by_children


def spin(seconds: float) -> None:
    began = time.perf_counter()
    while time.perf_counter() - began < seconds:
        pass


def test_a_fall_of_the_frequency_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.measure.disturbance.LOOK_S", 0.0)
    source = tmp_path / "cpuinfo"
    frequency = FrequencyWatch(source)
    frequency.look()  # a machine that does not tell
    assert frequency.fall() is None
    for slow, fast in ((800.0, 4000.0), (900.0, 3000.0), (4100.0, 1000.0)):
        source.write_text(f"processor\t: 0\ncpu MHz\t\t: {slow}\nprocessor\t: 1\ncpu MHz\t\t: {fast}\n")
        frequency.look()
    assert frequency.fall() == pytest.approx(1 - 3000 / 4100)
    assert FIRST.clock is not None
    for fall, flagged in ((frequency.fall(), True), (0.05, False), (None, False)):
        assert replace(FIRST, clock=replace(FIRST.clock, slowed=fall)).contended == flagged


def test_the_median_is_steady_or_the_budget_is_spent() -> None:
    assert not enough_rounds([], ROUNDS_S)
    assert not enough_rounds([0.1, 0.1], 0.2)
    assert enough_rounds([0.1, 0.1001, 0.0999], 0.3)
    assert not enough_rounds([0.1, 0.2, 0.05], 0.35)
    assert enough_rounds([0.1, 0.2, 0.05], ROUNDS_S)
    assert enough_rounds([1.1], 1.1)
    assert not enough_rounds([0.01, 0.02], 0.03)
    assert enough_rounds([0.01, 0.02] * 15, 0.45)
