"""Estimated sensor responses beside the true ones: the PSF as a picture of its taps, the SRF as curves over the wavelength.

The true ones lie in `responses/<digest>.h5` (`psf/kernel` with ratio and phase, `srf/weights` with names), an estimate's among the
attributes of its cube (`psf_kernel`, `psf_phase`, `srf_weights`). Kernels of different sizes are laid on one window of the fine grid:
tap (u, v) of a kernel of k x k taps stands at phase + u - (k - 1) // 2 from the corner of the coarse pixel.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float
from markupsafe import Markup
from matplotlib import colormaps

from reports.figures.svg_chart import NARROW, Line, Point, line_chart, linear_axis
from reports.scene.pictures import Preview

PSF_MAP = "viridis"
LEAST_TAP = 1e-3  # share of the largest: what is smaller at the rim is cut off before drawing

Kernel = Float[np.ndarray, "rows cols"]
Weights = Float[np.ndarray, "channels bands"]


@dataclass(frozen=True, eq=False)
class Responses:
    """A PSF with its phase, and an SRF; either may be missing."""

    kernel: Kernel | None = None
    phase: int = 0
    weights: Weights | None = None
    names: tuple[str, ...] = ()


def true_responses(file: Path) -> Responses | None:
    """The true ones; None where the run folder has no such file."""
    if not file.is_file():
        return None
    with h5py.File(file, "r") as store:
        kernel, weights = store["psf/kernel"], store["srf/weights"]
        names = tuple(str(name) for name in weights.attrs["names"])
        return Responses(kernel[()].astype(np.float64), int(kernel.attrs["phase"]), weights[()].astype(np.float64), names)


def estimated_responses(notes: Mapping[str, Any]) -> Responses | None:
    """Those that a method stored with its cube; None where it estimated neither."""
    kernel, weights = notes.get("psf_kernel"), notes.get("srf_weights")
    if kernel is None and weights is None:
        return None
    return Responses(
        None if kernel is None else np.asarray(kernel, dtype=np.float64),
        int(notes.get("psf_phase", 0)),
        None if weights is None else np.asarray(weights, dtype=np.float64),
    )


def draw_kernels(found: Sequence[Responses]) -> list[Preview | None]:
    """Each PSF on one window of the fine grid, all on one scale from 0 to the largest tap; negative taps are drawn as 0."""
    kernels = [each.kernel for each in found if each.kernel is not None]
    if not kernels:
        return [None] * len(found)
    spans = [_span(each.kernel, each.phase) for each in found if each.kernel is not None]
    low, high = min(span[0] for span in spans), max(span[1] for span in spans)
    most = max(float(kernel.max()) for kernel in kernels)
    pictures: list[Preview | None] = []
    for each in found:
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


def srf_chart(label: str, estimated: Weights, true: Responses | None, nm: Float[np.ndarray, " bands"] | None) -> Markup:
    """The channels' curves, each relative to the largest true weight: estimated ones dashed in colour, true ones plain behind."""
    at = [float(value) for value in (nm if nm is not None else np.arange(1, estimated.shape[1] + 1))]
    reference = true.weights if true is not None and true.weights is not None and true.weights.shape == estimated.shape else None
    names = (
        true.names if true is not None and len(true.names) == len(estimated) else tuple(f"channel {c + 1}" for c in range(len(estimated)))
    )
    most = float((estimated if reference is None else reference).max()) or 1.0
    lines = [] if reference is None else [Line(f"{name}, true", -1, _curve(at, w / most)) for name, w in zip(names, reference, strict=True)]
    lines += [Line(f"{name}, estimated", c, _curve(at, w / most)) for c, (name, w) in enumerate(zip(names, estimated, strict=True))]
    top = max([1.0, *(value or 0.0 for line in lines for _, value in line.points)])
    low = min([0.0, *(value or 0.0 for line in lines for _, value in line.points)])
    return line_chart(
        lines,
        linear_axis(at[0], at[-1]),
        linear_axis(low, top),
        title=f"SRF estimated by {label}, against the true one",
        x_label="wavelength, nm" if nm is not None else "band",
        y_label="weight, relative to the largest",
        box=NARROW,
    )


def _curve(at: Sequence[float], weights: Float[np.ndarray, " bands"]) -> list[Point]:
    return [(place, float(weight)) for place, weight in zip(at, weights, strict=True)]


def _span(kernel: Kernel, phase: int) -> tuple[int, int]:
    """First and last place + 1, along either axis, of the taps that can be seen."""
    seen = np.abs(kernel) > LEAST_TAP * np.abs(kernel).max()
    places = [int(phase + at - (size - 1) // 2) for axis, size in enumerate(kernel.shape) for at in np.flatnonzero(seen.any(axis=1 - axis))]
    return (min(places), max(places) + 1) if places else (0, 1)
