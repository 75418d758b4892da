"""The meter: what is timed, how often, and what the memory is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from benchmark.conformance import random_pair
from benchmark.meter import BUDGET_S, LEAST_ROUNDS, MOST_ROUNDS, _enough, _Frequency, _Machine, measure, resident_bytes
from datasets.observation import Observation
from methods.adapting import AdaptingMethod
from methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount, TrainableMethod
from tests.benchmark.folders import FIRST

CARD = Card(name="t", paper="t", doi="", year=2026, supervision="self", learns="on the scene", fidelity="t")
CALLS: list[str] = []
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
        return Estimate(torch.full((*seen.hsi.shape[:1], *seen.msi.shape[1:]), float(len(CALLS))))

    def parameter_count(self) -> ParameterCount:
        return ParameterCount(7, 5)


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
    monkeypatch.setattr("benchmark.meter.perf_counter", lambda: NOW[0])


@pytest.mark.usefixtures("_clock")
def test_the_first_call_is_a_warm_up_and_the_median_is_of_the_others() -> None:
    measured = measure(Sleeper(), random_pair(3, 2), torch.device("cpu"), seed=4)
    assert measured.clock.warmed
    assert LEAST_ROUNDS == measured.clock.rounds == len(CALLS) - 1
    assert [measured.clock.fuse_low, measured.clock.fuse, measured.clock.fuse_high] == pytest.approx([0.02] * 3)
    assert len(set(CALLS)) == 1, "every round must see the same random numbers"
    assert float(measured.estimate.cube[0, 0, 0]) == 1, "the estimate kept is that of the first call"
    assert measured.parameters == ParameterCount(7, 5)


@pytest.mark.usefixtures("_clock")
def test_a_slow_method_is_called_once() -> None:
    measured = measure(Sleeper(naps=(BUDGET_S + 0.05,)), random_pair(3, 2), torch.device("cpu"), seed=0)
    assert (measured.clock.rounds, measured.clock.warmed, len(CALLS)) == (1, False, 1)
    assert measured.clock.fuse == pytest.approx(BUDGET_S + 0.05)


@pytest.mark.usefixtures("_clock")
def test_an_unsteady_method_is_called_until_the_budget_is_spent() -> None:
    naps = (0.1, *(0.25 + 0.1 * (number % 3) for number in range(MOST_ROUNDS)))
    assert measure(Sleeper(naps), random_pair(3, 2), torch.device("cpu"), seed=0).clock.rounds == 6  # five take 1.65 s, six 2.1 s


@pytest.mark.usefixtures("_clock")
def test_learning_has_its_own_column() -> None:
    measured = measure(Learner(), random_pair(3, 2), torch.device("cpu"), seed=0)
    assert measured.clock.fit == pytest.approx(0.1)
    assert measured.clock.fuse == pytest.approx(0.001)


@pytest.mark.usefixtures("_clock")
def test_what_has_learned_beforehand_and_learns_on_the_scene_besides_is_timed_apart() -> None:
    measured = measure(Adapter(), random_pair(3, 2), torch.device("cpu"), seed=0)
    assert measured.clock.adapt == pytest.approx(0.1)
    assert measured.clock.fuse == pytest.approx(0.001)
    assert measured.clock.fit == 0, "its training was in another process"
    assert not any(call.startswith("adapt") for call in CALLS[1:]), "adapted once, then fused in every round"
    assert measure(Learner(), random_pair(3, 2), torch.device("cpu"), seed=0).clock.adapt == 0


def test_memory_is_that_of_the_process() -> None:
    base = resident_bytes("VmRSS")
    held = torch.ones(40_000_000)
    assert resident_bytes("VmRSS") - base > 100e6
    peak = resident_bytes("VmHWM")
    del held
    assert resident_bytes("VmHWM") == pytest.approx(peak, abs=4e6)  # the kernel counts pages in batches
    assert peak >= base + 100e6


def test_other_work_on_the_machine_is_noticed() -> None:
    import subprocess
    import sys
    import time

    busy = subprocess.Popen([sys.executable, "-c", "print('at work', flush=True)\nwhile True: pass"], stdout=subprocess.PIPE, text=True)
    assert busy.stdout is not None
    with busy, busy.stdout:
        try:
            busy.stdout.readline()
            machine = _Machine()
            spent = time.perf_counter()
            while time.perf_counter() - spent < 0.6:  # work of this process is not counted
                pass
            others, steal = machine.disturbance()
        finally:
            busy.kill()
    if others is None or steal is None:
        pytest.skip("needs /proc/stat")
    assert others > 0.2
    assert 0 <= steal <= 1


def test_a_fall_of_the_frequency_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmark.meter.LOOK_S", 0.0)
    source = tmp_path / "cpuinfo"
    frequency = _Frequency(source)
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
    assert not _enough([])
    assert not _enough([0.1, 0.1])
    assert _enough([0.1, 0.1001, 0.0999])
    assert not _enough([0.1, 0.2, 0.05])
    assert _enough([1.1, 1.2])
    assert _enough([0.01, 0.02] * 15)
