"""Response curves in a comma-separated text: an optional first line `# source: ...`, then `wavelength_nm` and one column per channel.

As spreadsheets write it: the separator may be a comma, a semicolon (numbers may then have decimal commas) or a tab; texts may be quoted;
the file may begin with a byte-order mark. `wavelength_um` is converted to nm, and rows whose wavelengths fall are turned round. Nothing
else is sorted or guessed: two channels of one name, or numbers that do not fit the unit in the name of the column, are refused.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.degradation import ResponseError
from datasets.input_files import own_errors, short_text

LARGEST_NUMBER = 1e30  # so that the integrals are finite
_NM_PER_UNIT = {"wavelength_nm": 1.0, "wavelength_um": 1000.0}
_NM = (100.0, 1e5)  # a table of optical wavelengths touches this range


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
        separator = next((sign for sign in (";", "\t") if sign in header), ",")
        names, *rows = [[cell.strip() for cell in row] for row in csv.reader([header, *body], delimiter=separator)]
        table = np.array([[_number(cell, separator) for cell in row] for row in rows], dtype=np.float64)
    unit = names[0].lower()
    if unit not in _NM_PER_UNIT or table.ndim != 2 or table.shape[1] != len(names) or len(names) < 2 or not np.isfinite(table).all():
        raise ResponseError(
            f"sensor file {file}: expected columns wavelength_nm (or wavelength_um) and one per channel, all finite; got "
            f"{header[:200]!r}, shape {table.shape}"
        )
    if (np.diff(table[:, 0]) < 0).all():
        table = table[::-1]
    waves, curves = table[:, 0] * _NM_PER_UNIT[unit], table[:, 1:].T.copy()
    if not (np.diff(waves) > 0).all() or waves[0] <= 0:
        raise ResponseError(f"sensor file {file}: expected wavelengths above 0 that rise or fall from row to row; sort them")
    if waves[-1] < _NM[0] or waves[0] > _NM[1]:
        raise ResponseError(
            f"sensor file {file}: expected wavelengths of light under {names[0]}, got {table[0, 0]:g} to {table[-1, 0]:g}; name the column "
            "wavelength_nm or wavelength_um, as the numbers are"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not all(names):
        problem = f"{', '.join(twice)} more than once" if twice and all(twice) else "a channel without a name"
        raise ResponseError(
            f"sensor file {file}: expected a name of its own for each channel, got {problem[:200]} among "
            f"{', '.join(names)[:200]}; rename them"
        )
    if np.abs(table).max() > LARGEST_NUMBER or (curves.max(axis=1) <= 0).any():
        raise ResponseError(
            f"sensor file {file}: expected numbers up to {LARGEST_NUMBER:.0e} and a value above 0 in each channel, got others; "
            "correct the table"
        )
    return ResponseTable(tuple(names[1:]), waves, curves, hashlib.sha256(raw).hexdigest(), source)


def _number(cell: str, separator: str) -> float:
    return float(cell.replace(",", ".") if separator == ";" else cell)
