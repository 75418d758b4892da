"""The time that a plan would take, estimated from its scenes and from the records of earlier cells; nothing is run.

With v = bands x rows x cols of the fused cube, and b the parameter `budget` (1 for a method without one), the seconds of a method are

    fusing      f v          f = sum of the measured seconds / sum of the measured v
    learning    g v b        on the scene;  g = sum of the measured seconds / sum of the measured v b
    training    h b          beforehand, on patches, once per protocol;  h = sum of the measured seconds / sum of the measured b
    adapting    a v b        on the scene, by a method that has learned beforehand too;  a as g. Where the method has a parameter whose
                             name ends with `_steps`, that is the number of these steps, and b is 1 here
    loading     l            of weights, in each cell;  l = mean of the measured seconds

The sums are over earlier cells of the same method with the same parameters except the budget. Where there are none, and nothing is learned
beforehand, they are over earlier cells of the method with any parameters. Of these cells, those of the lowest rank count (`PastCell.rank`).
Only one kind of device counts: that of the run, or another one where that has no records.

All this is linear: a method whose cost grows with the square of the number of pixels takes longer on larger scenes than is said here.
What a cell takes besides, such as observing, scoring and the rounds of the clock, is told from the moments of earlier records
(overhead.py). An oracle row fuses each iterate too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from benchmark.matrix.cell import Cell
from benchmark.matrix.contestant import parameters_to_json
from benchmark.review.overhead import Overhead, overhead_of
from benchmark.review.past_runs import PastRun
from benchmark.run_folder.record import Clock, Result

BUDGET = "budget"  # the parameter that steps are proportional to
OWN_STEPS = "_steps"  # ends the name of a parameter that is a number of steps on the scene, whatever the budget
NO_OVERHEAD = Overhead()  # where it is not known
NO_SPEED, NO_GPU_SPEED = "its speed is not in the records", "only speeds of processors are known"
UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


@dataclass(frozen=True)
class PastCell:
    """One scored cell of an earlier run."""

    method: str
    parameters: Mapping[str, Any]
    learns: str  # as on its card
    values: int  # bands x rows x cols of the fused cube
    learning_s: float
    fuse_s: float
    device: str  # cpu or cuda
    place: str  # the device and the processor, in words
    adapt_s: float = 0.0
    factor: float | None = None  # by what the measured seconds were multiplied, to be those of this machine; None: they are as measured
    unscaled: str = ""  # why they are as measured, where they were to be scaled
    contended: bool = False  # whether it was timed beside other work
    rank: int = 0  # how far down it is asked: cells of the lowest rank count, among those of one row or else of one method

    @property
    def budget(self) -> float:
        """The share of the published steps."""
        return float(self.parameters.get(BUDGET, 1.0))


@dataclass(frozen=True)
class MethodForecast:
    """The seconds that the cells of one row would take, all together."""

    label: str
    cells: int  # number of cells to be run
    training_s: float = 0.0  # of trainings beforehand in this run
    learning_s: float = 0.0  # on the scene, adapting included; or of loading weights
    fuse_s: float = 0.0
    measured: int = 0  # number of earlier cells that it is estimated from; 0: the seconds are not known
    alike: bool = True  # whether those had the same parameters except the budget
    steady_learning_s: float = 0.0  # the part of `learning_s` that is the same with any budget
    overhead_s: float = 0.0  # beside learning and fusing; 0 where it is not known

    @property
    def seconds(self) -> float:
        """The seconds of all parts."""
        return self.training_s + self.learning_s + self.fuse_s + self.overhead_s

    def text(self) -> str:
        """One line for the terminal."""
        if not self.measured:
            return f"{self.label}: {_counted(self.cells, 'cell')}, not known"
        parts = (("training", self.training_s), ("learning", self.learning_s), ("fusing", self.fuse_s), ("else", self.overhead_s))
        spelled = ", ".join(f"{name} {spell_duration(seconds)}" for name, seconds in parts if seconds)
        other = "" if self.alike else " with other parameters"
        return f"{self.label}: {_counted(self.cells, 'cell')}, {spelled}, from {_counted(self.measured, 'cell')}{other}"


@dataclass(frozen=True)
class Forecast:
    """The seconds that the cells of a plan would take, one after the other."""

    rows: tuple[MethodForecast, ...]
    measured: int  # number of earlier cells that it is estimated from
    places: tuple[str, ...]  # the devices and processors of those, and how their seconds were scaled to this machine
    overhead: Overhead = NO_OVERHEAD  # what a cell takes beside learning and fusing

    @property
    def seconds(self) -> float:
        """The seconds of all rows for which something is known."""
        return float(sum(row.seconds for row in self.rows))

    def text(self) -> str:
        """A summary for the terminal."""
        lost = sum(row.cells for row in self.rows if not row.measured)
        total = sum(row.cells for row in self.rows)
        if total == 0:
            return "time: nothing is left to run"
        if self.measured == 0:
            return f"time: not known for {_counted(lost, 'cell')}; name an earlier run with some of these methods by --costs RUN_DIR"
        training, learning, fusing = (sum(getattr(row, name) for row in self.rows) for name in ("training_s", "learning_s", "fuse_s"))
        share = f"{total - lost} of " if lost else ""
        head = f"time: {spell_duration(self.seconds)} for {share}{_counted(total, 'cell')}, one after the other"
        besides = sum(row.overhead_s for row in self.rows)
        parts = f"training {spell_duration(training)}, learning {spell_duration(learning)}, fusing {spell_duration(fusing)}"
        parts += f", all else in a cell {spell_duration(besides)}" if self.overhead.cells else ""
        source = f"from {_counted(self.measured, 'measured cell')} on {'; '.join(self.places)}"
        unknown = f"; not known for {_counted(lost, 'cell')}" if lost else ""
        rule = "linear in bands x pixels and in the budget; "
        if self.overhead.cells:
            known = _counted(self.overhead.cells, "cell")
            rule += f"all else in a cell (observing, rounds, storing, scoring) as in {known} that followed another"
        else:
            rule += "observing, the clock's rounds, storing and scoring not counted: no two records in a row to tell them from"
        return "\n".join([f"{head} ({parts})", f"      {source}{unknown}", *(f"  {row.text()}" for row in self.rows), f"      {rule}"])


def past_cells_in(runs: Iterable[PastRun], *, here_s: float | None = None) -> list[PastCell]:
    """The scored cells of these runs for which seconds and the size of the cube are known.

    With `here_s`, the calibration of this machine in seconds, the seconds of cells that ran on a processor whose calibration is known are
    scaled to this machine.
    """
    past_cells = []
    for run in runs:
        for record in run.records:
            if record.outcome == "scored" and record.clock is not None and record.observed.get("shape"):
                factor = run.factor(record.environment, here_s) if record.device == "cpu" else None
                past = _past_cell(record, record.clock, run.machine(record.environment), factor)
                reason = NO_SPEED if record.device == "cpu" else NO_GPU_SPEED
                past_cells.append(past if here_s is None or factor is not None else replace(past, unscaled=reason))
    return past_cells


def overhead_in(runs: Iterable[PastRun], *, here_s: float | None = None) -> Overhead:
    """What the cells of these runs took beside learning and fusing, scaled as in `past_cells_in`."""
    whole = Overhead()
    for run in runs:
        digests = {record.environment for record in run.records}
        factors = {digest: factor for digest in digests if (factor := run.factor(digest, here_s)) is not None}
        whole = whole.joined(overhead_of(run.records, {digest: run.slots(digest) for digest in digests}, factors))
    return whole


def forecast(
    cells: Sequence[Cell],
    measured: Sequence[PastCell],
    values: Mapping[str, int],
    device: str,
    done: Iterable[str] = (),
    overhead: Overhead = NO_OVERHEAD,
) -> Forecast:
    """The seconds for the cells whose key is not in `done`; cells that would be skipped take nothing.

    `measured` are earlier cells; `values` is bands x rows x cols of each scene, by its name; `overhead` is what cells took besides.
    """
    ended = set(done)
    usable = [one for one in measured if one.device == device] or list(measured)
    trained = {(cell.contestant.label, cell.protocol.name) for cell in cells if cell.key in ended}
    rows: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.key not in ended and not cell.skip_reason:
            rows.setdefault(cell.contestant.label, []).append(cell)
    used: dict[int, PastCell] = {}
    forecasts = []
    for label, row_cells in rows.items():
        basis, alike = _basis(row_cells[0], usable)
        used |= {id(one): one for one in basis}
        row = _method_forecast(label, row_cells, basis, values, trained, alike=alike)
        besides = sum(overhead.seconds(values[cell.scene.name]) for cell in row_cells)
        forecasts.append(replace(row, overhead_s=besides if row.measured else 0.0))
    return Forecast(tuple(forecasts), len(used), _spelled_places(used.values()), overhead)


def _basis(cell: Cell, measured: Sequence[PastCell]) -> tuple[list[PastCell], bool]:
    """The earlier cells from which a cell is estimated, and whether they have its parameters except the budget.

    Cells of the row come before those of other rows, whatever their rank.
    """
    same = [one for one in measured if one.method == cell.contestant.entry.name and one.learns == cell.card.learns]
    wanted = _but_budget(parameters_to_json(cell.contestant.parameters))
    alike = [one for one in same if _but_budget(one.parameters) == wanted]
    return (_of_lowest_rank(alike), True) if alike or cell.card.learns == "beforehand" else (_of_lowest_rank(same), False)


def _of_lowest_rank(cells: Sequence[PastCell]) -> list[PastCell]:
    lowest = min((one.rank for one in cells), default=0)
    return [one for one in cells if one.rank == lowest]


def _method_forecast(
    label: str,
    cells: Sequence[Cell],
    basis: Sequence[PastCell],
    values: Mapping[str, int],
    trained: set[tuple[str, str]],
    *,
    alike: bool,
) -> MethodForecast:
    """The seconds of one row, by the formulas of the module docstring; `basis` are the earlier cells."""
    if not basis:
        return MethodForecast(label, len(cells))
    first = cells[0]
    budget = float(first.contestant.parameters.get(BUDGET, 1.0))
    size = sum(values[cell.scene.name] for cell in cells)
    learned = sum(one.learning_s for one in basis)
    training = learning = 0.0
    if first.training is not None:
        protocols = {cell.protocol.name for cell in cells if (label, cell.protocol.name) not in trained}
        training = learned / sum(one.budget for one in basis) * budget * len(protocols)
    elif first.card.learns == "on the scene":
        learning = learned / sum(one.values * one.budget for one in basis) * size * budget
    else:
        learning = learned / len(basis) * len(cells)
    if any(name.endswith(OWN_STEPS) for name in first.contestant.parameters):
        steady = sum(one.adapt_s for one in basis) / sum(one.values for one in basis) * size
    else:
        steady = 0.0
        learning += sum(one.adapt_s for one in basis) / sum(one.values * one.budget for one in basis) * size * budget
    fuse = sum(one.fuse_s for one in basis) / sum(one.values for one in basis) * size * (1 + first.contestant.oracle)
    return MethodForecast(label, len(cells), training, learning + steady, fuse, len(basis), alike, steady_learning_s=steady)


def _spelled_places(cells: Iterable[PastCell]) -> tuple[str, ...]:
    """The places of these cells, each with the factors by which their seconds were scaled, or why they were not."""
    found: dict[str, list[PastCell]] = {}
    for one in cells:
        found.setdefault(one.place, []).append(one)
    return tuple(f"{place}{_spelled_scaling(inside)}" for place, inside in sorted(found.items()))


def _spelled_scaling(cells: Sequence[PastCell]) -> str:
    factors = sorted({f"{one.factor:.2f}" for one in cells if one.factor is not None}, key=float)
    span = factors[0] if len(factors) == 1 else f"{factors[0]} to {factors[-1]}" if factors else ""
    unscaled = [f"as measured there ({reason})" for reason in sorted({one.unscaled for one in cells if one.unscaled})]
    parts = [f"times {span} for this machine"] * bool(span) + unscaled
    return f", {'; in part '.join(parts)}" if parts else ""


def _past_cell(record: Result, clock: Clock, machine: str, factor: float | None) -> PastCell:
    scale = 1.0 if factor is None else factor
    return PastCell(
        method=record.method,
        parameters=record.parameters,
        learns=str(record.card.get("learns", "never")),
        values=prod(record.observed["shape"]),
        learning_s=clock.fit * scale,
        adapt_s=clock.adapt * scale,
        fuse_s=clock.fuse * scale,
        factor=factor,
        device=record.device,
        place=f"{record.device} ({machine})" if machine else record.device,
        contended=record.contended,
    )


def _but_budget(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name != BUDGET}


def spell_duration(seconds: float) -> str:
    """A duration in the largest unit that fits, with two digits: 45 s, 3.2 min, 5.0 h, 12 d."""
    size, unit = next(((size, unit) for size, unit in UNITS if seconds >= size), (1.0, "s"))
    number = seconds / size
    return f"{number:.0f} {unit}" if number >= 9.95 or seconds == 0 else f"{number:#.2g} {unit}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
