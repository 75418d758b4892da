"""What a child process is given: a job, and the limits within which it does it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Job(Protocol):
    """What a child does."""

    def run(self) -> dict[str, Any]:
        """The answer: small, and of what JSON can hold."""
        ...


@runtime_checkable
class StagedJob(Protocol):
    """A job whose answer is stored before the job ends."""

    def stages(self) -> Iterator[dict[str, Any]]:
        """The answer; then, where there is more to find out, tables that replace parts of it. If those fail, the answer stands."""
        ...


@dataclass(frozen=True)
class Limits:
    """What a child may use, and where it runs."""

    seconds: float
    memory_mb: float | None = None  # beyond what a child starts with; None: what the machine has
    disk_mb: float | None = None  # in its scratch folder, temporary files included; None: only the limit on a single file
    threads: int = 1
    seed: int = 0  # of the global generators, for methods that use them against the rules
    variables: Mapping[str, str] = field(default_factory=dict)  # of the environment, such as CUDA_VISIBLE_DEVICES
    apart: bool = False  # whether it works in its scratch folder, so that nothing that it is given leads to the run folder
