"""The charts of where methods fail: the error by wavelength, by distance to the border, and by brightness of the truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from reports.content.row import Row
from reports.figures.svg_chart import NARROW, Axis, ChartLine, SeriesNumbers, line_chart, linear_axis, log_axis, named_axis
from reports.scene.failure import SATURATED, ClassErrors, Failure, border_labels, brightness_labels

Failures = Sequence[tuple[Row, Failure]]


@dataclass(frozen=True)
class FailureChart:
    """One chart, and the words of its caption."""

    by: str  # the quantity on the horizontal axis
    note: str  # follows it in the caption
    drawn: Markup


def failure_charts(failures: Failures, series: SeriesNumbers, nm: Float[np.ndarray, " bands"] | None, where: str) -> list[FailureChart]:
    """The charts, all with the same axis of errors; `where` ends their titles. Without failures there are no charts."""
    if not failures:
        return []
    wavelength, border, brightness = zip(*((each.wavelength, each.border, each.brightness) for _, each in failures), strict=True)
    y = log_axis([value for each in (*wavelength, *border, *brightness) for value in each.rmse if value])

    def places_of(names: Sequence[str]) -> list[float]:
        return [float(place) for place in range(len(names))]

    def chart(by: str, note: str, label: str, errors: Sequence[ClassErrors], places: Sequence[float], x: Axis) -> FailureChart:
        lines = [
            ChartLine(row.label, series[row.label, row.tier], list(zip(places, each.rmse, strict=True)), row.tier)
            for (row, _), each in zip(failures, errors, strict=True)
        ]
        title = f"Error by {by}, {where}"
        return FailureChart(
            by, note, line_chart(lines, x, y, title=title, x_label=label, y_label="RMSE", markers=by != "wavelength", box=NARROW)
        )

    tones_note = f" of the truth; sat.: pixels with a band at or above {SATURATED}"
    rings, tones = border_labels(), brightness_labels()
    used = max(int(np.flatnonzero(each.values).max()) for each in border)
    charts = [
        chart(
            "distance to the border",
            " in fine pixels",
            "pixels from the border, up to the next tick",
            border,
            places_of(rings),
            named_axis(rings[: used + 1]),
        ),
        chart("brightness", tones_note, "mean over the bands in %, up to the next tick", brightness, places_of(tones), named_axis(tones)),
    ]
    if bands := len(wavelength[0].square):
        at = [float(value) for value in (nm if nm is not None else np.arange(1, bands + 1))]
        label = "wavelength, nm" if nm is not None else "band"
        charts.insert(0, chart("wavelength", "", label, wavelength, at, linear_axis(at[0], at[-1])))
    return charts
