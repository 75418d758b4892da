"""One supervisor per run folder: a lock that the kernel releases however the process ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class BusyError(RuntimeError):
    """Another process uses the same run folder."""


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process, and no other, while the block runs; the folder is made where it is not there.

    Raises:
        BusyError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BusyError(
                f"expected a run folder that no other run uses, got {folder}, where one is at work; wait for its end, or give another --out"
            ) from error
        yield


def is_claimed(folder: Path) -> bool:
    """Whether some process holds `folder`."""
    if not (folder / ".lock").exists():
        return False
    with (folder / ".lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
