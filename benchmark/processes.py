"""One child process a task: nothing that a task does can take down the supervisor or another task.

Children come from a fork server that has torch and our modules imported already (some 10 ms a start instead of seconds). Each has a process
group of its own, its output in a file, and a hard time limit: SIGTERM to the group, SIGKILL a moment later. A child sends one message, its
answer or its error, through a pipe; when it ends without one, its exit status tells why.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent
GRACE_S = 2.0  # between SIGTERM and SIGKILL
Ending = Literal["done", "error", "timeout", "killed"]


@runtime_checkable
class Job(Protocol):
    """What a child runs."""

    def run(self) -> dict[str, Any]:
        """The answer, small and picklable."""
        ...


@dataclass(frozen=True)
class Ended:
    """How a child ended."""

    how: Ending
    answer: dict[str, Any]  # of `run`, when done
    error: str = ""  # the exception's class name, when error
    reason: str = ""  # one line
    seconds: float = 0.0


@dataclass(eq=False)
class Child:
    """A running child."""

    process: BaseProcess
    pipe: Connection
    started: float
    limit_s: float

    @property
    def deadline(self) -> float:
        """When its time is over, on the monotonic clock."""
        return self.started + self.limit_s


def start(job: Job, log: Path, *, threads: int, limit_s: float, seed: int = 0) -> Child:
    """Run `job` in a new child, its output appended to `log`."""
    log.parent.mkdir(parents=True, exist_ok=True)
    context = _context()
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(job, theirs, log, threads, seed), daemon=False)
    process.start()
    theirs.close()
    return Child(process, ours, time.monotonic(), limit_s)


def wait_any(children: list[Child], timeout_s: float) -> list[Child]:
    """The children that have something to tell: an answer, their end, or a deadline that has passed. Blocks up to `timeout_s`."""
    if not children:
        return []
    soonest = min(child.deadline for child in children) - time.monotonic()
    ready = wait([thing for child in children for thing in (child.pipe, child.process.sentinel)], max(0.0, min(timeout_s, soonest)))
    now = time.monotonic()
    return [child for child in children if child.pipe in ready or child.process.sentinel in ready or child.deadline <= now]


def collect(child: Child) -> Ended:
    """How `child` ended; it is stopped first if its time is over."""
    message: dict[str, Any] | None = None
    if child.pipe.poll():
        with suppress(EOFError, OSError):  # it died with the message half sent: its exit status tells more
            message = child.pipe.recv()
    over = message is None and child.process.is_alive() and time.monotonic() >= child.deadline
    if over:
        stop(child)
    child.process.join(GRACE_S)
    if child.process.is_alive():  # it has answered, but does not end (a thread that it left running)
        stop(child)
    _end_group(child)
    child.pipe.close()
    seconds = time.monotonic() - child.started
    if message is not None:
        how: Ending = "done" if message["ok"] else "error"
        return Ended(how, message.get("answer", {}), message.get("error", ""), message.get("reason", ""), seconds)
    if over:
        return Ended(
            "timeout", {}, reason=f"ended after its time limit of {child.limit_s:g} s; raise time_limit_s in the plan", seconds=seconds
        )
    return Ended("killed", {}, reason=_spell_exit(child.process.exitcode), seconds=seconds)


def stop(child: Child) -> None:
    """End a child and all that it started: SIGTERM, then SIGKILL."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        _signal_group(child, number)
        child.process.join(GRACE_S)
        if not child.process.is_alive():
            return


def _end_group(child: Child) -> None:
    """End processes that a finished child left behind."""
    _signal_group(child, signal.SIGKILL)


def _signal_group(child: Child, number: int) -> None:
    pid = child.process.pid
    if pid is None:
        return
    try:
        os.killpg(pid, number)
    except ProcessLookupError:  # no group yet (the child is just starting) or none any more
        if child.process.is_alive():
            os.kill(pid, number)


def _spell_exit(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        hint = " (often the kernel's out-of-memory killer)" if name == "SIGKILL" else ""
        return f"the process was ended by {name}{hint}"
    return f"the process ended without an answer, exit status {code}"


def _context() -> Any:
    """The fork server's context.

    The server ignores sys.path, so our folder goes into its PYTHONPATH. Waiting OpenMP threads are told to sleep, not to spin: on a machine
    with other work, spinning made a network of small layers 13 times slower on two threads than on one (measured), and timings a lottery.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    if str(ROOT) not in paths:
        os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), *(path for path in paths if path)])
    context = get_context("forkserver")
    context.set_forkserver_preload(["benchmark.tasks"])
    return context


def _child(job: Job, pipe: Connection, log: Path, threads: int, seed: int) -> None:
    """Runs in the child: own process group, output to the log, one answer."""
    os.setpgid(0, 0)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    torch.set_num_threads(threads)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # for methods that draw from the global generator against the rules
    torch.manual_seed(seed)
    try:
        message = {"ok": True, "answer": job.run()}
    except Exception as error:  # noqa: BLE001  # whatever a method raises is its result, recorded with its traceback
        traceback.print_exc()
        message = {"ok": False, "error": type(error).__name__, "reason": f"{type(error).__name__}: {error}"[:2000]}
    sys.stdout.flush()
    sys.stderr.flush()
    pipe.send(message)
    pipe.close()
