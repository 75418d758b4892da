"""The time that a run will still take, by the cells that have ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


class Pace:
    """The seconds of the cells that have ended, and the number of those that wait, by label."""

    def __init__(self) -> None:
        self.waiting: Counter[str] = Counter()
        self._costs: dict[str, tuple[float, int]] = {}  # seconds and number

    def ended(self, label: str, seconds: float) -> None:
        """Count a cell that has ended after so many seconds."""
        total, count = self._costs.get(label, (0.0, 0))
        self._costs[label] = total + seconds, count + 1

    def left(self, running: Iterable[str], slots: int) -> float | None:
        """The seconds for the cells that wait or run, by the mean of their label, or else of all labels; None before a cell has ended."""
        if not self._costs:
            return None
        means = {label: seconds / count for label, (seconds, count) in self._costs.items()}
        overall = sum(means.values()) / len(means)
        open_cells = Counter(self.waiting)
        open_cells.update(running)
        return sum(means.get(label, overall) * count for label, count in open_cells.items()) / slots
