"""One supervisor per run folder: a lock that the kernel releases however the process ends."""

from __future__ import annotations

import errno
import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class BusyError(RuntimeError):
    """Another process uses the same run folder."""


class LockError(RuntimeError):
    """A file system on which no folder can be held."""


@contextmanager
def claimed(folder: Path) -> Iterator[None]:
    """Hold `folder` for this process, and no other, while the block runs; the folder is made where it is not there.

    Raises:
        BusyError: another process holds it.
        LockError: its file system has no flock, so that nobody can hold it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            _expect_flock(error, folder)
            raise BusyError(
                f"expected a run folder that no other run uses, got {folder}, where one is at work; wait for its end, or give another --out"
            ) from error
        yield


def is_claimed(folder: Path) -> bool:
    """Whether some process holds `folder`.

    Raises:
        LockError: its file system has no flock.
    """
    if not (folder / ".lock").exists():
        return False
    with (folder / ".lock").open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            _expect_flock(error, folder)
            return True
    return False


def _expect_flock(error: OSError, folder: Path) -> None:
    """Nothing, where an error means that another process holds the lock."""
    if error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES):
        raise LockError(
            f"{folder}: expected a file system with flock, which keeps two runs out of one folder, got {error.strerror or error}; give an "
            "--out on a local disk, or mount this one with locks"
        ) from error
