"""The first metric (PSNR by default) against seconds: a panel a protocol, a marker a ranked method, its area grows with the parameters.

The marker stands at the seconds of fusion. A method that learns on the scene has a thin line from there to a hollow end: fusion and
learning together, which is what one new scene costs. The grey steps are the Pareto front of these total costs: no method left of it is as
good. Rows that are not ranked stay out, and the panel says how many.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from itertools import pairwise
from math import log10
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.layout_engine import PlaceHolderLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from reports.labels import place_labels
from reports.style import (
    GRID,
    INK,
    ONE_COLUMN,
    PAPER,
    SMALL,
    TWO_COLUMNS,
    count,
    figure_settings,
    short_tier,
    shorten,
    tier_looks,
    tier_order,
)
from reports.summary import Column, Row, Summary

_HEIGHT = 2.9  # inches, of a panel
_SIZES = (0.0, 1e4, 1e6)  # parameters shown in the legend


@dataclass(frozen=True)
class Look:
    """What tiers look like in one run, so that every panel and table agrees."""

    colours: dict[str, str]
    markers: dict[str, str]


def look_of(summaries: Sequence[Summary]) -> Look:
    """Colours and markers of every tier in these summaries."""
    looks = tier_looks([tier for summary in summaries for tier, _ in summary.tiers])
    return Look({tier: colour for tier, (colour, _) in looks.items()}, {tier: marker for tier, (_, marker) in looks.items()})


def psnr_seconds(summaries: Sequence[Summary], look: Look | None = None, *, titles: bool = True) -> Figure:
    """The figure for these protocols, two panels a row; a panel without ranked methods says so. `titles`: name the protocols."""
    look = look or look_of(summaries)
    columns = min(2, len(summaries))
    rows = -(-len(summaries) // columns)
    with mpl.rc_context(figure_settings()):
        figure = Figure(figsize=((ONE_COLUMN, TWO_COLUMNS)[columns - 1], _HEIGHT * rows + 0.9 / columns), layout="constrained")
        FigureCanvasAgg(figure)
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for panel, summary in zip(panels, summaries, strict=False):
            _draw(panel, summary, look, titles)
        for panel in panels[len(summaries) :]:
            panel.set_axis_off()
        _legend(figure, [row for summary in summaries for row in _shown(summary)], look, 2 * columns)
        figure.canvas.draw()  # settles the layout before labels look for room
        for panel, summary in zip(panels, summaries, strict=False):
            _label(panel, _shown(summary), summary.scores[0])
    return figure


def save(figure: Figure, stem: Path) -> tuple[Path, ...]:
    """`stem`.pdf (TrueType fonts inside), .png (200 dots an inch) and .svg (text as outlines); the same bytes for the same figure."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = tuple(stem.with_name(f"{stem.name}.{suffix}") for suffix in ("pdf", "png", "svg"))
    with mpl.rc_context({**figure_settings(), "svg.fonttype": "path"}):
        settle(figure)
        figure.savefig(paths[0], metadata={"CreationDate": None})
        figure.savefig(paths[1], dpi=200)
        figure.savefig(paths[2], metadata={"Date": None})
    return paths


def settle(figure: Figure) -> None:
    """Lay the figure out once, and leave it so: each format would do it again, which is most of the time that saving takes."""
    engine = figure.get_layout_engine()
    if engine is not None and not isinstance(engine, PlaceHolderLayoutEngine):
        engine.execute(figure)
        figure.set_layout_engine("none")


def inline_svg(figure: Figure, name: str) -> str:
    """The figure as an <svg> element for a page: text stays text, ink and grid take the page's colours, nothing refers to the outside.

    `name` (letters, digits and hyphens) begins every id in it, so that several figures live on one page.
    """
    stream = BytesIO()
    with mpl.rc_context({**figure_settings(), "svg.fonttype": "none", "svg.hashsalt": name}):
        settle(figure)
        figure.savefig(stream, format="svg", metadata={"Date": None}, transparent=True)
    svg = stream.getvalue().decode("utf-8")
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<style[^>]*>.*?</style>", "", svg, flags=re.DOTALL)  # its rule for * would reach the whole page
    svg = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", svg)
    svg = re.sub(r'\b(id="|href="#)|(url\(#)', lambda found: f"{found[0]}{name}-", svg)
    return svg.replace(INK, "currentColor").replace(GRID, "var(--line)").replace(PAPER, "var(--paper)")


def _shown(summary: Summary) -> list[Row]:
    """The rows with a place in the figure: an infinite score has none."""
    lead = summary.scores[0].key
    finite = [row for row in summary.rows if row.values[lead].mean is not None and not row.values[lead].infinite]
    return [row for row in finite if row.ranked and (row.values["seconds"].mean or 0) > 0]


