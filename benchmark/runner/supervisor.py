"""Run a plan: every cell that has no record yet, each in its own process, its record written at once.

The walk of a cell: observe (once for the cells that share it) -> fit (once, where a method learns beforehand) -> fuse, timed -> score ->
`cells/<key>.json`. Tasks that are timed never run beside tasks that are not: observing and scoring wait until no method is running. Between
fusing and scoring a cell's measurement lies in `measured/<key>.json`, so that a run that is ended there needs only to score.
"""

from __future__ import annotations

import shutil
from collections import Counter, deque
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from benchmark.matrix.cell import CELL_FIELDS, Cell
from benchmark.matrix.oracle import ITERATES, keep_iterates
from benchmark.matrix.plan import Plan, find_cell
from benchmark.matrix.training_set import TrainingSet
from benchmark.measure.environment import environment, environment_digest
from benchmark.metrics.textbook import metrics_key
from benchmark.run_folder.lock import claimed
from benchmark.run_folder.record import Outcome, Result, read_json, read_record, std_file, write_bytes, write_json, write_record
from benchmark.run_folder.selection import Selection, selected
from benchmark.runner.handout import fit_job, fuse_job
from benchmark.runner.jobs import ESTIMATE_NAME, FIT_NAME, STD_NAME, ObserveJob, ScoreJob
from benchmark.runner.outcomes import RETRIED, fused_answer, make_record, measurement, outcome_of, withheld
from benchmark.runner.processes import Child, Ended, Limits, collect, start, stop, wait_any
from benchmark.runner.retention import SCORES_AT_ONCE, Keep, discard_estimate, prune
from benchmark.runner.slots import cores, slot_variables

OBSERVE_LIMIT_S = 1800.0
SCORE_LIMIT_S = 1800.0


@dataclass(frozen=True)
class Progress:
    """What is told after every change: enough to print a line."""

    total: int
    done: int
    running: tuple[str, ...]  # method on scene
    left_s: float | None  # estimate; None before the first cell has ended
    last: Result | None = None  # the cell that has just ended


@dataclass(frozen=True)
class RunSettings:
    """How to run, as against what."""

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
class Arrival:
    """News of cells that run on other machines: how it goes, and perhaps that one has ended."""

    running: tuple[str, ...]
    left_s: float | None
    record: Result | None = None  # of a cell that has ended; its other files are in the run folder already
    lost: tuple[Cell, str] | None = None  # a cell that ended its machine's worker each time, and the reason


Elsewhere = Callable[[list[Cell]], Generator[Arrival]]


