"""Functions of Python and torch by which the referee measures, held so that a method that replaces them changes nothing.

A method, or a library that it uses (such as one that freezes time for its tests), may put another function in the place of
`time.perf_counter` or `torch.cuda.synchronize`, in their own modules or in every module that has imported them. Each name below is a
function of ours around the original, which is kept in a closure: nothing that is looked up by a name leads to it. This module is imported
before any method (the fork server imports it), and later changes of the originals' names do not reach it.
"""

from __future__ import annotations

import os
import random
import resource
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np
import torch

P = ParamSpec("P")
T = TypeVar("T")


def _hold(function: Callable[P, T]) -> Callable[P, T]:
    """A function that calls `function`, whatever its name stands for later."""

    def held(*args: P.args, **options: P.kwargs) -> T:
        return function(*args, **options)

    return held


wall_seconds = _hold(time.perf_counter)
process_seconds = _hold(time.process_time)  # processor time of all threads of this process
process_times = _hold(os.times)
resource_usage = _hold(resource.getrusage)
middle_value = _hold(statistics.median)
quantile_values = _hold(statistics.quantiles)
text_of_file = _hold(Path.read_text)
synchronise_cuda = _hold(torch.cuda.synchronize)
reset_cuda_peak = _hold(torch.cuda.reset_peak_memory_stats)
cuda_peak_bytes = _hold(torch.cuda.max_memory_allocated)
_seed_python, _seed_numpy, _seed_torch = _hold(random.seed), _hold(np.random.seed), _hold(torch.manual_seed)


def seed_generators(seed: int) -> None:
    """Seed the global generators of Python, numpy and torch, for methods that use them against the rules."""
    _seed_python(seed)
    _seed_numpy(seed % 2**32)
    _seed_torch(seed)
