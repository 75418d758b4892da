"""The state of one run: what waits, what runs, what is done; how a cell gets its record, and how the progress is shown."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any

from benchmark.children.processes import Child
from benchmark.children.step_count import counted_steps
from benchmark.identity.source_keys import clock_key, metrics_sources, referee_key
from benchmark.matrix.cell import Cell
from benchmark.matrix.plan import Plan
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import write_json
from benchmark.run_folder.record import Outcome, Result
from benchmark.runner.outcomes import make_record
from benchmark.runner.pace import Pace
from benchmark.runner.run_settings import Arrival, Progress, RunSettings, Work

QUICK_COUNT_S = 1.0  # where the first call took longer, operations are counted on one scene of a protocol alone


def count_key(label: str, protocol: str, observed: Mapping[str, Any]) -> tuple[str, str, str]:
    """What cells have in common whose operations are alike: the row, the protocol and the shape of the cube."""
    return label, protocol, str(observed.get("shape"))


class RunState:
    """What waits, what runs and what is done of the cells of one run."""

    def __init__(
        self, plan: Plan, settings: RunSettings, show: Callable[[Progress], None], cells: list[Cell], threads: int, environment: str
    ) -> None:
        """Nothing waits yet. `environment` is the digest of the environment, `threads` the number for each cell."""
        self.plan, self.settings, self.cells, self.threads, self.environment = plan, settings, cells, threads, environment
        self.folder = RunFolder(settings.folder)
        self.metrics = metrics_sources()  # as they are now; the process that scores reports which sources it has loaded
        self.clock_key = clock_key()
        self.referee = referee_key()
        self.away = Arrival((), None)  # what runs on other machines
        self.records: dict[str, Result] = {}  # by key
        self.counted: dict[tuple[str, str, str], str] = {}  # the scene on which the operations of a slow row were counted (`count_key`)
        self.to_fuse: deque[Cell] = deque()
        self.to_score: deque[Cell] = deque()
        self.observing: dict[Child, Cell] = {}
        self.fitting: dict[Child, Cell] = {}
        self.fusing: dict[Child, tuple[Cell, int]] = {}  # the cell and its slot
        self.scoring: dict[Child, Cell] = {}
        self.observed: dict[str, dict[str, Any]] = {}  # the answer of each `ObserveJob`, by the observation's digest
        self.unobservable: dict[str, str] = {}  # why an observation could not be made, by its digest
        self.unfit: dict[str, str] = {}  # why a training failed, by its digest
        self.healed: set[str] = set()  # keys of cells whose damaged files have been made again: that is done once
        self.attempts: Counter[str] = Counter()  # by key
        self.pace = Pace()
        self.usual_steps: dict[str, int] = {}  # of the cell of each label that has ended last
        self.began = time.monotonic()
        self._show = show
        self._shown: tuple[str, ...] = ()  # what running.json says

    def children(self) -> list[Child]:
        """Every child process that runs."""
        return [*self.observing, *self.fitting, *self.fusing, *self.scoring]

    def take(self, record: Result) -> None:
        """Keep a record, and note where the operations of a slow row were counted."""
        self.records[record.key] = record
        first = None if record.clock is None else record.clock.first
        if first is not None and first > QUICK_COUNT_S and record.flops is not None:
            key = count_key(record.label, str(record.protocol.get("name")), record.observed)
            self.counted.setdefault(key, record.scene)

    def wait_for(self, cells: list[Cell]) -> None:
        """Let these cells, and no others, wait for their methods."""
        self.to_fuse = deque(cells)
        self.pace = Pace(cell.contestant.label for cell in cells if not cell.skip_reason)

    def next_cell(self) -> Cell:
        """The first cell that waits for its method; it waits no more."""
        cell = self.to_fuse.popleft()
        if not cell.skip_reason:
            self.pace.start(cell.contestant.label)
        return cell

    def wait_again(self, cell: Cell) -> None:
        """Let a cell wait for its method once more, before all others."""
        self.to_fuse.appendleft(cell)
        self.pace.wait(cell.contestant.label)

    def record(self, cell: Cell, outcome: Outcome, reason: str, measured: dict[str, Any] | None = None) -> Result:
        """The record of a cell; `measured` is the answer of its `FuseJob`, where there is one."""
        return make_record(
            cell,
            outcome,
            reason,
            device=self.settings.device,
            threads=self.threads,
            environment=self.environment,
            observed=self.observed.get(cell.observation_digest, {}),
            attempts=max(1, self.attempts[cell.key]),
            measured=measured,
        )

    def finish(self, record: Result, *, scored: bool = True) -> None:
        """Write a record; with `scored` False, where only the scoring failed, estimate and measurement stay for another try."""
        self.folder.write(record)
        if scored:
            self.folder.discard_measurement(record.key)
            if self.settings.keep == "none":
                self.folder.discard_estimate(record.key)
        self.take(record)
        self.show_progress(record)

    def show_progress(self, last: Result | None = None, notes: tuple[str, ...] = ()) -> None:
        """Show how the run goes, on the terminal and in running.json, which `status` reads; `last` is the record just written."""
        running = tuple(f"{cell.contestant.label} on {cell.scene.name}" for cell, _ in self.fusing.values())
        running += tuple(f"observing {cell.scene.name}" for cell in self.observing.values())
        running += tuple(f"training {cell.contestant.label} for {cell.protocol.name}" for cell in self.fitting.values())
        running += self.away.running + tuple(f"scoring {cell.contestant.label} on {cell.scene.name}" for cell in self.scoring.values())
        if running != self._shown:
            self._shown = running
            write_json(self.folder.running, {"running": running}, durable=False)
        now = time.monotonic()
        at_work = [(cell.contestant.label, now - child.started) for child, (cell, _) in self.fusing.items()]
        left = None if self.fitting else self.pace.left(at_work, self.settings.slots, now - self.began)
        self._show(
            Progress(
                total=len(self.cells),
                done=len(self.records),
                running=running,
                left_s=self.away.left_s if left is None else left,
                last=last,
                notes=notes,
                elapsed_s=now - self.began,
                work=self._work(now),
            )
        )

    def _work(self, now: float) -> Work | None:
        """How far the first cell is whose method runs, or the first training."""
        for child, cell in [*((child, cell) for child, (cell, _) in self.fusing.items()), *self.fitting.items()]:
            label = cell.contestant.label
            usual = (self.pace.usual(label), self.usual_steps.get(label, 0)) if child in self.fusing else (None, 0)
            return Work(now - child.started, usual[0], counted_steps(child.scratch), usual[1])
        return None
