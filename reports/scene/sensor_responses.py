"""Estimated sensor responses and the true ones: read from files, and the PSF as a picture of its taps.

The true ones are in `responses/<digest>.h5` (`psf/kernel` with ratio and phase, `srf/weights` with names), those of an estimate among the
attributes of its cube (`psf_kernel`, `psf_phase`, `srf_weights`). Kernels of different sizes are laid on one window of the fine grid:
tap (u, v) of a kernel of k x k taps lies at phase + u - (k - 1) // 2 from the corner of the coarse pixel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from matplotlib import colormaps

from datasets.cube_file import CubeFileError, opened
from datasets.printable import printable
from reports.scene.display_channels import DisplayChannels, msi_channels
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
    """The true responses; None where the run folder has no such file, or a damaged one. Of a real pair one or both may not be known."""
    if not file.is_file():
        return None
    try:
        with opened(file) as store:
            found = SensorResponses()
            if "psf/kernel" in store:
                kernel = store["psf/kernel"]
                found = replace(found, kernel=_matrix(kernel[()]), phase=int(kernel.attrs["phase"]))
            if "srf/weights" in store:
                weights = store["srf/weights"]
                names = tuple(printable(str(name)) for name in np.atleast_1d(weights.attrs["names"]))
                found = replace(found, weights=_matrix(weights[()]), names=names)
            return found
    except (CubeFileError, KeyError, TypeError, ValueError):
        return None


def shown_channels(file: Path, count: int, nm: Float[np.ndarray, " bands"] | None) -> DisplayChannels:
    """The channels to show of an MSI of `count` channels, by the response curves in this file, over bands at `nm`."""
    known = true_responses(file)
    return msi_channels(count, None if known is None else known.weights, nm)


def estimated_responses(notes: Mapping[str, Any]) -> SensorResponses | None:
    """The responses that a method stored with its cube; None where it estimated neither, or stored something else."""
    kernel, weights = notes.get("psf_kernel"), notes.get("srf_weights")
    if kernel is None and weights is None:
        return None
    try:
        return SensorResponses(
            None if kernel is None else _matrix(kernel),
            int(notes.get("psf_phase", 0)),
            None if weights is None else _matrix(weights),
        )
    except (TypeError, ValueError):
        return None


def _matrix(values: Any) -> Float[np.ndarray, "rows cols"]:
    """A kernel or a table of weights.

    Raises:
        ValueError: it is no matrix of finite numbers.
    """
    matrix = np.asarray(values, dtype=np.float64)
    if matrix.ndim != 2 or matrix.size == 0 or not np.isfinite(matrix).all():
        raise ValueError(f"expected a matrix of finite numbers, got the shape {matrix.shape}")
    return matrix


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
