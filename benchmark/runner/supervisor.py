"""Run a plan: every cell that has no record yet, each in its own process, its record written at once.

The walk of a cell: observe (once for the cells that share it) -> fit (once, where a method learns beforehand) -> fuse, timed -> score ->
`cells/<key>.json`. Tasks that are timed never run beside tasks that are not: observing and scoring wait until no method is running. Between
fusing and scoring a cell's measurement lies in `measured/<key>.json`, so that a run that is ended there needs only to score.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any

from benchmark.identity.source_keys import clock_key, metrics_sources
from benchmark.matrix.cell import CELL_FIELDS, Cell
from benchmark.matrix.plan import Plan, find_cell
from benchmark.matrix.training_set import TrainingSet
from benchmark.measure.environment import environment, environment_digest
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.index import Index, write_index
from benchmark.run_folder.lock import claimed
from benchmark.run_folder.record import Outcome, Result, oracle_from_json, read_json, score_from_json, std_file, write_bytes, write_json
from benchmark.run_folder.selection import selected
from benchmark.runner.handout import fit_job, fuse_job, observe_job, score_job
from benchmark.runner.iterates import keep_iterates
from benchmark.runner.jobs import ESTIMATE_NAME, FIT_NAME, STD_NAME
from benchmark.runner.outcomes import RETRIED, changed_data, disagreement, fused_answer, make_record, outcome_of, withheld
from benchmark.runner.pace import Pace
from benchmark.runner.processes import Child, Ended, Limits, collect, start, stop, wait_any
from benchmark.runner.resumption import notes, sort_out, take_over
from benchmark.runner.retention import SCORES_AT_ONCE, prune
from benchmark.runner.server import refresh
from benchmark.runner.settings import Arrival, Elsewhere, Progress, RunSettings
from benchmark.runner.slots import cores, slot_variables

OBSERVE_LIMIT_S = 1800.0
SCORE_LIMIT_S = 1800.0


def run(plan: Plan, settings: RunSettings, tell: Callable[[Progress], None], elsewhere: Elsewhere | None = None) -> list[Result]:
    """Run what has no record yet and return the records of all cells of the plan (or of those asked for), in its order.

    `elsewhere` hands the cells that must run to other machines, instead of to processes of this one; cells that need only a score are
    scored here.

    Raises:
        BusyError: another run is using the folder.
        PlanError: the one cell asked for is not in the plan, or the plan names one cell twice.
        SelectionError: a pattern of `settings.select` matches no cell.
    """
    cells = plan.cells(settings.device)
    chosen = [find_cell(cells, settings.only)] if settings.only else selected(cells, settings.select, CELL_FIELDS)
    folder = RunFolder(settings.folder)
    with claimed(settings.folder):
        before = folder.index() if folder.index_file.exists() or folder.part("cells").is_dir() else None
        write_bytes(folder.plan_text, plan.text.encode())
        write_json(folder.plan_facts, {"command": settings.command, "plan": plan.summary(), "cells": len(cells)})
        write_index(settings.folder, _index(settings, cells))
        threads = plan.threads or max(1, cores() // settings.slots)
        place = environment(settings.device, threads, settings.slots)
        write_json(folder.last_environment, place)
        write_json(folder.environment(environment_digest(place)), place)
        refresh()
        for cell in cells:
            if cell not in chosen:
                take_over(cell, folder)
        return _Run(plan, settings, tell, chosen, threads, environment_digest(place)).go(elsewhere, before)


def _index(settings: RunSettings, cells: list[Cell]) -> Index:
    """The plan's cells by key, and how to repeat one."""
    by_key = {
        cell.key: {"label": cell.contestant.label, "scene": cell.scene.name, "protocol": cell.protocol.name, "seed": cell.seed}
        for cell in cells
    }
    return Index(cells=by_key, arguments=settings.arguments, file=settings.plan_file, device=settings.device)


