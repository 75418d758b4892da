"""The spectra of a scene for the page: a grid of pixels packed for the script, the chart of one pixel, and a file that loses nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from reports.content.row import Row
from reports.figures.spectrum_chart import LOWER, UPPER, spectrum_chart
from reports.figures.svg_chart import ChartLine, SeriesNumbers
from reports.scene.reduced_estimates import ReducedEstimate, SceneReference
from reports.scene.spectra import pack_difference, pack_truth


@dataclass(frozen=True, eq=False)
class SpectraTable:
    """The spectra of the grid: packed for the page, as the chart of one pixel, and in 32 bits as the bytes of a .npz file."""

    grid: dict[str, Any]  # the places of the pixels
    packed: dict[str, Any]
    chart: Markup
    pixel: tuple[int, int]  # of the chart: row and column on the fine grid
    scores: dict[int, str]  # of each method at this pixel, by its number
    npz: bytes


def spectra_table(
    reference: SceneReference,
    drawn: Sequence[tuple[Row, ReducedEstimate]],
    series: SeriesNumbers,
    first: Collection[tuple[str, str]],
    baseline: str,
) -> SpectraTable:
    """The spectra of the grid; the chart shows its middle pixel, with the lines of the rows in `first` (label and tier)."""
    rows, cols = reference.grid.rows, reference.grid.cols
    row, col = len(rows) // 2, len(cols) // 2
    nm = reference.wavelengths_nm
    at = [float(value) for value in (nm if nm is not None else np.arange(1, reference.shape[0] + 1))]
    truth = reference.spectra
    lines = [
        ChartLine(r.label, series[r.label, r.tier], _points(at, each.spectra[row, col]), r.tier, (r.label, r.tier) in first)
        for r, each in drawn
    ]
    chart = spectrum_chart(
        ChartLine(baseline, -1, _points(at, truth[row, col])),
        lines,
        title=f"Spectra at row {rows[row]}, column {cols[col]}: the {baseline} and the chosen methods",
        x_label="wavelength, nm" if nm is not None else "band",
        baseline=baseline,
    )
    grid = {
        "rows": rows.tolist(),
        "cols": cols.tolist(),
        "height": reference.shape[1],
        "width": reference.shape[2],
        "at": [round(value, 3) for value in at],
        "boxes": [[box.width, box.height, box.left, box.right, box.top, box.bottom] for box in (UPPER, LOWER)],
    }
    packed = {
        "truth": pack_truth(truth),
        "methods": [{"series": series[r.label, r.tier], **pack_difference(each.spectra, truth)} for r, each in drawn],
    }
    scores = {series[r.label, r.tier]: pixel_score(each.spectra[row, col], truth[row, col]) for r, each in drawn}
    return SpectraTable(grid, packed, chart, (int(rows[row]), int(cols[col])), scores, _npz(reference, drawn, at, baseline))


def pixel_score(spectrum: Float[np.ndarray, " bands"], truth: Float[np.ndarray, " bands"]) -> str:
    """The error of one pixel and its spectral angle: "RMSE 0.0031, 1.2°"; the script of the page writes the same."""
    ours, right = spectrum.astype(np.float64), truth.astype(np.float64)
    rmse, sizes = float(np.sqrt(np.mean((ours - right) ** 2))), float(np.linalg.norm(ours) * np.linalg.norm(right))
    angle = float(np.degrees(np.arccos(np.clip(ours @ right / sizes, -1, 1)))) if sizes > 0 else 0.0
    return f"RMSE {rmse:.4f}, {angle:.1f}°"


def _npz(reference: SceneReference, drawn: Sequence[tuple[Row, ReducedEstimate]], at: Sequence[float], baseline: str) -> bytes:
    """The spectra in 32 bits as the bytes of a file."""
    stream = BytesIO()
    arrays: dict[str, Any] = {f"method_{place + 1}": each.spectra for place, (_, each) in enumerate(drawn)}
    labels = np.array([f"{r.label} ({r.tier})" for r, _ in drawn])
    arrays[baseline.lower()] = reference.spectra
    np.savez_compressed(stream, rows=reference.grid.rows, cols=reference.grid.cols, wavelengths_nm=np.array(at), labels=labels, **arrays)
    return stream.getvalue()


def _points(at: Sequence[float], spectrum: Float[np.ndarray, " bands"]) -> list[tuple[float, float | None]]:
    """The points of one spectrum; without a value where it is not finite."""
    return [(place, float(value) if np.isfinite(value) else None) for place, value in zip(at, spectrum, strict=True)]
