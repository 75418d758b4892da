"""The keys of the referee's own code: where one has changed, observations, scores or seconds are of another kind.

simulator   the code that makes observations; it is part of the key of every cell
metrics     the code of the metrics; where its key has changed, scores are computed again, and no method runs again
profiles    likewise, the code of the convention profiles
clock       the code that takes seconds; seconds by two clocks are never averaged
"""

from __future__ import annotations

from benchmark.clone import ROOT
from benchmark.identity.sources import Sources, sources_of


def simulator_sources() -> Sources:
    """The sources on which observations depend."""
    return sources_of(ROOT / "datasets" / "simulation.py")


def metrics_sources() -> Sources:
    """The sources on which scores depend."""
    return sources_of(ROOT / "benchmark" / "metrics" / "scoring.py")


def metrics_key() -> str:
    """The digest of the sources on which scores depend, 20 hexadecimal digits."""
    return metrics_sources().digest


def profiles_key() -> str:
    """The digest of the sources on which scores by other projects' conventions depend."""
    return sources_of(ROOT / "benchmark" / "conventions" / "profile_table.py").digest


def clock_key() -> str:
    """The digest of the sources of the clock."""
    return sources_of(ROOT / "benchmark" / "measure" / "meter.py").digest
