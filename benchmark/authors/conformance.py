"""The contract as a table of checks: run over every method by the tests, and on one method by `check-method`.

Each check states a rule; for a method that breaks it there is a sentence that says what is wrong, and the line to write. The checks use
small random pairs, never a scene, and the settings in `Method.trial`, so that a method that learns is checked in seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, replace

from benchmark.authors.differences import ROUNDING
from benchmark.authors.form_checks import check_form
from benchmark.authors.learning_checks import check_iterates, check_learning_in_fit, check_parameter_count
from benchmark.authors.program_checks import LEFT_OUT, check_environment, check_program, check_program_sizes, is_program, too_slow
from benchmark.authors.result_checks import (
    check_blind_form,
    check_degenerate_pairs,
    check_detached_deviation,
    check_device_and_dtype,
    check_inputs_kept,
    check_ratios,
    check_sizes,
    check_withholding,
)
from benchmark.authors.sample_pairs import usual_pairs
from benchmark.authors.seed_checks import check_random_fact, check_same_seed, check_second_call, check_seeds_from_rng
from benchmark.authors.trials import BreachError, NotApplicableError
from methods.catalog import BrokenMethodError, Entry
from methods.contract import RefusedError
from methods.declared.torchscript_kind import TorchScriptMethod
from methods.declared.torchscript_table import TorchScriptTable


@dataclass(frozen=True)
class Check:
    """One rule of the contract."""

    name: str
    rule: str  # in words
    run: Callable[[Entry], str | None]  # gives advice or None; raises BreachError where the rule is broken


@dataclass(frozen=True)
class Finding:
    """The result of one check on one method; the rule is kept where `problem` is empty."""

    check: str  # the rule in words
    problem: str
    note: str = ""  # advice, which breaks nothing
    left_out: str = ""  # why the rule does not apply to this method; empty where it was checked


def examine(entry: Entry) -> Iterator[Finding]:
    """The results of all checks on one method, in the order of `CHECKS`; the form comes first, and is the only one where it is broken.

    Of a program in another language it is asked next whether it runs; where it does not, nothing more is asked.
    """
    program, trained, slow = is_program(entry), _torchscript_table(entry), ""
    for check in (CHECKS[0], *PROGRAM_CHECKS, *map(_for_program, CHECKS[1:])) if program else CHECKS:
        problem = note = left_out = ""
        began = time.perf_counter()
        try:
            if slow or (program and check.name in LEFT_OUT):
                raise NotApplicableError(LEFT_OUT.get(check.name, slow))
            if trained is not None and check.name == "ratios":
                raise NotApplicableError(f"its weights were made for the ratio {trained.ratio} alone")
            if trained is not None and check.name == "blind":
                raise NotApplicableError("it is told the response to sort its channels, and computes nothing with it")
            with nullcontext() if trained is None else usual_pairs(trained.ratio, trained.multiple):
                note = check.run(entry) or ""
        except (BreachError, BrokenMethodError) as breach:
            problem = str(breach)
        except NotApplicableError as reason:
            left_out = str(reason)
        except RefusedError as refused:
            problem = f"{refused}: a pair is refused that every method must take; write limits in Card(...) that keep 31 bands, 3 channels"
        yield Finding(check.rule, problem, note, left_out)
        if problem and check.name in ("form", *(each.name for each in PROGRAM_CHECKS)):
            return
        if check.name == "program":
            slow = too_slow(time.perf_counter() - began)


def _torchscript_table(entry: Entry) -> TorchScriptTable | None:
    """What the file of a TorchScript method says of the pairs that it takes; None for another method, or a broken one."""
    if not entry.is_declared:
        return None
    try:
        kind = entry.load()
    except BrokenMethodError:
        return None  # which the first check says
    return kind.table if issubclass(kind, TorchScriptMethod) else None


def _for_program(check: Check) -> Check:
    """The check as it is run on a program, with fewer runs."""
    return replace(check, run=check_program_sizes, rule=_PROGRAM_SIZES) if check.name == "sizes" else check


PROGRAM_CHECKS = (
    Check("environment", "the environment that the program names can be made", check_environment),
    Check("program", "the program runs, and returns an estimate of the right form", check_program),
)
_PROGRAM_SIZES = "2, 31 and 100 bands with 1, 3 and 8 channels, not square: right shape and finite, or refused by a fact on the card"

CHECKS: tuple[Check, ...] = (
    Check("form", "a frozen dataclass `Method` with a complete card and fields that a plan can set", check_form),
    Check(
        "sizes",
        "2, 31 and 100 bands, 1, 3 and 8 channels, not square: right shape and finite, or refused by a fact on the card",
        check_sizes,
    ),
    Check("ratios", "ratios 2 and 8, few pixels: right shape and finite", check_ratios),
    Check(
        "deterministic",
        f"the same seed gives the same result up to {ROUNDING:g} of its largest value on one machine and one number of threads (what "
        "differs is rounding, where memory is aligned in another way)",
        check_same_seed,
    ),
    Check(
        "later calls",
        "`fuse` gives the same when it is called again, with new tensors; and a cube for a pair that differs by a millionth",
        check_second_call,
    ),
    Check("random", "the card says whether the result depends on the seed", check_random_fact),
    Check(
        "leaves alone",
        "the pair and torch's global generator are left as they were, and the estimate shares no memory with the pair",
        check_inputs_kept,
    ),
    Check("keeps kind", "the estimate has the pair's device and dtype, and carries no gradients", check_device_and_dtype),
    Check("withholding", "what the card asks for is used, and what it does not ask for is not needed", check_withholding),
    Check("black", "an all-black and a constant pair give finite values", check_degenerate_pairs),
    Check("detached", "a standard deviation carries no gradients, like the cube", check_detached_deviation),
    Check(
        "learns in fit", "what is learned on the scene is learned in `fit` or `adapt`, where it is timed as learning", check_learning_in_fit
    ),
    Check("parameters", "the numbers that the method holds are counted by `parameter_count`", check_parameter_count),
    Check("seeds", "what the method draws follows from the plan's seed: no global generator is set to a fixed seed", check_seeds_from_rng),
    Check(
        "iterates",
        "a method that shows iterates ends with what `fit` gives, up to rounding, however many are asked for",
        check_iterates,
    ),
    Check("blind", "with `blind`, a method that needs a response works without it and reports the estimated responses", check_blind_form),
)
