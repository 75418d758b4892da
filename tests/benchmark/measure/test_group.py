"""What a method holds in all its processes: each is asked for a known amount, in four ways that sharing and growth differ."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from benchmark.measure.group import MemoryWatch, descendants, group_members, largest_child_bytes, processor_seconds, resident_bytes

if not Path("/proc/self/smaps_rollup").exists():
    pytest.skip("needs /proc", allow_module_level=True)

MB = 1_000_000
PATIENCE_S = 240  # for what comes in a second or two on an idle machine
HELD = 200  # MB of the leader
LEADER = f"""
import os, subprocess, sys, time
held = bytearray(b"1") * {HELD * MB}
def worker(work):
    pid = os.fork()
    if pid == 0:
        work()
        print("done", flush=True)
        time.sleep(600)
    return pid
print("ready", flush=True)
sys.stdin.readline()
{{body}}
print("done", flush=True)
sys.stdin.readline()
"""
OWN = 130  # MB that a child takes by itself
GROW = f"globals().__setitem__('mine', bytearray(b'1') * {OWN * MB})"
IN_THE_SAME_MEMORY = """
import ctypes
libc, size = ctypes.CDLL(None), 1 << 20
stack = ctypes.create_string_buffer(size)
top = (ctypes.addressof(stack) + size) // 16 * 16
clone_vm, sigchld = 0x100, 17
assert libc.clone(ctypes.cast(libc.sleep, ctypes.c_void_p), ctypes.c_void_p(top), clone_vm | sigchld, ctypes.c_void_p(600)) > 0
"""
WRITE = f"held.__setitem__(slice(0, {OWN * MB}), b'2' * {OWN * MB})"


@contextmanager
def leader(body: str) -> Iterator[subprocess.Popen[str]]:
    """A process in a group of its own that holds `HELD` and does `body` when told to."""
    process = subprocess.Popen(
        [sys.executable, "-c", LEADER.format(body=body)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        yield process
    finally:
        for pid in (*descendants(process.pid), process.pid):
            with suppress(ProcessLookupError):  # it has just ended
                os.kill(pid, signal.SIGKILL)
        process.communicate()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def peak_mb(process: subprocess.Popen[str], workers: int) -> float:
    """The peak of the group beyond what the leader holds alone, looked at until it and its workers say that they have done their work.

    They keep what they hold, and the last look is one that is due whatever came before: how fast the machine is does not count.
    """
    before = resident_bytes("VmRSS", process.pid)
    go(process)
    assert process.stdout is not None
    watch, done = MemoryWatch(process.pid), list[str]()
    reader = threading.Thread(target=lambda lines: done.extend(itertools.islice(lines, workers + 1)), args=(process.stdout,), daemon=True)
    reader.start()
    until = time.monotonic() + PATIENCE_S
    while reader.is_alive() and time.monotonic() < until:
        watch.look(time.monotonic())
        time.sleep(0.01)
    assert done == ["done\n"] * (workers + 1)
    watch.look(time.monotonic() + 1000.0)
    return (watch.peak - before) / MB if watch.peak else 0.0


@pytest.mark.parametrize(
    ("body", "workers", "expected"),
    [
        ("time.sleep(0.3)", 0, 0),
        ("worker(lambda: sum(held[::4096]))", 1, 0),  # what is read alone is shared
        (f"worker(lambda: {GROW})", 1, OWN),
        (f"worker(lambda: {GROW}); worker(lambda: {GROW})", 2, 2 * OWN),
        (f"subprocess.Popen([sys.executable, '-c', \"{GROW}; print('done', flush=True); import time; time.sleep(600)\"])", 1, OWN),
    ],
)
def test_what_processes_share_counts_once_and_what_each_takes_is_added(body: str, workers: int, expected: float) -> None:
    with leader(body) as process:
        assert peak_mb(process, workers) == pytest.approx(expected, abs=30)  # an interpreter of its own is 10 MB


def test_pages_that_a_forked_worker_writes_are_its_own() -> None:
    with leader(f"worker(lambda: {WRITE})") as process:
        found = peak_mb(process, 1)
    assert OWN - 30 < found < 3 * OWN + 30  # while it writes, what it writes from is there as well, and Python's copy of that


def test_a_process_in_the_memory_of_its_parent_counts_nothing() -> None:
    """As between vfork and exec, where a program that is being started seems to hold all that its parent holds."""
    with leader(IN_THE_SAME_MEMORY) as process:
        assert peak_mb(process, 0) == pytest.approx(0, abs=30)
        (child,) = descendants(process.pid)
        assert resident_bytes("VmRSS", child) > HELD * MB


def test_a_process_without_children_is_not_looked_at() -> None:
    with leader("pass") as process:
        watch = MemoryWatch(process.pid)
        watch.look(time.monotonic())
        assert watch.peak == 0


def test_a_leader_that_has_ended_is_no_error() -> None:
    with leader("pass") as process:
        pid = process.pid
    watch = MemoryWatch(pid)
    watch.look(time.monotonic())
    assert (watch.peak, descendants(pid), resident_bytes("VmRSS", pid)) == (0, [], 0)


def test_children_of_children_are_found_and_orphans_by_their_group() -> None:
    body = """
