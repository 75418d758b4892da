"""What becomes of a cell when one of its children has ended: its files are kept, and it goes on, runs again, or gets its record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from benchmark.children.answers import FULL_ERRORS
from benchmark.children.endings import Ended
from benchmark.children.processes import Child, collect
from benchmark.children.step_count import counted_steps
from benchmark.matrix.cell import Cell
from benchmark.run_folder.fit_file import read_fit, seal_fit
from benchmark.run_folder.json_file import write_json
from benchmark.run_folder.record import oracle_from_json, score_from_json, std_file
from benchmark.runner.jobs import ESTIMATE_NAME, FIT_NAME, STD_NAME
from benchmark.runner.oracle_iterates import keep_iterates
from benchmark.runner.outcomes import RETRIED, changed_data, disagreement, fused_answer, outcome_of, read_measurement
from benchmark.runner.run_state import RunState
from datasets.printable import error_text


def collect_child(state: RunState, child: Child) -> None:
    """End a child that is done, or has passed a limit, and take what it leaves."""
    ended = collect(child)
    if child in state.observing:
        cell, step = state.observing.pop(child), _observed
    elif child in state.fitting:
        cell, step = state.fitting.pop(child), _fitted
    elif child in state.fusing:
        cell, step = state.fusing.pop(child)[0], _fused
    else:
        cell, step = state.scoring.pop(child), _scored
    try:
        step(state, cell, ended)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, OSError) as error:
        if isinstance(error, OSError) and error.errno in FULL_ERRORS:
            raise  # of the disk of the run folder: nothing that follows could be kept
        _unusable(state, cell, step, f"what its process left cannot be used: {error_text(error)}")
    ended.discard()


def _unusable(state: RunState, cell: Cell, step: Callable[[RunState, Cell, Ended], None], reason: str) -> None:
    """Note that what a child left makes no sense: it costs this cell, or those that share an observation or a training, and no other."""
    if step is _observed:
        state.unobservable[cell.observation_digest] = f"the observation could not be made: {reason}"
    elif step is _fitted:
        state.unfit[cell.fit_digest] = f"the training failed: {reason}"
    else:
        state.folder.discard_estimate(cell.key)
        state.folder.discard_measurement(cell.key)
        state.finish(state.record(cell, "failed", reason))


def _observed(state: RunState, cell: Cell, ended: Ended) -> None:
    digest = cell.observation_digest
    ended.keep_log(state.folder.log(f"observe_{digest}"))
    problem = ended.reason if ended.how != "done" else disagreement(ended.answer.pop("sources"), state.plan.simulator)
    if not problem:
        state.observed[digest] = ended.answer
        return
    state.unobservable[digest] = f"the observation could not be made: {problem}"
    if state.to_score and state.to_score[0].observation_digest == digest:  # it was needed for the score of a cell that is fused already
        state.finish(state.record(state.to_score.popleft(), "failed", state.unobservable[digest]), scored=False)


def _fitted(state: RunState, cell: Cell, ended: Ended) -> None:
    log = f"fit_{cell.fit_digest}"
    ended.keep_log(state.folder.log(log))
    problem = ended.reason
    if ended.how == "done":
        missing = "" if ended.left_file(FIT_NAME) else "it left no fitted method"
        problem = missing or disagreement(ended.answer["sources"], cell.sources, cell.contestant.entry.python_file) or changed_data(cell)
    if problem:
        state.unfit[cell.fit_digest] = f"the training failed: {problem}; logs/{log}.txt has the rest"
    else:
        seal_fit(state.folder, cell.fit_digest, ended.scratch / FIT_NAME)
        ended.keep(FIT_NAME, state.folder.fit(cell.fit_digest))
        if read_fit(state.folder, cell.fit_digest) is None:
            state.unfit[cell.fit_digest] = "the training failed: what it left is empty, or was changed while it was stored"


def _fused(state: RunState, cell: Cell, ended: Ended) -> None:
    state.pace.ended(cell.contestant.label, ended.seconds)
    state.usual_steps[cell.contestant.label] = counted_steps(ended.scratch) if ended.how == "done" else 0
    ended.keep_log(state.folder.log(cell.key))
    if ended.how == "done" and not ended.left_file(ESTIMATE_NAME):
        ended = replace(ended, how="killed", reason="it answered, but its estimate is gone; its log has what it printed")
    changed = ""
    if "sources" in ended.answer:
        changed = disagreement(ended.answer.pop("sources"), cell.sources, cell.contestant.entry.python_file) or changed_data(cell)
    if changed:
        state.finish(state.record(cell, "failed", changed))
        return
    if ended.how == "done":
        _keep(state, cell, ended)
        state.to_score.append(cell)
        return
    outcome = outcome_of(ended)
    if outcome in RETRIED and state.attempts[cell.key] <= state.plan.retries:
        state.wait_again(cell)
        return
    state.finish(state.record(cell, outcome, ended.reason))


def _keep(state: RunState, cell: Cell, ended: Ended) -> None:
    """Move estimate and measurement from a child's scratch folder to the run folder."""
    estimate = state.folder.estimate(cell.key)
    if ended.left_file(STD_NAME):
        ended.keep(STD_NAME, std_file(estimate))
    if cell.contestant.oracle:
        keep_iterates(ended, state.folder.iterates(cell.key))
    ended.keep(ESTIMATE_NAME, estimate)  # last: where it is, all that belongs to it is
    more = {
        "attempts": state.attempts[cell.key],
        "observed": state.observed[cell.observation_digest],
        "clock_key": state.clock_key,
        "referee": state.referee,
    }
    write_json(state.folder.measured(cell.key), {**fused_answer(ended), **more}, durable=False)


