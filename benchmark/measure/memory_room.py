"""Whether the memory that a method says it needs is there, before it starts (`memory_estimate` of a method)."""

from __future__ import annotations

import resource
from pathlib import Path

from datasets.observation import PairSizes
from methods.contract import AnyMethod

_STATUS, _MEMINFO = Path("/proc/self/status"), Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


class ShortMemoryError(MemoryError):
    """A method would need more memory than it may take; the text says how much, and the way out."""


def expect_memory(method: AnyMethod, sizes: PairSizes) -> None:
    """Nothing, where the method names no need, or where this process may take as much.

    Raises:
        ShortMemoryError: it needs more than there is.
    """
    need = method.memory_estimate(sizes)
    room = memory_room()
    if need is not None and room is not None and need > room[0]:
        raise ShortMemoryError(
            f"not started: a pair of {sizes.bands} bands, {sizes.channels} channels and {sizes.rows} x {sizes.cols} pixels takes it about "
            f"{need / 1e6:.0f} MB, and {room[1]} leaves {room[0] / 1e6:.0f} MB; choose a smaller scene, or give it more memory"
        )


def memory_room() -> tuple[int, str] | None:
    """The bytes that this process may still take, and what limits them; None where the system does not say it.

    The least of three: the limit of the plan (RLIMIT_DATA), that of the cgroup, and what the machine has available.
    """
    rooms = [room for room in (_under_limit(), _in_cgroup(), _on_machine()) if room is not None]
    return min(rooms, default=None)


def _under_limit() -> tuple[int, str] | None:
    limit = resource.getrlimit(resource.RLIMIT_DATA)[0]
    held = _number(_STATUS, "VmData:")
    return None if limit == resource.RLIM_INFINITY or held is None else (limit - 1024 * held, "memory_limit_mb of the plan")


def _in_cgroup() -> tuple[int, str] | None:
    try:
        most, used = ((_CGROUP / name).read_text(encoding="ascii").strip() for name in ("memory.max", "memory.current"))
    except OSError:
        return None
    if not (most.isdigit() and used.isdigit()):
        return None
    reclaimable = _number(_CGROUP / "memory.stat", "inactive_file ") or 0  # the kernel gives it back when it is needed
    return int(most) - int(used) + reclaimable, "the memory of the cgroup"


def _on_machine() -> tuple[int, str] | None:
    available = _number(_MEMINFO, "MemAvailable:")
    return None if available is None else (1024 * available, "the memory of the machine")


def _number(file: Path, name: str) -> int | None:
    """The number on the line that begins with `name`; None where the file or the line is not there."""
    try:
        lines = file.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), None)