class _Run:
    """The state of one run: what waits, what runs, what is done."""

    def __init__(
        self, plan: Plan, settings: RunSettings, tell: Callable[[Progress], None], cells: list[Cell], threads: int, place: str
    ) -> None:
        self.plan, self.settings, self.tell, self.cells, self.threads, self.place = plan, settings, tell, cells, threads, place
        self.folder = RunFolder(settings.folder)
        self.metrics = metrics_sources()  # as they are now; what scores says what it loaded
        self.clock_key = clock_key()
        self.away = Arrival((), None)  # what runs on other machines
        self.shown: tuple[str, ...] = ()  # what running.json says
        self.records: dict[str, Result] = {}
        self.to_fuse: deque[Cell] = deque()
        self.to_score: deque[Cell] = deque()
        self.observing: dict[Child, Cell] = {}
        self.fitting: dict[Child, Cell] = {}
        self.fusing: dict[Child, tuple[Cell, int]] = {}  # the cell and its slot
        self.scoring: dict[Child, Cell] = {}
        self.observed: dict[str, dict[str, Any]] = {}  # what the observe job answered, by the observation's digest
        self.unobservable: dict[str, str] = {}  # why an observation could not be made
        self.healed: set[str] = set()  # keys of cells whose damaged files have been made again: once is enough
        self.unfit: dict[str, str] = {}  # why a training failed, by its digest
        self.attempts: Counter[str] = Counter()  # by key
        self.pace = Pace()

    def go(self, elsewhere: Elsewhere | None, before: Index | None) -> list[Result]:
        """Run until nothing waits; Ctrl-C ends the children and loses the cells in flight alone."""
        found = sort_out(self.cells, self.folder, retry=self.settings.retry)
        self.records, self.to_score, self.to_fuse = found.records, deque(found.to_score), deque(found.to_fuse)
        self.pace.waiting = Counter(cell.contestant.label for cell in self.to_fuse)
        self._tell(None, notes(self.cells, found, self.folder, before, self.plan))
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
        self.pace.waiting = Counter(cell.contestant.label for cell in self.to_fuse)
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

    def _start_what_fits(self) -> None:
        """Fill the free slots, never timed and untimed tasks together."""
        slots = self.settings.slots
        if self.to_score and (slots == 1 or not self.to_fuse or len(self.to_score) >= SCORES_AT_ONCE * slots or self.scoring):
            while not self.fusing and self.to_score and len(self.observing) + len(self.scoring) < slots:
                if not self._observation_is_stored(self.to_score[0]):
                    if not self.observing:
                        self._observe(self.to_score[0])
                    return
                self._score(self.to_score.popleft())
            return  # no method is started before these have their scores
        while self.to_fuse and not self.observing and not self.fitting and not self.scoring and len(self.fusing) < slots:
            cell = self.to_fuse[0]
            broken = self.unobservable.get(cell.observation_digest, "") or self.unfit.get(cell.fit_digest, "")
            reason = withheld(cell) or broken
            if reason:
                self._take()
                self._finish(self._record(cell, "failed" if reason == broken else "skipped", reason))
            elif cell.observation_digest not in self.observed:
                if not self.fusing:
                    self._observe(cell)
                return
            elif cell.training is not None and not self.folder.fit(cell.fit_digest).exists():
                if not self.fusing:
                    self._train(cell, cell.training)
                return
            else:
                self._fuse(self._take())

    def _observation_is_stored(self, cell: Cell) -> bool:
        """Whether all that a score needs besides the estimate is there."""
        digest = cell.observation_digest
        files = (self.folder.reference(cell.scene_digest), self.folder.observation(digest), self.folder.responses(digest))
        return all(file.exists() for file in files)

    def _take(self) -> Cell:
        cell = self.to_fuse.popleft()
        self.pace.waiting[cell.contestant.label] -= 1
        return cell

    def _observe(self, cell: Cell) -> None:
        """Make the observation of a cell, or find it made."""
        self.observing[start(observe_job(cell, self.folder), Limits(OBSERVE_LIMIT_S, threads=cores()))] = cell

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
            self.folder.observation(cell.observation_digest),
            self.settings.device,
            keep=True,
            exact=self.settings.keep == "float32",
            flops=True,
            limit_s=contestant.time_limit_s or self.plan.time_limit_s,
            fitted=None if cell.training is None else self.folder.fit(cell.fit_digest),
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
        picks = bool(cell.contestant.oracle) and "oracle" not in read_json(self.folder.measured(cell.key))
        self.scoring[start(score_job(cell, self.folder, picks=picks), Limits(SCORE_LIMIT_S))] = cell

    def _end(self, child: Child) -> None:
        """Take what a child leaves behind."""
        ended = collect(child)
        if child in self.observing:
            self._end_of_observing(self.observing.pop(child), ended)
        elif child in self.fitting:
            self._end_of_fitting(self.fitting.pop(child), ended)
        elif child in self.fusing:
            cell, _ = self.fusing.pop(child)
            ended.keep_log(self.folder.log(cell.key))
            self._end_of_fusing(cell, ended)
        else:
            cell = self.scoring.pop(child)
            ended.keep_log(self.folder.log(cell.key))
            self._end_of_scoring(cell, ended)
        ended.discard()

    def _end_of_observing(self, cell: Cell, ended: Ended) -> None:
        digest = cell.observation_digest
        ended.keep_log(self.folder.log(f"observe_{digest}"))
        problem = ended.reason if ended.how != "done" else disagreement(ended.answer.pop("sources"), self.plan.simulator)
        if problem:
            self.unobservable[digest] = f"the observation could not be made: {problem}"
            if self.to_score and self.to_score[0].observation_digest == digest:  # it was made for the reference of what waits for its score
                self._finish(self._record(self.to_score.popleft(), "failed", self.unobservable[digest]), scored=False)
        else:
            self.observed[digest] = ended.answer

    def _end_of_fitting(self, cell: Cell, ended: Ended) -> None:
        log = f"fit_{cell.fit_digest}"
        ended.keep_log(self.folder.log(log))
        problem = ended.reason
        if ended.how == "done":
            missing = "" if (ended.scratch / FIT_NAME).is_file() else "it left no fitted method"
            problem = missing or disagreement(ended.answer["sources"], cell.sources, cell.contestant.entry.file) or changed_data(cell)
        if problem:
            self.unfit[cell.fit_digest] = f"the training failed: {problem}; logs/{log}.txt has the rest"
        else:
            ended.keep(FIT_NAME, self.folder.fit(cell.fit_digest))

    def _end_of_scoring(self, cell: Cell, ended: Ended) -> None:
        damaged = str(ended.answer.get("damaged", "")) if ended.how == "done" else ""
        if damaged and cell.key not in self.healed:
            self.healed.add(cell.key)
            self._heal(cell, damaged)
            return
        problem = ended.reason
        if ended.how == "done":
            problem = ended.answer["reason"] if damaged else disagreement(ended.answer["sources"], self.metrics)
        record = self._record(cell, "scored", "", read_json(self.folder.measured(cell.key)))
        if problem:
            kept = "the estimate is kept: --retry scores it again"
            self._finish(replace(record, outcome="failed", reason=f"scoring failed: {problem}; {kept}"), scored=False)
        else:
            picked = {**record.oracle, **oracle_from_json(ended.answer["oracle"])}
            metrics = {name: score_from_json(value) for name, value in ended.answer["metrics"].items()}
            self._finish(replace(record, metrics=metrics, metrics_key=self.metrics.digest, oracle=picked))

    def _heal(self, cell: Cell, damaged: str) -> None:
        """Make a stored file again that was found damaged when the cell was scored: the estimate, or what belongs to the observation."""
        if damaged == "estimate":
            self.folder.discard_estimate(cell.key)
            self.folder.discard_measurement(cell.key)
            self.to_fuse.appendleft(cell)
            self.pace.waiting[cell.contestant.label] += 1
            return
        for file in (self.folder.reference(cell.scene_digest), self.folder.observation(cell.observation_digest)):
            file.unlink(missing_ok=True)
        self.folder.responses(cell.observation_digest).unlink(missing_ok=True)
        self.observed.pop(cell.observation_digest, None)
        self.to_score.appendleft(cell)

    def _end_of_fusing(self, cell: Cell, ended: Ended) -> None:
        label = cell.contestant.label
        self.pace.ended(label, ended.seconds)
        if ended.how == "done" and not (ended.scratch / ESTIMATE_NAME).is_file():
            ended = replace(ended, how="killed", reason="it answered, but its estimate is gone; its log has what it printed")
        changed = ""
        if "sources" in ended.answer:
            changed = disagreement(ended.answer.pop("sources"), cell.sources, cell.contestant.entry.file) or changed_data(cell)
        if changed:
            self._finish(self._record(cell, "failed", changed))
            return
        if ended.how == "done":
            self._keep(cell, ended)
            self.to_score.append(cell)
            return
        outcome = outcome_of(ended)
        if outcome in RETRIED and self.attempts[cell.key] <= self.plan.retries:
            self.to_fuse.appendleft(cell)
            self.pace.waiting[label] += 1
            return
        self._finish(self._record(cell, outcome, ended.reason))

    def _keep(self, cell: Cell, ended: Ended) -> None:
        """Take estimate and measurement from a child's folder into the run's."""
        estimate = self.folder.estimate(cell.key)
        if (ended.scratch / STD_NAME).is_file():
            ended.keep(STD_NAME, std_file(estimate))
        if cell.contestant.oracle:
            keep_iterates(ended, self.folder.iterates(cell.key))
        ended.keep(ESTIMATE_NAME, estimate)  # last: where it is, all that belongs to it is
        more = {"attempts": self.attempts[cell.key], "observed": self.observed[cell.observation_digest], "clock_key": self.clock_key}
        write_json(self.folder.measured(cell.key), {**fused_answer(ended), **more}, durable=False)

    def _record(self, cell: Cell, outcome: Outcome, reason: str, measured: dict[str, Any] | None = None) -> Result:
        return make_record(
            cell,
            outcome,
            reason,
            device=self.settings.device,
            threads=self.threads,
            place=self.place,
            observed=self.observed.get(cell.observation_digest, {}),
            attempts=max(1, self.attempts[cell.key]),
            measured=measured,
        )

    def _finish(self, record: Result, *, scored: bool = True) -> None:
        """Write a record; where only the scoring went wrong, what was fused and measured stays for another try."""
        self.folder.write(record)
        if scored:
            self.folder.discard_measurement(record.key)
            if self.settings.keep == "none":
                self.folder.discard_estimate(record.key)
        self.records[record.key] = record
        self._tell(record)

    def _tell(self, last: Result | None, said: tuple[str, ...] = ()) -> None:
        running = tuple(f"{cell.contestant.label} on {cell.scene.name}" for cell, _ in self.fusing.values())
        running += tuple(f"observing {cell.scene.name}" for cell in self.observing.values())
        running += tuple(f"training {cell.contestant.label} for {cell.protocol.name}" for cell in self.fitting.values())
        running += self.away.running + tuple(f"scoring {cell.contestant.label} on {cell.scene.name}" for cell in self.scoring.values())
        if running != self.shown:
            self.shown = running
            write_json(self.folder.running, {"running": running}, durable=False)  # for `status`
        left = self.pace.left((cell.contestant.label for cell, _ in self.fusing.values()), self.settings.slots)
        self.tell(Progress(len(self.cells), len(self.records), running, self.away.left_s if left is None else left, last, said))
