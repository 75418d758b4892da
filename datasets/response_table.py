"""Response curves in a comma-separated text: an optional first line `# source: ...`, then `wavelength_nm` and one column per channel."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.degradation import ResponseError
from datasets.input_files import own_errors, short_text

LARGEST_NUMBER = 1e30  # so that the integrals are finite


@dataclass(frozen=True, eq=False)
class ResponseTable:
    """The content of a table."""

    channels: tuple[str, ...]
    wavelengths: NDArray[np.float64]  # nm, rising
    curves: NDArray[np.float64]  # (channels, samples)
    sha256: str  # of the file's bytes
    source: str


def read_response_table(file: Path) -> ResponseTable:
    """The table in a file.

    Raises:
        ResponseError: there is no such file, or it is no such table.
    """
    raw = short_text(file, ResponseError)
    with own_errors(file, ResponseError, "`wavelength_nm,<channel>,...` and rows of numbers", "correct the table"):
        lines = [line for line in raw.decode("utf-8-sig").splitlines() if line.strip()]
        source = " ".join(line.lstrip("# ").removeprefix("source:").strip() for line in lines if line.startswith("#"))
        header, *body = [line for line in lines if not line.startswith("#")]
        names = [name.strip() for name in header.split(",")]
        table = np.array([[float(cell) for cell in line.split(",")] for line in body], dtype=np.float64)
    if names[0] != "wavelength_nm" or table.ndim != 2 or table.shape[1] != len(names) or len(names) < 2 or not np.isfinite(table).all():
        raise ResponseError(
            f"sensor file {file}: expected columns wavelength_nm and one per channel, all finite; got {header[:200]!r}, shape {table.shape}"
        )
    waves, curves = table[:, 0], table[:, 1:].T.copy()
    if not (np.diff(waves) > 0).all() or waves[0] <= 0:
        raise ResponseError(f"sensor file {file}: expected wavelengths above 0 that rise from row to row; sort them")
    if len(set(names)) != len(names) or not all(names):
        raise ResponseError(f"sensor file {file}: expected a name of its own for each channel, got {', '.join(names)[:200]}; rename them")
    if np.abs(table).max() > LARGEST_NUMBER or (curves.max(axis=1) <= 0).any():
        raise ResponseError(
            f"sensor file {file}: expected numbers up to {LARGEST_NUMBER:.0e} and a value above 0 in each channel, got others; "
            "correct the table"
        )
    return ResponseTable(tuple(names[1:]), waves, curves, hashlib.sha256(raw).hexdigest(), source)
