"""The room above and below the points on an axis of scores."""

from __future__ import annotations

from collections.abc import Sequence

from reports.content.columns import Column

_LEAST_DB = 0.6
_LEAST_SHARE = 0.02  # of the largest score, where the unit is another


def axis_room(scores: Sequence[float], column: Column) -> float:
    """A fifth of the range of the scores, and at least so much that equal scores do not fill the axis; in the unit of the column."""
    least = _LEAST_DB if column.unit == "dB" else _LEAST_SHARE * max(map(abs, scores))
    return max(0.2 * (max(scores) - min(scores)), least) or 1.0
