"""The speed of this machine, measured once per process in a child that has the threads and the environment of a cell."""

from __future__ import annotations

from functools import cache
from math import isfinite

from benchmark.children.child_task import Limits
from benchmark.children.processes import run_to_end
from benchmark.measure.calibration import CalibrationJob

LIMIT_S = 30.0


@cache
def machine_speed(threads: int) -> float | None:
    """What `calibration` gives on so many threads, in seconds; None where the child gave no number."""
    ended = run_to_end(CalibrationJob(), Limits(LIMIT_S, threads=threads, apart=True))
    ended.discard()
    seconds = ended.answer.get("seconds") if ended.how == "done" else None
    return float(seconds) if isinstance(seconds, int | float) and isfinite(seconds) and seconds > 0 else None
