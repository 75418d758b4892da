"""The critical-difference diagram (Demsar, Journal of Machine Learning Research 7, 2006).

Mean ranks stand on an axis, the best at the left, and a bar joins methods that cannot be told apart. With too few scenes there is no bar,
and the diagram says why.
"""

from __future__ import annotations

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.content.statistics import LEAST_SCENES, MethodComparison
from reports.style import INK, ONE_COLUMN, SMALL, TEXT, TINY, TWO_COLUMNS, figure_settings, shorten

_STEP = 0.19  # inches between names


def critical_difference_diagram(statistics: MethodComparison, title: str) -> Figure:
    """The mean ranks, and a bar for each group of methods that cannot be told apart; one or two columns wide, as the names need."""
    order = sorted(range(len(statistics.names)), key=lambda method: float(statistics.mean_ranks[method]))
    k, deep = len(order), -(-len(order) // 2)
    names = [
        shorten(f"{name}{f' ({lost} failed)' if lost else ''}", 40)
        for name, lost in zip(statistics.names, statistics.failures, strict=True)
    ]
    margin = 0.55 + 0.052 * max(map(len, names))  # inches on each side for a name and its rank
    width = ONE_COLUMN if 2 * margin + 0.12 * k <= ONE_COLUMN else TWO_COLUMNS
    groups = statistics.groups if statistics.enough_scenes else []
    bars = 0.11 * len(groups)
    height = 0.72 + bars + _STEP * deep
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=(width, height))
        FigureCanvasAgg(figure)
        panel = figure.add_axes((0, 0, 1, 1))
        panel.set_xlim(0, width)
        panel.set_ylim(0, height)
        panel.set_axis_off()
        left, right, axis = margin, width - margin, height - 0.5
        panel.text(0.06, height - 0.08, shorten(title, 100 if width > 4 else 48), fontsize=TEXT, fontweight="bold", va="top")

        def at(rank: float) -> float:
            return left + (rank - 1) / (k - 1) * (right - left)

        panel.plot([left, right], [axis, axis], color=INK, linewidth=0.8)
        for rank in range(1, k + 1):
            panel.plot([at(float(rank))] * 2, [axis, axis + 0.05], color=INK, linewidth=0.8)
            panel.text(at(float(rank)), axis + 0.07, str(rank), ha="center", va="bottom", fontsize=SMALL)
        for place, group in enumerate(groups):
            ranks = [float(statistics.mean_ranks[method]) for method in group]
            height_of = axis - 0.1 - 0.11 * place
            panel.plot([at(min(ranks)) - 0.03, at(max(ranks)) + 0.03], [height_of] * 2, color=INK, linewidth=2.4, solid_capstyle="round")
        for place, method in enumerate(order):
            mean, on_left = float(statistics.mean_ranks[method]), place < deep
            y = axis - 0.17 - bars - _STEP * (place if on_left else k - 1 - place)
            end = left - 0.06 if on_left else right + 0.06
            panel.plot([at(mean), at(mean), end], [axis, y, y], color=INK, linewidth=0.6)
            text = f"{names[method]}  {mean:.2f}" if on_left else f"{mean:.2f}  {names[method]}"
            panel.text(end + (-0.04 if on_left else 0.04), y, text, ha="right" if on_left else "left", va="center", fontsize=SMALL)
        panel.text(width - 0.06, 0.05, _verdict_text(statistics), ha="right", va="bottom", fontsize=TINY)
    return figure


def _verdict_text(statistics: MethodComparison) -> str:
    """The result of Friedman's test, or the reason why there is none."""
    if not statistics.enough_scenes:
        return f"{statistics.scenes} scene{'s' * (statistics.scenes > 1)}: fewer than {LEAST_SCENES} cannot tell methods apart"
    p = f"p = {statistics.friedman_p:.2g}" if statistics.friedman_p >= 1e-4 else "p < 0.0001"
    return f"Friedman {p}; critical difference {statistics.critical_difference:.2f}, {statistics.scenes} scenes"
