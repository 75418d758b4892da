"""One child process per task: nothing that a task does can take down the supervisor or another task.

Children come from a fork server that has torch and our modules imported already (some 10 ms per start instead of seconds). Each has

    a process group, ended as a whole                    a hard time limit: SIGINT, then SIGTERM, then SIGKILL
    a scratch folder                                     a memory limit (RLIMIT_DATA above its start; on CUDA the allocator's share)
    its output in that folder, kept up to 2 MB           a limit on any file that it writes, and on that folder as a whole
    when it runs a method: no path to the run folder     SIGKILL when the supervisor dies

This file is the supervisor's side: start, watch, collect, stop. `child_entry.py` is the child's side. A child leaves its answer, or its
error, as `answer.json` in its scratch folder: JSON, whole or not there. When it ends without one, its exit status tells why. What may
follow when the answer is stored (`StagedJob`: the rounds of the clock, the count of operations) is added as `operations.json`; whatever
happens to the child then, its answer stands, and `Ended.unfinished` says why the rest is missing.

While a method runs, the memory of its whole process group is looked at from here (`MemoryWatch`), outside of the process that is timed.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from benchmark.children.answers import Sequel, full_disk, read_answer, read_sequel
from benchmark.children.child_entry import OVER, SAFE, run_child
from benchmark.children.child_task import Job, Limits
from benchmark.children.endings import Ended, Ending, spell_exit
from benchmark.children.orphans import end_descendants, end_orphans
from benchmark.children.scratch import new_scratch, written_bytes
from benchmark.children.server import handing_nothing_over, server_context, server_pid
from benchmark.measure.group import LOOK_S, MemoryWatch
from datasets.kernel_kills import oom_kills

_started: set[int] = set()  # the processes of children that have been started and not collected
GRACE_S = 1.0  # between one signal and the next
WATCH_S = 1.0  # between two looks at what a child has written


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
    answered: bool = False  # whether it has signalled that its answer is stored,
    answered_at: float | None = None  # and when it was heard, on the monotonic clock
    over: bool = False  # whether it has signalled that nothing follows

    @property
    def deadline(self) -> float:
        """The moment when its time is over, on the monotonic clock."""
        return self.started + self.limits.seconds

    def watch(self, now: float) -> None:
        """Look, once in a while, at the memory that it holds (until it has answered) and at how much it has written."""
        if self.memory is not None and not self.answered:
            self.memory.look(now)
        if self.limits.disk_mb is not None and now - self.watched >= WATCH_S:
            self.watched = now
            self.full = written_bytes(self.scratch) > self.limits.disk_mb * 1e6

    def listen(self) -> None:
        """Read the signals in the pipe, which has some, or is closed."""
        try:
            signals = os.read(self.pipe.fileno(), 4096)
        except OSError:
            signals = b""
        self.silent = not signals
        if SAFE in signals and not self.answered:
            self.answered, self.answered_at = True, time.monotonic()
            if self.memory is not None:
                self.memory.look(inf)  # the last look, which is always due
        self.over |= OVER in signals


def start(job: Job, limits: Limits) -> Child:
    """Run `job` in a new child."""
    context = server_context()
    scratch = new_scratch()
    ours, theirs = context.Pipe(duplex=False)
    their_life, our_life = context.Pipe(duplex=False)
    process = context.Process(target=run_child, args=(job, theirs, their_life, scratch, limits), daemon=False)
    with handing_nothing_over():
        process.start()
    _started.add(process.pid or 0)
    theirs.close()
    their_life.close()
    watch = MemoryWatch(process.pid) if limits.apart and process.pid is not None else None
    return Child(process, ours, our_life, scratch, time.monotonic(), limits, oom_kills(), watch)


def run_to_end(job: Job, limits: Limits) -> Ended:
    """How a new child that does `job` has ended; nothing else is done meanwhile. Ctrl-C ends the child."""
    child = start(job, limits)
    try:
        while not wait_any([child], limits.seconds):
            pass
    except BaseException:
        stop(child)
        collect(child).discard()
        raise
    return collect(child)


def wait_any(children: list[Child], timeout_s: float) -> list[Child]:
    """The children to be collected: they are done, have ended, or have passed a limit. Blocks up to `timeout_s`."""
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
        due = [child for child in children if child.over or child.process.sentinel in ready or child.deadline <= now or child.full]
        if due or now >= end:
            return due
    return []


def collect(child: Child) -> Ended:
    """How `child` ended; it is stopped first if it has passed a limit. An answer that is stored by then stands."""
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
    _started.discard(child.process.pid or 0)
    end_orphans(server_pid(), _started)
    if not late and not full:
        answer, sequel = answer or read_answer(child.scratch), sequel or read_sequel(child.scratch)
    child.pipe.close()
    child.life.close()
    how, reason = _spell_end(child, late=late, full=full)
    held = child.memory.peak if child.memory is not None else 0
    answered_s = None if child.answered_at is None else child.answered_at - child.started
    ended = Ended(how, {}, reason, time.monotonic() - child.started, child.scratch, group_bytes=held, answered_s=answered_s)
    if answer is None:
        return ended
    if answer.how != "done":
        return replace(ended, how=answer.how, answer=answer.table, reason=answer.reason)
    added = sequel or Sequel({}, "", more=answer.more)
    unfinished = added.reason or (reason if added.more else "")
    return replace(ended, how="done", answer={**answer.table, **added.table}, reason="", unfinished=unfinished)


def _spell_end(child: Child, *, late: bool, full: bool) -> tuple[Ending, str]:
    """How a child ended if it left no answer, and a sentence on it."""
    if late:
        way_out = "; raise time_limit_s in the plan" if child.limits.apart else ""  # the plan limits methods alone
        return "timeout", f"ended after its time limit of {child.limits.seconds:g} s{way_out}"
    if full:
        return "killed", f"ended for writing more than {child.limits.disk_mb:g} MB; raise disk_limit_mb in the plan"
    code = child.process.exitcode
    if full_folder := full_disk(child.scratch):
        return "not run", full_folder
    if code == -signal.SIGKILL and oom_kills() > child.oom_kills:
        return "out of memory", "the kernel ended it because memory ran out; give it a smaller scene, or fewer slots"
    return "killed", spell_exit(code)


def stop(child: Child) -> None:
    """End a child and all that it started: SIGINT, SIGTERM, SIGKILL, a second apart. What has left its process group is ended at once."""
    if child.process.pid is not None:
        end_descendants(child.process.pid)
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
