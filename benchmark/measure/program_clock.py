"""The clock of a program in another language: what of a call is its own work, and what it says of itself.

    seconds of a call  =  wall time  -  writing and reading the files that are exchanged  -  an empty start of the same interpreter

A program's own figures stand beside that, marked "self-timed": nobody can check them. Only where the referee knows that a method is a TOML
file does it subtract anything, so that no method in Python can shorten its seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmark.run_folder.program_facts import ProgramFacts
from methods.declared.empty_start import EmptyStart, measure_empty_start
from methods.declared.program_run import ProgramRun, program_version

PENDING = EmptyStart("", None, "the process ended before an empty start was measured, and nothing is subtracted")
RESOLUTION_S = 0.001  # a difference of two wall times says no more


@dataclass(frozen=True)
class ProgramClock:
    """What is known of a program after its first run; an empty start and the version follow when the estimate is safe (`completed`)."""

    first: ProgramRun
    empty: EmptyStart = PENDING
    version: str = ""

    def completed(self, device: str) -> ProgramClock:
        """The same with an empty start and the version, for which the program's interpreter is started now."""
        program = self.first.program
        return replace(self, empty=measure_empty_start(program, device), version=program_version(program, device))

    def net(self, seconds: float, runs: Sequence[ProgramRun]) -> float:
        """The seconds of a call without those of the exchange and of empty starts, for the `runs` that were made in it."""
        aside = sum(run.handing_seconds + (self.empty.seconds or 0.0) for run in runs)
        return max(RESOLUTION_S, seconds - aside) if runs else seconds

    @property
    def facts(self) -> ProgramFacts:
        """What the record says of the program."""
        run = self.first
        return ProgramFacts(
            wall_seconds=run.seconds,
            empty_start_seconds=self.empty.seconds,
            empty_start=self.empty.command,
            empty_start_problem=self.empty.problem,
            handing_seconds=run.handing_seconds,
            self_timed_learning=run.learning_seconds,
            self_timed_fusing=run.fusing_seconds,
            version=self.version,
            environment=run.environment,
        )
