"""How a plan is run, and what a run reports while it goes on."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.matrix.cell import Cell
from benchmark.run_folder.record import Result
from benchmark.run_folder.retention import Keep
from benchmark.run_folder.selection import Selection


@dataclass(frozen=True)
class RunSettings:
    """How a plan is run, and into which folder."""

    folder: Path
    device: str = "cpu"
    slots: int = 1
    command: str = ""
    retry: bool = False  # run cells again whose outcome is neither scored nor skipped
    keep: Keep = "estimates"
    only: str = ""  # key of the one cell to run; empty: all
    select: Selection = field(default_factory=dict)  # of the plan's cells, these alone
    arguments: tuple[str, ...] = ()  # what repeats a cell, besides plan and key: --data, --plugins, --seed
    plan_file: str = ""  # the plan's file


@dataclass(frozen=True)
class Work:
    """How far a method is that runs; what is usual is what a cell of the same label took before."""

    seconds: float  # for which it has run
    usual_s: float | None  # None where no such cell has ended
    steps: int  # of its optimiser so far; 0 where none are counted
    usual_steps: int  # 0 where they are not known

    @property
    def share(self) -> float | None:
        """Which part is done, 0 to 1: by the steps or by the seconds, whichever is less, as a method does more than steps.

        None where neither is known.
        """
        parts = [self.seconds / self.usual_s] if self.usual_s else []
        parts += [self.steps / self.usual_steps] if self.usual_steps else []
        return min(1.0, *parts) if parts else None


@dataclass(frozen=True)
class Progress:
    """The progress of a run, after each change and every second."""

    total: int
    done: int
    running: tuple[str, ...]  # such as "GSA on builtin/fields"
    left_s: float | None  # seconds that the rest will take, by the pace so far; None as long as they are not known
    last: Result | None = None  # the record of the cell that has just ended
    notes: tuple[str, ...] = ()  # sentences for the user, at the start only
    elapsed_s: float = 0.0  # since the run began
    work: Work | None = None  # of the first method that runs


@dataclass(frozen=True)
class Arrival:
    """A report on the cells that run on other machines: the progress, and perhaps that one cell has ended."""

    running: tuple[str, ...]
    left_s: float | None
    record: Result | None = None  # of a cell that has ended, whose other files are in the run folder already
    lost: tuple[Cell, str] | None = None  # a cell that ended the worker of its machine each time, and the reason


Elsewhere = Callable[[list[Cell]], Generator[Arrival]]
