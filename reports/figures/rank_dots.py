"""The ranks of the methods on the scenes: dots whose area is the number of scenes with that rank, and a bar at the mean."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.content.statistics import MethodComparison
from reports.style import GRID, INK, ONE_COLUMN, PALETTE, figure_settings, shorten


def rank_figure(statistics: MethodComparison, title: str) -> Figure:
    """The ranks of every method on the scenes, with the best method on top."""
    order = sorted(range(len(statistics.names)), key=lambda method: float(statistics.mean_ranks[method]))
    k = len(order)
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=(ONE_COLUMN, 0.75 + 0.24 * k), layout="constrained")
        FigureCanvasAgg(figure)
        panel = figure.subplots()
        for place, method in enumerate(order):
            ranks = statistics.ranks[method]
            values, counts = np.unique(ranks, return_counts=True)
            panel.plot([values.min(), values.max()], [place, place], color=GRID, linewidth=1.2, zorder=1)
            area = 10 + 90 * counts / len(ranks)
            panel.scatter(values, [place] * len(values), s=area, color=PALETTE[0], alpha=0.55, linewidth=0, zorder=2)
            panel.plot([ranks.mean()] * 2, [place - 0.32, place + 0.32], color=INK, linewidth=1.4, zorder=3)
        panel.set_yticks(range(k), [shorten(statistics.names[method], 28) for method in order])
        panel.invert_yaxis()
        panel.set_xlim(0.6, k + 0.4)
        panel.set_xticks(range(1, k + 1, max(1, k // 10)))
        panel.grid(visible=False, axis="y")
        panel.set_xlabel("rank on a scene (line: mean)")
        panel.set_title(shorten(title, 52), loc="left", fontweight="bold")
    return figure
