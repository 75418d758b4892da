"""Names in figures: beside the points of a panel, where they overlap neither points, nor each other, nor the edge; and on several lines."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg

from reports.figures.label_places import Extent, choose_place, extent_beside
from reports.style import SMALL, shorten_inside

_GAPS = (3.0, 13.0)  # points between a marker and its name, near and far
_LONGEST = 30  # characters
_MOST_LINES = 2  # of a name, and of its tier

TieredName = tuple[str, str]  # the name of a method, and its tier in short words; no tier where all methods are of one


def name_lines(name: TieredName, width: int) -> list[str]:
    """The name on lines of at most `width` characters, and its tier on lines below; only what two lines do not hold is cut."""
    lines = []
    for text in filter(None, (name[0], f"[{name[1]}]" if name[1] else "")):
        lines += textwrap.wrap(text, width, max_lines=_MOST_LINES, placeholder="…")
    return lines


def place_labels(
    panel: Axes,
    points: Sequence[tuple[float, float]],
    names: Sequence[str],
    radii: Sequence[float],
    lines: Sequence[tuple[float, float, float]] = (),
    size: float = SMALL,
) -> None:
    """Write `names` beside `points` (data coordinates) with these radii (typographic points); a distant name gets a thin line to its point.

    `lines` are horizontal lines to avoid, as (first x, last x, y) in data coordinates. `size` is the font size in points.
    The limits and the layout of the panel must not change afterwards.
    """
    figure = panel.get_figure(root=True)
    if figure is None:
        raise ValueError("expected a panel of a figure, got one without; make it by figure.subplots()")
    canvas: Any = FigureCanvasAgg(figure)
    renderer = canvas.get_renderer()
    dots = figure.dpi / 72  # per point
    x0, y0, x1, y1 = panel.get_window_extent(renderer).extents
    spots = [(float(x), float(y)) for x, y in (panel.transData.transform(point) for point in points)]
    marks: list[Extent] = [
        extent_beside(spot, (2 * radius * dots, 2 * radius * dots), (0, 0)) for spot, radius in zip(spots, radii, strict=True)
    ]
    thin: list[Extent] = []
    for left, right, height in lines:
        (start, middle), (end, _) = panel.transData.transform([(left, height), (right, height)])
        thin.append(extent_beside((start, middle), (end - start, 4 * dots), (1, 0)))
    taken: list[Extent] = []
    for number, (point, name, spot) in enumerate(zip(points, names, spots, strict=True)):
        short = shorten_inside(name, _LONGEST)
        text = panel.text(*point, short, fontsize=size, parse_math=False)
        extent = text.get_window_extent(renderer)
        text.remove()
        place = choose_place(
            spot,
            radii[number] * dots,
            (extent.width, extent.height),
            solid=[*taken, *(box for index, box in enumerate(marks) if index != number)],
            thin=thin,
            frame=(x0, y0, x1, y1),
            gaps=(_GAPS[0] * dots, _GAPS[1] * dots),
        )
        taken.append(place.extent)
        panel.annotate(
            short,
            point,
            xytext=(place.way[0] * place.reach / dots, place.way[1] * place.reach / dots),
            textcoords="offset points",
            ha={1: "left", 0: "center", -1: "right"}[place.way[0]],
            va={1: "bottom", 0: "center_baseline", -1: "top"}[place.way[1]],
            fontsize=size,
            parse_math=False,
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 5} if place.far else None,
            zorder=4,
        )
