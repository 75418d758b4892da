"""The global generators of Python, numpy and torch, which the referee seeds so that plain torch follows the seed of the plan.

A method is handed a generator of its own, `rng`. But the layers of torch (the first weights of `nn.Conv2d`, `nn.Dropout`) and most
libraries draw from the global generators. So before a method learns, and before each call of `fuse`, the referee seeds them all from the
cell's seed, outside of the seconds. A method that then sets a seed of its own is not corrected: what it did is reported (`own_seeds`).

Where a method runs in a process that goes on with other work (`fuse`, `check-method`, tests), the generators are put back afterwards
(`generators_kept`): those of the CPU and of the device in use, and no others.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch

from benchmark.measure.held import (
    first_seed_of_torch,
    seed_cuda,
    seed_numpy,
    seed_python,
    seed_torch,
    set_cuda_state,
    set_numpy_state,
    set_python_state,
    set_torch_state,
    state_of_cuda,
    state_of_numpy,
    state_of_python,
    state_of_torch,
)
from benchmark.measure.replacing import replaced

Seeder = tuple[Any, str, str]  # a function that sets a global generator: module, name, and how a call is written
NUMPY_AND_PYTHON: tuple[Seeder, ...] = ((np.random, "seed", "np.random.seed"), (random, "seed", "random.seed"))
SEEDERS: tuple[Seeder, ...] = (
    (torch, "manual_seed", "torch.manual_seed"),
    (torch.random, "manual_seed", "torch.manual_seed"),
    (torch.cuda, "manual_seed", "torch.cuda.manual_seed"),
    (torch.cuda, "manual_seed_all", "torch.cuda.manual_seed_all"),
    *NUMPY_AND_PYTHON,
)
CPU = torch.device("cpu")


def seed_generators(seed: int, device: torch.device = CPU) -> None:
    """Seeds the global generators of Python, numpy and torch: torch's are those of the CPU and of the device in use."""
    seed_python(seed)
    seed_numpy(seed % 2**32)
    seed_torch(seed)
    if device.type == "cuda":
        with torch.cuda.device(device):
            seed_cuda(seed)


@contextmanager
def generators_kept(device: torch.device = CPU) -> Iterator[None]:
    """Puts the global generators back after the block, those of the CPU and of the device in use: nothing in the block changes them."""
    python, numpy, cpu = state_of_python(), state_of_numpy(), state_of_torch()
    cuda = state_of_cuda(device) if device.type == "cuda" else None
    try:
        yield
    finally:
        set_python_state(python)
        set_numpy_state(numpy)
        set_torch_state(cpu)
        if cuda is not None:
            set_cuda_state(cuda, device)


@contextmanager
def generators_seeded(seed: int, device: torch.device = CPU) -> Iterator[None]:
    """The block with the global generators seeded as the referee seeds them; they are put back after it."""
    with generators_kept(device):
        seed_generators(seed, device)
        yield


def generator_states() -> dict[str, bytes]:
    """The states of the global generators of torch (of the CPU) and numpy, by the library's name: one that differs later was used."""
    return {
        "torch": bytes(state_of_torch().numpy()),
        "numpy": pickle.dumps(state_of_numpy(legacy=False)),
    }


@contextmanager
def seeds_set(module: str, seeders: tuple[Seeder, ...] = SEEDERS) -> Iterator[list[str]]:
    """The calls that set a global generator while the block runs, as they are written, also by names that `module` has imported."""
    calls: list[str] = []

    def watched(original: Callable[..., Any], spelling: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            given = [*map(repr, arguments), *(f"{name}={value!r}" for name, value in named.items())]
            calls.append(f"{spelling}({', '.join(given)})")
            return original(*arguments, **named)

        return call

    with replaced([(place, name, partial(watched, spelling=spelling)) for place, name, spelling in seeders], module):
        yield calls


@contextmanager
def own_seeds(seed: int, module: str) -> Iterator[list[str]]:
    """The seeds that a method sets itself while the block runs and leaves behind, as calls; the list is complete after the block.

    The block runs with torch seeded by `seed`. torch knows with which seed its generator began, so that a method which sets it inside
    `torch.random.fork_rng()` leaves nothing behind; numpy and Python do not, so that each of their calls counts.
    """
    found: list[str] = []
    try:
        with seeds_set(module, NUMPY_AND_PYTHON) as calls:
            yield found
    finally:
        left = first_seed_of_torch()
        found += [*([] if left == seed else [f"torch.manual_seed({left})"]), *dict.fromkeys(calls)]


def seed_remarks(calls: list[str]) -> tuple[str, ...]:
    """What the record says of seeds that a method has set itself, in phrases."""
    return tuple(f"it set a global generator to a seed of its own: {call[:100]}" for call in dict.fromkeys(calls))
