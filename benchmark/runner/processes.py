"""One child process a task: nothing that a task does can take down the supervisor or another task.

Children come from a fork server that has torch and our modules imported already (some 10 ms a start instead of seconds). Each has

    a process group of its own, ended as a whole         a hard time limit: SIGINT, then SIGTERM, then SIGKILL
    a scratch folder of its own                          a memory limit (RLIMIT_DATA above its start; on CUDA the allocator's share)
    its output in that folder, kept up to 2 MB           a limit on any file that it writes, and on that folder as a whole
    when it runs a method: no path to the run folder     SIGKILL when the supervisor dies

A child leaves its answer, or its error, as `answer.json` in its scratch folder: JSON, whole or not there. When it ends without one, its
exit status tells why. What may follow when the answer is safe (`StagedJob`: operations are counted) is added as `operations.json`; whatever
happens to the child then, its answer stands, and `Ended.unfinished` says why the rest is missing. The pipe only wakes the supervisor.

While a method runs, the memory of its whole process group is looked at from here (`MemoryWatch`), outside of the process that is timed.
RLIMIT_AS is never used: CUDA reserves more addresses than any machine has memory.
"""

from __future__ import annotations

import fcntl
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch

from benchmark.measure.group import LOOK_S, MemoryWatch
from benchmark.runner.answers import Answer, Sequel, Told, kind_of, read_answer, read_sequel, write_answer, write_sequel
from benchmark.runner.server import enter_child, handing_nothing_over, server_context
from benchmark.runner.witness import loaded_sources

GRACE_S = 1.0  # between one signal and the next
LOG_BYTES = 1_000_000  # kept of the beginning and of the end of a child's output
FILE_BYTES = 16 * 2**30  # no child writes a larger file
WATCH_S = 1.0  # between two looks at what a child has written
LOG_NAME = "log.txt"
SAFE, OVER = b"s", b"o"  # what the pipe carries: the answer is safe; nothing follows
Ending = Told | Literal["timeout", "killed"]


@runtime_checkable
class Job(Protocol):
    """What a child runs."""

    def run(self) -> dict[str, Any]:
        """The answer, small, of what JSON can hold."""
        ...


@runtime_checkable
class StagedJob(Protocol):
    """A job whose answer is safe before it ends."""

    def stages(self) -> Iterator[dict[str, Any]]:
        """The answer; then, where there is more to find out, what replaces parts of it. That may fail, and the answer stands."""
        ...


@dataclass(frozen=True)
class Limits:
    """What a child may use, and where it runs."""

    seconds: float
    memory_mb: float | None = None  # beyond what a child starts with; None: what the machine has
    disk_mb: float | None = None  # in its scratch folder, temporary files included; None: no limit but that of a file
    threads: int = 1
    seed: int = 0  # of the global generators, for methods that use them against the rules
    variables: Mapping[str, str] = field(default_factory=dict)  # of the environment, such as CUDA_VISIBLE_DEVICES
    apart: bool = False  # work in the scratch folder, so that nothing the child is given leads to the run folder


@dataclass(frozen=True)
class Ended:
    """How a child ended. `scratch` holds the files that it left; `discard` removes them."""

    how: Ending  # what kind of error a method raised is decided in the child, where its class is known
    answer: dict[str, Any]  # of the job when done; when it failed, the sources that it had loaded
    reason: str = ""  # one line
    seconds: float = 0.0
    scratch: Path = Path()
    unfinished: str = ""  # when done: why what should follow the answer is not in it
    group_bytes: int = 0  # the most memory that its processes were seen to hold together, until it answered; 0: it had no children then

    def keep(self, name: str, file: Path) -> None:
        """Move what the child wrote as `name` to `file`, whole or not at all."""
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
        shutil.move(self.scratch / name, temporary)
        temporary.replace(file)

    def keep_log(self, file: Path) -> None:
        """Append the child's output to `file`: beginning and end, when there is too much of it."""
        log = self.scratch / LOG_NAME
        size = log.stat().st_size if log.exists() else 0
        if size == 0:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        with log.open("rb") as source, file.open("ab") as target:
            target.write(source.read(LOG_BYTES))
            if size > 2 * LOG_BYTES:
                target.write(f"\n[... {size - 2 * LOG_BYTES} bytes left out ...]\n".encode())
                source.seek(size - LOG_BYTES)
            target.write(source.read())

    def discard(self) -> None:
        """Remove what the child left."""
        shutil.rmtree(self.scratch, ignore_errors=True)


