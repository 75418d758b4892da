"""Clocks that a method would fool, mostly without ill will: what it keeps between calls, gives late, does elsewhere, or replaces.

Each method works for `WORK_S` of processor time somewhere, and the record must show it. The work is real, so that the figures have lower
bounds whatever the load of the machine.
"""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from benchmark.authors.sample_pairs import random_pair
from benchmark.children.child_task import Limits
from benchmark.children.processes import collect, start, wait_any
from benchmark.run_folder.record import Clock, Memory, clock_from, memory_from
from benchmark.runner.jobs import ESTIMATE_NAME, FuseJob
from benchmark.runner.outcomes import fused_answer
from datasets.cube_file import CubeFile, read_cube
from methods.catalog import find_one

WORK_S = 0.3
HEAD = '''"""A method for tests."""
from __future__ import annotations
import ctypes, functools, os, resource, statistics, sys, time
from dataclasses import dataclass
from typing import ClassVar
import torch
from methods.contract import Card, Estimate, FusionMethod

KEPT = {{}}

def work(clock=time.process_time):
    end = clock() + {work}
    while clock() < end: pass

def up(seen):
    return seen.hsi.repeat_interleave(seen.ratio, 1).repeat_interleave(seen.ratio, 2)

def kept(key, make):
    if key not in KEPT: work(); KEPT[key] = make()
    return KEPT[key]

{before}

@dataclass(frozen=True)
class Method(FusionMethod):
    card: ClassVar[Card] = Card(name="t", paper="a test", doi="", year=2026, fidelity="none", random=False)

    def fuse(self, seen, rng):
        {body}

{after}
'''
LATE_TENSOR = """
class Late(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if getattr(func, "__name__", "") in ("detach", "cpu"): work()
        return super().__torch_function__(func, types, args, kwargs or {})
"""
LATE_ESTIMATE = """
class Late(Estimate):
    def __init__(self, seen): object.__setattr__(self, "seen", seen)
    def __getattribute__(self, name):
        if name == "cube": work()
        if name in ("cube", "std", "psf", "srf"): return up(object.__getattribute__(self, "seen")) if name == "cube" else None
        return object.__getattribute__(self, name)
"""
FREEZE = """
for name in ("perf_counter", "process_time", "monotonic", "time"):
    real = getattr(time, name)
    for module in list(sys.modules.values()):  # as libraries do that freeze time
        for key, value in list(getattr(module, "__dict__", {}).items()):
            if value is real: setattr(module, key, lambda: 0.0)
"""
REPLACE = """
torch.cuda.synchronize = torch.manual_seed = lambda *given: None
statistics.median = statistics.quantiles = lambda *given, **options: [0.0, 0.0, 0.0]
resource.getrusage = os.times = lambda *given: None
"""


def fuse(folder: Path, body: str, before: str = "", after: str = "", limit_s: float = 100.0) -> tuple[Clock, Memory, CubeFile]:
    """What the record holds of a method with this text, and its estimate."""
    (folder / "subject.py").write_text(HEAD.format(work=WORK_S, body=body, before=before, after=after))
    seen = random_pair(31, 3).withhold(psf=True, srf=True)
    job = FuseJob(find_one(str(folder / "subject.py")), {}, pickle.dumps(seen), "cpu", seed=0)
    child = start(job, Limits(limit_s, apart=True))
    while child not in wait_any([child], 5.0):
        pass
    ended = collect(child)
    try:
        assert ended.how == "done", ended.reason
        answer = fused_answer(ended)
        return clock_from(answer["clock"]), memory_from(answer["memory"]), read_cube(ended.scratch / ESTIMATE_NAME)
    finally:
        ended.discard()


@pytest.mark.parametrize(
    ("body", "before"),
    [
        ("return Estimate(kept(seen.hsi.numpy().tobytes(), lambda: up(seen)).clone())", ""),
        ("kept(id(seen), lambda: seen); return Estimate(up(seen))", ""),
        ("KEPT.setdefault(id(seen.wavelengths), (work(), seen)) if id(seen.wavelengths) not in KEPT else 0; return Estimate(up(seen))", ""),
        ("return Estimate(solve(seen))", "@functools.lru_cache\ndef solve(seen):\n    work()\n    return up(seen)"),
        ("work(); return Estimate(up(seen))", FREEZE),
        ("work(); return Estimate(up(seen))", REPLACE),
        ("return Late(seen)", LATE_ESTIMATE),
    ],
    ids=["value", "object", "wavelengths", "lru_cache", "frozen_time", "replaced", "late_estimate"],
)
def test_the_work_of_fusing_is_in_the_seconds_of_fusing(tmp_path: Path, body: str, before: str) -> None:
    clock, _, stored = fuse(tmp_path, body, before)
    assert clock.fuse > 0.9 * WORK_S
    assert all(seconds > 0.9 * WORK_S for seconds in clock.round_seconds)
    assert not [note for note in clock.round_notes if "kept" in note], "each round has a pair of its own, which must be fused"
    assert stored.cube.shape == (31, 16, 24)


