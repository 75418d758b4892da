"""What a cell takes beside learning and fusing: its processes, observing, the rounds of the clock, storing, scoring, counting operations.

Records say when they were written. In a run with one slot, a cell begins when the cell before it has its record, so that

    overhead = the time from the record before to this one - learning - adapting - fusing

A pause between two records, as where a run was ended and resumed, looks like overhead; so the median over the cells of one size counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from math import log, prod
from statistics import median

from benchmark.run_folder.record import Result


@dataclass(frozen=True)
class Overhead:
    """The seconds that cells took beside learning and fusing, by the size of their cubes."""

    samples: Mapping[int, tuple[float, ...]] = field(default_factory=dict)  # bands x rows x cols: the seconds of each cell

    @property
    def cells(self) -> int:
        """The number of cells from which it is known."""
        return sum(map(len, self.samples.values()))

    def seconds(self, values: int) -> float:
        """The seconds of a cell whose cube has so many values: the median at the nearest size; 0 where nothing is known."""
        if not self.samples:
            return 0.0
        nearest = min(self.samples, key=lambda size: abs(log(size / max(values, 1))))
        return float(median(self.samples[nearest]))

    def joined(self, other: Overhead) -> Overhead:
        """The cells of both."""
        sizes = (*self.samples, *other.samples)
        return Overhead({size: (*self.samples.get(size, ()), *other.samples.get(size, ())) for size in sizes})


def overhead_of(records: Sequence[Result], slots: Mapping[str, int], factors: Mapping[str, float] | None = None) -> Overhead:
    """The overhead that the records of one run show.

    Args:
        records: the records, in any order.
        slots: the cells at a time of each environment, by its digest; only runs of one cell at a time can be read so.
        factors: by what the seconds of an environment are multiplied, by its digest; 1 where it is not named.
    """
    in_order = sorted((record for record in records if record.ended), key=lambda record: datetime.fromisoformat(record.ended))
    samples: dict[int, list[float]] = {}
    for before, record in pairwise(in_order):
        shape, clock = record.observed.get("shape"), record.clock
        if record.outcome != "scored" or clock is None or not shape or slots.get(record.environment) != 1:
            continue
        if before.environment != record.environment or record.card.get("learns") == "beforehand" or record.oracle:
            continue  # another run, or learning that other cells share
        whole = (datetime.fromisoformat(record.ended) - datetime.fromisoformat(before.ended)).total_seconds()
        rest = whole - clock.fit - clock.adapt - clock.fuse
        if rest > 0:
            samples.setdefault(prod(shape), []).append(rest * (factors or {}).get(record.environment, 1.0))
    return Overhead({size: tuple(seconds) for size, seconds in samples.items()})