@dataclass(eq=False)
class Child:
    """A running child."""

    process: BaseProcess
    pipe: Connection
    life: Connection  # open as long as the child may live
    scratch: Path
    started: float
    limits: Limits
    oom_kills: int  # of the kernel, when it started
    memory: MemoryWatch | None = None  # of its process group, where that is looked at
    watched: float = 0.0  # when its folder was last looked at
    full: bool = False  # whether it was found to have written too much
    silent: bool = False  # whether its end of the pipe is closed
    answered: bool = False  # whether it said that its answer is safe
    over: bool = False  # whether it said that nothing follows

    @property
    def deadline(self) -> float:
        """When its time is over, on the monotonic clock."""
        return self.started + self.limits.seconds

    def watch(self, now: float) -> None:
        """Look, once in a while, at the memory that it holds, until it has answered, and at how much it has written."""
        if self.memory is not None and not self.answered:
            self.memory.look(now)
        if self.limits.disk_mb is not None and now - self.watched >= WATCH_S:
            self.watched = now
            self.full = _written(self.scratch) > self.limits.disk_mb * 1e6

    def listen(self) -> None:
        """Take what the pipe carries; it has something, or is closed."""
        try:
            said = os.read(self.pipe.fileno(), 4096)
        except OSError:
            said = b""
        self.silent = not said
        self.answered |= SAFE in said
        self.over |= OVER in said


def start(job: Job, limits: Limits) -> Child:
    """Run `job` in a new child."""
    context = server_context()
    scratch = Path(tempfile.mkdtemp(prefix="hmif-cell-"))
    ours, theirs = context.Pipe(duplex=False)
    their_life, our_life = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(job, theirs, their_life, scratch, limits), daemon=False)
    with handing_nothing_over():
        process.start()
    theirs.close()
    their_life.close()
    watch = MemoryWatch(process.pid) if limits.apart and process.pid is not None else None
    return Child(process, ours, our_life, scratch, time.monotonic(), limits, _oom_kills(), watch)


def wait_any(children: list[Child], timeout_s: float) -> list[Child]:
    """The children that have something to tell: that they are done, their end, or a limit that was passed. Blocks up to `timeout_s`."""
    end = min([time.monotonic() + timeout_s, *(child.deadline for child in children)])
    while children:
        tick = LOOK_S if any(child.memory is not None and not child.answered for child in children) else WATCH_S
        left = max(0.0, min(end - time.monotonic(), tick))
        pipes = [child.pipe for child in children if not child.silent]
        ready = wait([*pipes, *(child.process.sentinel for child in children)], left)
        now = time.monotonic()
        for child in children:
            if child.pipe in ready:
                child.listen()
            child.watch(now)
        told = [child for child in children if child.over or child.process.sentinel in ready or child.deadline <= now or child.full]
        if told or now >= end:
            return told
    return []


def collect(child: Child) -> Ended:
    """How `child` ended; it is stopped first if its time is over. An answer that is safe by then stands."""
    alive = child.process.is_alive()
    answer, sequel = read_answer(child.scratch), read_sequel(child.scratch)
    late = alive and not child.over and time.monotonic() >= child.deadline
    full = alive and not child.over and child.full
    if late or full:
        stop(child)
    child.process.join(GRACE_S)
    if child.process.is_alive():  # it has answered, but does not end (a thread that it left running)
        stop(child)
    _signal_group(child, signal.SIGKILL)  # processes that it left behind
    if not late and not full:
        answer, sequel = answer or read_answer(child.scratch), sequel or read_sequel(child.scratch)
    child.pipe.close()
    child.life.close()
    how, reason = _spell_end(child, late=late, full=full)
    held = child.memory.peak if child.memory is not None else 0
    ended = Ended(how, {}, reason, time.monotonic() - child.started, child.scratch, group_bytes=held)
    if answer is None:
        return ended
    if answer.how != "done":
        return replace(ended, how=answer.how, answer=answer.table, reason=answer.reason)
    added = Sequel({}, reason) if answer.more and sequel is None else sequel or Sequel({}, "")
    return replace(ended, how="done", answer={**answer.table, **added.table}, reason="", unfinished=added.reason)


