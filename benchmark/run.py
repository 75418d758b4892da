"""Run a plan: every cell that has no record yet, each in its own process, its record written at once.

The walk of a cell: observe (once for the cells that share it) -> fuse, timed -> score -> `cells/<key>.json`. Tasks that are timed never run
beside tasks that are not: observing and scoring wait until no method is running. Between fusing and scoring a cell's measurement lies in
`measured/<key>.json`, so that a run that is ended there needs only to score.
"""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmark.environment import environment, environment_digest
from benchmark.metrics.textbook import metrics_key
from benchmark.observation_file import read_observation
from benchmark.plan import Cell, Plan, card_facts, find_cell, plain
from benchmark.processes import Child, Ended, collect, start, stop, wait_any
from benchmark.result import Clock, Memory, Outcome, RecordError, Result, read_json, read_record, write_bytes, write_json, write_record
from benchmark.tasks import FuseJob, ObserveJob, ScoreJob
from datasets.settings import field_values

OBSERVE_LIMIT_S = 1800.0
SCORE_LIMIT_S = 1800.0
_MEMORY_ERRORS = ("MemoryError", "OutOfMemoryError")


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
    only: str = ""  # key of the one cell to run; empty: all
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


class BusyError(RuntimeError):
    """Another process is running in the same run folder."""


