"""The contract for a program in another language: which rules say nothing about it, and what is asked of it besides.

Every run of a program is a process of its own, which may take long to start. So there are about a dozen runs, on small pairs, with the
parameters in `trial` of the table `[run]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import torch

from benchmark.authors.sample_pairs import USUAL_SIZE, random_pair
from benchmark.authors.trials import BreachError, NotApplicableError, expect_cube, fuse_sample, require, trial_method
from datasets.exchange.handed_fields import ExchangeFileError
from methods.catalog import BrokenMethodError, Entry
from methods.contract import RefusedError, learn
from methods.declared.empty_start import measure_empty_start
from methods.declared.program_kind import ProgramMethod
from methods.declared.program_run import ProgramError, program_version

SLOW_S = 20.0  # where the first run took longer, no other is made
_SIZES = ((2, 1), (31, 3), (100, 8))
_OWN_PROCESS = "it is a program, and each run is a new process"
LEFT_OUT: Mapping[str, str] = MappingProxyType(  # by the name of the check
    {
        "later calls": f"{_OWN_PROCESS}, which keeps nothing",
        "leaves alone": "it is a program, which is handed a copy of the pair in a file",
        "keeps kind": "it is a program, whose cube is given the pair's device and dtype",
        "detached": "it is a program, and what comes from a file carries no gradients",
        "learns in fit": "it is a program, whose learning is not seen apart: it may state learning_seconds",
        "parameters": "it is a program, whose numbers are not seen: it may state parameter_count",
        "seeds": f"{_OWN_PROCESS}, whose generators are not seen; the seed is a field of the observation file",
        "iterates": "it is a program",
    }
)


def too_slow(seconds: float) -> str:
    """Why no further run is made after a first one that took so long; empty where others are made."""
    if seconds <= SLOW_S:
        return ""
    return f"its first run took {seconds:.0f} s, and the rules together take a dozen: write trial = {{...}} in [run] for shorter ones"


def is_program(entry: Entry) -> bool:
    """Whether a method is a program that a TOML file declares; False for one that cannot be loaded."""
    try:
        return entry.is_declared and issubclass(entry.load(), ProgramMethod)
    except BrokenMethodError:
        return False


def check_environment(entry: Entry) -> str | None:
    """Makes the environment that the program runs in, and says where it lies if it has just been made.

    Raises:
        NotApplicableError: it runs in the user's own.
        BrokenMethodError: its environment could not be made.
    """
    method, _ = trial_method(entry)
    if not isinstance(method, ProgramMethod) or method.program.environment is None:
        raise NotApplicableError("it names none")
    made = entry.prepare()
    return f"made {made}" if made else None


def check_program(entry: Entry) -> str | None:
    """Runs the program on one pair, and gives advice on what its results would not say.

    Raises:
        BreachError: it does not run, or its estimate cannot be used.
    """
    method, card = trial_method(entry)
    seen = card.entitle(random_pair(*USUAL_SIZE))
    try:
        estimate = learn(method, seen, torch.Generator().manual_seed(0)).fuse(seen, torch.Generator().manual_seed(0))
    except (ProgramError, ExchangeFileError, MemoryError, RefusedError) as error:
        raise BreachError(str(error)) from error
    expect_cube(estimate, seen, f"with {USUAL_SIZE[0]} bands and {USUAL_SIZE[1]} channels")
    parts = entry.declared_parts()
    advice = [f"the key does not cover {phrase}: add it to `files` in [run]" for phrase in (() if parts is None else parts.uncovered)]
    if isinstance(method, ProgramMethod):
        empty = measure_empty_start(method.program, "cpu")
        if empty.problem:
            advice.append(f"{empty.problem}; write empty = [...] in [run], a command that starts the same interpreter and does nothing")
        if not method.program.table.version:
            advice.append('no version is recorded with its results: write version = ["...", "--version"] in [run]')
        elif (version := program_version(method.program, "cpu")).startswith("unknown"):
            advice.append(f"its version is {version}: correct version in [run]")
    return "; ".join(advice) or None


def check_program_sizes(entry: Entry) -> None:
    """Checks the smallest, the usual and the largest of the sizes that every method is asked to take.

    Raises:
        BreachError: a size fails, or is refused and the card does not say so.
    """
    method, card = trial_method(entry)
    for bands, channels in _SIZES:
        if card.refusal(bands, channels):
            continue  # `run` skips such a pair by the card, and never starts the program
        seen = card.entitle(random_pair(bands, channels))
        try:
            estimate = fuse_sample(method, seen)
        except RefusedError as refused:
            require(False, f"{bands} bands with {channels} channels are refused: {refused}")
            return
        expect_cube(estimate, seen, f"with {bands} bands, {channels} channels, 16 x 24 pixels, ratio 4")
