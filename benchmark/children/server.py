"""The fork server: one process that has imported torch and the modules of the suite, and from which each child is forked in some 10 ms.

It is started with a safe path (PYTHONSAFEPATH) on which the clone comes first, by its absolute path, so that neither the current folder nor
another clone can replace a module of the suite. It is started again when a source of the suite has been changed. Its environment variables
are set for it alone; those of this process stay as they are.

Its OpenMP threads sleep while they wait (OMP_WAIT_POLICY) and do not spin: on a machine with other work, spinning made a network of small
layers 13 times slower on two threads than on one (measured), and the seconds unpredictable.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver, get_context
from multiprocessing.context import ForkServerContext
from types import ModuleType

from benchmark.clone import ROOT

PRELOADED = "benchmark.runner.preloaded"
WAIT_POLICY = "OMP_WAIT_POLICY"
SET_FOR_SERVER = ("PYTHONPATH", "PYTHONSAFEPATH", WAIT_POLICY)
KEPT = "HMIF_BENCH_USERS_"  # begins the name of a variable that keeps the user's value
FLOORS = ("datasets", "methods", "benchmark")

_state: dict[str, tuple[int, int]] = {}  # size and last change of each source of the suite when the server was started, by its path


def server_context() -> ForkServerContext:
    """The context that starts processes from the fork server; the server is started if it does not run.

    It imports torch in the background: a command that will need it calls this before its own imports.
    """
    if not _state:
        _state.update(_sources())
    context = get_context("forkserver")
    context.set_forkserver_preload([PRELOADED])
    with _environment():
        forkserver.ensure_running()
    return context


def server_pid() -> int | None:
    """The process of the fork server; None where it does not run."""
    pid: int | None = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]
    return pid


def refresh() -> None:
    """Let the server be started again if a source of the suite has been changed since it was started; no child may be running."""
    now = _sources()
    if _state and _state != now:
        forkserver._forkserver._stop()  # type: ignore[attr-defined]
    _state.clear()
    _state.update(now)


@contextmanager
def handing_nothing_over() -> Iterator[None]:
    """Hides, while the block starts a child, what it would be given: our arguments, which name the run folder, and our main module.

    A child would import the main module anew, which takes some milliseconds.
    """
    main, arguments = sys.modules["__main__"], sys.argv
    sys.modules["__main__"], sys.argv = ModuleType("__main__"), ["hmif-bench-cell"]
    try:
        yield
    finally:
        sys.modules["__main__"], sys.argv = main, arguments


def child_path() -> list[str]:
    """`sys.path` of a child: the clone first, and the current folder not at all."""
    return [str(ROOT), *(entry for entry in sys.path if entry not in ("", str(ROOT)))]


def enter_child() -> None:
    """Set, first of all in a child, `sys.path`, and for whatever the child starts the environment variables as the user has them.

    The OpenMP of torch has read its policy by then, and keeps it.
    """
    sys.path[:] = child_path()
    for name in SET_FOR_SERVER:
        value = os.environ.pop(f"{KEPT}{name}", None)
        if value:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)


def wait_policy() -> str:
    """How OpenMP threads wait in cells: as the user has set it, else they sleep (PASSIVE)."""
    return os.environ.get(WAIT_POLICY, "PASSIVE")


@contextmanager
def _environment() -> Iterator[None]:
    """Sets the environment variables of the server while the block runs, in which it is started."""
    before = {name: os.environ.get(name) for name in SET_FOR_SERVER}
    others = [path for path in (before["PYTHONPATH"] or "").split(os.pathsep) if path and path != str(ROOT)]
    os.environ.update({f"{KEPT}{name}": value or "" for name, value in before.items()})
    os.environ.update({"PYTHONPATH": os.pathsep.join([str(ROOT), *others]), "PYTHONSAFEPATH": "1", WAIT_POLICY: wait_policy()})
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(f"{KEPT}{name}", None)
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _sources() -> dict[str, tuple[int, int]]:
    states = {}
    for floor in FLOORS:
        for file in (ROOT / floor).rglob("*.py"):
            stat = file.stat()
            states[str(file)] = stat.st_size, stat.st_mtime_ns
    return states
