"""The time that a run will still take, by the cells that have ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


class Pace:
    """The seconds of the cells that have ended, and the number of those that wait, by label.

    The time left takes the mean of each label, and for a label without a cell that has ended the mean of these means. Sums are kept up to
    date with each cell, so that a question costs the same whatever the number of labels.
    """

    def __init__(self, waiting: Iterable[str] = ()) -> None:
        self._waiting = Counter(waiting)
        self._costs: dict[str, tuple[float, int]] = {}  # seconds and number, of labels with cells that have ended
        self._means = 0.0  # sum of the means of these labels
        self._known_s = 0.0  # seconds of the waiting cells of these labels
        self._unknown = self._waiting.total()  # waiting cells of other labels

    def wait(self, label: str) -> None:
        """Count one more cell that waits."""
        self._change_waiting(label, 1)

    def start(self, label: str) -> None:
        """Count one cell less that waits."""
        self._change_waiting(label, -1)

    def ended(self, label: str, seconds: float) -> None:
        """Count a cell that has ended after so many seconds."""
        before = self._mean(label)
        total, count = self._costs.get(label, (0.0, 0))
        self._costs[label] = total + seconds, count + 1
        gain = (total + seconds) / (count + 1) - (before or 0.0)
        self._means += gain
        self._known_s += gain * self._waiting[label]
        if before is None:
            self._unknown -= self._waiting[label]

    def left(self, running: Iterable[str], slots: int) -> float | None:
        """The seconds for the cells that wait or run, on so many slots; None before a cell has ended."""
        if not self._costs:
            return None
        overall = self._means / len(self._costs)
        means = (self._mean(label) for label in running)
        running_s = sum(overall if mean is None else mean for mean in means)
        return (self._known_s + self._unknown * overall + running_s) / slots

    def _mean(self, label: str) -> float | None:
        seconds, count = self._costs.get(label, (0.0, 0))
        return seconds / count if count else None

    def _change_waiting(self, label: str, by: int) -> None:
        self._waiting[label] += by
        mean = self._mean(label)
        if mean is None:
            self._unknown += by
        else:
            self._known_s += by * mean
