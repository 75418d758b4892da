"""Estimated sensor responses and the true ones: read from files, and the PSF as a picture of its taps.

The true ones are in `responses/<digest>.h5` (`psf/kernel` with ratio and phase, `srf/weights` with names), those of an estimate among the
attributes of its cube (`psf_kernel`, `psf_phase`, `srf_weights`). Kernels of different sizes are laid on one window of the fine grid:
tap (u, v) of a kernel of k x k taps lies at phase + u - (k - 1) // 2 from the corner of the coarse pixel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float
from matplotlib import colormaps

from reports.scene.pictures import Preview

PSF_MAP = "viridis"
LEAST_TAP = 1e-3  # share of the largest tap: smaller ones at the rim are cut off before drawing

Kernel = Float[np.ndarray, "rows cols"]
Weights = Float[np.ndarray, "channels bands"]


@dataclass(frozen=True, eq=False)
class SensorResponses:
    """A PSF with its phase, and an SRF; each of them may be missing."""

    kernel: Kernel | None = None
    phase: int = 0
    weights: Weights | None = None
    names: tuple[str, ...] = ()  # of the channels


def true_responses(file: Path) -> SensorResponses | None:
    """The true responses; None where the run folder has no such file."""
    if not file.is_file():
        return None
    with h5py.File(file, "r") as store:
        kernel, weights = store["psf/kernel"], store["srf/weights"]
        names = tuple(str(name) for name in weights.attrs["names"])
        return SensorResponses(kernel[()].astype(np.float64), int(kernel.attrs["phase"]), weights[()].astype(np.float64), names)


def estimated_responses(notes: Mapping[str, Any]) -> SensorResponses | None:
    """The responses that a method stored with its cube; None where it estimated neither."""
    kernel, weights = notes.get("psf_kernel"), notes.get("srf_weights")
    if kernel is None and weights is None:
        return None
    return SensorResponses(
        None if kernel is None else np.asarray(kernel, dtype=np.float64),
        int(notes.get("psf_phase", 0)),
        None if weights is None else np.asarray(weights, dtype=np.float64),
    )


def kernel_pictures(responses: Sequence[SensorResponses]) -> list[Preview | None]:
    """Each PSF on one window of the fine grid, all on one scale from 0 to the largest tap; negative taps are drawn as 0."""
    kernels = [each.kernel for each in responses if each.kernel is not None]
    if not kernels:
        return [None] * len(responses)
    extents = [_extent(each.kernel, each.phase) for each in responses if each.kernel is not None]
    low, high = min(extent[0] for extent in extents), max(extent[1] for extent in extents)
    most = max(float(kernel.max()) for kernel in kernels)
    pictures: list[Preview | None] = []
    for each in responses:
        if each.kernel is None:
            pictures.append(None)
            continue
        window = np.zeros((high - low, high - low))
        for row, col in np.ndindex(each.kernel.shape):
            u, v = (each.phase + at - (size - 1) // 2 - low for at, size in zip((row, col), each.kernel.shape, strict=True))
            if 0 <= u < high - low and 0 <= v < high - low:
                window[u, v] = each.kernel[row, col]
        share = np.sqrt(np.clip(window / most, 0, 1)) if most > 0 else window
        pictures.append(np.ascontiguousarray(colormaps[PSF_MAP](share, bytes=True)[..., :3]))
    return pictures


def _extent(kernel: Kernel, phase: int) -> tuple[int, int]:
    """The first place and the last place + 1, along either axis, of the visible taps."""
    visible = np.abs(kernel) > LEAST_TAP * np.abs(kernel).max()
    places = [
        int(phase + at - (size - 1) // 2) for axis, size in enumerate(kernel.shape) for at in np.flatnonzero(visible.any(axis=1 - axis))
    ]
    return (min(places), max(places) + 1) if places else (0, 1)
