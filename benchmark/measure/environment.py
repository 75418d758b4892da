"""The environment of a run: versions, processor, GPU, threads, commit. It is written once per start, and every record refers to it."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from benchmark.clone import ROOT
from benchmark.measure.calibration import CALIBRATION
from datasets.digests import digest_of

GPUS = Path("/proc/driver/nvidia/gpus")
PACKAGES = ("torch", "numpy", "scipy", "pandas", "scikit-image", "h5py", "pillow")


def environment(device: str, threads: int, slots: int) -> dict[str, Any]:
    """The facts on this environment. Those on the GPU come from the files of the driver, as asking CUDA would initialise it."""
    facts: dict[str, Any] = {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "device": device,
        "threads_per_cell": threads,
        "slots": slots,
        "omp_wait_policy": os.environ.get("OMP_WAIT_POLICY", "PASSIVE"),  # as in the processes of cells (children/server.py)
        "cuda_build": torch.version.cuda,
        "gpu": _gpu_model(),
        "gpus": len(_gpu_folders()),
        "gpu_driver": _first_line(Path("/proc/driver/nvidia/version")),
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return {**facts, **{name: _version(name) for name in PACKAGES}}


def environment_digest(facts: Mapping[str, Any]) -> str:
    """The digest in environments/<digest>.json: of all facts except the moment and the speed, another number at each measurement."""
    return digest_of({name: value for name, value in facts.items() if name not in ("started", CALIBRATION)})


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    file = Path("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.+)$", file.read_text(encoding="utf-8"), re.MULTILINE) if file.exists() else None
    return model[1] if model else platform.processor()


def _gpu_model() -> str | None:
    """The models of the GPUs as the driver names them, each once; None where there is no GPU."""
    names = []
    for folder in _gpu_folders():
        file = folder / "information"
        model = re.search(r"^Model:\s*(.+?)\s*$", file.read_text(encoding="utf-8"), re.MULTILINE) if file.is_file() else None
        names.append(model[1] if model else "of an unknown model")
    return ", ".join(dict.fromkeys(names)) or None


def _gpu_folders() -> list[Path]:
    """One folder for each GPU of the machine."""
    return sorted(GPUS.iterdir()) if GPUS.is_dir() else []


def _first_line(file: Path) -> str | None:
    return file.read_text(encoding="utf-8").splitlines()[0] if file.exists() else None


def _git(*arguments: str) -> str:
    """The output of a git command in the clone; empty where there is no git, or no repository."""
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
