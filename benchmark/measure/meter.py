"""The clock: seconds with the device synchronised, memory, learned parameters.

Only `fuse` is inference. Its first call has a figure of its own, as it may set things up (compile, merge weights). Then rounds follow until
the median is steady or the budget is spent:

    steady    at least `LEAST_ROUNDS`, and the quartiles within `STEADY` of the median, over the root of their number
    budget    `BUDGET_S` of rounds, or `MOST_ROUNDS` of them

A first call that takes longer than the budget is itself the only round (`warmed` is then False), so that a method of twenty seconds is not
run twice. Learning, which happens once, and transfers have their own columns. Nothing else is called here: operations are counted later,
by `Measured.again`, when the estimate is stored.

Other work on the machine spoils the seconds. So the cores that other processes kept busy while the clock ran, and the share of time that a
hypervisor took away, are measured from /proc/stat and kept with the seconds; so is a fall of the cores' frequency (/proc/cpuinfo), as it
happens on a hot or throttled machine. Processes that the method started belong to the method, and are no other work (`group.py`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import TypeVar

import torch

from benchmark.measure.group import largest_child_bytes, processor_seconds, resident_bytes
from benchmark.run_folder.record import Clock, Memory
from datasets.observation import Observation
from methods.adapting import adapted
from methods.contract import AnyMethod, Estimate, FusionMethod, ParameterCount, learn

BUDGET_S = 2.0
LEAST_ROUNDS, MOST_ROUNDS = 3, 30
STEADY = 0.02
LOOK_S = 0.25  # between two looks at the cores' frequency
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Measured:
    """An estimate on the CPU, and what it cost."""

    estimate: Estimate
    clock: Clock
    memory: Memory
    parameters: ParameterCount
    again: Callable[[], Estimate]  # fuses once more, as each round did


def measure_method(method: AnyMethod, seen: Observation, device: torch.device, seed: int) -> Measured:
    """The estimate of `method` for the pair `seen`, and what it cost: the method learns and fuses on `device`, and each part is timed."""
    base = resident_bytes("VmRSS")
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    there, to_device = timed(lambda: seen.to(device), device)
    machine, frequency = _Machine(), _Frequency()
    learned, learning = timed(lambda: learn(method, there, _generator(seed)), device)
    fitted, adapting = timed(lambda: adapted(learned, there, _generator(seed)), device)

    def fuse() -> Estimate:
        return fitted.fuse(there, _generator(seed))

    estimate, first = timed(fuse, device)
    rounds, warmed = [first], False
    frequency.look()
    if first <= BUDGET_S:
        rounds, warmed = [], True
        while not _enough(rounds):
            rounds.append(timed(fuse, device)[1])
            frequency.look()
    disturbed = machine.disturbance()
    cube, to_host = timed(lambda: estimate.cube.detach().cpu(), device)
    main_process = resident_bytes("VmHWM")
    memory = Memory(
        peak=max(main_process, largest_child_bytes()),
        base=base,
        main_process=main_process,
        cuda_peak=torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
    )
    low, high = _quartiles(rounds)
    clock = Clock(
        fuse=median(rounds),
        fuse_low=low,
        fuse_high=high,
        rounds=len(rounds),
        warmed=warmed,
        fit=0.0 if isinstance(method, FusionMethod) else learning,
        adapt=0.0 if fitted is learned else adapting,
        transfer=to_device + to_host,
        others=disturbed.others,
        steal=disturbed.steal,
        slowed=frequency.fall(),
        first=first,
        round_seconds=tuple(rounds),
        used=disturbed.used,
        used_by_children=disturbed.used_by_children,
    )
    return Measured(on_cpu(replace(estimate, cube=cube)), clock, memory, fitted.parameter_count(), fuse)


def on_cpu(estimate: Estimate) -> Estimate:
    """The estimate with all its tensors on the CPU, where files are written and scores are computed, and without gradients."""
    psf, srf, std = estimate.psf, estimate.srf, estimate.std
    return Estimate(
        estimate.cube.detach().cpu(),
        None if psf is None else replace(psf, kernel=psf.kernel.detach().cpu()),
        None if srf is None else replace(srf, weights=srf.weights.detach().cpu()),
        None if std is None else std.detach().cpu(),
    )


def timed(call: Callable[[], T], device: torch.device) -> tuple[T, float]:
    """What `call` returns, and the seconds that it took; all work on `device` is done before and after."""
    _synchronise(device)
    start = perf_counter()
    value = call()
    _synchronise(device)
    return value, perf_counter() - start


def _enough(rounds: Sequence[float]) -> bool:
    """Whether the median is steady, or the budget spent."""
    if len(rounds) < LEAST_ROUNDS:
        return bool(rounds) and sum(rounds) >= BUDGET_S
    low, high = _quartiles(rounds)
    steady = (high - low) <= STEADY * median(rounds) * len(rounds) ** 0.5
    return steady or len(rounds) >= MOST_ROUNDS or sum(rounds) >= BUDGET_S


def _quartiles(rounds: Sequence[float]) -> tuple[float, float]:
    if len(rounds) == 1:
        return rounds[0], rounds[0]
    low, _, high = quantiles(rounds, n=4, method="inclusive")
    return low, high


@dataclass(frozen=True)
class Disturbance:
    """What kept the cores busy meanwhile, in cores (0.5 is half of one core's time); None where it is not known."""

    others: float | None = None  # processes that the method did not start
    steal: float | None = None  # share of all cores' time that a hypervisor took away
    used: float | None = None  # the method, with the processes that it started
    used_by_children: float | None = None  # these processes alone


class _Machine:
    """What the whole machine does from the start of this object on, and what this process and its children do."""

    def __init__(self) -> None:
        self.start = perf_counter()
        self.busy, self.stolen = _machine_seconds()
        self.main, self.children = processor_seconds(orphans=False)

    def disturbance(self) -> Disturbance:
        """What kept the cores busy since the start.

        The kernel counts in hundredths of a second, so of less than a fifth of a second nothing is known.
        """
        elapsed = perf_counter() - self.start
        busy, stolen = _machine_seconds()
        if busy is None or self.busy is None or stolen is None or self.stolen is None or elapsed < 0.2:
            return Disturbance()
        main, children = processor_seconds(orphans=True)
        children -= self.children
        used = main - self.main + children
        others = max(0.0, (busy - self.busy - used) / elapsed)
        return Disturbance(others, (stolen - self.stolen) / (elapsed * (os.cpu_count() or 1)), used / elapsed, max(0.0, children / elapsed))


class _Frequency:
    """The frequency of the fastest core while the method works (that of an idle core says nothing)."""

    def __init__(self, source: Path = Path("/proc/cpuinfo")) -> None:
        self.source = source
        self.seen: list[float] = []
        self.looked = -inf

    def look(self) -> None:
        """Note the frequency now, unless that was done a moment ago: to read it takes about a millisecond per core."""
        if perf_counter() - self.looked >= LOOK_S and self.source.exists():
            self.looked = perf_counter()
            text = self.source.read_text(encoding="utf-8", errors="replace")
            frequencies = [float(value) for value in re.findall(r"^cpu MHz\s*:\s*([\d.]+)", text, re.MULTILINE)]
            self.seen += [max(frequencies)] if frequencies else []

    def fall(self) -> float | None:
        """The share by which the lowest frequency lies below the highest; None after fewer than two looks."""
        return 1 - min(self.seen) / max(self.seen) if len(self.seen) > 1 else None


def _machine_seconds() -> tuple[float | None, float | None]:
    """The seconds of all cores together since the machine started: at work, and taken by a hypervisor. None without /proc/stat."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return None, None
    fields = [int(field) / os.sysconf("SC_CLK_TCK") for field in stat.read_text(encoding="ascii").splitlines()[0].split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return user + nice + system + irq + softirq, steal


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
