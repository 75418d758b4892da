"""The seconds of a call, with the device synchronised before and after."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import torch

from benchmark.measure.held import synchronise_cuda, wall_seconds

T = TypeVar("T")


def timed(call: Callable[[], T], device: torch.device) -> tuple[T, float]:
    """What `call` returns, and the seconds that it took; all work on `device` is done before and after."""
    _synchronise(device)
    start = wall_seconds()
    value = call()
    _synchronise(device)
    return value, wall_seconds() - start


def _synchronise(device: torch.device) -> None:
    if device.type == "cuda":
        synchronise_cuda(device)
