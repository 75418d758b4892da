"""How an estimate is stored: the cube and its standard deviation in 16 bits where that is precise enough, the responses beside the cube."""

from __future__ import annotations

from math import inf, log10, sqrt
from pathlib import Path
from typing import Any

from numpy import float64
from numpy.typing import NDArray
from torch import Tensor

from datasets.cube_file import CubeFile, write_cube
from methods.contract import Estimate

LEAST_STORING_DB = 80.0  # where 16 bits leave less, 32 bits are written
STD_PRECISION = 0.01  # a step of 16 bits must stay below this share of the least standard deviation


def store_estimate(file: Path, estimate: Estimate, wavelengths_nm: NDArray[float64], name: str, *, exact: bool = False) -> float:
    """The precision of the stored cube in dB (infinite for 32 bits): it is written to `file` in 16 bits over the cube's own range.

    Over a range r, 16 bits leave a root mean square error of r / 65535 / sqrt(12), so that

        precision = 20 log10(65535 sqrt(12) / r)        107 dB for r = 1, 80 dB for r = 22

    32 bits are written if `exact`, and where 16 bits would leave less than 80 dB.
    """
    cube = estimate.cube.float().numpy()
    span = float(cube.max() - cube.min())
    decibels = 20 * log10(65535 * sqrt(12) / span) if span > 0 else inf
    quantise = decibels >= LEAST_STORING_DB and not exact
    stored = decibels if quantise else inf
    write_cube(file, CubeFile(cube, wavelengths_nm, name, {**_response_notes(estimate), "storing_psnr_db": stored}), quantise=quantise)
    return stored


def store_std(file: Path, std: Tensor, wavelengths_nm: NDArray[float64], name: str, *, exact: bool = False) -> None:
    """Write a standard deviation: in 16 bits over its own range where that keeps every value to 1 %; else, or if `exact`, in 32 bits."""
    cube = std.float().numpy()
    low, high = float(cube.min()), float(cube.max())
    quantise = (high - low) / 65535 <= STD_PRECISION * low and not exact
    write_cube(file, CubeFile(cube, wavelengths_nm, name), quantise=quantise)


def _response_notes(estimate: Estimate) -> dict[str, Any]:
    """The estimated sensor responses, as attributes of the cube's file."""
    notes: dict[str, Any] = {}
    if estimate.psf is not None:
        notes |= {"psf_kernel": estimate.psf.kernel.detach().cpu().numpy(), "psf_phase": estimate.psf.phase}
    if estimate.srf is not None:
        notes["srf_weights"] = estimate.srf.weights.detach().cpu().numpy()
    return notes
