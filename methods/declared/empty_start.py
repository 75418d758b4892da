"""The empty start of a program's interpreter: the same interpreter, started to do nothing.

The wall time of a program contains the start of its interpreter (Octave: some tenths of a second), which a method in this process does
not pay. So it is measured and subtracted. The empty command is `empty` of the table `[run]`; where that is absent, it follows from the
program's name by the table below, with the options that stand before the first argument (for Octave, R and Julia those that begin with --).
For any other program nothing is subtracted.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import MappingProxyType

from methods.declared.program_run import Program, ProgramError, start_program

EMPTY_ARGUMENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "python": ("-c", "pass"),
        "octave": ("--eval", ""),
        "matlab": ("-batch", ""),
        "Rscript": ("-e", "invisible()"),
        "julia": ("-e", "nothing"),
        "sh": ("-c", ":"),
    }
)
_NAMES = (
    (re.compile(r"python[\d.]*|pypy[\d.]*|\{python\}"), "python"),
    (re.compile(r"octave(-cli|-[\d.]+)*"), "octave"),
    (re.compile(r"matlab"), "matlab"),
    (re.compile(r"Rscript"), "Rscript"),
    (re.compile(r"julia"), "julia"),
    (re.compile(r"(ba|da|z|k)?sh"), "sh"),
)
_KEEPS_OPTIONS = ("octave", "Rscript", "julia")
_TAKES_A_VALUE = ("-p", "--path", "--exec-path", "--image-path")  # of Octave: the next word is a folder, and no argument
MOST_STARTS = 3
BUDGET_S = 1.0  # of the starts together, after which no further one is made


@dataclass(frozen=True)
class EmptyStart:
    """How long an empty start takes."""

    command: str  # in words; empty where none is known
    seconds: float | None  # the median; None where no command is known, or it failed
    problem: str = ""  # why there is no figure


def empty_command(program: Program) -> tuple[str, ...]:
    """The command of an empty start, with placeholders; empty where none is known."""
    words = program.table.command
    if program.table.empty:
        return program.table.empty
    kind = next((kind for pattern, kind in _NAMES if pattern.fullmatch(words[0] if "{" in words[0] else Path(words[0]).name)), None)
    if kind is None:
        return ()
    options = _options(words) if kind in _KEEPS_OPTIONS else []
    return words[0], *options, *EMPTY_ARGUMENTS[kind]


def measure_empty_start(program: Program, device: str) -> EmptyStart:
    """The median of up to three empty starts, which are made now."""
    words = empty_command(program)
    if not words:
        return EmptyStart("", None, f"no empty start of {Path(program.table.command[0]).name} is known: nothing is subtracted")
    folder = Path(tempfile.mkdtemp(prefix="program-"))
    starts: list[float] = []
    try:
        while len(starts) < MOST_STARTS and sum(starts) < BUDGET_S:
            began = time.perf_counter()
            start_program(program, words, folder, device)
            starts.append(time.perf_counter() - began)
    except (ProgramError, MemoryError) as error:
        return EmptyStart(" ".join(words), None, f"the empty start failed, and nothing is subtracted: {error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return EmptyStart(" ".join(words), median(starts))


def _options(words: tuple[str, ...]) -> list[str]:
    """The options that begin with -- and come before the first argument, each with its value where that is a word of its own."""
    kept, rest = [], list(words[1:])
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        value = [rest.pop(0)] if option in _TAKES_A_VALUE and rest else []
        kept += [option, *value] if option.startswith("--") else []
    return kept