def _draw(panel: Axes, summary: Summary, look: Look, titles: bool) -> None:
    rows = _shown(summary)
    infinite = sum(row.ranked and row.values[summary.scores[0].key].infinite > 0 for row in summary.rows)
    left_out = {"not ranked": len(summary.rows) - len(rows) - infinite, f"of infinite {summary.scores[0].label}": infinite}
    if titles:
        panel.set_title(summary.name, loc="left", parse_math=False, fontweight="bold")
    if any(left_out.values()):
        said = ", ".join(f"{count} {why}" for why, count in left_out.items() if count)
        panel.set_title(f"{said}, not shown", loc="right", fontsize=SMALL)
    lead = summary.scores[0]
    if rows:
        _draw_rows(panel, rows, lead, look)
    else:
        panel.text(0.5, 0.5, f"no ranked method with a {lead.label}", transform=panel.transAxes, ha="center", va="center")
        panel.set_xticks([])
        panel.set_yticks([])
    panel.set_xlabel("seconds a scene, log scale")
    panel.set_ylabel(f"{lead.label}, {lead.unit}" if lead.unit else lead.label)


def _draw_rows(panel: Axes, rows: Sequence[Row], lead: Column, look: Look) -> None:
    points = pd.DataFrame([(row.tier, *_point(row, lead), _area(row)) for row in rows], columns=["tier", "seconds", "psnr", "area"])
    _draw_front(panel, rows, lead)
    for row in rows:
        x, y = _point(row, lead)
        if total := _with_learning(row):
            panel.plot([x, total], [y, y], color=look.colours[row.tier], linewidth=1, zorder=2)
            panel.plot([total], [y], marker="o", markersize=4, markerfacecolor="none", markeredgecolor=look.colours[row.tier], zorder=2)
    for tier, inside in points.groupby("tier"):
        colour, marker = look.colours[str(tier)], look.markers[str(tier)]
        sns.scatterplot(
            data=inside,
            x="seconds",
            y="psnr",
            s=inside["area"],
            color=colour,
            marker=marker,
            edgecolor=PAPER,
            ax=panel,
            legend=False,
            zorder=3,
        )
    times = [*points["seconds"], *filter(None, map(_with_learning, rows))]
    room = max(0.2 * (points["psnr"].max() - points["psnr"].min()), 0.6)
    panel.set_xscale("log")
    panel.set_xlim(min(times) / 3.2, max(times) * 3.2)  # half a decade on both sides
    panel.set_ylim(points["psnr"].min() - room, points["psnr"].max() + room)
    if lead.higher_is_better is False:
        panel.invert_yaxis()  # better is up
    panel.xaxis.set_major_locator(LogLocator(base=10, numticks=8))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.xaxis.set_minor_formatter(NullFormatter())


def _draw_front(panel: Axes, rows: Sequence[Row], lead: Column) -> None:
    """The Pareto front of total seconds and the first metric, as steps."""
    front = _front(rows, lead)
    if len(front) > 1:
        panel.step([x for x, _ in front], [y for _, y in front], where="post", color=INK, alpha=0.3, linewidth=0.9, zorder=1)


def _front(rows: Sequence[Row], lead: Column) -> list[tuple[float, float]]:
    """The Pareto front in the panel's coordinates."""
    sign = -1 if lead.higher_is_better is False else 1
    front = pareto([(_with_learning(row) or _point(row, lead)[0], sign * _point(row, lead)[1]) for row in rows])
    return [(x, sign * y) for x, y in front]


def pareto(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """The (cost, merit) that no other beats in one without losing in the other, by rising cost."""
    front: list[tuple[float, float]] = []
    for cost, merit in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or merit > front[-1][1]:
            front.append((cost, merit))
    return front


def _label(panel: Axes, rows: Sequence[Row], lead: Column) -> None:
    """The names of the methods, clear of markers and learning lines."""
    lines = [(_point(row, lead)[0], total, _point(row, lead)[1]) for row in rows if (total := _with_learning(row))]
    front = _front(rows, lead)
    lines += [(x, after, y) for (x, y), (after, _) in pairwise(front)]
    radii = [_area(row) ** 0.5 / 2 for row in rows]
    place_labels(panel, [_point(row, lead) for row in rows], [row.label for row in rows], radii, lines)


def _point(row: Row, lead: Column) -> tuple[float, float]:
    """Seconds of fusion, the first metric."""
    return row.values["seconds"].mean or 0.0, row.values[lead.key].mean or 0.0


def _with_learning(row: Row) -> float | None:
    """Seconds of fusion and of learning on the scene together; None for methods that do not learn there."""
    learning = row.values["learning_seconds"].mean or 0.0
    return (row.values["seconds"].mean or 0.0) + learning if row.results[0].card.get("learns") == "on the scene" and learning > 0 else None


def _area(row: Row) -> float:
    """Marker area of a row."""
    return _area_of(row.values["parameters"].mean or 0.0)


def _area_of(parameters: float) -> float:
    """Marker area (points^2): 40 without learned parameters, 28 more for each power of ten above a hundred."""
    return 40 + 28 * max(0.0, log10(parameters) - 2) if parameters > 0 else 40.0


def _legend(figure: Figure, rows: Sequence[Row], look: Look, columns: int) -> None:
    """Tiers by marker, three marker areas by parameters, and the hollow end of learning, below the panels."""
    tier_marks = [
        Line2D(
            [],
            [],
            linestyle="",
            marker=look.markers[tier],
            color=look.colours[tier],
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
            label=f"{count(size)} params",
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
    blanks = [Line2D([], [], linestyle="", label=" ")] * (-len(tier_marks) % deep)  # costs begin a column of their own
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
