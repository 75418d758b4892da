"""The steps that a method's optimiser has taken, for the progress of a run: counted in the child, read by the supervisor.

torch calls a hook after each step of any of its optimisers; the hook adds 1 to a number in 8 bytes of memory that a file of the scratch
folder shares. It writes to no descriptor, holds no lock and makes no system call: a microsecond a step or less (measured), of steps that
take a millisecond or more. It sees no argument of the step, and nothing comes back to the child. A method that takes steps of its own,
without torch.optim, is not counted.
"""

from __future__ import annotations

import mmap
import os
import struct
from contextlib import suppress
from pathlib import Path

from benchmark.run_folder.json_file import regular_bytes

_NAME = ".steps-taken"
_NUMBER = struct.Struct("<q")


def count_steps(folder: Path) -> None:
    """Count the steps of torch's optimisers in this process from now on; where the folder has no room, nothing is counted."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    with suppress(OSError):
        descriptor = os.open(folder / _NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, _NUMBER.size)  # so that a disk that fills up later takes no page away
            shared = mmap.mmap(descriptor, _NUMBER.size)
        finally:
            os.close(descriptor)  # the memory stays, whatever descriptors the method closes
        taken, write = 0, _NUMBER.pack_into

        def count(*_: object) -> None:
            nonlocal taken
            taken += 1
            write(shared, 0, taken)

        register_optimizer_step_post_hook(count)


def counted_steps(folder: Path) -> int:
    """The steps that the child with this scratch folder has taken so far; 0 where it takes none that are counted."""
    try:
        return max(0, int(_NUMBER.unpack(regular_bytes(folder / _NAME, _NUMBER.size))[0]))
    except (ValueError, struct.error):  # the method has put something else in its place
        return 0
