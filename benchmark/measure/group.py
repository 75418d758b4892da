"""What a method holds and takes in all its processes: memory and processor time of one process and of those that it started.

Looked at from /proc, with nothing of the method's help. The members of a group:

    descendants     children, their children and so on, by /proc/<pid>/task/<tid>/children: some 30 microseconds
    group           the processes with the leader's group number, by a walk over /proc: some milliseconds; finds orphans as well

Memory is counted so that what processes share counts once:

    sum  =  resident memory of the leader  +  over the others: private pages, as smaps_rollup tells them

A forked worker that reads its parent's cube adds nothing, one that writes to it adds the pages that it wrote. Reading smaps_rollup takes
longer the more a process holds (some 10 ms for 400 MB), so it is read as often as `WHOLE_SHARE` of the time allows; between, a process has
grown by what its anonymous and shared memory has grown, which costs 30 microseconds to ask. Errors of that are downwards: pages copied
since the last look at smaps_rollup, and libraries loaded since, are not seen before the next. Not seen at all: what lived and died between
two looks (`LOOK_S`), and processes whose parent has ended.
"""

from __future__ import annotations

import os
import re
import resource
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter

PROC = Path("/proc")
LOOK_S = 0.05  # between two looks at the memory of a group
SHARE = 0.005  # of the time may go into looking
WHOLE_SHARE = 0.02  # of the time may go into looking at a process as a whole (smaps_rollup) once more,
FIRST_SHARE = 0.1  # and this for the first time
_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")


def resident_bytes(which: str, pid: int | str = "self") -> int:
    """Resident memory of a process: VmRSS now, VmHWM its peak. 0 where the kernel does not tell (no /proc), or it has ended."""
    return _status(pid).get(which, 0)


def largest_child_bytes() -> int:
    """The most memory that one child of this process held, among those that have ended and were waited for; 0 where there are none.

    (A process that was forked before it became another program counts with what its parent held then, so this is no child's own figure.)
    """
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def descendants(pid: int) -> list[int]:
    """The living processes that `pid` has started, and those that they have started; empty where the kernel does not tell."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        with suppress(OSError):  # it has just ended
            for thread in (PROC / str(parent) / "task").iterdir():
                with suppress(OSError):
                    children = [int(number) for number in (thread / "children").read_text(encoding="ascii").split()]
                    found += children
                    waiting += children
    return found


def group_members(leader: int) -> list[int]:
    """The living processes whose process group is that of `leader`, itself not among them."""
    if not PROC.is_dir():
        return []
    numbers = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
    return [number for number in numbers if number != leader and _stat(number).group == leader]


def processor_seconds(*, orphans: bool) -> tuple[float, float]:
    """Processor time of this process, and of the processes that it has started, those that have ended and were waited for included.

    With `orphans`, processes of its group whose parent has ended are looked for too (some milliseconds). One that ended and that nobody
    waited for is gone, with its time.
    """
    times = os.times()
    me = os.getpid()
    others = set(descendants(me))
    if orphans and os.getpgid(0) == me:
        others |= set(group_members(me))
    living = sum(_stat(pid).seconds for pid in others)
    return times.user + times.system, times.children_user + times.children_system + living


@dataclass(eq=False)
class MemoryWatch:
    """The peak of a group's memory, looked at from outside while its leader works.

    A process without children is not looked at: the kernel keeps its own peak, exactly (VmHWM).
    """

    leader: int
    peak: int = 0  # bytes; 0: it never had a child when looked at
    _due: float = 0.0  # when the next look is
    _again: float = 0.0  # when processes that are known may be looked at as a whole again
    _more: float = 0.0  # when processes that are not known may be
    _apart: dict[tuple[int, int, int], int] = field(default_factory=dict)  # private pages less `_growing_bytes`, by process and program

    def look(self, now: float) -> None:
        """Look, if a look is due at the moment `now`, in seconds of any clock that only rises."""
        if now < self._due:
            return
        began = perf_counter()
        members = descendants(self.leader)
        whole_s = 0.0
        if members:
            programs = [(pid, stat.started, stat.code) for pid, stat in ((pid, _stat(pid)) for pid in members) if stat.started]
            known = [program for program in programs if program in self._apart]
            if now >= self._again:
                spent = self._learn(known)
                self._again = now + spent / WHOLE_SHARE
                whole_s += spent
            if now >= self._more:
                spent = self._learn([program for program in programs if program not in self._apart])
                self._more = now + spent / FIRST_SHARE
                whole_s += spent
            held = sum(max(0, _growing_bytes(program[0]) + self._apart[program]) for program in programs if program in self._apart)
            self.peak = max(self.peak, resident_bytes("VmRSS", self.leader) + held)
        self._due = now + max(LOOK_S, (perf_counter() - began - whole_s) / SHARE)

    def _learn(self, programs: list[tuple[int, int, int]]) -> float:
        """Look at these processes as a whole; the seconds that it took."""
        began = perf_counter()
        for program in programs:
            self._apart[program] = _private_bytes(program[0]) - _growing_bytes(program[0])
        return perf_counter() - began


@dataclass(frozen=True)
class _Stat:
    """Of /proc/<pid>/stat; all 0 for a process that has ended."""

    group: int = 0
    seconds: float = 0.0  # processor time, with that of the children that it waited for
    started: int = 0
    code: int = 0  # where its program begins in memory


def _stat(pid: int) -> _Stat:
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return _Stat()
    fields = text.rpartition(")")[2].split()  # from the third on: the second, the program's name, may hold anything
    if len(fields) < 24:
        return _Stat()
    return _Stat(int(fields[2]), sum(int(number) for number in fields[11:15]) / _TICKS, int(fields[19]), int(fields[23]))


def _status(pid: int | str) -> dict[str, int]:
    """The sizes in /proc/<pid>/status in bytes, by name."""
    try:
        text = (PROC / str(pid) / "status").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    return {name: int(kilobytes) * 1024 for name, kilobytes in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}


def _growing_bytes(pid: int) -> int:
    """What a process holds of memory that is not a file's."""
    sizes = _status(pid)
    return sizes.get("RssAnon", 0) + sizes.get("RssShmem", 0)


def _private_bytes(pid: int) -> int:
    """The pages that no other process has; what is not a file's, shared or not, where the kernel does not tell."""
    try:
        text = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii")
    except OSError:
        return _growing_bytes(pid)
    return sum(int(kilobytes) * 1024 for kilobytes in re.findall(r"^Private_(?:Clean|Dirty|Hugetlb):\s+(\d+) kB", text, re.MULTILINE))
