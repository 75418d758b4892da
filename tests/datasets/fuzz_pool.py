"""The children of the fuzz test: they are used again and again, and one that hangs or dies is a finding and is replaced."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.datasets.fuzz_samples import SAMPLES

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 10.0  # that a file may take: of the child's processor, or six times as long on the clock where the machine is busy
START_SECONDS = 300.0
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Finding:
    """What came of one spoilt file."""

    sample: str
    seed: int
    outcome: str  # right, clear; or wrong, foreign, hang, crash, blow-up
    text: str


@dataclass
class _Child:
    process: subprocess.Popen[bytes]
    task: tuple[int, int] | None = None
    since: float = field(default_factory=time.monotonic)
    cpu: float = 0.0
    waiting: bytes = b""
    ready: bool = False

    def seconds(self) -> float:
        """Processor time of the child so far."""
        try:
            fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return self.cpu
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def hangs(self) -> bool:
        """Whether it has spent too long on its task."""
        wall, limit = time.monotonic() - self.since, SECONDS if self.ready else START_SECONDS
        return wall > limit and (wall > 6 * limit or self.seconds() - self.cpu > limit * 0.9)


def findings(count: int, children: int = 2, first: int = 0) -> Iterator[Finding]:
    """What came of `count` spoilt files, over all formats in turn, from the seed `first` on."""
    tasks = iter([(number % len(SAMPLES), number) for number in range(first, first + count)])
    selector = selectors.DefaultSelector()
    running: list[_Child] = []
    names = list(SAMPLES)

    def start() -> None:
        environment = {**os.environ, "HMIF_MAX_GB": "0.5", "OMP_NUM_THREADS": "1", "PYTHONFAULTHANDLER": ""}
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.datasets.fuzz_reader"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        child = _Child(process)
        running.append(child)
        assert process.stdout is not None
        selector.register(process.stdout, selectors.EVENT_READ, child)

    def next_task(child: _Child) -> None:
        child.task = next(tasks, None)
        child.since, child.cpu = time.monotonic(), child.seconds()
        assert child.process.stdin is not None
        if child.task is None:
            end(child)
        else:
            child.process.stdin.write(f"{child.task[0]} {child.task[1]}\n".encode())
            child.process.stdin.flush()

    def end(child: _Child) -> int:
        assert child.process.stdin is not None
        assert child.process.stdout is not None
        selector.unregister(child.process.stdout)
        running.remove(child)
        child.process.kill()
        status = child.process.wait()
        child.process.stdout.close()
        child.process.stdin.close()
        return status

    def lost(child: _Child, outcome: str) -> Finding | None:
        """The finding of a child that hangs or has died; another child takes its place."""
        text = f"exit status {child.process.poll()}"
        end(child)
        assert child.ready, f"a child of the fuzz test did not start: {text}"
        start()
        return None if child.task is None else Finding(names[child.task[0]], child.task[1], outcome, text)

    for _ in range(children):
        start()
    try:
        while running:
            for key, _ in selector.select(timeout=0.5):
                child = key.data
                block = os.read(key.fd, 65536)
                child.waiting += block
                if not block:
                    child.process.wait()
                    found = lost(child, "crash")
                    if found is not None:
                        yield found
                elif child.waiting.endswith(b"\n"):
                    answer, child.waiting = child.waiting, b""
                    if child.ready:
                        assert child.task is not None
                        yield Finding(names[child.task[0]], child.task[1], *json.loads(answer))
                    child.ready = True
                    next_task(child)
            for child in [one for one in running if one.hangs()]:
                found = lost(child, "hang")
                if found is not None:
                    yield found
    finally:
        for child in list(running):
            end(child)
        selector.close()