def run(plan: Plan, settings: RunSettings, tell: Callable[[Progress], None], elsewhere: Elsewhere | None = None) -> list[Result]:
    """Run what has no record yet and return the records of all cells of the plan (or of the one asked for), in its order.

    `elsewhere` hands the cells that must run to other machines, instead of to processes of this one; cells that need only a score are
    scored here.

    Raises:
        BusyError: another run is using the folder.
        PlanError: the one cell asked for is not in the plan.
    """
    cells = plan.cells(settings.device)
    chosen = [find_cell(cells, settings.only)] if settings.only else cells
    with _claimed(settings.folder):
        write_bytes(settings.folder / "plan.toml", plan.text.encode())
        write_json(settings.folder / "plan.json", {"command": settings.command, "plan": plan.summary(), "cells": len(cells)})
        write_json(settings.folder / "index.json", _index(settings, cells))
        threads = plan.threads or max(1, _cores() // settings.slots)
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
        self.records: dict[str, Result] = {}
        self.to_fuse: list[Cell] = []
        self.to_score: list[Cell] = []
        self.observing: dict[Child, Cell] = {}
        self.fusing: dict[Child, Cell] = {}
        self.scoring: dict[Child, Cell] = {}
        self.observed: dict[tuple[str, str, int], dict[str, Any]] = {}  # what the observe task told
        self.unobservable: dict[tuple[str, str, int], str] = {}
        self.costs: dict[str, list[float]] = {}  # wall seconds of ended cells, by label

    def go(self, elsewhere: Elsewhere | None = None) -> list[Result]:
        """Run until nothing waits; Ctrl-C ends the children and loses the cells in flight alone."""
        self._sort_out()
        self._tell(None)
        if elsewhere is not None:
            self._follow(elsewhere)
        try:
            while self.to_fuse or self.to_score or self.fusing or self.scoring or self.observing:
                self._start_what_fits()
                everyone = [*self.observing, *self.fusing, *self.scoring]
                for child in wait_any(everyone, 5.0):
                    self._end(child)
                self._tell(None)
        finally:
            for child in [*self.observing, *self.fusing, *self.scoring]:
                stop(child)
        return [self.records[cell.key] for cell in self.cells]

    def _follow(self, elsewhere: Elsewhere) -> None:
        """Hand out every cell that must run, and take each record as it comes."""
        for cell in [cell for cell in self.to_fuse if _withheld(cell)]:
            self.to_fuse.remove(cell)
            self._finish(self._record(cell, "skipped", _withheld(cell)))
        with closing(elsewhere(self.to_fuse)) as stream:
            self.to_fuse = []
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
                    write_json(self._measured(cell), _measurement(record))
            if self._measured(cell).exists() and self._estimate(cell).exists():
                self.to_score.append(cell)
            else:
                self.to_fuse.append(cell)

    def _start_what_fits(self) -> None:
        """Fill the free slots, never timed and untimed tasks together."""
        untimed = len(self.observing) + len(self.scoring)
        if (
            self.to_score
            and not self.fusing
            and (self.settings.slots == 1 or not self.to_fuse or len(self.to_score) >= 4 * self.settings.slots)
        ):
            while self.to_score and len(self.observing) + len(self.scoring) < self.settings.slots:
                self._score(self.to_score.pop(0))
            return
        while self.to_fuse and not untimed and len(self.fusing) < self.settings.slots:
            cell = self.to_fuse[0]
            reason = _withheld(cell) or self.unobservable.get(cell.observation, "")
            if reason:
                self.to_fuse.pop(0)
                outcome: Outcome = "failed" if cell.observation in self.unobservable else "skipped"
                self._finish(self._record(cell, outcome, reason))
            elif cell.observation in self.observed:
                self.to_fuse.pop(0)
                self._fuse(cell)
            else:
                if not self.fusing:
                    self._observe(cell)
                return

    def _observe(self, cell: Cell) -> None:
        """Make the observation of a cell, or find it made."""
        job = ObserveJob(
            cell.scene, cell.protocol, cell.seed, self._reference(cell), self._observation(cell), self._responses(cell)
        )
        log = self.folder / "logs" / f"observe_{self._observation(cell).stem}.txt"
        self.observing[start(job, log, threads=_cores(), limit_s=OBSERVE_LIMIT_S)] = cell

    def _fuse(self, cell: Cell) -> None:
        """Start the method in its own process, with the observation alone."""
        card = cell.contestant.card
        seen = read_observation(self._observation(cell)).withhold(psf=not card.needs_psf, srf=not card.needs_srf)
        job = FuseJob(
            entry=cell.contestant.entry,
            parameters=field_values(cell.contestant.method),
            observation=pickle.dumps(seen),
            device=self.settings.device,
            seed=cell.seed,
            estimate=self._estimate(cell),
        )
        log = self.folder / "logs" / f"{cell.key}.txt"
        child = start(job, log, threads=self.threads, limit_s=self.plan.time_limit_s, seed=cell.seed)
        self.fusing[child] = cell

    def _score(self, cell: Cell) -> None:
        job = ScoreJob(
            self._reference(cell), self._estimate(cell), cell.protocol.ratio, self._observation(cell), self._responses(cell)
        )
        self.scoring[start(job, self.folder / "logs" / f"{cell.key}.txt", threads=1, limit_s=SCORE_LIMIT_S)] = cell

    def _end(self, child: Child) -> None:
        """Take what a child leaves behind."""
        ended = collect(child)
        if child in self.observing:
            cell = self.observing.pop(child)
            if ended.how == "done":
                self.observed[cell.observation] = ended.answer
            else:
                self.unobservable[cell.observation] = f"the observation could not be made: {ended.reason}"
        elif child in self.fusing:
            cell = self.fusing.pop(child)
            self.costs.setdefault(cell.contestant.label, []).append(ended.seconds)
            if ended.how == "done":
                write_json(self._measured(cell), {**ended.answer, "observed": self.observed[cell.observation]})
                self.to_score.append(cell)
            else:
                self._finish(self._record(cell, _outcome(ended), ended.reason))
        else:
            cell = self.scoring.pop(child)
            measured = read_json(self._measured(cell))
            record = self._record(cell, "scored", "", measured)
            if ended.how == "done":
                self._finish(replace(record, metrics=ended.answer["metrics"], metrics_key=metrics_key()))
            else:
                self._finish(replace(record, outcome="failed", reason=f"scoring failed: {ended.reason}"))

    def _record(self, cell: Cell, outcome: Outcome, reason: str, measured: dict[str, Any] | None = None) -> Result:
        card, known = cell.contestant.card, measured or {}
        observed = known.get("observed") or self.observed.get(cell.observation, {})
        return Result(
            key=cell.key,
            outcome=outcome,
            reason=reason,
            method=cell.contestant.entry.name,
            label=cell.contestant.label,
            parameters=plain(field_values(cell.contestant.method)),
            card=card_facts(card),
            tier=card.tier,
            scene=cell.scene.name,
            scene_digest=cell.scene_digest,
            observation_digest=cell.observation_digest,
            protocol={"name": cell.protocol.name, "source": cell.protocol.source, **cell.protocol.numbers()},
            observed=observed,
            seed=cell.seed,
            clock=Clock(**known["clock"]) if known else None,
            memory=Memory(**known["memory"]) if known else None,
            parameters_total=known.get("parameters_total"),
            parameters_inference=known.get("parameters_inference"),
            device=self.settings.device,
            threads=known.get("threads", self.threads),
            environment=self.place,
            ended=datetime.now(UTC).isoformat(timespec="seconds"),
        )

    def _finish(self, record: Result) -> None:
        write_record(self.folder, record)
        (self.folder / "measured" / f"{record.key}.json").unlink(missing_ok=True)
        self.records[record.key] = record
        self._tell(record)

    def _tell(self, last: Result | None) -> None:
        running = tuple(f"{cell.contestant.label} on {cell.scene.name}" for cell in self.fusing.values())
        running += tuple(f"observing {cell.scene.name}" for cell in self.observing.values())
        running += self.away.running + tuple(f"scoring {cell.contestant.label} on {cell.scene.name}" for cell in self.scoring.values())
        self.tell(Progress(len(self.cells), len(self.records), running, self._time_left(), last))

    def _time_left(self) -> float | None:
        """Seconds for what waits, by the mean of the same method so far, or of all methods where there is none."""
        if not self.costs:
            return self.away.left_s
        means = {label: sum(costs) / len(costs) for label, costs in self.costs.items()}
        overall = sum(means.values()) / len(means)
        return sum(means.get(cell.contestant.label, overall) for cell in [*self.to_fuse, *self.fusing.values()]) / self.settings.slots

    def _reference(self, cell: Cell) -> Path:
        return self.folder / "scenes" / f"{cell.scene_digest}.h5"

    def _observation(self, cell: Cell) -> Path:
        return self.folder / "observations" / f"{cell.observation_digest}.h5"

    def _responses(self, cell: Cell) -> Path:
        return self.folder / "responses" / f"{cell.observation_digest}.h5"

    def _estimate(self, cell: Cell) -> Path:
        return self.folder / "estimates" / f"{cell.key}.h5"

    def _measured(self, cell: Cell) -> Path:
        return self.folder / "measured" / f"{cell.key}.json"


def _measurement(record: Result) -> dict[str, Any]:
    """What the meter said, out of a record that needs only a new score."""
    if record.clock is None or record.memory is None:
        raise RecordError(f"{record.key}: expected a scored cell, got {record.outcome}")
    return {
        "clock": asdict(record.clock),
        "memory": asdict(record.memory),
        "parameters_total": record.parameters_total,
        "parameters_inference": record.parameters_inference,
        "threads": record.threads,
        "observed": record.observed,
    }


def _withheld(cell: Cell) -> str:
    """Why the method cannot take part under this protocol; empty when it can."""
    card, reveals = cell.contestant.card, cell.protocol.reveals
    missing = [name for name, needed in (("psf", card.needs_psf), ("srf", card.needs_srf)) if needed and name not in reveals]
    return f"{card.name} needs the {' and the '.join(missing).upper()}, which protocol {cell.protocol.name} withholds" if missing else ""


def _outcome(ended: Ended) -> Outcome:
    if ended.how == "error":
        if ended.error == "RefusedError":
            return "skipped"
        if ended.error == "InvalidEstimateError":
            return "invalid"
        return "out of memory" if ended.error in _MEMORY_ERRORS else "failed"
    return "timeout" if ended.how == "timeout" else "killed"


def _cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Hold the run folder for this process: a lock that the kernel releases however the process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BusyError(
                f"expected a run folder of our own, got {folder}, where another run is at work; wait for it or give --out"
            ) from error
        yield
