"""Slots: places where one cell runs at a time. On the CPU a slot is a share of the cores, with CUDA it is a GPU."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path


def cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def gpus() -> list[str]:
    """The GPUs that cells may use, by their names in CUDA_VISIBLE_DEVICES; CUDA itself is not touched."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name for name in visible.split(",") if name]
    folder = Path("/proc/driver/nvidia/gpus")
    return [str(number) for number in range(len(list(folder.iterdir())))] if folder.is_dir() else []


def slot_variables(device: str, slot: int) -> Mapping[str, str]:
    """The environment variables of a cell in that slot: with CUDA, the one GPU that it may see. More slots than GPUs share them."""
    names = gpus() if device == "cuda" else []
    return {"CUDA_VISIBLE_DEVICES": names[slot % len(names)]} if names else {}