def _spell_end(child: Child, *, late: bool, full: bool) -> tuple[Ending, str]:
    """What ended a child that has ended, and a sentence on it; its answer apart."""
    if late:
        way_out = "; raise time_limit_s in the plan" if child.limits.apart else ""  # the plan limits methods alone
        return "timeout", f"ended after its time limit of {child.limits.seconds:g} s{way_out}"
    if full:
        return "killed", f"ended for writing more than {child.limits.disk_mb:g} MB; raise disk_limit_mb in the plan"
    code = child.process.exitcode
    if code == -signal.SIGKILL and _oom_kills() > child.oom_kills:
        return "out of memory", "the kernel ended it for want of memory; give it a smaller scene, or fewer slots"
    return "killed", _spell_exit(code)


def stop(child: Child) -> None:
    """End a child and all that it started: SIGINT, SIGTERM, SIGKILL, a second apart."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
        _signal_group(child, number)
        child.process.join(GRACE_S)
        if not child.process.is_alive():
            return


def _signal_group(child: Child, number: int) -> None:
    pid = child.process.pid
    if pid is None:
        return
    try:
        os.killpg(pid, number)
    except ProcessLookupError:  # no group yet (the child is just starting) or none any more
        if child.process.is_alive():
            with suppress(ProcessLookupError):
                os.kill(pid, number)


def _spell_exit(code: int | None) -> str:
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"the process was ended by {name}; its log has what it printed"
    return f"the process ended without an answer, exit status {code}; its log has what it printed"


def _written(folder: Path) -> int:
    """Bytes on disk of all files below `folder`."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):  # it has just been removed
                total += (Path(place) / name).lstat().st_blocks * 512
    return total


def _oom_kills() -> int:
    """How often the kernel has ended a process for want of memory, on this machine or in this cgroup; 0 where it does not tell."""
    counts = [0]
    for file in (Path("/proc/vmstat"), Path("/sys/fs/cgroup/memory.events")):
        with suppress(OSError):
            counts += [int(line.split()[1]) for line in file.read_text(encoding="ascii").splitlines() if line.startswith("oom_kill ")]
    return max(counts)


def _child(job: Job, pipe: Connection, life: Connection, scratch: Path, limits: Limits) -> None:
    """Runs in the child: its own group, folder and limits, then the job, then one answer."""
    os.setpgid(0, 0)
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
    rest: Iterator[dict[str, Any]] = iter(())
    try:
        _limit_memory(limits)
        staged = isinstance(job, StagedJob)
        if isinstance(job, StagedJob):
            rest = job.stages()
        write_answer(scratch, Answer("done", next(rest) if staged else job.run(), "", more=staged))
    except BaseException as error:  # noqa: BLE001  # whatever a method raises, SystemExit too, is its result, recorded with its traceback
        write_answer(scratch, Answer(*_tell(error)))
    else:
        _signal(pipe, SAFE)
        if staged:
            write_sequel(scratch, _follow(rest))
    sys.stdout.flush()
    sys.stderr.flush()
    _signal(pipe, OVER)


def _follow(rest: Iterator[dict[str, Any]]) -> Sequel:
    """What follows an answer that is safe, or why it failed."""
    try:
        return Sequel({name: value for part in rest for name, value in part.items()}, "")
    except BaseException as error:  # noqa: BLE001  # as above
        return Sequel({}, _tell(error)[2])


def _tell(error: BaseException) -> tuple[Told, dict[str, Any], str]:
    """An error as an answer, with the sources that had been loaded; the log gets its traceback."""
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))  # room to say why
    traceback.print_exception(error)
    how, reason = kind_of(error)
    return how, {"sources": loaded_sources()}, reason


def _signal(pipe: Connection, what: bytes) -> None:
    """Wake the supervisor, which also finds out by itself: a method may have closed every file."""
    with suppress(OSError):
        os.write(pipe.fileno(), what)


def _limit_memory(limits: Limits) -> None:
    """RLIMIT_DATA this much above what the process holds now; with a GPU in use, the CUDA allocator's share as well."""
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
    """Ask the kernel to end this process group when the other end of `life` closes, which it does however the supervisor ends.

    The kernel sends the signal, so a child that holds the GIL in a C call, or ignores every other signal, ends as well. (A parent-death
    signal would not do: the parent is the fork server, which lives as long as any of its children.)
    """
    if sys.platform == "linux":
        fcntl.fcntl(life.fileno(), fcntl.F_SETOWN, -os.getpid())
        fcntl.fcntl(life.fileno(), fcntl.F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(life.fileno(), fcntl.F_SETFL, fcntl.fcntl(life.fileno(), fcntl.F_GETFL) | os.O_ASYNC)
    if life.poll():  # it has gone already
        os._exit(1)
