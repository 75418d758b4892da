"""What a method does while it is checked, seen from outside: gradients that it takes, numbers that it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.measure.replacing import replaced
from datasets.degradation import SpatialResponse, SpectralResponse

GRADIENTS: tuple[tuple[Any, str], ...] = ((torch.autograd, "backward"), (torch.autograd, "grad"))
MOST_LAYERS = 8  # of objects within objects that are searched


@dataclass
class CallCount:
    """The number of calls so far."""

    calls: int = 0


@contextmanager
def gradients_taken(module: str) -> Iterator[CallCount]:
    """The number of gradients that are taken while the block runs; calls by names that `module` has imported count too."""
    counted = CallCount()

    def watched(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            counted.calls += 1
            return original(*arguments, **named)

        return call

    with replaced([(place, name, watched) for place, name in GRADIENTS], module):
        yield counted


@dataclass
class HeldNumbers:
    """How many numbers an object holds, and in which attributes."""

    numbers: int = 0
    places: list[str] = field(default_factory=list)


def held_numbers(thing: object) -> HeldNumbers:
    """The numbers that an object holds in tensors, arrays and networks, in its attributes and in what these hold; each counts once.

    Sensor responses do not count, as an estimate reports them separately.
    """
    held = HeldNumbers()
    _walk(thing, "self", held, set(), 0)
    return held


def _walk(thing: object, place: str, held: HeldNumbers, known: set[int], layer: int) -> None:
    if id(thing) in known or layer > MOST_LAYERS or isinstance(thing, str | bytes | type | SpatialResponse | SpectralResponse):
        return
    known.add(id(thing))
    numbers = 0
    if isinstance(thing, torch.nn.Module):
        new = {id(one): one.numel() for one in (*thing.parameters(), *thing.buffers()) if id(one) not in known}
        known.update(new)
        numbers = sum(new.values())
    elif isinstance(thing, Tensor):
        numbers = thing.numel()
    elif isinstance(thing, np.ndarray):
        numbers = thing.size if thing.dtype.kind in "fc" else 0
    elif isinstance(thing, dict):
        for key, value in thing.items():
            _walk(value, f"{place}[{key!r}]", held, known, layer + 1)
    elif isinstance(thing, list | tuple | set | frozenset):
        for number, value in enumerate(thing):
            _walk(value, f"{place}[{number}]", held, known, layer + 1)
    elif hasattr(thing, "__dict__"):
        for name, value in vars(thing).items():
            _walk(value, f"{place}.{name}", held, known, layer + 1)
    if numbers:
        held.numbers += numbers
        held.places.append(place)
