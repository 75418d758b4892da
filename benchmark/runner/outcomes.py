"""From the end of a child to a record: outcomes, facts on the cell, measurements."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmark.children.endings import Ended
from benchmark.identity.sources import Sources
from benchmark.matrix.cell import Cell
from benchmark.matrix.contestant import card_facts, parameters_to_json
from benchmark.run_folder.checked_fields import expect_type, types_of
from benchmark.run_folder.json_file import RecordError, json_in
from benchmark.run_folder.program_facts import program_from
from benchmark.run_folder.record import Outcome, Result, clock_from, memory_from, oracle_from_json, oracle_to_json
from datasets.digests import file_sha256

RETRIED: tuple[Outcome, ...] = ("failed", "timeout", "killed", "out of memory", "not run")  # outcomes that may change in another attempt


def outcome_of(ended: Ended) -> Outcome:
    """The outcome of a cell whose method gave no estimate."""
    return "killed" if ended.how == "done" else ended.how


def fused_answer(ended: Ended) -> dict[str, Any]:
    """The answer of `FuseJob`, completed by what was seen from outside (time, memory of all processes), and why operations are missing."""
    answer = ended.answer
    if ended.answered_s is not None:
        answer = answer | {"clock": {**answer["clock"], "outside": ended.answered_s}}
    if ended.group_bytes:
        answer = answer | {"memory": {**answer["memory"], "peak": max(answer["memory"]["peak"], ended.group_bytes)}}
    if ended.unfinished and not answer["flops_reason"]:
        answer = answer | {"flops_reason": f"counting them failed, when the estimate was safe: {ended.unfinished}"}
    return answer


def disagreement(loaded: Mapping[str, str], sources: Sources, main: Path | None = None) -> str:
    """What a child has loaded that is not what the key was made from, as a sentence; empty where there is nothing.

    Args:
        loaded: the syntax digest of each source that the child has loaded, by its path.
        sources: the sources that the key was made from.
        main: the file of the method, which the child must have loaded.
    """
    by_place = {os.path.realpath(path): digest for path, digest in loaded.items()}  # a method may be reached by a link
    wanted = {name: (os.path.realpath(sources.places[name]), digest) for name, digest in sources.files.items()}
    other = [name for name, (place, digest) in wanted.items() if by_place.get(place, digest) != digest]
    if other:
        return f"the sources were changed during the run ({', '.join(sorted(other)[:5])}): run the plan again"
    if main is not None and os.path.realpath(main) not in by_place:
        return f"the process did not say that it loaded {main.name}: run the plan again"
    return ""


def changed_data(cell: Cell) -> str:
    """Which data files of a cell have been changed since the plan was read, as a sentence; empty where none has."""
    sources, parameters = cell.contestant.sources, cell.contestant.parameters
    wanted = {sources.places[name]: digest for name, digest in sources.data.items()}
    wanted |= {value: cell.contestant.file_digests[name] for name, value in parameters.items() if isinstance(value, Path)}
    changed = [path.name for path, digest in wanted.items() if not path.is_file() or file_sha256(path) != digest]
    return f"files were changed during the run ({', '.join(changed)}): run the plan again" if changed else ""


def make_record(
    cell: Cell,
    outcome: Outcome,
    reason: str,
    *,
    device: str,
    threads: int,
    environment: str,
    observed: Mapping[str, Any],
    attempts: int = 1,
    measured: Mapping[str, Any] | None = None,
) -> Result:
    """The record of a cell.

    Args:
        cell: the cell.
        outcome: how it ended.
        reason: why it has no score; empty where it has one.
        device: cpu or cuda.
        threads: of the cell.
        environment: the digest of the environment.
        observed: the answer of `ObserveJob`.
        attempts: how often the cell was run.
        measured: the answer of `FuseJob`; None where there is none.
    """
    card, known = cell.card, measured or {}
    return Result(
        key=cell.key,
        outcome=outcome,
        reason=reason,
        method=cell.contestant.entry.name,
        label=cell.contestant.label,
        parameters=parameters_to_json(cell.contestant.parameters),
        files=cell.contestant.file_digests,
        card=card_facts(card) | {"family": cell.contestant.entry.family},
        tier=card.tier,
        scene=cell.scene.name,
        scene_digest=cell.scene_digest,
        scene_content=cell.identity.digest,
        observation_digest=cell.observation_digest,
        protocol=cell.protocol_facts,
        observed=known.get("observed", observed),
        seed=cell.seed,
        oracle={"count": cell.contestant.oracle, **oracle_from_json(known.get("oracle", {}))} if cell.contestant.oracle else {},
        clock=clock_from(known["clock"]) if known else None,
        memory=memory_from(known["memory"]) if known else None,
        parameters_total=known.get("parameters_total"),
        parameters_inference=known.get("parameters_inference"),
        flops=known.get("flops"),
        flops_uncounted=tuple(known.get("flops_uncounted", ())),
        flops_reason=known.get("flops_reason", ""),
        program=program_from(known["program"]) if known.get("program") else None,
        attempts=known.get("attempts", attempts),
        device=device,
        threads=known.get("threads", threads),
        environment=environment,
        sources=cell.contestant.sources.digest,
        uncovered=tuple(dict.fromkeys((*cell.contestant.sources.uncovered, *known.get("uncovered", ())))),
        clock_key=known.get("clock_key", ""),
        referee=known.get("referee", ""),
        ended=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def read_measurement(file: Path) -> dict[str, Any] | None:
    """What a cell that has no score yet was measured with; None where there is no such file, or where it is not what was written."""
    try:
        table = json_in(file)
        clock_from(table["clock"])
        memory_from(table["memory"])
        oracle_from_json(table.get("oracle", {}))
        if table.get("program"):
            program_from(table["program"])
        kinds = types_of(Result)
        for name, value in table.items():
            if name in kinds and name not in ("clock", "memory", "program"):
                expect_type(name, value, kinds[name])
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    return table


def measurement(record: Result) -> dict[str, Any]:
    """The measurement in the record of a cell that needs only a new score.

    Raises:
        RecordError: the record has no measurement.
    """
    if record.clock is None or record.memory is None:
        raise RecordError(f"{record.key}: expected a scored cell, got {record.outcome}")
    return {
        "clock": asdict(record.clock),
        "memory": asdict(record.memory),
        "parameters_total": record.parameters_total,
        "parameters_inference": record.parameters_inference,
        "flops": record.flops,
        "flops_uncounted": list(record.flops_uncounted),
        "flops_reason": record.flops_reason,
        **({} if record.program is None else {"program": asdict(record.program)}),
        "attempts": record.attempts,
        "threads": record.threads,
        "observed": record.observed,
        "uncovered": list(record.uncovered),
        "clock_key": record.clock_key,
        "referee": record.referee,
        **({"oracle": oracle_to_json(record.oracle)} if "best" in record.oracle else {}),
    }