def _scored(state: RunState, cell: Cell, ended: Ended) -> None:
    ended.keep_log(state.folder.log(cell.key))
    damaged = str(ended.answer.get("damaged", "")) if ended.how == "done" else ""
    if damaged and cell.key not in state.healed:
        state.healed.add(cell.key)
        _heal(state, cell, damaged)
        return
    problem = ended.reason
    if ended.how == "done":
        problem = ended.answer["reason"] if damaged else disagreement(ended.answer["sources"], state.metrics)
    measured = read_measurement(state.folder.measured(cell.key))
    if measured is None:  # it was spoilt while the cell was scored: the cell is run again
        state.wait_again(cell)
        return
    record = state.record(cell, "scored", "", measured)
    if problem:
        kept = "the estimate is kept: --retry scores it again"
        state.finish(replace(record, outcome="failed", reason=f"scoring failed: {problem}; {kept}"), scored=False)
    else:
        picked = {**record.oracle, **oracle_from_json(ended.answer["oracle"])}
        metrics = {name: score_from_json(value) for name, value in ended.answer["metrics"].items()}
        remarks = tuple(dict.fromkeys((*record.remarks, *map(str, ended.answer["remarks"]))))
        state.finish(replace(record, metrics=metrics, metrics_key=state.metrics.digest, oracle=picked, remarks=remarks))


def _heal(state: RunState, cell: Cell, damaged: str) -> None:
    """Let a damaged file be made again that a scoring has met: the estimate, or what belongs to the observation."""
    if damaged == "estimate":
        state.folder.discard_estimate(cell.key)
        state.folder.discard_measurement(cell.key)
        state.wait_again(cell)
        return
    if cell.protocol.has_reference:  # what has none may share the name with what has one
        state.folder.reference(cell.scene_digest).unlink(missing_ok=True)
    state.folder.observation(cell.observation_digest).unlink(missing_ok=True)
    state.folder.responses(cell.observation_digest).unlink(missing_ok=True)
    state.observed.pop(cell.observation_digest, None)
    state.to_score.appendleft(cell)
