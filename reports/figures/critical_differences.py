"""The critical-difference diagram (Demsar, Journal of Machine Learning Research 7, 2006), turned upright.

Mean ranks stand on a vertical axis, the best on top, each with a line to its method's name at the right, where even a long name and its
tier have room in one column. A bar beside the axis joins methods that cannot be told apart. With too few scenes there is no bar, and the
diagram says why.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from reports.content.statistics import LEAST_SCENES, MethodComparison
from reports.figures.labels import TieredName, name_lines
from reports.style import INK, ONE_COLUMN, SMALL, TEXT, figure_settings, shorten

_LINE, _GAP = 0.125, 0.09  # inches: a line of a name, and what is between two names
_AXIS = 0.34  # inches from the left edge
_BAR = 0.09  # inches between bars


def critical_difference_diagram(statistics: MethodComparison, title: str, names: Sequence[TieredName] = ()) -> Figure:
    """The mean ranks, and a bar for each group of methods that cannot be told apart; one column wide.

    `names` are the methods with their tiers, in the order of the statistics; without them there are only the names of the statistics.
    """
    order = sorted(range(len(statistics.names)), key=lambda method: float(statistics.mean_ranks[method]))
    k, means = len(order), [float(statistics.mean_ranks[method]) for method in order]
    groups = statistics.groups if statistics.enough_scenes else []
    elbow = _AXIS + 0.1 + _BAR * len(groups)  # where the line to a name leaves its rank
    left = elbow + 0.3
    most = int((ONE_COLUMN - left - 0.35) / 0.061)  # characters of a line
    lines = [_named_lines(statistics, method, names, most) for method in order]
    below, above = 0.32, 0.42
    height = below + above + sum(_LINE * len(each) + _GAP for each in lines)
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=(ONE_COLUMN, height))
        FigureCanvasAgg(figure)
        panel = figure.add_axes((0, 0, 1, 1))
        panel.set_xlim(0, ONE_COLUMN)
        panel.set_ylim(0, height)
        panel.set_axis_off()
        panel.text(0.06, height - 0.06, shorten(title, 48), fontsize=TEXT, fontweight="bold", va="top")
        top, bottom = height - above, below + _GAP

        def at(rank: float) -> float:
            return top - (rank - 1) / (k - 1) * (top - bottom)

        panel.plot([_AXIS, _AXIS], [top, bottom], color=INK, linewidth=0.8)
        for rank in range(1, k + 1, max(1, k // 10)):
            panel.plot([_AXIS - 0.05, _AXIS], [at(float(rank))] * 2, color=INK, linewidth=0.8)
            panel.text(_AXIS - 0.08, at(float(rank)), str(rank), ha="right", va="center", fontsize=SMALL)
        for place, group in enumerate(groups):
            ranks = [float(statistics.mean_ranks[method]) for method in group]
            ends = [at(min(ranks)) + 0.03, at(max(ranks)) - 0.03]
            panel.plot([_AXIS + 0.1 + _BAR * place] * 2, ends, color=INK, linewidth=2.4, solid_capstyle="round")
        _write_names(panel, lines, means, [at(mean) for mean in means], height - above, (elbow, left))
        panel.text(0.06, 0.07, _verdict_text(statistics), va="bottom", fontsize=SMALL)
    return figure


def _named_lines(statistics: MethodComparison, method: int, names: Sequence[TieredName], most: int) -> list[str]:
    """The name of a method on one line or more, with the number of scenes on which it failed, and its tier on lines below."""
    name, tier = names[method] if names else (statistics.names[method], "")
    lost = statistics.failures[method]
    return name_lines((f"{name} ({lost} failed)" if lost else name, tier), most)


def _write_names(
    panel: Axes, lines: Sequence[Sequence[str]], means: Sequence[float], heights: Sequence[float], top: float, line: tuple[float, float]
) -> None:
    """The names below one another from `top` on, each with its mean rank and with a line from the height of that rank."""
    elbow, left = line
    for each, mean, height in zip(lines, means, heights, strict=True):
        y = top - _LINE / 2
        panel.plot([_AXIS, elbow, left - 0.04], [height, height, y], color=INK, linewidth=0.6)
        panel.text(left, y, f"{mean:.2f}", va="center", fontsize=TEXT)
        for place, text in enumerate(each):
            panel.text(left + 0.35, y - _LINE * place, text, va="center", fontsize=TEXT if place == 0 else SMALL)
        top -= _LINE * len(each) + _GAP


def _verdict_text(statistics: MethodComparison) -> str:
    """The result of Friedman's test, or the reason why there is none."""
    if not statistics.enough_scenes:
        return f"{statistics.scenes} scene{'s' * (statistics.scenes > 1)}: fewer than {LEAST_SCENES} cannot tell methods apart"
    p = f"p = {statistics.friedman_p:.2g}" if statistics.friedman_p >= 1e-4 else "p < 0.0001"
    return f"Friedman {p}; critical difference {statistics.critical_difference:.2f}, {statistics.scenes} scenes"
