"""What a record says of a method that is a program in another language: what its seconds are made of, and what it says of itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from benchmark.run_folder.checked_fields import FieldError, build
from benchmark.run_folder.json_file import shown


@dataclass(frozen=True, kw_only=True)
class ProgramFacts:
    """Facts on the run of a program that gave the estimate. Self-timed figures are the program's own: nobody has checked them."""

    wall_seconds: float  # from its start to its end
    empty_start_seconds: float | None = None  # of the same interpreter, doing nothing; None where no such command is known, or it failed
    empty_start: str = ""  # that command
    empty_start_problem: str = ""  # why there is no figure
    handing_seconds: float = 0.0  # of this suite, to write the observation file and to read the estimate file
    self_timed_learning: float | None = None
    self_timed_fusing: float | None = None
    version: str = ""  # the first line that its command `version` printed
    environment: str = ""  # what it ran in; empty: the user's own environment

    def __post_init__(self) -> None:
        """Make each text one that can be shown.

        Raises:
            FieldError: a number of seconds is below 0.
        """
        for item in fields(self):
            value = getattr(self, item.name)
            if isinstance(value, float) and not value >= 0:
                raise FieldError(f"program: {item.name}: {value:g} where a number >= 0 was expected")
            object.__setattr__(self, item.name, shown(value))

    @property
    def subtracted(self) -> str:
        """What the column of seconds holds, in words."""
        if self.empty_start_seconds is None:
            return f"seconds are the wall time of a program; {self.empty_start_problem or 'no empty start is subtracted'}"
        return "seconds are the wall time of a program less an empty start of its interpreter"

    @property
    def self_timed(self) -> str:
        """The program's own figures in words; empty where it states none."""
        parts = (("learning", self.self_timed_learning), ("fusing", self.self_timed_fusing))
        told = [f"{name} {seconds:.3g} s" for name, seconds in parts if seconds is not None]
        return f"self-timed: {', '.join(told)}" if told else ""


def program_from(table: Mapping[str, Any]) -> ProgramFacts:
    """The facts that a JSON object holds.

    Raises:
        FieldError: it has other fields or types.
    """
    return build(ProgramFacts, table)
