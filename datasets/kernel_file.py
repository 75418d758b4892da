"""A measured kernel in a file: rows x columns of real numbers, in .npy or as comma-separated text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.degradation import ResponseError
from datasets.input_files import own_errors, short_text
from datasets.numpy_format import read_npy

LARGEST_KERNEL = 4096  # rows and columns
_ENDINGS = (".npy", ".csv", ".txt")


def read_kernel(path: Path) -> NDArray[np.float64]:
    """The kernel in a file, as it is there.

    Raises:
        ResponseError: there is no such file, or it holds no table of finite real numbers of at most 4096 x 4096.
    """
    what = "a .npy file, or a comma-separated table in .csv or .txt"
    if path.suffix.lower() not in _ENDINGS:
        raise ResponseError(f"psf file {path}: expected {what}, got the ending {path.suffix!r}; convert it")
    with own_errors(path, ResponseError, what, "write the kernel again"):
        loaded = read_npy(path, ResponseError, LARGEST_KERNEL**2 * 8) if path.suffix.lower() == ".npy" else _table(path)
        real = loaded.dtype.kind in "iufb"
        if loaded.ndim != 2 or not loaded.size or max(loaded.shape) > LARGEST_KERNEL or not real or not np.isfinite(loaded).all():
            raise ResponseError(
                f"psf file {path}: expected finite real numbers (rows x columns, at most {LARGEST_KERNEL} each), got shape "
                f"{loaded.shape} {loaded.dtype}; write the kernel again"
            )
        return loaded.astype(np.float64)


def _table(path: Path) -> NDArray[Any]:
    """The numbers of a text: a row per line, `#` begins a comment."""
    lines = [line.partition("#")[0].strip() for line in short_text(path, ResponseError).decode("utf-8-sig").splitlines()]
    return np.array([[float(cell) for cell in line.split(",")] for line in lines if line], dtype=np.float64)
