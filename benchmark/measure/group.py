"""Memory and processor time of a method in all its processes: of the cell's process, the *leader*, and of those that it started.

All is read from /proc, without any help of the method. The members of a group:

    descendants     children, their children and so on, by /proc/<pid>/task/<tid>/children: some 30 microseconds
    group           the processes with the leader's group number, by a walk over /proc: some milliseconds; orphans are found too

Memory that processes share is counted once:

    sum  =  resident memory of the leader  +  sum over the other processes of their private pages (smaps_rollup)

Files in memory (/dev/shm, memfd) that a process has open count as far as they are not mapped; pages of them that are mapped are resident.
The kernel keeps the peak of a single process, but a process can set it back (/proc/self/clear_refs): a peak that is seen to fall counts.

A forked worker that reads its parent's cube adds nothing; one that writes to it adds the pages that it has written. A process that works in
its parent's memory (`vfork`, as `subprocess` starts programs) has none of its own until it becomes another program. To read smaps_rollup
takes the longer the more a process holds (some 10 ms for 400 MB), so it is read only as often as `WHOLE_SHARE` of the time allows. In
between, a process is taken to have grown by as much as its anonymous and shared memory, which takes 30 microseconds to read. The sum is
then too low rather than too high: pages that were copied, and libraries that were loaded, since the last reading of smaps_rollup are not
seen before the next. Never seen are processes that start and end between two looks (`LOOK_S`), and processes whose parent has ended.
"""

from __future__ import annotations

import os
import re
import resource
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.measure.held import process_seconds, process_times, resource_usage, text_of_file, wall_seconds

PROC = Path("/proc")
LOOK_S = 0.05  # between two looks at the memory of a group
SHARE = 0.005  # of the time may be spent on looking
WHOLE_SHARE = 0.02  # of the time may be spent on reading smaps_rollup of a process once more,
FIRST_SHARE = 0.1  # and this share on reading it for the first time
_PAGE = os.sysconf("SC_PAGE_SIZE")
_LATE_PAGES = 1024  # the kernel adds up pages in batches, so that a peak may seem to fall by some of them
_TICKS = os.sysconf("SC_CLK_TCK")
_NO_PROGRAM_OF_ITS_OWN = 0x40  # PF_FORKNOEXEC of the kernel: forked, and not yet another program


def resident_bytes(which: str, pid: int | str = "self") -> int:
    """The resident memory of a process: with `which` VmRSS now, with VmHWM its peak. 0 where there is no /proc, or no such process."""
    return _status(pid).get(which, 0)


def largest_child_bytes() -> int:
    """The most memory that one child of this process held, among the children that have ended and were waited for; 0 where there are none.

    (A process that was forked before it became another program counts with what its parent held then: the figure may be too high.)
    """
    return resource_usage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def descendants(pid: int) -> list[int]:
    """The living processes that `pid` has started, and those that they have started; empty where the kernel does not say it."""
    processes: list[int] = []
    waiting = [pid]
    while waiting:
        parent = waiting.pop()
        with suppress(OSError):  # it has just ended
            for thread in (PROC / str(parent) / "task").iterdir():
                with suppress(OSError):
                    children = [int(number) for number in text_of_file(thread / "children", encoding="ascii").split()]
                    processes += children
                    waiting += children
    return processes


def group_members(leader: int) -> list[int]:
    """The living processes in the process group of `leader`, without `leader` itself."""
    if not PROC.is_dir():
        return []
    numbers = [int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit()]
    return [number for number in numbers if number != leader and _stat(number).group == leader]


def processor_seconds(*, orphans: bool) -> tuple[float, float]:
    """The processor time of this process, and that of the processes that it has started, in seconds.

    Processes that have ended count if they were waited for. With `orphans`, processes of the group whose parent has ended are looked for
    too, which takes some milliseconds.
    """
    times = process_times()
    me = os.getpid()
    others = set(descendants(me))
    if orphans and os.getpgid(0) == me:
        others |= set(group_members(me))
    living = sum(_stat(pid).seconds for pid in others)
    return process_seconds(), times.children_user + times.children_system + living


