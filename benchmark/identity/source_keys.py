"""The keys of the referee's own code: where one has changed, observations, scores or seconds are of another kind.

simulator   the code that makes and stores observations, and that stores estimates; it is part of the key of every cell
metrics     the code of the metrics; where its key has changed, scores are computed again, and no method runs again
profiles    likewise, the code of the convention profiles
clock       the code that takes seconds; seconds by two clocks are never averaged
referee     all code that works in the processes of a cell; it is recorded, and a table says where it differs
"""

from __future__ import annotations

from benchmark.clone import ROOT
from benchmark.identity.sources import Sources, sources_of


def simulator_sources() -> Sources:
    """The sources on which observations, and what is stored of observations and estimates, depend."""
    stores = (ROOT / "benchmark" / "run_folder" / "observation_file.py", ROOT / "benchmark" / "runner" / "estimate_storage.py")
    return sources_of(ROOT / "datasets" / "simulation.py").joined(*map(sources_of, stores))


def metrics_sources() -> Sources:
    """The sources on which scores depend."""
    return sources_of(ROOT / "benchmark" / "metrics" / "scoring.py")


def metrics_key() -> str:
    """The digest of the sources on which scores depend, 20 hexadecimal digits."""
    return metrics_sources().digest


def profiles_key() -> str:
    """The digest of the sources on which scores by other projects' conventions depend."""
    return sources_of(ROOT / "benchmark" / "conventions" / "profile_table.py").digest


def referee_key() -> str:
    """The digest of the sources of all tasks that the processes of a cell do, methods apart."""
    return sources_of(ROOT / "benchmark" / "runner" / "jobs.py").digest


def clock_sources() -> Sources:
    """The sources on which seconds and memory depend."""
    return sources_of(ROOT / "benchmark" / "measure" / "meter.py")


def clock_key() -> str:
    """The digest of the sources of the clock."""
    return clock_sources().digest