@pytest.mark.parametrize(
    ("body", "note"),
    [
        ("if KEPT: return Estimate(torch.full((1, 1, 1), float('nan')))\n        kept(0, dict); return Estimate(up(seen))", "(1, 1, 1)"),
        ("if KEPT: return Estimate(up(seen) / 0)\n        kept(0, dict); return Estimate(up(seen))", "NaN or Inf"),
        ("if KEPT: raise ValueError('once is enough')\n        kept(0, dict); return Estimate(up(seen))", "ValueError: once is enough"),
        ("if KEPT: sys.exit()\n        kept(0, dict); return Estimate(up(seen))", "SystemExit"),
        ("if KEPT: os._exit(3)\n        kept(0, dict); return Estimate(up(seen))", "ended before the rounds were done"),
        ("return Estimate(kept(0, lambda: up(seen)))", "it was kept"),
        (
            "if not KEPT: KEPT[0] = 1; return Estimate(up(seen))\n        work(); return Estimate(up(seen))",
            "times as long as the first call",
        ),
    ],
    ids=["tiny", "nan", "raises", "exits", "dies", "anything", "slower"],
)
def test_a_round_that_goes_wrong_costs_the_rounds_and_not_the_cell(tmp_path: Path, body: str, note: str) -> None:
    clock, _, stored = fuse(tmp_path, body)
    assert note in " ".join(clock.round_notes)
    assert (clock.rounds, clock.warmed, clock.round_seconds) == (1, False, (clock.first,))
    assert clock.fuse == clock.first
    assert clock.fuse > 0.9 * WORK_S or "as long as" in note
    assert stored.cube.shape == (31, 16, 24)


def test_rounds_without_end_cost_the_rounds_and_not_the_cell(tmp_path: Path) -> None:
    clock, _, _ = fuse(tmp_path, "if KEPT: time.sleep(600)\n        kept(0, dict); return Estimate(up(seen))", limit_s=12.0)
    assert "ended before the rounds were done" in clock.round_notes[0]
    assert clock.fuse > 0.9 * WORK_S


def test_a_buffer_that_every_call_refines_gives_another_cube_and_the_first_one_is_scored(tmp_path: Path) -> None:
    refine = "cube = KEPT.setdefault(0, torch.zeros_like(up(seen))); cube += 0.3 * (up(seen) - cube); return Estimate(cube)"
    clock, _, stored = fuse(tmp_path, refine)
    assert clock.another_cube
    seen = random_pair(31, 3)
    expected = 0.3 * seen.hsi.repeat_interleave(4, 1).repeat_interleave(4, 2)
    assert abs(stored.cube - expected.numpy()).max() < 1e-4


def test_a_method_that_reacts_strongly_to_its_input_gives_the_same_cube_for_the_same_pair(tmp_path: Path) -> None:
    clock, _, _ = fuse(tmp_path, "return Estimate(up(seen) + torch.sin(1e7 * up(seen)))")
    assert clock.rounds_apart is not None
    assert clock.rounds_apart > 0.1
    assert clock.replay_apart == 0
    assert not clock.another_cube


def test_an_honest_method_has_no_notes(tmp_path: Path) -> None:
    clock, _, _ = fuse(tmp_path, "return Estimate(up(seen) + 0.01 * torch.rand(3, 1, 1).mean() + 0.01 * torch.rand(1, generator=rng))")
    assert not [note for note in clock.round_notes if "as long as" not in note], "a loaded machine may have made it wait"
    assert clock.rounds_apart is not None
    assert 0 < clock.rounds_apart < 1e-5, "torch's own generator and the one that is handed in are seeded alike in each round"
    assert not clock.another_cube
    assert not clock.contradicted
    assert clock.inside is not None
    assert clock.outside is not None
    assert 0 < clock.inside < clock.outside


def test_a_cube_of_a_class_that_computes_late_is_no_estimate(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"expected a torch\.Tensor, got Late"):
        fuse(tmp_path, "return Estimate(up(seen).as_subclass(Late))", LATE_TENSOR)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("work()", ""),
        ("", "    def __post_init__(self): work()"),
        ("", "    def describe(self):\n        work()\n        return self.card"),
        ("", "    def parameter_count(self):\n        work()\n        return super().parameter_count()"),
    ],
    ids=["import", "construction", "description", "count"],
)
def test_work_outside_of_all_columns_is_told(tmp_path: Path, before: str, after: str) -> None:
    clock, _, _ = fuse(tmp_path, "return Estimate(up(seen))", before, after)
    assert clock.nowhere_processor is not None
    assert clock.nowhere_processor > 0.9 * WORK_S
    assert clock.unaccounted > 0.9 * WORK_S
    quiet, _, _ = fuse(tmp_path, "work(); return Estimate(up(seen))")
    assert quiet.nowhere_processor is not None
    assert quiet.nowhere_processor < 0.9 * WORK_S, "what is in a column is not counted twice"


@pytest.mark.parametrize(
    "hold",
    [
        "x = torch.ones(50_000_000); time.sleep(0.5); del x; open('/proc/self/clear_refs', 'w').write('5')",
        "f = KEPT.setdefault(0, os.memfd_create('x')); os.pwrite(f, bytes(1) * 200_000_000, 0); time.sleep(0.5)",
        "import mmap; x = KEPT.setdefault(0, mmap.mmap(-1, 200_000_000)); x[:] = bytes(1) * 200_000_000",
    ],
    ids=["reset", "memfd", "shared"],
)
def test_memory_counts_whatever_it_is_called(tmp_path: Path, hold: str) -> None:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("needs /proc")
    _, memory, _ = fuse(tmp_path, f"{hold}; return Estimate(up(seen))")
    assert memory.peak - memory.base > 190e6
