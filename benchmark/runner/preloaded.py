"""What the fork server holds before the first child: torch, our modules, and the digests of all of it.

The one module of the project whose import does something: Python's fork server can only be told which modules to import.
"""

from __future__ import annotations

from methods.loading import watch_imports

watch_imports()  # before anything that a result depends on is imported

from benchmark.runner import jobs, processes, witness  # noqa: E402

READY = jobs.__name__, processes.__name__
witness.remember()
