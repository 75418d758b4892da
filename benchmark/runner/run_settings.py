"""How to run, as against what; and what a run says while it goes on."""

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
    """How to run."""

    folder: Path
    device: str = "cpu"
    slots: int = 1
    command: str = ""
    retry: bool = False  # run cells again that ended as neither scored nor skipped
    keep: Keep = "estimates"
    only: str = ""  # key of the one cell to run; empty: all
    select: Selection = field(default_factory=dict)  # of the plan's cells, these alone
    arguments: tuple[str, ...] = ()  # what repeats a cell besides plan and key: --data, --plugins, --seed
    plan_file: str = ""  # where the plan was read


@dataclass(frozen=True)
class Progress:
    """The state of a run after a change: enough to print a line."""

    total: int
    done: int
    running: tuple[str, ...]  # method on scene
    left_s: float | None  # estimate; None before the first cell has ended
    last: Result | None = None  # the cell that has just ended
    notes: tuple[str, ...] = ()  # sentences for the user, at the start alone


@dataclass(frozen=True)
class Arrival:
    """News of cells that run on other machines: how it goes, and perhaps that one has ended."""

    running: tuple[str, ...]
    left_s: float | None
    record: Result | None = None  # of a cell that has ended; its other files are in the run folder already
    lost: tuple[Cell, str] | None = None  # a cell that ended its machine's worker each time, and the reason


Elsewhere = Callable[[list[Cell]], Generator[Arrival]]
