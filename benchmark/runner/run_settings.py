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
class Progress:
    """The progress of a run, after each change."""

    total: int
    done: int
    running: tuple[str, ...]  # such as "GSA on builtin/fields"
    left_s: float | None  # seconds that the rest will take, by the pace so far; None before a cell has ended
    last: Result | None = None  # the record of the cell that has just ended
    notes: tuple[str, ...] = ()  # sentences for the user, at the start only


@dataclass(frozen=True)
class Arrival:
    """A report on the cells that run on other machines: the progress, and perhaps that one cell has ended."""

    running: tuple[str, ...]
    left_s: float | None
    record: Result | None = None  # of a cell that has ended, whose other files are in the run folder already
    lost: tuple[Cell, str] | None = None  # a cell that ended the worker of its machine each time, and the reason


Elsewhere = Callable[[list[Cell]], Generator[Arrival]]
