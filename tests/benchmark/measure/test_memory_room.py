"""A method that says that it needs more memory than there is is not started, and the record says so."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
import torch

from benchmark.measure import memory_room as room
from benchmark.measure.memory_room import ShortMemoryError, expect_memory, memory_room
from datasets.observation import Observation, PairSizes
from methods.interpolation.bicubic import Method

SIZES = PairSizes(bands=31, channels=3, rows=64, cols=96, ratio=8)


class Hungry(Method):
    def memory_estimate(self, sizes: PairSizes) -> int:
        return 10 * sizes.cube_bytes


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine of files: 8 GB available, no cgroup, and a process that holds 100 MB."""
    (tmp_path / "status").write_text("Name:\ta\nVmData:\t  100000 kB\n")
    (tmp_path / "meminfo").write_text("MemTotal: 16000000 kB\nMemAvailable:    8000000 kB\n")
    monkeypatch.setattr(room, "_STATUS", tmp_path / "status")
    monkeypatch.setattr(room, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(room, "_CGROUP", tmp_path)
    monkeypatch.setattr(resource, "getrlimit", lambda which: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    return tmp_path


def test_the_least_of_three_limits_decides(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert memory_room() == (8_000_000 * 1024, "the memory of the machine")
    (machine / "memory.max").write_text("3000000000\n")
    (machine / "memory.current").write_text("2500000000\n")
    (machine / "memory.stat").write_text("anon 5\ninactive_file 400000000\n")
    assert memory_room() == (900_000_000, "the memory of the cgroup")
    (machine / "memory.max").write_text("max\n")
    assert memory_room() == (8_000_000 * 1024, "the memory of the machine")
    monkeypatch.setattr(resource, "getrlimit", lambda which: (600_000_000, resource.RLIM_INFINITY))
    assert memory_room() == (600_000_000 - 100_000 * 1024, "memory_limit_mb of the plan")
    for name in ("status", "meminfo"):
        (machine / name).unlink()
    assert memory_room() is None


def test_what_would_not_do_is_refused_with_both_numbers(machine: Path) -> None:
    need = 10 * 4 * 31 * 64 * 96
    (machine / "meminfo").write_text(f"MemAvailable: {need // 1024 + 1} kB\n")
    expect_memory(Hungry(), SIZES)
    (machine / "meminfo").write_text(f"MemAvailable: {need // 1024 - 1} kB\n")
    with pytest.raises(ShortMemoryError, match=r"64 x 96 pixels takes it about 8 MB, and the memory of the machine leaves 8 MB"):
        expect_memory(Hungry(), SIZES)
    expect_memory(Method(), PairSizes(1, 1, 1, 1, 1))


def test_the_sizes_are_those_of_the_pair() -> None:
    seen = Observation(torch.zeros(5, 3, 4), torch.zeros(2, 6, 8), torch.arange(5.0) + 400, 2, (0.5, 0.5))
    assert seen.sizes == PairSizes(bands=5, channels=2, rows=6, cols=8, ratio=2)
    assert (seen.sizes.cube_bytes, seen.sizes.msi_bytes, seen.sizes.hsi_bytes) == (4 * 5 * 48, 4 * 2 * 48, 4 * 5 * 12)
