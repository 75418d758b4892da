"""Earlier runs from whose records the cost of a plan is told: run folders, and bundles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.run_folder.bundle import ENDING, read_bundle
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import read_json
from benchmark.run_folder.record import Result

CALIBRATION = "calibration_s"  # of an environment: the seconds of a fixed piece of work (benchmark/measure/calibration.py)
_LEAST_S, _MOST_S = 1e-5, 1e3  # of a calibration that can be one; others count as not known, as a bundle may come from anyone


@dataclass(frozen=True)
class PastRun:
    """The records of an earlier run, and the environments in which they were made, by their digests."""

    records: tuple[Result, ...]
    environments: Mapping[str, Mapping[str, Any]]

    def slots(self, environment: str) -> int:
        """The cells at a time in an environment; 0 where that is not known."""
        slots = self.environments.get(environment, {}).get("slots")
        return slots if type(slots) is int else 0

    def machine(self, environment: str) -> str:
        """The processor of an environment; empty where it is not known."""
        return str(self.environments.get(environment, {}).get("processor") or "")

    def factor(self, environment: str, here_s: float | None) -> float | None:
        """How many times as long the same work takes on this machine as in an environment; None where either speed is not known.

        `here_s` is the calibration of this machine in seconds (benchmark/measure/calibration.py).
        """
        there = self.environments.get(environment, {}).get(CALIBRATION)
        if here_s is None or isinstance(there, bool) or not isinstance(there, int | float) or not _LEAST_S <= there <= _MOST_S:
            return None
        return here_s / there


def read_past_runs(places: Iterable[Path]) -> list[PastRun]:
    """The run in each of these run folders and files of bundles, each place read once.

    Raises:
        RecordError: one of them is neither, or cannot be read.
    """
    return [_read_run(place) for place in dict.fromkeys(place.resolve() for place in places)]


def _read_run(place: Path) -> PastRun:
    """The run in a run folder or in the file of a bundle.

    Raises:
        RecordError: it is neither, or cannot be read.
    """
    if place.is_file() or place.name.endswith(ENDING):
        bundle = read_bundle(place)
        return PastRun(bundle.records, bundle.environments)
    run = RunFolder(place)
    records = tuple(run.records())
    files = {digest: run.environment(digest) for digest in {record.environment for record in records}}
    return PastRun(records, {digest: read_json(file) for digest, file in files.items() if file.exists()})
