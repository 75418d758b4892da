"""A small world for the referee: tiny scene files, quick and misbehaving plugins."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from datasets.cube_file import CubeFile, write_cube

ROOT = Path(__file__).resolve().parents[2]
HEAD = '''"""A method for tests."""
from __future__ import annotations
import os, signal, time
from dataclasses import dataclass
from typing import ClassVar
import torch
from datasets.observation import Observation
from methods.contract import Card, Estimate, FusionMethod, RefusedError

@dataclass(frozen=True)
class Method(FusionMethod):
    card: ClassVar[Card] = Card(name="{name}", paper="a test", doi="", year=2026, fidelity="none", {card})
    strength: float = 1.0

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        low = seen.hsi.repeat_interleave(seen.ratio, 1).repeat_interleave(seen.ratio, 2)
        {body}
'''


def plugin(folder: Path, name: str, body: str, card: str = "") -> None:
    """Write a method file whose `fuse` ends with `body`; `low` is the nearest-neighbour cube."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(HEAD.format(name=name, body=body, card=card))


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """A folder with two tiny scenes, a plugin folder, and a plan `plan.toml` to be written by the test."""
    return small_world(tmp_path)


def small_world(folder: Path) -> Path:
    """What `world` is, in that folder."""
    rng = np.random.default_rng(0)
    for name, (bands, rows, cols) in {"a": (31, 16, 24), "b": (31, 19, 25)}.items():
        smooth = np.cumsum(np.cumsum(rng.random((bands, rows, cols)), 1), 2)
        cube = (smooth / smooth.max()).astype(np.float32)
        write_cube(folder / f"{name}.h5", CubeFile(cube, np.linspace(400, 700, bands), name))
    plugin(folder / "plugins", "steady", "return Estimate(low * self.strength)")
    return folder


def copied_clone(place: Path) -> Path:
    """A copy of this clone's code, to be spoilt."""
    for floor in ("datasets", "methods", "benchmark", "reports"):
        shutil.copytree(ROOT / floor, place / floor, ignore=shutil.ignore_patterns("__pycache__", "weights"))
    for name in ("run_benchmark.py", "pyproject.toml"):
        shutil.copy(ROOT / name, place / name)
    (place / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "run_without_figures.py", place / "tests")
    return place


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def plan(world: Path, methods: list[str], extra: str = "", scenes: tuple[str, ...] = ("a", "b"), protocols: str = '["camera-x8"]') -> Path:
    """Write a plan over the world's scenes and the named methods."""
    lines = [
        'name = "t"',
        f"scenes = [{', '.join(repr(f'file:{world / scene}.h5') for scene in scenes)}]",
        f"protocols = {protocols}",
        extra,
        *(f'[[method]]\nname = "{name}"' for name in methods),
    ]
    file = world / "plan.toml"
    file.write_text("\n".join(lines))
    return file