@dataclass(eq=False)
class MemoryWatch:
    """The peak of a group's memory, looked at from outside while the leader works.

    Of a leader without children and without files in memory nothing is added up, as the kernel keeps its peak exactly (VmHWM); it is only
    looked at whether that peak falls.
    """

    leader: int
    peak: int = 0  # bytes; 0 where the kernel's own figure says all
    _kernels: int = 0  # the highest peak of the leader that the kernel has told
    _due: float = 0.0  # the moment of the next look
    _again: float = 0.0  # the moment from which smaps_rollup of known processes may be read again
    _more: float = 0.0  # the moment from which that of new processes may be read
    _apart: dict[tuple[int, int, int], int] = field(default_factory=dict)  # private pages less `_growing_bytes`, by process and program

    def look(self, now: float) -> None:
        """Look at the group, if that is due at the moment `now` (seconds of any clock that only rises)."""
        if now < self._due:
            return
        began = wall_seconds()
        members = descendants(self.leader)
        whole_s = 0.0
        status = _status(self.leader)
        kernels = status.get("VmHWM", 0)
        if 0 < kernels < self._kernels - _PAGE * _LATE_PAGES:
            self.peak = max(self.peak, self._kernels)
        self._kernels = max(self._kernels, kernels)
        unmapped = max(0, sum(_files_in_memory([self.leader, *members])) - status.get("RssShmem", 0))
        if unmapped:
            self.peak = max(self.peak, status.get("VmRSS", 0) + unmapped)
        if members:
            stats = ((pid, _stat(pid)) for pid in members)
            programs = [(pid, stat.started, stat.code) for pid, stat in stats if stat.started and not _in_memory_of_parent(pid, stat)]
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
            self.peak = max(self.peak, status.get("VmRSS", 0) + held + unmapped)
        self._due = now + max(LOOK_S, (wall_seconds() - began - whole_s) / SHARE)

    def _learn(self, programs: list[tuple[int, int, int]]) -> float:
        """The seconds that it took to read smaps_rollup of these processes, for `_apart`."""
        began = wall_seconds()
        for program in programs:
            self._apart[program] = _private_bytes(program[0]) - _growing_bytes(program[0])
        return wall_seconds() - began


@dataclass(frozen=True)
class _Stat:
    """Fields of /proc/<pid>/stat; all 0 for a process that has ended."""

    parent: int = 0
    group: int = 0
    flags: int = 0
    seconds: float = 0.0  # processor time, with that of the children that it waited for
    started: int = 0
    code: int = 0  # where its program begins in memory


def _stat(pid: int) -> _Stat:
    try:
        text = text_of_file(PROC / str(pid) / "stat", encoding="utf-8", errors="replace")
    except OSError:
        return _Stat()
    fields = text.rpartition(")")[2].split()  # from the third on: the second, the program's name, may hold anything
    if len(fields) < 24:
        return _Stat()
    seconds = sum(int(number) for number in fields[11:15]) / _TICKS
    return _Stat(int(fields[1]), int(fields[2]), int(fields[6]), seconds, int(fields[19]), int(fields[23]))


def _in_memory_of_parent(pid: int, stat: _Stat) -> bool:
    """Whether a process has its parent's memory, not a copy of it: it is no program of its own, and as many pages of files are mapped.

    (A copy has fewer: pages of files, such as those of libraries, are mapped anew when it first uses them.)
    """
    if not stat.flags & _NO_PROGRAM_OF_ITS_OWN:
        return False
    mapped = resident_bytes("RssFile", pid)
    return mapped > 0 and mapped == resident_bytes("RssFile", stat.parent)


def _status(pid: int | str) -> dict[str, int]:
    """The sizes in /proc/<pid>/status in bytes, by name."""
    try:
        text = text_of_file(PROC / str(pid) / "status", encoding="utf-8", errors="replace")
    except OSError:
        return {}
    return {name: int(kilobytes) * 1024 for name, kilobytes in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}


def _files_in_memory(pids: list[int]) -> list[int]:
    """The bytes of each file in /dev/shm, or without a name (memfd), that one of these processes has open; each file once."""
    sizes: dict[tuple[int, int], int] = {}
    for pid in pids:
        folder = PROC / str(pid) / "fd"
        with suppress(OSError):  # it has just ended
            for entry in folder.iterdir():
                with suppress(OSError):
                    if str(entry.readlink()).startswith(("/dev/shm/", "/memfd:")):
                        stat = entry.stat()
                        sizes[stat.st_dev, stat.st_ino] = stat.st_blocks * 512
    return list(sizes.values())


def _growing_bytes(pid: int) -> int:
    """The memory of a process that belongs to no file."""
    sizes = _status(pid)
    return sizes.get("RssAnon", 0) + sizes.get("RssShmem", 0)


def _private_bytes(pid: int) -> int:
    """The pages that no other process has; where the kernel does not say it, all memory that belongs to no file."""
    try:
        text = text_of_file(PROC / str(pid) / "smaps_rollup", encoding="ascii")
    except OSError:
        return _growing_bytes(pid)
    return sum(int(kilobytes) * 1024 for kilobytes in re.findall(r"^Private_(?:Clean|Dirty|Hugetlb):\s+(\d+) kB", text, re.MULTILINE))
