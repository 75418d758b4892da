"""The clock and the scales: seconds with the device synchronised, peak memory of the process, learned parameters.

`fuse` alone is inference. The first call is a warm-up; then rounds until there are `ROUNDS` of them or `BUDGET_S` is spent; median and
quartiles are kept. A first call that takes longer than the budget is itself the one round (`warmed` is then False), so that a method of
twenty seconds is not run twice. Learning and transfers have their own columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import TypeVar

import torch

from benchmark.result import Clock, Memory
from datasets.observation import Observation
from methods.contract import AnyMethod, Estimate, FusionMethod, ParameterCount, learn

ROUNDS = 5
BUDGET_S = 2.0
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Measured:
    """An estimate on the CPU, and what it cost."""

    estimate: Estimate
    clock: Clock
    memory: Memory
    parameters: ParameterCount


def measure(method: AnyMethod, seen: Observation, device: torch.device, seed: int) -> Measured:
    """Let `method` learn and fuse on `device`, and take the time of each."""
    base = resident_bytes("VmRSS")
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    there, to_device = timed(lambda: seen.to(device), device)
    fitted, learning = timed(lambda: learn(method, there, _generator(seed)), device)
    fit = 0.0 if isinstance(method, FusionMethod) else learning
    first, seconds = timed(lambda: fitted.fuse(there, _generator(seed)), device)
    rounds, warmed = [seconds], False
    if seconds <= BUDGET_S:
        rounds, warmed = [], True
        while len(rounds) < ROUNDS and (not rounds or sum(rounds) < BUDGET_S):
            rounds.append(timed(lambda: fitted.fuse(there, _generator(seed)), device)[1])
    cube, to_host = timed(lambda: first.cube.cpu(), device)
    low, _, high = quantiles(rounds, n=4, method="inclusive") if len(rounds) > 1 else (rounds[0],) * 3
    return Measured(
        Estimate(cube, first.psf, first.srf, first.std),
        Clock(fuse=median(rounds), fuse_low=low, fuse_high=high, rounds=len(rounds), warmed=warmed, fit=fit, transfer=to_device + to_host),
        Memory(
            peak=resident_bytes("VmHWM"),
            base=base,
            cuda_peak=torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None,
        ),
        fitted.parameter_count(),
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


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)
