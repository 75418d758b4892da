"""The ranks of the methods on the scenes: dots whose area is the number of scenes with that rank, and a bar at the mean."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.content.statistics import MethodComparison
from reports.figures.labels import TieredName, name_lines
from reports.style import GRID, INK, ONE_COLUMN, PALETTE, figure_settings, shorten

_MOST = 27  # characters of a line of a name


def rank_figure(statistics: MethodComparison, title: str, names: Sequence[TieredName] = ()) -> Figure:
    """The ranks of every method on the scenes, with the best method on top; `names` as for the critical-difference diagram."""
    order = sorted(range(len(statistics.names)), key=lambda method: float(statistics.mean_ranks[method]))
    k = len(order)
    lines = [name_lines(names[method] if names else (statistics.names[method], ""), _MOST) for method in order]
    high = max(0.24, 0.04 + 0.12 * max(map(len, lines)))  # inches for each method
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=(ONE_COLUMN, 0.75 + high * k), layout="constrained")
        FigureCanvasAgg(figure)
        panel = figure.subplots()
        for place, method in enumerate(order):
            ranks = statistics.ranks[method]
            values, counts = np.unique(ranks, return_counts=True)
            panel.plot([values.min(), values.max()], [place, place], color=GRID, linewidth=1.2, zorder=1)
            area = 10 + 90 * counts / len(ranks)
            panel.scatter(values, [place] * len(values), s=area, color=PALETTE[0], alpha=0.55, linewidth=0, zorder=2)
            panel.plot([ranks.mean()] * 2, [place - 0.32, place + 0.32], color=INK, linewidth=1.4, zorder=3)
        panel.set_yticks(range(k), ["\n".join(each) for each in lines])
        panel.invert_yaxis()
        panel.set_xlim(0.6, k + 0.4)
        panel.set_xticks(range(1, k + 1, max(1, k // 10)))
        panel.grid(visible=False, axis="y")
        panel.set_xlabel("rank on a scene (line: mean)")
        panel.set_title(shorten(title, 52), loc="left", fontweight="bold")
    return figure
