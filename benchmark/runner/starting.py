"""Which child is started next. Tasks that are timed never run beside tasks that are not: observing and scoring wait for the methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.children.child_task import Limits
from benchmark.children.processes import start
from benchmark.matrix.cell import Cell
from benchmark.matrix.training_set import TrainingSet
from benchmark.run_folder.fit_file import read_fit
from benchmark.run_folder.record import COUNTED_BEFORE
from benchmark.run_folder.retention import WAITING_PER_SLOT
from benchmark.runner.handout import fit_job, fuse_job, observe_job, score_job, take_job
from benchmark.runner.outcomes import read_measurement
from benchmark.runner.run_state import RunState, count_key
from benchmark.runner.slots import cores, slot_variables

OBSERVE_LIMIT_S = 1800.0
SCORE_LIMIT_S = 1800.0


def fill_slots(state: RunState) -> None:
    """Start children until no more fit; cells that cannot run get their records here."""
    slots = state.settings.slots
    if state.to_score and (slots == 1 or not state.to_fuse or len(state.to_score) >= WAITING_PER_SLOT * slots or state.scoring):
        while not state.fusing and state.to_score and len(state.observing) + len(state.scoring) < slots:
            if not _observation_is_stored(state, state.to_score[0]):
                if not state.observing:
                    _observe(state, state.to_score[0])
                return
            cell = state.to_score.popleft()
            measured = read_measurement(state.folder.measured(cell.key))
            if measured is None:  # it was spoilt meanwhile: the cell is run again
                state.wait_again(cell)
                continue
            _score(state, cell, measured)
        return  # no method is started before these have their scores
    while state.to_fuse and not state.observing and not state.fitting and not state.scoring and len(state.fusing) < slots:
        cell = state.to_fuse[0]
        broken = state.unobservable.get(cell.observation_digest, "") or state.unfit.get(cell.fit_digest, "")
        reason = cell.skip_reason or broken
        if reason:
            state.next_cell()
            state.finish(state.record(cell, "failed" if reason == broken else "skipped", reason))
        elif cell.observation_digest not in state.observed:
            if not state.fusing:
                _observe(state, cell)
            return
        elif cell.training is not None and (fitted := read_fit(state.folder, cell.fit_digest)) is None:
            if not state.fusing:
                _train(state, cell, cell.training)
            return
        else:
            _fuse(state, state.next_cell(), None if cell.training is None else fitted)


def _observation_is_stored(state: RunState, cell: Cell) -> bool:
    """Whether all that a score needs besides the estimate is there."""
    digest = cell.observation_digest
    files = [state.folder.observation(digest), state.folder.responses(digest)]
    files += [state.folder.reference(cell.scene_digest)] if cell.protocol.has_reference else []
    return all(file.exists() for file in files)


def _observe(state: RunState, cell: Cell) -> None:
    """Start what makes the observation of a cell."""
    state.observing[start(observe_job(cell, state.folder), Limits(OBSERVE_LIMIT_S, threads=cores()))] = cell


def _train(state: RunState, cell: Cell, training: TrainingSet) -> None:
    """Start the training of a cell's method, alone on the machine."""
    job = fit_job(cell, training, state.settings.device)
    variables = slot_variables(state.settings.device, 0)
    limits = Limits(training.time_limit_s, threads=state.threads, seed=training.seed, variables=variables, apart=True)
    state.fitting[start(job, limits)] = cell


def _fuse(state: RunState, cell: Cell, fitted: bytes | None) -> None:
    """Start the method of a cell in a process that is given the observation alone, and what the method has learned beforehand."""
    settings, plan, contestant = state.settings, state.plan, cell.contestant
    file = cell.estimate_file
    if file is not None:
        taking = take_job(cell, state.folder, file, exact=settings.keep == "float32")
        state.fusing[start(taking, Limits(SCORE_LIMIT_S, threads=state.threads, apart=True))] = cell, _free_slot(state)
        return
    slot = _free_slot(state)
    time_limit_s = contestant.time_limit_s or plan.time_limit_s
    job = fuse_job(
        cell,
        state.folder.observation(cell.observation_digest),
        settings.device,
        keep=True,
        exact=settings.keep == "float32",
        uncounted=_why_uncounted(state, cell),
        limit_s=time_limit_s,
        fitted=fitted,
    )
    limits = Limits(
        seconds=time_limit_s,
        memory_mb=contestant.memory_limit_mb or plan.memory_limit_mb,
        disk_mb=plan.disk_limit_mb,
        threads=state.threads,
        seed=cell.seed,
        variables=slot_variables(settings.device, slot),
        apart=True,
    )
    state.attempts[cell.key] += 1
    state.fusing[start(job, limits)] = cell, slot


def _why_uncounted(state: RunState, cell: Cell) -> str:
    """Why the operations of a slow cell are not counted: those of its row were, on another scene of this protocol; empty where they are."""
    key = count_key(cell.contestant.label, cell.protocol.name, state.observed[cell.observation_digest])
    return COUNTED_BEFORE if state.counted.get(key, cell.scene.name) != cell.scene.name else ""


def _free_slot(state: RunState) -> int:
    """The first slot in which no cell runs."""
    return next(number for number in range(state.settings.slots) if number not in {used for _, used in state.fusing.values()})


def _score(state: RunState, cell: Cell, measured: Mapping[str, Any]) -> None:
    """Start the scoring of a cell's estimate."""
    picks = bool(cell.contestant.oracle) and "oracle" not in measured
    state.scoring[start(score_job(cell, state.folder, picks=picks), Limits(SCORE_LIMIT_S))] = cell
