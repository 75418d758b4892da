"""How often the kernel has ended a process because memory ran out: it tells a kill for want of memory from any other one."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def oom_kills() -> int:
    """The number of such kills, on this machine or in this cgroup; 0 where that is not known."""
    counts = [0]
    for file in (Path("/proc/vmstat"), Path("/sys/fs/cgroup/memory.events")):
        with suppress(OSError):
            counts += [int(line.split()[1]) for line in file.read_text(encoding="ascii").splitlines() if line.startswith("oom_kill ")]
    return max(counts)
