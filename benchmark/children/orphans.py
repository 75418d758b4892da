"""Processes that a method leaves behind: they end with its cell, also where they have left its process group or session.

Linux gives the children of a process that ends to its nearest ancestor that is a *sub-reaper*, else to process 1. Both the process of a
cell and the fork server are sub-reapers. So, while the process of a cell lives, all that it started are its descendants; when it has ended,
they are children of the fork server, whose other children are the processes of cells. Those that are none of these are orphans.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from benchmark.measure.group import descendants

_SET_CHILD_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of the kernel
ROUNDS, PAUSE_S = 50, 0.002  # how often orphans are looked for again: while some are ended, they may start others


def adopt_orphans() -> None:
    """Let the orphans among the descendants of this process become its children; on Linux alone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_descendants(pid: int) -> None:
    """End all that a process has started, in whatever process group or session, and not the process itself."""
    _end_until_none(lambda: descendants(pid))


def end_orphans(server: int | None, cells: Collection[int]) -> None:
    """End what processes of cells have left behind: the children of the fork server that are none of `cells`, and all that these started.

    Args:
        server: the fork server; None where it does not run.
        cells: the processes of cells that have been started and not collected.
    """
    if server is None:
        return

    def orphans() -> list[int]:
        left = [pid for pid in children_of(server) if pid not in cells]
        return [*left, *(other for pid in left for other in descendants(pid))]

    _end_until_none(orphans)


def children_of(pid: int) -> list[int]:
    """The living children of a process."""
    numbers = []
    with suppress(OSError):  # it has just ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                numbers += [int(number) for number in (task / "children").read_text(encoding="ascii").split()]
    return numbers


def _end_until_none(find: Callable[[], list[int]]) -> None:
    """End the processes that `find` gives, until it gives none that lives."""
    for _ in range(ROUNDS):
        found = [pid for pid in find() if _lives(pid)]
        if not found:
            return
        for pid in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(PAUSE_S)


def _lives(pid: int) -> bool:
    """Whether a process is there and has not ended (a zombie waits for its parent to take note)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return False
    return state[:1] not in (["Z"], ["X"])
