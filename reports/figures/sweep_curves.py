"""The curves of a sweep: the score of every method over the number in which the protocols of the sweep differ.

No noise stands at the right end of a noise axis. The band around a line is the 95 % interval of the mean, by a bootstrap over whole scenes.
Where a method has fewer than six scenes there is no band, but a dot for each scene.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, isnan

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.content.columns import Column
from reports.content.statistics import bootstrap_interval
from reports.content.sweeps import Sweep, scene_means
from reports.figures.looks import Looks
from reports.figures.panels import literal_legend
from reports.style import ONE_COLUMN, TINY, figure_settings, series_colour, series_dash, short_tier, shorten


@dataclass(frozen=True)
class SweepPoint:
    """The score of one method at one place of the axis."""

    place: float
    scenes: tuple[float, ...]  # the score on each scene
    interval: tuple[float, float]  # of the mean; NaN where there are too few scenes

    @property
    def mean(self) -> float:
        """The mean over the scenes."""
        return sum(self.scenes) / len(self.scenes)

    @property
    def dots(self) -> list[tuple[float, float]]:
        """The points to draw where there is no interval: the score on each scene."""
        return [(self.place, value) for value in self.scenes] if isnan(self.interval[0]) else []


def sweep_figure(sweep: Sweep, column: Column | None = None, looks: Looks | None = None) -> Figure:
    """One line per ranked method, with the marker of its tier; `looks` are those of the whole report."""
    summaries = [summary for _, summary in sweep.points]
    column = column or summaries[0].scores[0]
    at = _places(sweep)
    lines: dict[tuple[str, str], list[SweepPoint]] = {}
    infinite = False
    for place, summary in zip(at, summaries, strict=True):
        for row in summary.rows:
            values = scene_means(row, column)
            infinite |= row.ranked and row.values[column.key].infinite > 0
            if row.ranked and values and all(map(isfinite, values)):
                lines.setdefault((row.tier, row.label), []).append(SweepPoint(place, tuple(values), bootstrap_interval(np.array(values))))
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=(ONE_COLUMN, 2.3 + 0.14 * -(-len(lines) // 2)), layout="constrained")
        FigureCanvasAgg(figure)
        panel = figure.subplots()
        _draw_lines(panel, lines, looks or Looks.of(summaries))
        panel.set_xlabel(shorten(sweep.label, 64), parse_math=False)
        panel.set_ylabel(f"{column.label}, {column.unit}" if column.unit else column.label)
        panel.set_xticks(at, [_tick(number) for number, _ in sweep.points])
        reading = _reading([point for points in lines.values() for point in points])
        panel.set_title("infinite means not shown; " * infinite + reading, loc="right", fontsize=TINY)
        literal_legend(figure, loc="outside lower center", ncols=2, columnspacing=1.0, handlelength=2.4)
    return figure


def _draw_lines(panel: Axes, lines: Mapping[tuple[str, str], Sequence[SweepPoint]], looks: Looks) -> None:
    """The line of each method, with its own colour and dash, and the marker of its tier; around it bands, or dots."""
    for (tier, label), points in lines.items():
        colour, dash = series_colour(looks.series[label, tier]), series_dash(looks.series[label, tier])
        at, name = [point.place for point in points], shorten(f"{label} [{short_tier(tier)}]", 34)
        means = [point.mean for point in points]
        panel.plot(at, means, label=name, color=colour, marker=looks.markers[tier], linestyle=dash, zorder=3)
        low, high = (list(ends) for ends in zip(*(point.interval for point in points), strict=True))
        panel.fill_between(at, low, high, color=colour, alpha=0.12, linewidth=0, zorder=2)
        dots = [dot for point in points for dot in point.dots]
        if dots:
            x, y = zip(*dots, strict=True)
            panel.scatter(x, y, s=7, color=colour, alpha=0.5, linewidth=0, zorder=2)


def _reading(points: Sequence[SweepPoint]) -> str:
    """How to read what is around the lines."""
    bands, dots = any(not point.dots for point in points), any(point.dots for point in points)
    return "; ".join([*(["band: 95 % interval of the mean"] if bands else []), *(["dots: the scenes"] if dots else [])])


def _places(sweep: Sweep) -> list[float]:
    """The places of the points on the axis: their numbers, or the logarithms of ratios; no noise is one step further to the right."""
    finite = [number for number, _ in sweep.points if isfinite(number)]
    places = [float(np.log2(number / finite[0])) for number in finite] if sweep.number == "ratio" else finite
    step = float(np.median(np.diff(places))) if len(places) > 1 else 1.0
    return [*places, *[places[-1] + step] * (len(sweep.points) - len(finite))]


def _tick(number: float) -> str:
    """The text of a tick."""
    return f"{number:g}" if isfinite(number) else "none"
