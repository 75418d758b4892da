"""Where the time of a cell's process went: into the columns, into the referee's own work, or into neither.

    whole  =  columns (transfer, learning, fusing)  +  the referee's own work (checking, storing)  +  what is timed nowhere

What is timed nowhere is what a method does when it is imported, made, described or asked for its number of parameters. It is bounded by
nothing but the time limit, so it is recorded, in wall time and in processor time of all threads and processes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmark.measure.group import processor_seconds
from benchmark.measure.held import wall_seconds


@dataclass
class Spent:
    """Seconds of the clock on the wall, and of processor time."""

    wall: float = 0.0
    processor: float = 0.0


def _spent_so_far() -> Spent:
    return Spent(wall_seconds(), sum(processor_seconds(orphans=False)))


@dataclass(eq=False)
class Tally:
    """The account of a process, from the making of this object on."""

    began: Spent = field(default_factory=_spent_so_far)
    columns: Spent = field(default_factory=Spent)
    own: Spent = field(default_factory=Spent)  # the referee's

    @contextmanager
    def column(self) -> Iterator[None]:
        """Counts the time of the block as that of a column."""
        with _counted(self.columns):
            yield

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Counts the time of the block as the referee's own."""
        with _counted(self.own):
            yield

    def whole(self) -> Spent:
        """All the time since the beginning."""
        until = _spent_so_far()
        return Spent(until.wall - self.began.wall, until.processor - self.began.processor)

    def nowhere(self) -> Spent:
        """The time that is timed nowhere so far."""
        whole = self.whole()
        return Spent(
            max(0.0, whole.wall - self.columns.wall - self.own.wall),
            max(0.0, whole.processor - self.columns.processor - self.own.processor),
        )


@contextmanager
def _counted(into: Spent) -> Iterator[None]:
    before = _spent_so_far()
    try:
        yield
    finally:
        after = _spent_so_far()
        into.wall += after.wall - before.wall
        into.processor += after.processor - before.processor
