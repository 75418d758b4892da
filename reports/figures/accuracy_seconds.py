"""The first metric (PSNR by default) against seconds: one panel per protocol, one marker per ranked method, larger for more parameters.

The marker stands at the seconds of fusion. A method that learns on the scene has a thin line from there to a hollow end at the seconds of
fusion and learning together, the cost of one new scene. The grey steps are the Pareto front of these costs: no method to the left of it is
as good. Rows that are not ranked are left out, and the panel says how many.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import log10
from textwrap import fill

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from reports.content.columns import Column
from reports.content.row import Row
from reports.content.summary import Summary, timed_elsewhere
from reports.figures.labels import place_labels
from reports.figures.looks import Looks
from reports.figures.pareto import pareto_front
from reports.figures.score_axis import axis_room
from reports.style import INK, ONE_COLUMN, PAPER, SMALL, TWO_COLUMNS, count_text, figure_settings, short_tier, shorten, tier_order

_HEIGHT = 2.9  # inches per panel
_LINE = 44  # characters below a panel
_SIZES = (0.0, 1e4, 1e6)  # parameters shown in the legend


def accuracy_figure(summaries: Sequence[Summary], looks: Looks | None = None) -> Figure:
    """The figure for these protocols, with two panels per row; a panel without ranked methods says so.

    `looks` are those of the whole report.
    """
    looks = looks or Looks.of(summaries)
    columns = min(2, len(summaries))
    rows = -(-len(summaries) // columns)
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=((ONE_COLUMN, TWO_COLUMNS)[columns - 1], _HEIGHT * rows + 0.9 / columns), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel, summary in zip(panels, summaries, strict=False):
            _draw(panel, summary, looks)
        for panel in panels[len(summaries) :]:
            panel.set_axis_off()
        _legend(figure, [row for summary in summaries for row in _drawn_rows(summary)], looks, 2 * columns)
        figure.canvas.draw()  # fixes the layout before the names are placed in it
        for panel, summary in zip(panels, summaries, strict=False):
            _label(panel, _drawn_rows(summary), summary.scores[0])
    return figure


def _drawn_rows(summary: Summary) -> list[Row]:
    """The rows that the figure shows; an infinite score has no place in it, and seconds have one only where they may be compared."""
    lead = summary.scores[0].key
    finite = [row for row in summary.rows if row.values[lead].mean is not None and not row.values[lead].infinite]
    return [row for row in finite if row.ranked and row.timing == "here" and (row.values["seconds"].mean or 0) > 0]


def _draw(panel: Axes, summary: Summary, looks: Looks) -> None:
    """The panel of one protocol, without the names of its methods."""
    rows = _drawn_rows(summary)
    infinite = sum(row.ranked and row.values[summary.scores[0].key].infinite > 0 for row in summary.rows)
    elsewhere = timed_elsewhere(summary)
    not_ranked = len(summary.rows) - len(rows) - infinite - len(elsewhere)
    left_out = {"not ranked": not_ranked, f"of infinite {summary.scores[0].label}": infinite}
    panel.set_title(shorten(summary.name, 48), loc="left", parse_math=False, fontweight="bold")
    if any(left_out.values()):
        counts = ", ".join(f"{count} {why}" for why, count in left_out.items() if count)
        panel.set_title(f"{counts}, not shown", loc="right", fontsize=SMALL)
    lead = summary.scores[0]
    if rows:
        _draw_rows(panel, rows, lead, looks)
    else:
        panel.text(0.5, 0.5, f"no ranked method with a {lead.label}", transform=panel.transAxes, ha="center", va="center")
        panel.set_xticks([])
        panel.set_yticks([])
    named = fill(f"not shown, their seconds cannot be compared: {', '.join(elsewhere)}", _LINE) if elsewhere else ""
    panel.set_xlabel(f"seconds per scene, log scale\n{named}".strip(), parse_math=False)
    panel.set_ylabel(f"{lead.label}, {lead.unit}" if lead.unit else lead.label)


def _draw_rows(panel: Axes, rows: Sequence[Row], lead: Column, looks: Looks) -> None:
    """The markers, the learning lines and the axes."""
    points = pd.DataFrame([(*_point(row, lead), _area(row)) for row in rows], columns=["seconds", "score", "area"])
    _draw_front(panel, rows, lead)
    for row in rows:
        x, y = _point(row, lead)
        if total := _with_learning(row):
            panel.plot([x, total], [y, y], color=looks.colour(row), linewidth=1, zorder=2)
            panel.plot([total], [y], marker="o", markersize=4, markerfacecolor="none", markeredgecolor=looks.colour(row), zorder=2)
    for place, row in enumerate(rows):
        sns.scatterplot(
            data=points.iloc[[place]],
            x="seconds",
            y="score",
            s=points["area"][place],
            color=looks.colour(row),
            marker=looks.markers[row.tier],
            edgecolor=PAPER,
            ax=panel,
            legend=False,
            zorder=3,
        )
    times = [*points["seconds"], *filter(None, map(_with_learning, rows))]
    room = axis_room(list(points["score"]), lead)
    panel.set_xscale("log")
    panel.set_xlim(min(times) / 3.2, max(times) * 3.2)  # half a decade on both sides
    panel.set_ylim(points["score"].min() - room, points["score"].max() + room)
    if lead.higher_is_better is False:
        panel.invert_yaxis()  # better is up
    panel.xaxis.set_major_locator(LogLocator(base=10, numticks=8))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.xaxis.set_minor_formatter(NullFormatter())


def _draw_front(panel: Axes, rows: Sequence[Row], lead: Column) -> None:
    """The Pareto front of the cost of one new scene and the first metric, as steps."""
    front = _front(rows, lead)
    if len(front) > 1:
        panel.step([x for x, _ in front], [y for _, y in front], where="post", color=INK, alpha=0.3, linewidth=0.9, zorder=1)


def _front(rows: Sequence[Row], lead: Column) -> list[tuple[float, float]]:
    """The Pareto front in the coordinates of the panel."""
    sign = -1 if lead.higher_is_better is False else 1
    points = [(_with_learning(row) or _point(row, lead)[0], _point(row, lead)[1]) for row in rows]
    return pareto_front(points, cost=lambda point: point[0], merit=lambda point: sign * point[1])


def _label(panel: Axes, rows: Sequence[Row], lead: Column) -> None:
    """The names of the methods, clear of markers and learning lines."""
    lines = [(_point(row, lead)[0], total, _point(row, lead)[1]) for row in rows if (total := _with_learning(row))]
    front = _front(rows, lead)
    lines += [(x, after, y) for (x, y), (after, _) in pairwise(front)]
    radii = [_area(row) ** 0.5 / 2 for row in rows]
    place_labels(panel, [_point(row, lead) for row in rows], [row.label for row in rows], radii, lines)


def _point(row: Row, lead: Column) -> tuple[float, float]:
    """The seconds of fusion, and the first metric."""
    return row.values["seconds"].mean or 0.0, row.values[lead.key].mean or 0.0


def _with_learning(row: Row) -> float | None:
    """The seconds of fusion and of learning on the scene together; None for methods that do not learn there."""
    learning = row.values["learning_seconds"].mean or 0.0
    return (row.values["seconds"].mean or 0.0) + learning if row.results[0].card.get("learns") == "on the scene" and learning > 0 else None


def _area(row: Row) -> float:
    """The marker area of a row."""
    return _area_of(row.values["parameters"].mean or 0.0)


def _area_of(parameters: float) -> float:
    """The marker area (points^2): 40 without learned parameters, and 28 more for each power of ten above a hundred."""
    return 40 + 28 * max(0.0, log10(parameters) - 2) if parameters > 0 else 40.0


def _legend(figure: Figure, rows: Sequence[Row], looks: Looks, columns: int) -> None:
    """The legend below the panels: a marker per tier, three marker areas for parameters, and the hollow end of learning."""
    tier_marks = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=looks.markers[tier],
            color=INK,
            markersize=6.5,
            markeredgecolor="none",
            label=shorten(short_tier(tier), 36),
        )
        for tier in sorted({row.tier for row in rows}, key=tier_order)
    ]
    size_marks = [
        Line2D(
            [],
            [],
            linestyle="",
            marker="o",
            color=INK,
            alpha=0.55,
            markersize=_area_of(size) ** 0.5,
            markeredgecolor="none",
            label=f"{count_text(size)} params",
        )
        for size in _SIZES
    ]
    learning = [
        Line2D(
            [],
            [],
            color=INK,
            linewidth=1,
            marker="o",
            markersize=4,
            markerfacecolor="none",
            markevery=[1],
            label="with learning on the scene",
        )
    ]
    learning = learning if any(map(_with_learning, rows)) else []
    costs = [*size_marks, *learning]
    deep = next(deep for deep in range(1, 99) if -(-len(tier_marks) // deep) - (-len(costs) // deep) <= columns)
    blanks = [Line2D([], [], linestyle="", label=" ")] * (-len(tier_marks) % deep)  # the costs begin a new column
    legend = figure.legend(
        handles=[*tier_marks, *blanks, *costs],
        loc="outside lower center",
        ncols=columns,
        frameon=False,
        fontsize=SMALL,
        handletextpad=0.2,
        columnspacing=1.2,
        labelspacing=0.7,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
