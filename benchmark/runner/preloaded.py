"""What the fork server imports before the first child: torch and the modules of the suite, of which digests are taken.

This is the only module of the project whose import does something: Python's fork server can be given nothing but modules to import.
"""

from __future__ import annotations

import gc
import warnings

from methods.loading import watch_imports

watch_imports()  # before anything that a result depends on is imported

from benchmark.children import child_entry, orphans, witness  # noqa: E402
from benchmark.matrix import interview  # noqa: E402
from benchmark.runner import jobs  # noqa: E402

orphans.adopt_orphans()  # the fork server takes what the processes of cells leave behind, so that it can be found and ended
warnings.filterwarnings("ignore", message="forkserver: waitpid returned unexpected pid")
READY = (jobs.__name__, interview.__name__, child_entry.__name__)
witness.remember()
gc.collect()
gc.freeze()  # a collection in a child passes over what is here already: no tenth of a second in a round, no copies of shared memory
