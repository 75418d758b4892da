"""The contract as a table of checks: run over every method by the tests, and on one method by `check-method`.

Each check states a rule; for a method that breaks it there is a sentence that says what is wrong, and the line to write. The checks use
small random pairs, never a scene, and the settings in `Method.trial`, so that a method that learns is checked in seconds.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext, redirect_stderr, redirect_stdout
from dataclasses import dataclass

from benchmark.authors.differences import ROUNDING
from benchmark.authors.form_checks import check_form
from benchmark.authors.learning_checks import check_iterates, check_learning_in_fit, check_parameter_count
from benchmark.authors.program_checks import LEFT_OUT, check_environment, check_program, check_program_sizes, is_program, too_slow
from benchmark.authors.result_checks import (
    check_blind_form,
    check_degenerate_pairs,
    check_device_and_dtype,
    check_inputs_kept,
    check_ratios,
    check_runs,
    check_sizes,
    check_withholding,
)
from benchmark.authors.sample_pairs import sides_divided_by
from benchmark.authors.seed_checks import check_random_fact, check_same_seed, check_second_call, check_seeds_from_rng
from benchmark.authors.trials import BreachError, NotApplicableError, exits_caught
from methods.catalog import BrokenMethodError, Entry
from methods.contract import RefusedError
from methods.declared.torchscript_kind import TorchScriptMethod
from methods.declared.torchscript_table import TorchScriptTable

MOST_LINES = 20  # that a method may print while it is checked once, without advice


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
    """The results of all checks on one method, in the order of `CHECKS`.

    The form comes first, then whether the method runs at all; where one of them is broken it is the last, as others would only repeat it.
    What the method prints is kept from the terminal; the finding on whether it runs says how much that is.
    """
    program, trained, slow = is_program(entry), _torchscript_table(entry), ""
    for check in _for_program() if program else CHECKS:
        problem = note = left_out = ""
        began, printed = time.perf_counter(), io.StringIO()
        try:
            if slow or (program and check.name in LEFT_OUT):
                raise NotApplicableError(LEFT_OUT.get(check.name, slow))
            if trained is not None and check.name == "blind":
                raise NotApplicableError("it is told the response to sort its channels, and computes nothing with it")
            divided = nullcontext() if trained is None else sides_divided_by(trained.multiple)
            with divided, exits_caught(), redirect_stdout(printed), redirect_stderr(printed):
                note = check.run(entry) or ""
        except (BreachError, BrokenMethodError) as breach:
            problem = str(breach)
        except NotApplicableError as reason:
            left_out = str(reason)
        except RefusedError as refused:
            problem = (
                f"{refused}: a pair is refused that the card takes; write its limits in Card(...), with min_bands, max_bands, "
                "min_channels, max_channels or ratios"
            )
        if check.name == "runs" and not problem:
            note = "; ".join(filter(None, (note, _on_printing(printed.getvalue()))))
        yield Finding(check.rule, problem, note, left_out)
        if problem and check.name in ("form", "runs", ENVIRONMENT_CHECK.name):
            return
        if program and check.name == "runs":
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


def _for_program() -> list[Check]:
    """The checks of a program in another language: its environment first, whether it runs is asked in another way, and of fewer sizes."""
    others = {
        "runs": Check("runs", _RUNS, check_program),
        "sizes": Check("sizes", _PROGRAM_SIZES, check_program_sizes),
    }
    form, *rest = CHECKS
    return [form, ENVIRONMENT_CHECK, *(others.get(check.name, check) for check in rest)]


def _on_printing(text: str) -> str:
    """Advice on what the method printed while it learned and fused once; empty where that is little."""
    lines = [line for line in re.split(r"[\r\n]+", text) if line.strip()]
    if len(lines) <= MOST_LINES:
        return ""
    return (
        f"it prints {len(lines)} lines while it learns and fuses a small pair once, such as {lines[-1].strip()[:60]!r}: they are not shown "
        "here, and in a run they go to the cell's log, logs/<key>.txt; print less often, since the time for it counts"
    )


ENVIRONMENT_CHECK = Check("environment", "the environment that the program names can be made", check_environment)
_RUNS = "the program runs, and returns an estimate of the right form"
_PROGRAM_SIZES = "2, 31 and 100 bands with 1, 3 and 8 channels, as far as the card takes them, not square: right shape and finite"

CHECKS: tuple[Check, ...] = (
    Check("form", "a frozen dataclass `Method` with a complete card and fields that a plan can set", check_form),
    Check("runs", "it learns and fuses a small pair: `fuse` returns an Estimate", check_runs),
    Check(
        "sizes",
        "2, 31 and 100 bands, 1, 3 and 8 channels, as far as the card takes them, not square: right shape and finite",
        check_sizes,
    ),
    Check("ratios", "ratios 2 and 8, or those that the card takes, few pixels: right shape and finite", check_ratios),
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
    Check("leaves alone", "the pair is left as it was, and the estimate shares no memory with it", check_inputs_kept),
    Check(
        "keeps kind",
        "the estimate is one that the referee can take, on each device: floating-point numbers",
        check_device_and_dtype,
    ),
    Check("withholding", "what the card asks for is used, and what it does not ask for is not needed", check_withholding),
    Check("black", "an all-black and a constant pair give finite values", check_degenerate_pairs),
    Check(
        "learns in fit",
        "what is learned on the scene is learned in `fit` or `adapt`, where it is timed as learning",
        check_learning_in_fit,
    ),
    Check("parameters", "the numbers that the method holds are counted by `parameter_count`", check_parameter_count),
    Check(
        "seeds",
        "what the method draws follows from the plan's seed: no global generator is set to a fixed seed",
        check_seeds_from_rng,
    ),
    Check(
        "iterates",
        "a method that shows iterates ends with what `fit` gives, up to rounding, however many are asked for",
        check_iterates,
    ),
    Check(
        "blind",
        "with `blind`, a method that needs a response works without it and reports the estimated responses",
        check_blind_form,
    ),
)
