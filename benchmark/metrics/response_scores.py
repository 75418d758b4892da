"""Scores of an estimated PSF and SRF against the true ones.

PSF. The tap u of a kernel acts on the fine row phase + u - anchor, with anchor = (taps - 1) // 2, and likewise along columns
(datasets/degradation.py has the formula). Two kernels are compared at the pixels on which they act, so that an error of the registration
counts too. With the estimated kernel A and the true kernel B on one grid,

    psf_error         = |A - B| / |B|                                              Frobenius norms
    psf_centre_offset = |centroid_A - centroid_B|                                  fine pixels
    psf_sigma_error   = |sigma_A - sigma_B|                                        fine pixels; sigma^2 is half the second moment about
                                                                                   the centroid

SRF. With R the weights (channels, bands) and X the scene's spectra (bands, pixels),

    srf_error       = |R_A - R_B| / |R_B|
    srf_scene_error = |(R_A - R_B) X| / |R_B X|       smaller than srf_error where errors of bands that look alike cancel
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Float64
from numpy.typing import NDArray

Kernel = NDArray[np.float64]


def psf_scores(
    kernel: Float[np.ndarray, "rows cols"], phase: int, true_kernel: Float[np.ndarray, "k_rows k_cols"], true_phase: int
) -> dict[str, float]:
    """psf_error, psf_centre_offset and psf_sigma_error of an estimated kernel and its phase; the module docstring has the formulas.

    The last two are NaN where a kernel has no centre or no width, as its sum is zero or its second moment negative.
    """
    estimated, true = _together(kernel.astype(np.float64), phase, true_kernel.astype(np.float64), true_phase)
    (centre, sigma), (true_centre, true_sigma) = _moments(estimated), _moments(true)
    return {
        "psf_error": _relative(estimated, true),
        "psf_centre_offset": float(np.hypot(centre[0] - true_centre[0], centre[1] - true_centre[1])),
        "psf_sigma_error": abs(sigma - true_sigma),
    }


def srf_scores(
    weights: Float[np.ndarray, "channels bands"],
    true_weights: Float[np.ndarray, "channels bands"],
    scene: Float[np.ndarray, "bands H W"],
) -> dict[str, float]:
    """srf_error = |R_A - R_B| / |R_B| and srf_scene_error = |(R_A - R_B) X| / |R_B X|; NaN where the divisor is zero."""
    estimated, true = weights.astype(np.float64), true_weights.astype(np.float64)
    gram = np.zeros((len(scene), len(scene)))
    for row in range(scene.shape[1]):  # a row of pixels at a time: no copy of the scene in float64
        spectra = scene[:, row].astype(np.float64)
        gram += spectra @ spectra.T
    error, seen = (np.sqrt(max(float(np.einsum("cb,bd,cd->", r, gram, r)), 0.0)) for r in (estimated - true, true))
    return {"srf_error": _relative(estimated, true), "srf_scene_error": float(error / seen) if seen else float("nan")}


def sigma(kernel: Float[np.ndarray, "rows cols"]) -> float:
    """The width of a kernel in fine pixels: sqrt(half its second moment about the centroid); NaN where that moment is negative."""
    return _moments(kernel.astype(np.float64))[1]


def _together(
    first: Float64[Kernel, "r1 c1"], first_phase: int, second: Float64[Kernel, "r2 c2"], second_phase: int
) -> tuple[Float64[Kernel, "rows cols"], Float64[Kernel, "rows cols"]]:
    """Both kernels on the smallest grid that holds them; the grid is zero outside their taps."""
    placed = [
        (kernel, [phase - (taps - 1) // 2 for taps in kernel.shape]) for kernel, phase in ((first, first_phase), (second, second_phase))
    ]
    start = [min(place[axis] for _, place in placed) for axis in (0, 1)]
    stop = [max(place[axis] + kernel.shape[axis] for kernel, place in placed) for axis in (0, 1)]
    grids = []
    for kernel, place in placed:
        grid = np.zeros((stop[0] - start[0], stop[1] - start[1]))
        row, col = place[0] - start[0], place[1] - start[1]
        grid[row : row + kernel.shape[0], col : col + kernel.shape[1]] = kernel
        grids.append(grid)
    return grids[0], grids[1]


def _moments(kernel: Float64[Kernel, "rows cols"]) -> tuple[tuple[float, float], float]:
    """The centroid (row, column) and sigma of a kernel; NaN where they are not defined."""
    total = float(kernel.sum())
    if total == 0:
        return (float("nan"), float("nan")), float("nan")
    rows, cols = np.arange(kernel.shape[0]), np.arange(kernel.shape[1])
    row, col = float(kernel.sum(1) @ rows / total), float(kernel.sum(0) @ cols / total)
    second = float(kernel.sum(1) @ (rows - row) ** 2 + kernel.sum(0) @ (cols - col) ** 2) / total / 2
    return (row, col), float(np.sqrt(second)) if second >= 0 else float("nan")


def _relative(estimated: NDArray[np.float64], true: NDArray[np.float64]) -> float:
    """|estimated - true| / |true|; NaN where the truth is zero."""
    size = float(np.linalg.norm(true))
    return float(np.linalg.norm(estimated - true)) / size if size else float("nan")
