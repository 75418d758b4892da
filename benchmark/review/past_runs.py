"""Earlier runs from whose records the cost of a plan is told: run folders, and bundles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.run_folder.bundle import ENDING, read_bundle
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import read_json
from benchmark.run_folder.record import Result


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


def read_past_run(place: Path) -> PastRun:
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
