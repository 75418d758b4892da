"""Scratch folders of children. Those of one supervisor lie in one folder of the temporary folder, which it removes when it ends.

    <temporary folder>/hmif-bench-XXXX/lock        held (flock) as long as the supervisor lives, in whatever container
    <temporary folder>/hmif-bench-XXXX/cell-XXXX   one folder per child

A supervisor that is killed leaves its folder behind. The next one that starts removes each such folder whose lock nobody holds.
"""

from __future__ import annotations

import atexit
import errno
import fcntl
import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PREFIX = "hmif-bench-"
LOCK = "lock"
YOUNG_S = 60.0  # a folder without a lock that is younger may be that of a supervisor that is just starting

_homes: dict[tuple[int, str], tuple[Path, int]] = {}  # by process and temporary folder: the folder, and the descriptor of its lock


class ScratchError(RuntimeError):
    """A temporary folder that cannot be used; the text says what was expected, what came, and the way out."""


def new_scratch() -> Path:
    """A new empty folder for one child.

    Raises:
        ScratchError: the temporary folder lies on a file system without flock.
    """
    return Path(tempfile.mkdtemp(prefix="cell-", dir=_home()))


def remove_folder(folder: Path) -> None:
    """Remove a folder that may hold anything, also folders within folders beyond the depth that Python's own function reaches."""
    with suppress(RecursionError):
        shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        subprocess.run(["rm", "-rf", "--", str(folder)], check=False, capture_output=True)


def written_bytes(folder: Path) -> int:
    """Bytes on disk of all files below `folder`, however deep they lie."""
    total, waiting = 0, [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:  # too deep for a path
                done = subprocess.run(["du", "-s", "--block-size=1", "--", str(folder)], check=False, capture_output=True)
                return int(done.stdout.split()[0]) if done.stdout else total
    return total  # what has just been removed is left out


def sweep(place: Path) -> list[Path]:
    """The folders that were removed from `place`: those of supervisors that have ended without removing them."""
    removed = []
    for folder in place.glob(f"{PREFIX}*"):
        if folder.is_dir() and not folder.is_symlink() and folder.stat().st_uid == os.getuid() and _is_abandoned(folder):
            remove_folder(folder)
            removed.append(folder)
    return removed


def _home() -> Path:
    place = tempfile.gettempdir()
    key = os.getpid(), place
    if key not in _homes or not _homes[key][0].is_dir():
        with suppress(OSError):  # what cannot be removed is no hindrance
            sweep(Path(place))
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            raise ScratchError(
                f"{folder}: expected a temporary folder on a file system with flock, got {error.strerror or error}; set $TMPDIR to a "
                "folder on a local disk"
            ) from error
        _homes[key] = folder, descriptor
        atexit.register(_leave, key)
    return _homes[key][0]


def _leave(key: tuple[int, str]) -> None:
    """Remove the folder of this process."""
    if key[0] == os.getpid() and key in _homes:
        folder, descriptor = _homes.pop(key)
        remove_folder(folder)
        os.close(descriptor)


def _is_abandoned(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return time.time() - folder.stat().st_mtime > YOUNG_S
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # its supervisor lives
        return False
    finally:
        os.close(descriptor)
    return True
