"""Where a name stands beside its point: clear of points, lines, other names and the edge of the plot, as far as that can be.

A fixed list of places around the point is tried, near ones first, and the one with the smallest overlap (an area) is taken. What is beyond
the edge, over a point or over another name counts four times as much as what is over a thin line. The charts of the page and the figures
share this; each has its own units.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Extent = tuple[float, float, float, float]  # smallest x and y, largest x and y
Way = tuple[int, int]  # signs of x and y

_WAYS: tuple[Way, ...] = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))
_CORNER = 0.7  # of the distance, in both directions
_WORSE = 4  # how much more an area counts in which something could not be read


@dataclass(frozen=True)
class NamePlace:
    """The chosen place of a name."""

    way: Way
    reach: float  # from the point, in each direction of `way`
    far: bool  # so far from its point that it needs a line to it
    extent: Extent


def choose_place(
    spot: tuple[float, float],
    radius: float,
    size: tuple[float, float],
    *,
    solid: Sequence[Extent],
    thin: Sequence[Extent],
    frame: Extent,
    gaps: Sequence[float],
) -> NamePlace:
    """The place of a name of that width and height beside a point with that radius.

    `solid` are other points, and the names that have their place; `thin` are lines; `frame` is the plot. `gaps` are the distances of places
    from the point's edge, the nearest first; y may grow upwards or downwards.
    """
    tries: list[tuple[int, int, NamePlace]] = []
    for gap in gaps:
        for way in _WAYS:
            reach = (radius + gap) * (1 if 0 in way else _CORNER)
            extent = extent_beside((spot[0] + way[0] * reach, spot[1] + way[1] * reach), size, way)
            hidden = size[0] * size[1] - shared_area(extent, frame)
            unread = hidden + sum(shared_area(extent, each) for each in solid)
            cost = round(unread * _WORSE + sum(shared_area(extent, each) for each in thin))
            tries.append((cost, len(tries), NamePlace(way, reach, gap > gaps[0], extent)))
    return min(tries)[2]


def extent_beside(point: tuple[float, float], size: tuple[float, float], way: Way) -> Extent:
    """The box of that width and height on this side of a point; with the way (0, 0) the point is its middle."""
    left, low = (at + length * (sign - 1) / 2 for at, length, sign in zip(point, size, way, strict=True))
    return left, low, left + size[0], low + size[1]


def shared_area(one: Extent, other: Extent) -> float:
    """The area that two boxes share."""
    wide = min(one[2], other[2]) - max(one[0], other[0])
    high = min(one[3], other[3]) - max(one[1], other[1])
    return max(wide, 0.0) * max(high, 0.0)
