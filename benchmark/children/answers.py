"""The answer of a child: JSON files in its scratch folder, each whole or not there. The supervisor checks whatever it reads there.

answer.json        that the job is done, with its results; or how it failed
operations.json    what follows an answer that is stored already (`StagedJob`), or why that failed
"""

from __future__ import annotations

import dis
import errno
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, NoReturn, get_args

import torch

from benchmark.measure.validity import InvalidEstimateError
from benchmark.run_folder.json_file import write_json
from datasets.exchange.handed_fields import ExchangeFileError
from datasets.printable import error_text
from methods.contract import RefusedError

FULL_ERRORS = (errno.ENOSPC, errno.EDQUOT)
ANSWER_NAME, SEQUEL_NAME = "answer.json", "operations.json"
MOST_BYTES = 64 * 2**20  # no larger answer is read
ROOM_BYTES = 2**20  # a file system with less is full
ChildOutcome = Literal["done", "skipped", "invalid", "failed", "out of memory", "not run"]  # what a child can report itself


@dataclass(frozen=True)
class Answer:
    """What a child reports when its job is done, or has failed."""

    how: ChildOutcome
    table: dict[str, Any]  # the result of a job that is done; else the sources that were loaded
    reason: str  # one line on what went wrong; empty when done
    more: bool = False  # whether a sequel follows


@dataclass(frozen=True)
class Sequel:
    """What follows an answer: entries that replace those in the table of the answer."""

    table: dict[str, Any]
    reason: str  # one line on why entries are missing; empty where none is, or where more follow
    more: bool = False  # whether a later sequel replaces this one


def classify_error(error: BaseException) -> tuple[ChildOutcome, str]:
    """The outcome that an exception stands for, by its class and the classes from which it derives, and a line on it.

    What its message says never counts, as a method may write anything there.
    """
    text = error_text(error)
    if _is_memory_error(error):
        return "out of memory", text
    if isinstance(error, OSError) and error.errno in FULL_ERRORS:
        return "not run", f"the disk is full, which is not the method's fault: {text}"
    if isinstance(error, RefusedError):
        return "skipped", f"{RefusedError.__name__}: {text.partition(': ')[2]}"  # a resumed run recognises a refusal by this name
    return "invalid" if isinstance(error, InvalidEstimateError | ExchangeFileError) else "failed", text


def full_disk(folder: Path) -> str:
    """A sentence where the file system of a folder has no room left; empty where it has some."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return ""
    return f"the disk of {folder} is full ({free / 1e6:.1f} MB left): make room, and run the plan again" if free < ROOM_BYTES else ""


def write_answer(scratch: Path, answer: Answer) -> None:
    """Write the answer of this process.

    Raises:
        TypeError, ValueError: JSON cannot hold it.
    """
    write_json(scratch / ANSWER_NAME, asdict(answer), durable=False)


def write_sequel(scratch: Path, sequel: Sequel) -> None:
    """Write what follows the answer; where JSON cannot hold it, a sentence on that."""
    try:
        write_json(scratch / SEQUEL_NAME, asdict(sequel), durable=False)
    except (TypeError, ValueError) as error:
        write_json(scratch / SEQUEL_NAME, asdict(Sequel({}, error_text(error))), durable=False)


def read_answer(scratch: Path) -> Answer | None:
    """The answer that a child has left; None where there is none. A file that is no answer gives a failed answer with the reason."""
    try:
        table = _read_object(scratch / ANSWER_NAME, {"how": str, "table": dict, "reason": str, "more": bool})
        if table is not None and table["how"] not in get_args(ChildOutcome):
            raise _AnswerError(f"expected how: {', '.join(get_args(ChildOutcome))}, got {table['how'][:50]!r}")
    except _AnswerError as error:
        return Answer("failed", {}, f"its answer cannot be read: {error}; its log has what it printed")
    return None if table is None else Answer(**table)


def read_sequel(scratch: Path) -> Sequel | None:
    """What follows the answer of a child; None where it has left nothing."""
    try:
        table = _read_object(scratch / SEQUEL_NAME, {"table": dict, "reason": str, "more": bool})
    except _AnswerError as error:
        return Sequel({}, f"what follows its answer cannot be read: {error}")
    return None if table is None else Sequel(**table)


class _AnswerError(ValueError):
    """A file that holds no answer."""


def _read_object(file: Path, fields: dict[str, type]) -> dict[str, Any] | None:
    """The JSON object in `file`, which must have these fields and no others; None where there is no file."""
    if not file.exists():
        return None
    if not file.is_file() or file.stat().st_size > MOST_BYTES:  # a named pipe would never end
        raise _AnswerError(f"{file.name}: expected a file of at most {MOST_BYTES} bytes")
    try:
        table = json.loads(file.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (OSError, ValueError, RecursionError) as error:
        raise _AnswerError(f"{file.name}: expected JSON, got {error_text(error)}"[:500]) from error
    if not isinstance(table, dict):
        raise _AnswerError(f"{file.name}: expected a JSON object, got {type(table).__name__}")
    if {name: type(value) for name, value in table.items()} != fields:
        raise _AnswerError(f"{file.name}: expected the fields {', '.join(fields)}, got {', '.join(sorted(table))[:200] or 'none'}")
    return table


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _is_memory_error(error: BaseException) -> bool:
    """Whether it is a MemoryError, CUDA's error of that kind, or the RuntimeError of torch where the CPU has no more memory.

    Torch's error has no class of its own. It is known by its text, and by being raised within torch, not by a `raise` of Python code.
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return type(error) is RuntimeError and not _is_raised_in_python(error) and "can't allocate memory" in error_text(error)


def _is_raised_in_python(error: BaseException) -> bool:
    """Whether the last step that led to the error is a `raise` statement."""
    step = error.__traceback__
    if step is None:
        return True
    while step.tb_next is not None:
        step = step.tb_next
    code = step.tb_frame.f_code.co_code
    return dis.opname[code[step.tb_lasti]] in ("RAISE_VARARGS", "RERAISE")
