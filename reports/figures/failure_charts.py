"""The charts of where methods fail: their error over the wavelength, the distance to the border, and the brightness of the truth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from reports.content.summary import Row
from reports.figures.svg_chart import NARROW, Axis, Line, line_chart, linear_axis, log_axis, named_axis
from reports.scene.failure import Failure, Sums, border_labels, brightness_labels

Failures = Sequence[tuple[Row, Failure]]
Series = Mapping[tuple[str, str], int]  # of each configuration, by label and tier: decides the colour and the dash of its lines


@dataclass(frozen=True)
class FailureChart:
    """One chart, and what its caption says."""

    by: str
    note: str
    drawn: Markup


def failure_charts(failures: Failures, series: Series, nm: Float[np.ndarray, " bands"] | None, where: str) -> list[FailureChart]:
    """The charts, on one scale of errors; `where` ends the sentence that names them. Nothing without failures, no chart over no bands."""
    if not failures:
        return []
    wavelength, border, brightness = zip(*((each.wavelength, each.border, each.brightness) for _, each in failures), strict=True)
    y = log_axis([value for each in (*wavelength, *border, *brightness) for value in each.rmse if value])

    def counted(names: Sequence[str]) -> list[float]:
        return [float(place) for place in range(len(names))]

    def chart(by: str, note: str, label: str, sums: Sequence[Sums], places: Sequence[float], x: Axis) -> FailureChart:
        lines = [
            Line(row.label, series[row.label, row.tier], list(zip(places, each.rmse, strict=True)), row.tier)
            for (row, _), each in zip(failures, sums, strict=True)
        ]
        title = f"Error by {by}, {where}"
        return FailureChart(
            by, note, line_chart(lines, x, y, title=title, x_label=label, y_label="RMSE", markers=by != "wavelength", box=NARROW)
        )

    rings, tones = border_labels(), brightness_labels()
    used = max(int(np.flatnonzero(each.values).max()) for each in border)
    charts = [
        chart("distance to the border", " in fine pixels", "distance from, px", border, counted(rings), named_axis(rings[: used + 1])),
        chart("brightness", " of the truth", "mean over bands from, %; saturated", brightness, counted(tones), named_axis(tones)),
    ]
    if bands := len(wavelength[0].square):
        at = [float(value) for value in (nm if nm is not None else np.arange(1, bands + 1))]
        label = "wavelength, nm" if nm is not None else "band"
        charts.insert(0, chart("wavelength", "", label, wavelength, at, linear_axis(at[0], at[-1])))
    return charts
