"""What runs in a child process: it takes its group, folder and limits, does its job, and leaves one answer.

The answer is a file in the scratch folder (`answers.py`); the pipe to the supervisor carries no more than two signals, `SAFE` and `OVER`.
RLIMIT_AS is never used: CUDA reserves more addresses than any machine has memory.
"""

from __future__ import annotations

import fcntl
import os
import random
import resource
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.children.answers import Answer, ChildOutcome, Sequel, classify_error, write_answer, write_sequel
from benchmark.children.child_task import Job, Limits, StagedJob
from benchmark.children.orphans import adopt_orphans
from benchmark.children.server import enter_child
from benchmark.children.step_count import count_steps
from benchmark.children.witness import loaded_sources

FILE_BYTES = 16 * 2**30  # no child writes a larger file
LOG_NAME = "log.txt"  # what a child prints, in its scratch folder
SAFE, OVER = b"s", b"o"  # what the pipe carries: the answer is stored; nothing follows it


def run_child(job: Job, pipe: Connection, life: Connection, scratch: Path, limits: Limits) -> None:
    """Do `job` in this process, which has just been forked, and leave its answer in `scratch`.

    Args:
        job: what to do; a `StagedJob` may add to its answer.
        pipe: wakes the supervisor.
        life: is closed when the supervisor ends, and this process with it.
        scratch: the folder for the answer, the log and, with `limits.apart`, for all that the job writes.
        limits: what the process may use.
    """
    os.setpgid(0, 0)
    adopt_orphans()
    enter_child()
    _die_with_supervisor(life)
    if limits.apart:
        os.chdir(scratch)
        os.environ["TMPDIR"] = tempfile.tempdir = str(scratch)
    descriptor = os.open(scratch / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.environ.update(limits.variables)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    torch.set_num_threads(limits.threads)
    random.seed(limits.seed)
    np.random.seed(limits.seed % 2**32)
    torch.manual_seed(limits.seed)
    if limits.apart:
        count_steps(scratch)
    rest: Iterator[dict[str, Any]] = iter(())
    try:
        _limit_memory(limits)
        staged = isinstance(job, StagedJob)
        if isinstance(job, StagedJob):
            rest = job.stages()
        write_answer(scratch, Answer("done", next(rest) if staged else job.run(), "", more=staged))
    except BaseException as error:  # noqa: BLE001  # whatever a method raises, SystemExit too, is its result, recorded with its traceback
        write_answer(scratch, Answer(*_error_as_answer(error)))
    else:
        _signal(pipe, SAFE)
        if staged:
            for sequel in _sequels(rest):
                write_sequel(scratch, sequel)
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):  # a method may have closed or replaced it
            stream.flush()
    _signal(pipe, OVER)


def _sequels(rest: Iterator[dict[str, Any]]) -> Iterator[Sequel]:
    """What follows an answer that is stored, each time with all that came before; the last one says why the rest is missing, if it is."""
    table: dict[str, Any] = {}
    try:
        for part in rest:
            table |= part
            yield Sequel(dict(table), "", more=True)
    except BaseException as error:  # noqa: BLE001  # as above
        yield Sequel(table, _error_as_answer(error)[2])
    else:
        yield Sequel(table, "")


def _error_as_answer(error: BaseException) -> tuple[ChildOutcome, dict[str, Any], str]:
    """The fields of an answer for an error, with the sources that had been loaded; the log gets its traceback."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))  # room to write the answer
    with suppress(Exception):  # a method may have closed or replaced standard error
        traceback.print_exception(error)
    outcome, reason = classify_error(error)
    return outcome, {"sources": loaded_sources()}, reason


def _signal(pipe: Connection, what: bytes) -> None:
    """Wake the supervisor. It also finds out without this signal, since a method may have closed every file."""
    with suppress(OSError):
        os.write(pipe.fileno(), what)


def _limit_memory(limits: Limits) -> None:
    """Set RLIMIT_DATA this much above what the process holds now, or, with a GPU in use, the share of the CUDA allocator."""
    if limits.memory_mb is None:
        return
    status = Path("/proc/self/status").read_text(encoding="ascii")
    held = next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("VmData:"))
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if "CUDA_VISIBLE_DEVICES" in limits.variables and torch.cuda.is_available():
        whole = torch.cuda.get_device_properties(0).total_memory
        torch.cuda.set_per_process_memory_fraction(min(1.0, limits.memory_mb * 1e6 / whole))
    else:
        resource.setrlimit(resource.RLIMIT_DATA, (held + int(limits.memory_mb * 1e6), hard))


def _die_with_supervisor(life: Connection) -> None:
    """Ask the kernel to end this process when the other end of `life` closes, which happens however the supervisor ends.

    The kernel sends the signal, so a child that holds the GIL in a C call, or ignores every other signal, ends as well. (A parent-death
    signal would not do: the parent is the fork server, which lives as long as any of its children.)
    """
    if sys.platform == "linux":
        fcntl.fcntl(life.fileno(), fcntl.F_SETOWN, -os.getpid())
        fcntl.fcntl(life.fileno(), fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(life.fileno(), fcntl.F_SETFL, fcntl.fcntl(life.fileno(), fcntl.F_GETFL) | os.O_ASYNC)
    if life.poll():  # the supervisor has ended already
        os._exit(1)