pid = os.fork()
if pid == 0:
    if os.fork() == 0: time.sleep(600)
    if "{keep}": time.sleep(600)
    os._exit(0)
if not "{keep}": os.waitpid(pid, 0)
"""
    for keep, tree in (("yes", 2), ("", 0)):
        with leader(body.format(keep=keep)) as process:
            go(process)
            assert process.stdout is not None
            assert process.stdout.readline() == "done\n"
            until = time.monotonic() + PATIENCE_S  # for the child to have a child
            while len(group_members(process.pid)) != (2 if keep else 1) and time.monotonic() < until:
                time.sleep(0.01)
            assert len(descendants(process.pid)) == tree
            members = group_members(process.pid)
            assert len(members) == (2 if keep else 1)
            for pid in members:
                os.kill(pid, signal.SIGKILL)


def test_processor_time_of_children_counts_while_they_run_and_after() -> None:
    own, before = processor_seconds(orphans=True)
    code = (
        "import sys, time\nt = time.process_time()\nwhile time.process_time() < t + 0.4: pass\nprint(1, flush=True)\nsys.stdin.readline()"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    running = processor_seconds(orphans=True)[1] - before
    child.communicate("")
    ended = processor_seconds(orphans=True)[1] - before
    for seconds in (running, ended):
        assert seconds >= 0.37  # the kernel counts in hundredths
    assert ended >= running - 0.03
    assert processor_seconds(orphans=True)[0] >= own


def test_the_largest_child_that_ended_is_known() -> None:
    subprocess.run([sys.executable, "-c", f"x = bytearray(b'1') * {700 * MB}"], check=True)
    assert largest_child_bytes() >= 700 * MB


def test_a_peak_that_falls_and_files_in_memory_count() -> None:
    reset = f"more = bytearray(b'1') * {OWN * MB}; print('held', flush=True); sys.stdin.readline(); del more"
    with leader(f"{reset}; open('/proc/self/clear_refs', 'w').write('5')") as process:
        assert process.stdout is not None
        watch, before = MemoryWatch(process.pid), resident_bytes("VmRSS", process.pid)
        go(process)
        assert process.stdout.readline() == "held\n"
        watch.look(0.0)
        assert watch.peak == 0, "the kernel says it all so far"
        go(process)
        assert process.stdout.readline() == "done\n"
        watch.look(1000.0)
        assert (watch.peak - before) / MB == pytest.approx(OWN, abs=30)
        assert resident_bytes("VmHWM", process.pid) < watch.peak - 0.5 * OWN * MB
    with leader(f"file = os.memfd_create('x'); os.write(file, bytes({OWN * MB}))") as process:
        assert peak_mb(process, 0) == pytest.approx(OWN, abs=30)
    mapped = f"import mmap; file = os.memfd_create('x'); os.truncate(file, {OWN * MB}); x = mmap.mmap(file, 0); x[:] = bytes({OWN * MB})"
    with leader(mapped) as process:
        go(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "done\n"
        watch = MemoryWatch(process.pid)
        watch.look(0.0)
        assert watch.peak == 0, "pages that are mapped are resident already, and count once"
