"""Run a plan: every cell that has no record yet, each in its own process, its record written at once.

The walk of a cell: observe (once for the cells that share it) -> fit (once, where a method learns beforehand) -> fuse, timed -> score ->
`cells/<key>.json`. Between fusing and scoring a cell's measurement lies in `measured/<key>.json`, so that a run that is ended there needs
only to score. `starting.py` says which child is started next, `collecting.py` what becomes of a cell when a child has ended.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import closing
from typing import Any

from benchmark.children.processes import collect, stop, wait_any
from benchmark.children.server import refresh
from benchmark.identity.source_keys import metrics_key
from benchmark.matrix.cell import CELL_FIELDS, Cell
from benchmark.matrix.plan import Plan, find_cell
from benchmark.measure.calibration import CALIBRATION
from benchmark.measure.environment import environment, environment_digest
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.index import Index, write_index
from benchmark.run_folder.json_file import RecordError, read_json, write_bytes, write_json
from benchmark.run_folder.lock import claimed
from benchmark.run_folder.record import Result
from benchmark.run_folder.retention import prune
from benchmark.run_folder.selection import selected
from benchmark.runner.collecting import collect_child
from benchmark.runner.machine_speed import machine_speed
from benchmark.runner.resumption import notes, sort_out, take_over
from benchmark.runner.run_settings import Arrival, Elsewhere, Progress, RunSettings
from benchmark.runner.run_state import RunState
from benchmark.runner.slots import cores
from benchmark.runner.starting import fill_slots

WAIT_S = 1.0  # the longest wait for a child before the progress is shown again


def run(plan: Plan, settings: RunSettings, show: Callable[[Progress], None], elsewhere: Elsewhere | None = None) -> list[Result]:
    """The records of all cells of the plan (or of those asked for), in its order; cells without a record are run.

    Args:
        plan: the plan.
        settings: how it is run, and into which folder.
        show: is called with the progress after each change.
        elsewhere: hands the cells that must run to other machines, instead of to processes of this one; cells that need only a score
            are scored here.

    Raises:
        BusyError: another run is using the folder.
        PlanError: the one cell asked for is not in the plan, or the plan names one cell twice.
        SelectionError: a pattern of `settings.select` matches no cell.
    """
    cells = plan.cells(settings.device)
    chosen = [find_cell(cells, settings.only)] if settings.only else selected(cells, settings.select, CELL_FIELDS)
    folder = RunFolder(settings.folder)
    with claimed(settings.folder):
        before = _former_index(folder)
        write_bytes(folder.plan_text, plan.text.encode())
        write_json(folder.plan_facts, {"command": settings.command, "plan": plan.summary(), "cells": len(cells)})
        write_index(settings.folder, _index(settings, cells))
        threads = plan.threads or max(1, cores() // settings.slots)
        refresh()
        facts = _environment(settings, threads, folder)
        write_json(folder.last_environment, facts)
        write_json(folder.environment(environment_digest(facts)), facts)
        for cell in cells:
            if cell not in chosen:
                take_over(cell, folder)
        return _run_cells(RunState(plan, settings, show, chosen, threads, environment_digest(facts)), elsewhere, before)


def _environment(settings: RunSettings, threads: int, folder: RunFolder) -> dict[str, Any]:
    """The facts on this environment, with the speed of the machine: the one that the folder has for it, or else measured now."""
    facts = environment(settings.device, threads, settings.slots)
    file = folder.environment(environment_digest(facts))
    try:
        known = read_json(file).get(CALIBRATION) if file.exists() else None
    except RecordError:  # it is written anew
        known = None
    return facts | {CALIBRATION: machine_speed(threads) if known is None else known}


def _former_index(folder: RunFolder) -> Index | None:
    """The index of an earlier run in the folder; None in a new folder, and where it cannot be read: it is written anew."""
    try:
        return folder.index() if folder.index_file.exists() or folder.part("cells").is_dir() else None
    except RecordError:
        return None


def _index(settings: RunSettings, cells: list[Cell]) -> Index:
    """The plan's cells by key, and how to repeat one."""
    by_key = {
        cell.key: {"label": cell.contestant.label, "scene": cell.scene.name, "protocol": cell.protocol.name, "seed": cell.seed}
        for cell in cells
    }
    return Index(cells=by_key, arguments=settings.arguments, file=settings.plan_file, device=settings.device, metrics_key=metrics_key())


def _run_cells(state: RunState, elsewhere: Elsewhere | None, before: Index | None) -> list[Result]:
    """Run until nothing waits; Ctrl-C ends the children and loses only the cells that were running."""
    work = sort_out(state.cells, state.folder, retry=state.settings.retry)
    state.to_score = deque(work.to_score)
    for record in work.records.values():
        state.take(record)
    state.wait_for(work.to_fuse)
    state.show_progress(notes=notes(state.cells, work, state.folder, before, state.plan))
    if elsewhere is not None:
        _follow(state, elsewhere)
    try:
        while state.to_fuse or state.to_score or state.children():
            fill_slots(state)
            state.show_progress()
            for child in wait_any(state.children(), WAIT_S):
                collect_child(state, child)
            state.show_progress()
    finally:
        for child in state.children():
            stop(child)
            collect(child).discard()
    prune(state.folder, [state.records[cell.key] for cell in state.cells], state.settings.keep)
    return [state.records[cell.key] for cell in state.cells]


def _follow(state: RunState, elsewhere: Elsewhere) -> None:
    """Hand out every cell that must run, and take each record as it comes.

    Cells of methods that must be trained first stay here, and so do cubes that were made elsewhere.
    """
    waiting = list(state.to_fuse)
    cells = [cell for cell in waiting if not cell.skip_reason and cell.training is None and cell.estimate_file is None]
    for cell in waiting:
        if cell.skip_reason:
            state.finish(state.record(cell, "skipped", cell.skip_reason))
    state.wait_for([cell for cell in waiting if not cell.skip_reason and cell not in cells])
    if not cells:
        return
    with closing(elsewhere(cells)) as arrivals:
        for state.away in arrivals:
            if state.away.record is not None:
                state.finish(state.away.record)
            elif state.away.lost is not None:
                cell, reason = state.away.lost
                state.finish(state.record(cell, "killed", reason))
            else:
                state.show_progress()
    state.away = Arrival((), None)
