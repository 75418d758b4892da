"""What else the machine did while the clock ran.

Other work on the machine spoils the seconds. So the cores that other processes kept busy while the clock ran, and the share of time that a
hypervisor took away, are measured from /proc/stat and kept with the seconds; so is a fall of the cores' frequency (/proc/cpuinfo), as it
happens on a hot or throttled machine. Processes that the method started belong to the method, and are no other work (`group.py`).
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path

from benchmark.measure.group import processor_seconds
from benchmark.measure.held import text_of_file, wall_seconds
from benchmark.measure.tally import Tally

LOOK_S = 0.25  # between two looks at the cores' frequency


@dataclass(frozen=True)
class Disturbance:
    """What kept the cores busy meanwhile, in cores (0.5 is half of one core's time); None where it is not known."""

    others: float | None = None  # processes that the method did not start
    steal: float | None = None  # share of all cores' time that a hypervisor took away
    used: float | None = None  # the method, with the processes that it started
    used_by_children: float | None = None  # these processes alone


class MachineWatch:
    """What the whole machine does from the start of this object on, and what this process and its children do.

    What the referee itself does in this process meanwhile (`tally`) is neither other work nor the method's.
    """

    def __init__(self, tally: Tally | None = None) -> None:
        self.tally = tally or Tally()
        self.start = wall_seconds()
        self.aside = replace(self.tally.own)
        self.busy, self.stolen = _machine_seconds()
        self.main, self.children = processor_seconds(orphans=False)

    def disturbance(self) -> Disturbance:
        """What kept the cores busy since the start.

        The kernel counts in hundredths of a second, so of less than a fifth of a second nothing is known.
        """
        elapsed = wall_seconds() - self.start
        busy, stolen = _machine_seconds()
        if busy is None or self.busy is None or stolen is None or self.stolen is None or elapsed < 0.2:
            return Disturbance()
        main, children = processor_seconds(orphans=True)
        children -= self.children
        used = main - self.main + children
        others = max(0.0, (busy - self.busy - used) / elapsed)
        steal = (stolen - self.stolen) / (elapsed * (os.cpu_count() or 1))
        own = self.tally.own
        working = max(1e-9, elapsed - (own.wall - self.aside.wall))
        used = max(0.0, used - (own.processor - self.aside.processor))
        return Disturbance(others, steal, used / working, max(0.0, children / working))


class FrequencyWatch:
    """The frequency of the fastest core while the method works (that of an idle core says nothing)."""

    def __init__(self, source: Path = Path("/proc/cpuinfo")) -> None:
        self.source = source
        self.seen: list[float] = []
        self.looked = -inf

    def look(self) -> None:
        """Note the frequency now, unless that was done a moment ago: to read it takes about a millisecond per core."""
        if wall_seconds() - self.looked >= LOOK_S and self.source.exists():
            self.looked = wall_seconds()
            text = text_of_file(self.source, encoding="utf-8", errors="replace")
            frequencies = [float(value) for value in re.findall(r"^cpu MHz\s*:\s*([\d.]+)", text, re.MULTILINE)]
            self.seen += [max(frequencies)] if frequencies else []

    def fall(self) -> float | None:
        """The share by which the lowest frequency lies below the highest; None after fewer than two looks."""
        return 1 - min(self.seen) / max(self.seen) if len(self.seen) > 1 else None


def _machine_seconds() -> tuple[float | None, float | None]:
    """The seconds of all cores together since the machine started: at work, and taken by a hypervisor. None without /proc/stat."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return None, None
    fields = [int(field) / os.sysconf("SC_CLK_TCK") for field in text_of_file(stat, encoding="ascii").splitlines()[0].split()[1:9]]
    user, nice, system, _idle, _iowait, irq, softirq, steal = fields
    return user + nice + system + irq + softirq, steal
