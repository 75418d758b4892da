"""The fork server: one process that has torch and our modules imported, from which every child is forked in some 10 ms.

It is started with a safe path (PYTHONSAFEPATH), our root first by its absolute path, so that neither the current folder nor another clone
can put a module of its own in the place of ours; and it is started again when a source of ours has been changed since. Its variables
of the environment are its own: those of this process stay as they are.

Waiting OpenMP threads sleep in it (OMP_WAIT_POLICY), they do not spin: on a machine with other work, spinning made a network of small
layers 13 times slower on two threads than on one (measured), and timings a lottery.
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
KEPT = "HMIF_BENCH_USERS_"  # before the name of a variable: what the user has set it to
FLOORS = ("datasets", "methods", "benchmark")

_state: dict[str, tuple[int, int]] = {}  # of every source of ours when the server was started: size, moment of the last change


def server_context() -> ForkServerContext:
    """The context whose processes come from the fork server, which runs the sources as they are now."""
    context = get_context("forkserver")
    context.set_forkserver_preload([PRELOADED])
    with _environment():
        forkserver.ensure_running()
    return context


def refresh() -> None:
    """Start the server again where a source of ours has been changed since it was started; no child may be running."""
    now = _sources()
    if _state and _state != now:
        forkserver._forkserver._stop()  # type: ignore[attr-defined]
    _state.clear()
    _state.update(now)


@contextmanager
def handing_nothing_over() -> Iterator[None]:
    """For the moment in which a child is started: it is handed neither our arguments, which name the run folder, nor our main module, which
    it would import anew, at some milliseconds for each child."""
    main, arguments = sys.modules["__main__"], sys.argv
    sys.modules["__main__"], sys.argv = ModuleType("__main__"), ["hmif-bench-cell"]
    try:
        yield
    finally:
        sys.modules["__main__"], sys.argv = main, arguments


def child_path() -> list[str]:
    """What `sys.path` is in a child: our root first, the current folder not at all."""
    return [str(ROOT), *(entry for entry in sys.path if entry not in ("", str(ROOT)))]


def enter_child() -> None:
    """First thing in a child: our path, and the user's own PYTHONPATH for whatever the child starts."""
    sys.path[:] = child_path()
    for name in ("PYTHONPATH", "PYTHONSAFEPATH"):
        value = os.environ.pop(f"{KEPT}{name}", None)
        if value:
            os.environ[name] = value
        else:
            os.environ.pop(name, None)


def wait_policy() -> str:
    """How waiting OpenMP threads behave in cells: as the user asks, else they sleep."""
    return os.environ.get(WAIT_POLICY, "PASSIVE")


@contextmanager
def _environment() -> Iterator[None]:
    """The server's variables, for the moment in which it is started."""
    before = {name: os.environ.get(name) for name in ("PYTHONPATH", "PYTHONSAFEPATH", WAIT_POLICY)}
    others = [path for path in (before["PYTHONPATH"] or "").split(os.pathsep) if path and path != str(ROOT)]
    os.environ.update({f"{KEPT}{name}": before[name] or "" for name in ("PYTHONPATH", "PYTHONSAFEPATH")})
    os.environ.update({"PYTHONPATH": os.pathsep.join([str(ROOT), *others]), "PYTHONSAFEPATH": "1", WAIT_POLICY: wait_policy()})
    try:
        yield
    finally:
        for name in ("PYTHONPATH", "PYTHONSAFEPATH"):
            os.environ.pop(f"{KEPT}{name}", None)
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _sources() -> dict[str, tuple[int, int]]:
    found = {}
    for floor in FLOORS:
        for file in (ROOT / floor).rglob("*.py"):
            stat = file.stat()
            found[str(file)] = stat.st_size, stat.st_mtime_ns
    return found
