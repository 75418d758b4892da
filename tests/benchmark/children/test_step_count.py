"""The steps that a method takes are seen from outside, and the method does not notice."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmark.children.child_task import Limits
from benchmark.children.processes import Child, collect, start, wait_any
from benchmark.children.step_count import counted_steps


@dataclass(frozen=True)
class Descend:
    """Takes steps of two optimisers, and closes every file that it can."""

    steps: int

    def run(self) -> dict[str, Any]:
        weight = torch.nn.Parameter(torch.ones(3))
        optimisers = [torch.optim.SGD([weight], lr=0.1), torch.optim.Adam([weight], lr=0.1)]
        os.closerange(60, 256)
        for step in range(self.steps):
            (weight**2).sum().backward()
            optimisers[step % 2].step()
        return {"steps": self.steps}


def ended(child: Child) -> int:
    while not wait_any([child], 60.0):
        pass
    steps = counted_steps(child.scratch)
    done = collect(child)
    assert done.how == "done", done.reason
    done.discard()
    return steps


def test_the_steps_of_every_optimiser_of_a_method_count() -> None:
    assert ended(start(Descend(7), Limits(60.0, apart=True))) == 7
    assert ended(start(Descend(0), Limits(60.0, apart=True))) == 0


def test_those_of_the_referee_do_not() -> None:
    assert ended(start(Descend(3), Limits(60.0))) == 0


def test_what_a_method_puts_in_the_place_of_the_number_stops_nothing(tmp_path: Path) -> None:
    file = tmp_path / ".steps-taken"
    assert counted_steps(tmp_path) == 0
    os.mkfifo(file)
    assert counted_steps(tmp_path) == 0
    file.unlink()
    file.write_bytes(b"1234567")
    assert counted_steps(tmp_path) == 0
    file.write_bytes(b"\xff" * 8)
    assert counted_steps(tmp_path) == 0
