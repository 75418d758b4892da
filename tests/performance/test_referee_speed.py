"""The referee's own cost a cell: a method that does nothing, in its own process, without storing and scoring.

Floor: a fork of the preloaded server, one pickle of the pair through a pipe, one answer back.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.authors.sample_pairs import random_pair
from benchmark.children.child_task import Limits
from benchmark.children.endings import Ended
from benchmark.children.processes import collect, start, wait_any
from benchmark.runner.jobs import FuseJob
from methods.catalog import find_one

NOTHING = '''"""Does nothing."""
from dataclasses import dataclass
from typing import ClassVar
from methods.contract import Card, Estimate, FusionMethod


@dataclass(frozen=True)
class Method(FusionMethod):
    card: ClassVar[Card] = Card(name="nothing", paper="none", doi="", year=2026, fidelity="none")
    strength: float = 1.0

    def fuse(self, seen, rng):
        return Estimate(seen.hsi.new_zeros((seen.hsi.shape[0], *seen.msi.shape[1:])))
'''


@pytest.mark.benchmark(group="the referee's cost a cell", min_rounds=30)
def test_a_cell_that_does_nothing(benchmark: Callable[..., Ended], tmp_path: Path) -> None:
    (tmp_path / "nothing.py").write_text(NOTHING)
    entry = find_one(str(tmp_path / "nothing.py"))
    seen = random_pair(31, 3).withhold(psf=True, srf=True)

    def cell() -> Ended:
        job = FuseJob(entry=entry, parameters={}, observation=pickle.dumps(seen), device="cpu", seed=0, keep=False)
        child = start(job, Limits(60, apart=True))
        while child not in wait_any([child], 5):
            pass
        ended = collect(child)
        ended.discard()
        return ended

    cell()  # starts the fork server: once a run, not once a cell
    ended = benchmark(cell)
    assert ended.how == "done", ended.reason
