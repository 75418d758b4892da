"""The keys of the referee's own code: another key means observations, scores or times of another kind.

simulator   what makes observations: part of every cell's key
metrics     scores are computed again where it differs, no method runs again
profiles    likewise, for the conventions of other projects
clock       times of two clocks are never averaged
"""

from __future__ import annotations

from benchmark.clone import ROOT
from benchmark.identity.sources import Sources, sources_of


def simulator_sources() -> Sources:
    """The sources that observations depend on."""
    return sources_of(ROOT / "datasets" / "simulation.py")


def metrics_sources() -> Sources:
    """The sources that scores depend on."""
    return sources_of(ROOT / "benchmark" / "metrics" / "scoring.py")


def metrics_key() -> str:
    """Digest of the sources that scores depend on, 20 hexadecimal digits."""
    return metrics_sources().digest


def profiles_key() -> str:
    """Digest of the sources that scores by other projects' conventions depend on."""
    return sources_of(ROOT / "benchmark" / "conventions" / "profile_table.py").digest


def clock_key() -> str:
    """Digest of the sources of the clock."""
    return sources_of(ROOT / "benchmark" / "measure" / "meter.py").digest
