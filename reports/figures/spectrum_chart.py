"""The chart of the spectra at one pixel, for the page: curves with their names at the right end, and the differences from the truth below.

The script of the page draws it again for another pixel, by the same boxes and rules.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from markupsafe import Markup

from reports.figures.svg_chart import (
    Axis,
    ChartBox,
    ChartLine,
    axes_frame,
    line_look,
    line_path,
    linear_axis,
    point_place,
    round_step,
    spread_names,
)
from reports.style import shorten_inside

UPPER = ChartBox(width=520, height=214, left=46, right=160, top=24, bottom=14)
LOWER = ChartBox(width=520, height=136, left=46, right=160, top=22, bottom=38)
_NAME = 26  # characters of a name at the end of its line
_LINE = 12.5  # units of the viewBox between two names


def spectrum_chart(truth: ChartLine, lines: Sequence[ChartLine], *, title: str, x_label: str, baseline: str) -> Markup:
    """The chart; lines that are not visible are there for the script, without a place in the axes."""
    x = linear_axis(truth.points[0][0], truth.points[-1][0])
    right = dict(truth.points)
    differences = [
        ChartLine(line.label, line.series, [(at, _less(value, right[at])) for at, value in line.points], line.tier, line.visible)
        for line in lines
    ]
    zero = ChartLine(baseline, -1, [(at, 0.0) for at, _ in truth.points])
    upper = _plot([*lines, truth], x, UPPER, Axis(x.low, x.high, []), "", "reflectance", named=True)
    lower = _plot([zero, *differences], x, LOWER, x, x_label, f"difference from the {baseline}", named=False)
    return Markup(
        '<svg class="chart spectrum-chart" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<g class="plot values">{}</g><g class="plot residuals" transform="translate(0 {})">{}</g></svg>'
    ).format(UPPER.width, UPPER.height + LOWER.height, title, upper, UPPER.height, lower)


def _plot(lines: Sequence[ChartLine], x: Axis, box: ChartBox, ticks: Axis, x_label: str, y_label: str, *, named: bool) -> Markup:
    """One of the two plots: its frame, its lines, and the names at their ends."""
    y = value_axis([value for line in lines if line.visible for _, value in line.points if value is not None])
    parts = [axes_frame(ticks, y, box, x_label=x_label, y_label=y_label)]
    for line in lines:
        method = Markup(' data-method="{}" data-tier="{}"').format(line.label, line.tier) if line.tier else Markup()
        hidden = Markup() if line.visible else Markup(' class="off"')
        path = Markup(line_path(line.points, x, y, box)) if line.visible else Markup()
        parts.append(
            Markup('<g{} data-series="{}"{}><title>{}</title><g {}><path d="{}"/></g></g>').format(
                hidden, line.series, method, line.label, line_look(line.series), path
            )
        )
    if named:
        shown = [(line, _end(line, x, y, box)) for line in lines if line.visible]
        heights = spread_names([level for _, level in shown], box.top + 4.0, float(box.height - box.bottom), _LINE)
        placed = {line.series: height for (line, _), height in zip(shown, heights, strict=True)}
        parts += [_name(line, placed.get(line.series), box) for line in lines]
    return Markup().join(parts)


def value_axis(values: Sequence[float]) -> Axis:
    """An axis with round ends and ticks over these values and 0."""
    low, high = min([0.0, *values]), max([0.0, *values])
    step = round_step((high - low or 1.0) / 4)
    return linear_axis(step * np.floor(low / step + 1e-9), step * np.ceil(high / step - 1e-9), 4)


def _name(line: ChartLine, height: float | None, box: ChartBox) -> Markup:
    """The name at the end of a line; hidden where the line is not shown."""
    method = Markup(' data-method="{}" data-tier="{}"').format(line.label, line.tier) if line.tier else Markup()
    look = "truth" if line.series < 0 else f"s{line.series % 8}"
    off = "" if height is not None else " off"
    return Markup('<text class="end {}{}" data-series="{}"{} x="{}" y="{:.1f}">{}</text>').format(
        look, off, line.series, method, box.width - box.right + 6, (height or 0.0) + 3.5, shorten_inside(line.label, _NAME)
    )


def _end(line: ChartLine, x: Axis, y: Axis, box: ChartBox) -> float:
    """The height at which the line ends; that of 0 where it has no last value."""
    point = next((each for each in reversed(line.points) if each[1] is not None), (x.high, 0.0))
    return point_place(point, x, y, box)[1]


def _less(value: float | None, truth: float | None) -> float | None:
    return None if value is None or truth is None else value - truth
