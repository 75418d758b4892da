"""The curves of a sweep: the score of every method over the number in which the protocols of the sweep differ.

No noise stands at the right end of a noise axis. The band around each line is the 95 % interval of the mean, by a bootstrap over whole
scenes; with fewer than six scenes it is their range, and the figure says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.content.statistics import LEAST_SCENES, bootstrap_interval
from reports.content.summary import Column
from reports.content.sweeps import Sweep, scene_means
from reports.figures.panels import literal_legend
from reports.figures.tier_looks import TierLooks
from reports.style import DASHES, ONE_COLUMN, PALETTE, TINY, figure_settings, shorten


def sweep_figure(sweep: Sweep, column: Column | None = None) -> Figure:
    """One line per ranked method, with the marker of its tier."""
    summaries = [summary for _, summary in sweep.points]
    column = column or summaries[0].scores[0]
    at = _places(sweep)
    lines: dict[tuple[str, str], list[tuple[float, float, float, float]]] = {}
    for place, summary in zip(at, summaries, strict=True):
        for row in summary.rows:
            values = np.array(scene_means(row, column))
            if row.ranked and len(values):
                interval = bootstrap_interval(values) if len(values) >= LEAST_SCENES else (float(values.min()), float(values.max()))
                lines.setdefault((row.tier, row.label), []).append((place, float(values.mean()), *interval))
    few = max(len(summary.scenes) for summary in summaries) < LEAST_SCENES
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=(ONE_COLUMN, 2.3 + 0.14 * -(-len(lines) // 2)), layout="constrained")
        FigureCanvasAgg(figure)
        panel = figure.subplots()
        _draw_lines(panel, lines, TierLooks.of(summaries))
        panel.set_xlabel(shorten(sweep.label, 64), parse_math=False)
        panel.set_ylabel(f"{column.label}, {column.unit}" if column.unit else column.label)
        panel.set_xticks(at, [_tick(number) for number, _ in sweep.points])
        panel.set_title(f"band: {'range of the scenes' if few else '95 % interval of the mean'}", loc="right", fontsize=TINY)
        literal_legend(figure, loc="outside lower center", ncols=2, columnspacing=1.0, handlelength=2.4)
    return figure


def _draw_lines(panel: Axes, lines: Mapping[tuple[str, str], Sequence[tuple[float, float, float, float]]], looks: TierLooks) -> None:
    """The line of each method, with its own colour and dash, and the marker of its tier."""
    for place, ((tier, label), points) in enumerate(lines.items()):
        at, mean, low, high = (list(values) for values in zip(*points, strict=True))
        colour, dash = PALETTE[place % len(PALETTE)], DASHES[place // len(PALETTE) % len(DASHES)]
        panel.plot(at, mean, label=shorten(f"{label} [{tier}]", 34), color=colour, marker=looks.markers[tier], linestyle=dash, zorder=3)
        panel.fill_between(at, low, high, color=colour, alpha=0.12, linewidth=0, zorder=2)


def _places(sweep: Sweep) -> list[float]:
    """The places of the points on the axis: their numbers, or the logarithms of ratios; no noise is one step further to the right."""
    finite = [number for number, _ in sweep.points if isfinite(number)]
    places = [float(np.log2(number / finite[0])) for number in finite] if sweep.number == "ratio" else finite
    step = float(np.median(np.diff(places))) if len(places) > 1 else 1.0
    return [*places, *[places[-1] + step] * (len(sweep.points) - len(finite))]


def _tick(number: float) -> str:
    """The text of a tick."""
    return f"{number:g}" if isfinite(number) else "none"