def run(plan: Plan, settings: RunSettings, tell: Callable[[Progress], None], elsewhere: Elsewhere | None = None) -> list[Result]:
    """Run what has no record yet and return the records of all cells of the plan (or of those asked for), in its order.

    `elsewhere` hands the cells that must run to other machines, instead of to processes of this one; cells that need only a score are
    scored here.

    Raises:
        BusyError: another run is using the folder.
        PlanError: the one cell asked for is not in the plan.
        SelectionError: a pattern of `settings.select` matches no cell.
    """
    cells = plan.cells(settings.device)
    chosen = [find_cell(cells, settings.only)] if settings.only else selected(cells, settings.select, CELL_FIELDS)
    with claimed(settings.folder):
        write_bytes(settings.folder / "plan.toml", plan.text.encode())
        write_json(settings.folder / "plan.json", {"command": settings.command, "plan": plan.summary(), "cells": len(cells)})
        write_json(settings.folder / "index.json", _index(settings, cells))
        threads = plan.threads or max(1, cores() // settings.slots)
        place = environment(settings.device, threads, settings.slots)
        write_json(settings.folder / "environment.json", place)
        write_json(settings.folder / "environments" / f"{environment_digest(place)}.json", place)
        return _Run(plan, settings, tell, chosen, threads, environment_digest(place)).go(elsewhere)


def _index(settings: RunSettings, cells: list[Cell]) -> dict[str, Any]:
    """What index.json says: the plan's cells by key, and how to repeat one."""
    by_key = {
        cell.key: {"label": cell.contestant.label, "scene": cell.scene.name, "protocol": cell.protocol.name, "seed": cell.seed}
        for cell in cells
    }
    return {"arguments": settings.arguments, "file": settings.plan_file, "device": settings.device, "cells": by_key}


class _Run:
    """The state of one run: what waits, what runs, what is done."""

    def __init__(
        self, plan: Plan, settings: RunSettings, tell: Callable[[Progress], None], cells: list[Cell], threads: int, place: str
    ) -> None:
        self.plan, self.settings, self.tell, self.cells, self.threads, self.place = plan, settings, tell, cells, threads, place
        self.folder = settings.folder
        self.away = Arrival((), None)  # what runs on other machines
        self.shown: tuple[str, ...] = ()  # what was told to run
        self.records: dict[str, Result] = {}
        self.to_fuse: deque[Cell] = deque()
        self.to_score: deque[Cell] = deque()
        self.observing: dict[Child, Cell] = {}
        self.fitting: dict[Child, Cell] = {}
        self.fusing: dict[Child, tuple[Cell, int]] = {}  # the cell and its slot
        self.scoring: dict[Child, Cell] = {}
        self.observed: dict[tuple[str, str, int], dict[str, Any]] = {}  # what the observe task told
        self.unobservable: dict[tuple[str, str, int], str] = {}
        self.unfit: dict[str, str] = {}  # why a training failed, by its digest
        self.attempts: Counter[str] = Counter()  # by key
        self.waiting: Counter[str] = Counter()  # cells that wait to be fused, by label
        self.costs: dict[str, tuple[float, int]] = {}  # wall seconds and number of ended cells, by label

    def go(self, elsewhere: Elsewhere | None = None) -> list[Result]:
        """Run until nothing waits; Ctrl-C ends the children and loses the cells in flight alone."""
        self._sort_out()
        self._tell(None)
        if elsewhere is not None:
            self._follow(elsewhere)
        try:
            while self.to_fuse or self.to_score or self._children():
                self._start_what_fits()
                for child in wait_any(self._children(), 5.0):
                    self._end(child)
                self._tell(None)
        finally:
            for child in self._children():
                stop(child)
                collect(child).discard()
        prune(self.folder, [self.records[cell.key] for cell in self.cells], self.settings.keep)
        return [self.records[cell.key] for cell in self.cells]

    def _children(self) -> list[Child]:
        return [*self.observing, *self.fitting, *self.fusing, *self.scoring]

    def _follow(self, elsewhere: Elsewhere) -> None:
        """Hand out every cell that must run, and take each record as it comes. Cells of methods that must be trained first stay here."""
        cells = [cell for cell in self.to_fuse if not withheld(cell) and cell.training is None]
        for cell in self.to_fuse:
            if withheld(cell):
                self._finish(self._record(cell, "skipped", withheld(cell)))
        self.to_fuse = deque(cell for cell in self.to_fuse if not withheld(cell) and cell.training is not None)
        self.waiting = Counter(cell.contestant.label for cell in self.to_fuse)
        if not cells:
            return
        with closing(elsewhere(cells)) as stream:
            for self.away in stream:
                if self.away.record is not None:
                    self._finish(self.away.record)
                elif self.away.lost is not None:
                    cell, reason = self.away.lost
                    self._finish(self._record(cell, "killed", reason))
                else:
                    self._tell(None)
        self.away = Arrival((), None)

    def _sort_out(self) -> None:
        """What is done already, what needs only a score, and what must run."""
        for cell in self.cells:
            file = self.folder / "cells" / f"{cell.key}.json"
            if file.exists():
                record = read_record(file)
                finished = record.outcome in ("scored", "skipped") or not self.settings.retry
                if finished and record.metrics_key in ("", metrics_key()):
                    self.records[cell.key] = record
                    continue
                if finished and self._estimate(cell).exists() and self._reference(cell).exists():
                    write_json(self._measured(cell), measurement(record))
            if self._measured(cell).exists() and self._estimate(cell).exists():
                self.to_score.append(cell)
            else:
                self.to_fuse.append(cell)
                self.waiting[cell.contestant.label] += 1

    def _start_what_fits(self) -> None:
        """Fill the free slots, never timed and untimed tasks together."""
        slots = self.settings.slots
        if self.to_score and (slots == 1 or not self.to_fuse or len(self.to_score) >= SCORES_AT_ONCE * slots or self.scoring):
            while not self.fusing and self.to_score and len(self.observing) + len(self.scoring) < slots:
                self._score(self.to_score.popleft())
            return  # no method is started before these have their scores
        while self.to_fuse and not self.observing and not self.fitting and not self.scoring and len(self.fusing) < slots:
            cell = self.to_fuse[0]
            broken = self.unobservable.get(cell.observation, "") or self.unfit.get(self._fit_digest(cell), "")
            reason = withheld(cell) or broken
            if reason:
                self._take()
                self._finish(self._record(cell, "failed" if reason == broken else "skipped", reason))
            elif cell.observation not in self.observed:
                if not self.fusing:
                    self._observe(cell)
                return
            elif cell.training is not None and not self._fit(cell).exists():
                if not self.fusing:
                    self._train(cell, cell.training)
                return
            else:
                self._fuse(self._take())

    def _take(self) -> Cell:
        cell = self.to_fuse.popleft()
        self.waiting[cell.contestant.label] -= 1
        return cell

    def _observe(self, cell: Cell) -> None:
        """Make the observation of a cell, or find it made."""
        job = ObserveJob(cell.scene, cell.protocol, cell.seed, self._reference(cell), self._observation(cell), self._responses(cell))
        self.observing[start(job, Limits(OBSERVE_LIMIT_S, threads=cores()))] = cell

    def _train(self, cell: Cell, training: TrainingSet) -> None:
        """Let the method of a cell learn beforehand, alone on the machine."""
        job = fit_job(cell, training, self.settings.device)
        variables = slot_variables(self.settings.device, 0)
        limits = Limits(training.time_limit_s, threads=self.threads, seed=training.seed, variables=variables, apart=True)
        self.fitting[start(job, limits)] = cell

    def _fuse(self, cell: Cell) -> None:
        """Start the method in its own process, with the observation alone."""
        slot = next(number for number in range(self.settings.slots) if number not in {used for _, used in self.fusing.values()})
        contestant = cell.contestant
        job = fuse_job(
            cell,
            self._observation(cell),
            self.settings.device,
            keep=True,
            exact=self.settings.keep == "float32",
            flops=True,
            limit_s=contestant.time_limit_s or self.plan.time_limit_s,
            fitted=None if cell.training is None else self._fit(cell),
        )
        limits = Limits(
            seconds=contestant.time_limit_s or self.plan.time_limit_s,
            memory_mb=contestant.memory_limit_mb or self.plan.memory_limit_mb,
            disk_mb=self.plan.disk_limit_mb,
            threads=self.threads,
            seed=cell.seed,
            variables=slot_variables(self.settings.device, slot),
            apart=True,
        )
        self.attempts[cell.key] += 1
        self.fusing[start(job, limits)] = cell, slot

    def _score(self, cell: Cell) -> None:
        to_pick = cell.contestant.oracle and "oracle" not in read_json(self._measured(cell))
        files = self._observation(cell), self._responses(cell), self._iterates(cell.key) if to_pick else None
        job = ScoreJob(self._reference(cell), self._estimate(cell), cell.protocol.ratio, *files)
        self.scoring[start(job, Limits(SCORE_LIMIT_S))] = cell

    def _end(self, child: Child) -> None:
        """Take what a child leaves behind."""
        ended = collect(child)
        if child in self.observing:
            cell = self.observing.pop(child)
            ended.keep_log(self.folder / "logs" / f"observe_{cell.observation_digest}.txt")
            if ended.how == "done":
                self.observed[cell.observation] = ended.answer
            else:
                self.unobservable[cell.observation] = f"the observation could not be made: {ended.reason}"
        elif child in self.fitting:
            cell = self.fitting.pop(child)
            ended.keep_log(self.folder / "logs" / f"fit_{self._fit_digest(cell)}.txt")
            if ended.how == "done" and (ended.scratch / FIT_NAME).is_file():
                ended.keep(FIT_NAME, self._fit(cell))
            else:
                reason = ended.reason or "it left no fitted method"
                self.unfit[self._fit_digest(cell)] = f"the training failed: {reason}; logs/fit_{self._fit_digest(cell)}.txt has the rest"
        elif child in self.fusing:
            cell, _ = self.fusing.pop(child)
            ended.keep_log(self.folder / "logs" / f"{cell.key}.txt")
            self._end_of_fusing(cell, ended)
        else:
            cell = self.scoring.pop(child)
            ended.keep_log(self.folder / "logs" / f"{cell.key}.txt")
            record = self._record(cell, "scored", "", read_json(self._measured(cell)))
            if ended.how == "done":
                picked = {**record.oracle, **ended.answer["oracle"]}
                self._finish(replace(record, metrics=ended.answer["metrics"], metrics_key=metrics_key(), oracle=picked))
            else:
                kept = "the estimate is kept: --retry scores it again"
                self._finish(replace(record, outcome="failed", reason=f"scoring failed: {ended.reason}; {kept}"), scored=False)
        ended.discard()

    def _end_of_fusing(self, cell: Cell, ended: Ended) -> None:
        label = cell.contestant.label
        seconds, count = self.costs.get(label, (0.0, 0))
        self.costs[label] = seconds + ended.seconds, count + 1
        if ended.how == "done" and not (ended.scratch / ESTIMATE_NAME).is_file():
            ended = replace(ended, how="killed", reason="it answered, but its estimate is gone; its log has what it printed")
        if ended.how == "done":
            if (ended.scratch / STD_NAME).is_file():
                ended.keep(STD_NAME, std_file(self._estimate(cell)))
            if cell.contestant.oracle:
                keep_iterates(ended, self._iterates(cell.key))
            ended.keep(ESTIMATE_NAME, self._estimate(cell))  # last: where it is, all that belongs to it is
            answer = {**fused_answer(ended), "attempts": self.attempts[cell.key]}
            write_json(self._measured(cell), {**answer, "observed": self.observed[cell.observation]})
            self.to_score.append(cell)
            return
        outcome = outcome_of(ended)
        if outcome in RETRIED and self.attempts[cell.key] <= self.plan.retries:
            self.to_fuse.appendleft(cell)
            self.waiting[label] += 1
            return
        self._finish(self._record(cell, outcome, ended.reason))

    def _record(self, cell: Cell, outcome: Outcome, reason: str, measured: dict[str, Any] | None = None) -> Result:
        return make_record(
            cell,
            outcome,
            reason,
            device=self.settings.device,
            threads=self.threads,
            place=self.place,
            observed=self.observed.get(cell.observation, {}),
            attempts=max(1, self.attempts[cell.key]),
            measured=measured,
        )

    def _finish(self, record: Result, *, scored: bool = True) -> None:
        """Write a record; where only the scoring went wrong, what was fused and measured stays for another try."""
        write_record(self.folder, record)
        if scored:
            (self.folder / "measured" / f"{record.key}.json").unlink(missing_ok=True)
            shutil.rmtree(self._iterates(record.key), ignore_errors=True)
            if self.settings.keep == "none":
                discard_estimate(self.folder, record.key)
        self.records[record.key] = record
        self._tell(record)

    def _tell(self, last: Result | None) -> None:
        running = tuple(f"{cell.contestant.label} on {cell.scene.name}" for cell, _ in self.fusing.values())
        running += tuple(f"observing {cell.scene.name}" for cell in self.observing.values())
        running += tuple(f"training {cell.contestant.label} for {cell.protocol.name}" for cell in self.fitting.values())
        running += self.away.running + tuple(f"scoring {cell.contestant.label} on {cell.scene.name}" for cell in self.scoring.values())
        if running != self.shown:
            self.shown = running
            write_json(self.folder / "running.json", {"running": running}, durable=False)  # for `status`
        self.tell(Progress(len(self.cells), len(self.records), running, self._time_left(), last))

    def _time_left(self) -> float | None:
        """Seconds for what waits, by the mean of the same method so far, or of all methods where there is none."""
        if not self.costs:
            return self.away.left_s
        means = {label: seconds / count for label, (seconds, count) in self.costs.items()}
        overall = sum(means.values()) / len(means)
        left = Counter(self.waiting)
        left.update(cell.contestant.label for cell, _ in self.fusing.values())
        return sum(means.get(label, overall) * count for label, count in left.items()) / self.settings.slots

    def _reference(self, cell: Cell) -> Path:
        return self.folder / "scenes" / f"{cell.scene_digest}.h5"

    def _observation(self, cell: Cell) -> Path:
        return self.folder / "observations" / f"{cell.observation_digest}.h5"

    def _responses(self, cell: Cell) -> Path:
        return self.folder / "responses" / f"{cell.observation_digest}.h5"

    def _fit_digest(self, cell: Cell) -> str:
        return "" if cell.training is None else cell.fit_digest(self.settings.device)

    def _fit(self, cell: Cell) -> Path:
        return self.folder / "fits" / f"{self._fit_digest(cell)}.pt"

    def _estimate(self, cell: Cell) -> Path:
        return self.folder / "estimates" / f"{cell.key}.h5"

    def _iterates(self, key: str) -> Path:
        return self.folder / ITERATES / key

    def _measured(self, cell: Cell) -> Path:
        return self.folder / "measured" / f"{cell.key}.json"
