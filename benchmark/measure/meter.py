"""The clock and the scales: seconds with the device synchronised, peak memory of the process, learned parameters, operations.

`fuse` alone is inference. The first call is a warm-up; then rounds until the median is steady or the budget is spent:

    steady    at least `LEAST_ROUNDS`, and the quartiles within `STEADY` of the median, over the root of their number
    budget    `BUDGET_S` of rounds, or `MOST_ROUNDS` of them

A first call that takes longer than the budget is itself the one round (`warmed` is then False), so that a method of twenty seconds is
not run twice. Learning, which happens once, and transfers have their own columns. Operations are counted in a call of their own, never a
timed one.

Other work on the machine spoils a clock: the cores that other processes kept busy while it ran, and the share of time that a
hypervisor took away, are measured from /proc/stat and kept with the seconds; so is a fall of the cores' frequency (/proc/cpuinfo), which a
hot or throttled machine shows.
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

from benchmark.measure.operations import Flops, count_flops
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
    flops: Flops | None  # None where they were not asked for


def measure(method: AnyMethod, seen: Observation, device: torch.device, seed: int, *, flops: bool = False) -> Measured:
    """Let `method` learn and fuse on `device`, and take the time of each; `flops` asks for a further call that counts operations."""
    base = resident_bytes("VmRSS")
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    there, to_device = timed(lambda: seen.to(device), device)
    machine, frequency = _Machine(), _Frequency()
    learned, learning = timed(lambda: learn(method, there, _generator(seed)), device)
    fitted, adapting = timed(lambda: adapted(learned, there, _generator(seed)), device)
    first, seconds = timed(lambda: fitted.fuse(there, _generator(seed)), device)
    rounds, warmed = [seconds], False
    frequency.look()
    if seconds <= BUDGET_S:
        rounds, warmed = [], True
        while not _enough(rounds):
            rounds.append(timed(lambda: fitted.fuse(there, _generator(seed)), device)[1])
            frequency.look()
    others, steal = machine.disturbance()
    cube, to_host = timed(lambda: first.cube.cpu(), device)
    memory = Memory(
        peak=resident_bytes("VmHWM"),
        base=base,
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
        others=others,
        steal=steal,
        slowed=frequency.fall(),
    )
    counted = count_flops(lambda: fitted.fuse(there, _generator(seed)))[1] if flops else None
    return Measured(on_cpu(replace(first, cube=cube)), clock, memory, fitted.parameter_count(), counted)


def on_cpu(estimate: Estimate) -> Estimate:
    """The estimate with all its tensors on the CPU, where files are written and scores are taken."""
    psf, srf, std = estimate.psf, estimate.srf, estimate.std
    return Estimate(
        estimate.cube.cpu(),
        None if psf is None else replace(psf, kernel=psf.kernel.cpu()),
        None if srf is None else replace(srf, weights=srf.weights.cpu()),
        None if std is None else std.cpu(),
    )


def timed(call: Callable[[], T], device: torch.device) -> tuple[T, float]:
    """What `call` returns, and its seconds with all work on `device` done before and after."""
    _synchronise(device)
    start = perf_counter()
    value = call()
    _synchronise(device)
    return value, perf_counter() - start


def resident_bytes(which: str) -> int:
    """Resident memory of this process: VmRSS now, VmHWM its peak. 0 where the kernel does not tell (no /proc)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    found = re.search(rf"^{which}:\s+(\d+) kB", status.read_text(encoding="ascii"), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


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


class _Machine:
    """What the whole machine does, against what this process does, from here on."""

    def __init__(self) -> None:
        self.start = perf_counter()
        self.busy, self.stolen = _machine_seconds()
        self.own = sum(os.times()[:2])

    def disturbance(self) -> tuple[float | None, float | None]:
        """Cores that others kept busy, and the share of all cores' time that was stolen, since the start; None where nobody tells.

        The kernel counts in hundredths of a second, so less than a fifth of a second says nothing.
        """
        elapsed = perf_counter() - self.start
        busy, stolen = _machine_seconds()
        if busy is None or self.busy is None or stolen is None or self.stolen is None or elapsed < 0.2:
            return None, None
        own = sum(os.times()[:2]) - self.own
        return max(0.0, (busy - self.busy - own) / elapsed), (stolen - self.stolen) / (elapsed * (os.cpu_count() or 1))


class _Frequency:
    """The frequency of the fastest core, looked at while the method works (an idle core says nothing)."""

    def __init__(self, source: Path = Path("/proc/cpuinfo")) -> None:
        self.source = source
        self.seen: list[float] = []
        self.looked = -inf

    def look(self) -> None:
        """Remember the frequency now, unless that was done a moment ago: reading it takes about a millisecond a core."""
        if perf_counter() - self.looked >= LOOK_S and self.source.exists():
            self.looked = perf_counter()
            text = self.source.read_text(encoding="utf-8", errors="replace")
            found = [float(value) for value in re.findall(r"^cpu MHz\s*:\s*([\d.]+)", text, re.MULTILINE)]
            self.seen += [max(found)] if found else []

    def fall(self) -> float | None:
        """The share by which the lowest lies below the highest; None with less than two looks."""
        return 1 - min(self.seen) / max(self.seen) if len(self.seen) > 1 else None


def _machine_seconds() -> tuple[float | None, float | None]:
    """Seconds of all cores together, since the machine started: at work, and stolen. None without /proc/stat."""
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
