"""How a child process ended, and what it left: its answer, its files, its log."""

from __future__ import annotations

import os
import shutil
import signal
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmark.children.answers import ChildOutcome
from benchmark.children.child_entry import LOG_NAME
from benchmark.children.scratch import remove_folder
from datasets.printable import printable

LOG_BYTES = 1_000_000  # kept of the beginning and of the end of a child's output
Ending = ChildOutcome | Literal["timeout", "killed"]


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
    answered_s: float | None = None  # seconds until its answer was stored; None without one

    def keep(self, name: str, file: Path) -> None:
        """Move what the child wrote as `name` to `file`, whole or not at all.

        Raises:
            OSError: it is no regular file, but a link, a folder or a pipe; or there is no room for it.
        """
        if not self.left_file(name):
            raise FileNotFoundError(f"expected the file {name} in the folder of the process, got none, or a link, a folder or a pipe")
        file.parent.mkdir(parents=True, exist_ok=True)
        temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
        shutil.move(self.scratch / name, temporary)
        temporary.replace(file)

    def left_file(self, name: str) -> bool:
        """Whether the child has left a regular file of that name; a link, which may lead anywhere, is none."""
        try:
            return stat.S_ISREG((self.scratch / name).lstat().st_mode)
        except OSError:
            return False

    def keep_log(self, file: Path) -> None:
        """Append the child's output to `file`: its beginning and its end, when there is too much of it."""
        log = self.scratch / LOG_NAME
        size = log.lstat().st_size if self.left_file(LOG_NAME) else 0
        if size == 0:
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        with log.open("rb") as source, file.open("ab") as target:
            target.write(source.read(LOG_BYTES))
            if size > 2 * LOG_BYTES:
                target.write(f"\n[... {size - 2 * LOG_BYTES} bytes left out ...]\n".encode())
                source.seek(size - LOG_BYTES)
            target.write(source.read())

    def last_words(self) -> str:
        """The last line that the child printed, with at most 300 letters; empty where it printed nothing."""
        log = self.scratch / LOG_NAME
        if not self.left_file(LOG_NAME):
            return ""
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 2000))
            lines = file.read().decode("utf-8", errors="replace").split("\n")
        return printable(next((line.strip() for line in reversed(lines) if line.strip()), "")[:300])

    def discard(self) -> None:
        """Remove what the child left."""
        remove_folder(self.scratch)


def spell_exit(code: int | None) -> str:
    """A sentence on a process that ended without an answer, by its exit status (negative: the number of a signal)."""
    if code is not None and code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"the process was ended by {name}; its log has what it printed"
    return f"the process ended without an answer, exit status {code}; its log has what it printed"
