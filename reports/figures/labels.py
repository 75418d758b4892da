"""Names beside the points of a panel, placed such that they overlap neither points, nor each other, nor the edge.

For each name in turn a fixed list of places around its point is tried, near ones first, and the one with the smallest overlap (an area in
dots^2) is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from reports.style import SMALL

_NEAR, _FAR = 3.0, 13.0  # points between a marker and its name
_WAYS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))  # to the right, to the left, above, below, corners
_LONGEST = 30  # characters


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
    frame = panel.get_window_extent(renderer).frozen()
    spots = [tuple(panel.transData.transform(point)) for point in points]
    taken = [_box(x, y, 2 * radius * dots, 2 * radius * dots, (0, 0)) for (x, y), radius in zip(spots, radii, strict=True)]
    for left, right, height in lines:
        (start, middle), (end, _) = panel.transData.transform([(left, height), (right, height)])
        taken.append(_box(start, middle, end - start, 4 * dots, (1, 0)))
    for number, (point, name, (x, y)) in enumerate(zip(points, names, spots, strict=True)):
        short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1].rstrip()}…"
        text = panel.text(*point, short, fontsize=size, parse_math=False)
        extent = text.get_window_extent(renderer)
        text.remove()
        others = [box for index, box in enumerate(taken) if index != number]
        tries: list[tuple[int, int, tuple[int, int], float, Bbox]] = []
        for distance in (_NEAR, _FAR):
            for way in _WAYS:
                reach = (radii[number] + distance) * (1 if 0 in way else 0.7)
                box = _box(x + way[0] * reach * dots, y + way[1] * reach * dots, extent.width, extent.height, way)
                hidden = extent.width * extent.height - _overlap(box, frame)
                tries.append((round(hidden * 4 + sum(_overlap(box, other) for other in others)), len(tries), way, reach, box))
        _, place, way, reach, box = min(tries)
        taken.append(box)
        panel.annotate(
            short,
            point,
            xytext=(way[0] * reach, way[1] * reach),
            textcoords="offset points",
            ha={1: "left", 0: "center", -1: "right"}[way[0]],
            va={1: "bottom", 0: "center_baseline", -1: "top"}[way[1]],
            fontsize=size,
            parse_math=False,
            arrowprops={"arrowstyle": "-", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 5} if place >= len(_WAYS) else None,
            zorder=4,
        )


def _box(x: float, y: float, width: float, height: float, way: tuple[int, int]) -> Bbox:
    """The box that lies on this side of (x, y)."""
    return Bbox.from_bounds(x + width * (way[0] - 1) / 2, y + height * (way[1] - 1) / 2, width, height)


def _overlap(one: Bbox, other: Bbox) -> float:
    """The area that two boxes share."""
    wide = min(one.x1, other.x1) - max(one.x0, other.x0)
    high = min(one.y1, other.y1) - max(one.y0, other.y0)
    return float(max(wide, 0) * max(high, 0))
