"""The time that a run will still take, by the cells that have ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

_MOST_BESIDE = 3.0  # times the seconds of the methods: what a run takes in all, at most


class Pace:
    """The seconds of the cells that have ended, and the number of those that wait, by label.

    The time left takes the mean of each label. It is not known as long as a cell of a label waits or runs of which none has ended: a mean
    of other labels would say that a network takes as long as an interpolation. Sums are kept up to date with each cell, so that a question
    costs the same whatever the number of labels.
    """

    def __init__(self, waiting: Iterable[str] = ()) -> None:
        self._waiting = Counter(waiting)
        self._costs: dict[str, tuple[float, int]] = {}  # seconds and number, of labels with cells that have ended
        self._known_s = 0.0  # seconds of the waiting cells of these labels
        self._unknown = self._waiting.total()  # waiting cells of other labels
        self._ended_s = 0.0  # seconds of all cells that have ended

    def wait(self, label: str) -> None:
        """Count one more cell that waits."""
        self._change_waiting(label, 1)

    def start(self, label: str) -> None:
        """Count one cell less that waits."""
        self._change_waiting(label, -1)

    def ended(self, label: str, seconds: float) -> None:
        """Count a cell that has ended after so many seconds."""
        before = self.usual(label)
        total, count = self._costs.get(label, (0.0, 0))
        self._costs[label] = total + seconds, count + 1
        self._ended_s += seconds
        self._known_s += ((total + seconds) / (count + 1) - (before or 0.0)) * self._waiting[label]
        if before is None:
            self._unknown -= self._waiting[label]

    def usual(self, label: str) -> float | None:
        """The mean seconds of the cells of a label that have ended; None without any."""
        seconds, count = self._costs.get(label, (0.0, 0))
        return seconds / count if count else None

    def left(self, running: Iterable[tuple[str, float]], slots: int, since_s: float = 0.0) -> float | None:
        """The seconds for the cells that wait or run, on so many slots; None as long as they are not known.

        Args:
            running: the label of each cell that runs, and the seconds for which it has.
            slots: how many run at a time.
            since_s: seconds since the run began. What of them the methods did not need, such as observing and scoring, is added to the rest
                in the same share.
        """
        if not self._costs or self._unknown:
            return None
        left, spent = self._known_s, self._ended_s
        for label, so_far in running:
            usual = self.usual(label)
            if usual is None:
                return None
            left += max(usual - so_far, 0.0)
            spent += so_far
        beside = slots * since_s / spent if spent > 0 else 1.0
        return left / slots * min(max(beside, 1.0), _MOST_BESIDE)

    def _change_waiting(self, label: str, by: int) -> None:
        self._waiting[label] += by
        usual = self.usual(label)
        if usual is None:
            self._unknown += by
        else:
            self._known_s += by * usual
