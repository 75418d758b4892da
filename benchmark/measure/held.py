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
seed_python, state_of_python, set_python_state = _hold(random.seed), _hold(random.getstate), _hold(random.setstate)
seed_numpy, state_of_numpy, set_numpy_state = _hold(np.random.seed), _hold(np.random.get_state), _hold(np.random.set_state)
seed_torch, seed_cuda = _hold(torch.default_generator.manual_seed), _hold(torch.cuda.manual_seed)
state_of_torch, set_torch_state = _hold(torch.get_rng_state), _hold(torch.set_rng_state)
state_of_cuda, set_cuda_state = _hold(torch.cuda.get_rng_state), _hold(torch.cuda.set_rng_state)
first_seed_of_torch = _hold(torch.initial_seed)
