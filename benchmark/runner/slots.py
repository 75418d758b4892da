"""Slots: places where a cell can run. On the CPU a share of the cores; on a GPU machine, one GPU each."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus() -> list[str]:
    """The GPUs that cells may use, by what CUDA_VISIBLE_DEVICES calls them; CUDA itself is not touched."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name]
    folder = Path("/proc/driver/nvidia/gpus")
    return [str(number) for number in range(len(list(folder.iterdir())))] if folder.is_dir() else []


def slot_variables(device: str, slot: int) -> Mapping[str, str]:
    """Environment of a cell in that slot: on CUDA, the one GPU that it may see; slots beyond the last GPU share from the first again."""
    names = gpus() if device == "cuda" else []
    return {"CUDA_VISIBLE_DEVICES": names[slot % len(names)]} if names else {}
