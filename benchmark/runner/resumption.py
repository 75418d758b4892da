"""What is left to do in a run folder: which cells have a current record, which need only a score, which must run; and notes on that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from benchmark.identity.source_keys import metrics_key
from benchmark.matrix.cell import Cell
from benchmark.matrix.contestant import card_facts, parameters_to_json
from benchmark.matrix.plan import Plan
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.index import Index
from benchmark.run_folder.json_file import RecordError, write_json
from benchmark.run_folder.record import SCHEMA, Result, identity_of, spell_identity
from benchmark.runner.outcomes import measurement, read_measurement
from benchmark.runner.pair_review import on_pairs


@dataclass
class WorkList:
    """The cells of a run, sorted by what is to be done."""

    records: dict[str, Result] = field(default_factory=dict)  # by key, of the cells for which nothing is to be done
    to_score: list[Cell] = field(default_factory=list)
    to_fuse: list[Cell] = field(default_factory=list)


def sort_out(cells: Sequence[Cell], folder: RunFolder, *, retry: bool) -> WorkList:
    """The cells, sorted: what is done, what needs only a score, and what must run. With `retry`, cells that failed
    must run; those that a fault of the machine has kept from running must run in any case.

    A record that cannot be read counts as missing. A record that is taken over gets the names that the plan uses now.
    """
    work, current_metrics = WorkList(), metrics_key()
    for cell in cells:
        record = take_over(cell, folder)
        if record is not None and not _stands(record, cell):
            record = None
        if record is not None:
            finished = record.outcome in ("scored", "skipped") or not (retry or record.outcome == "not run")
            if finished and (record.outcome != "scored" or record.metrics_key == current_metrics):
                work.records[cell.key] = record
                continue
            if finished and folder.estimate(cell.key).is_file() and (record.clock is not None or record.made_elsewhere):
                write_json(folder.measured(cell.key), measurement(record))
        if _awaits_score(cell, folder):
            work.to_score.append(cell)
        else:
            work.to_fuse.append(cell)
    return work


def _awaits_score(cell: Cell, folder: RunFolder) -> bool:
    """Whether a cell has been fused and measured; for an oracle row, also whether an iterate was picked or can be."""
    measured = read_measurement(folder.measured(cell.key)) if folder.estimate(cell.key).is_file() else None
    if measured is None:
        return False
    if not cell.contestant.oracle:
        return True
    return folder.iterates(cell.key).is_dir() or "best" in measured.get("oracle", {})


def take_over(cell: Cell, folder: RunFolder) -> Result | None:
    """The record of a cell under the names that the plan uses now; None where there is none that can be read."""
    try:
        record = folder.read(cell.key)
    except RecordError:  # not there, or damaged: the cell runs
        return None
    named = renamed(record, cell)
    if named != record:
        folder.write(named)
    return named


def _stands(record: Result, cell: Cell) -> bool:
    """Whether a record still holds: a cell that was skipped by the names in the plan must be skipped by the present names too."""
    refused_by_method = record.reason.partition(":")[0].endswith("Error")
    return record.outcome != "skipped" or refused_by_method or bool(cell.skip_reason)


def renamed(record: Result, cell: Cell) -> Result:
    """The record under the present names of the plan: label, parameters, card, tier, scene, protocol. None of them is part of the key."""
    return replace(
        record,
        label=cell.contestant.label,
        parameters=parameters_to_json(cell.contestant.parameters),
        files=cell.contestant.file_digests,
        card=card_facts(cell.card) | {"family": cell.contestant.entry.family},
        tier=cell.tier,
        scene=cell.scene.name,
        protocol=cell.protocol_facts,
        reason=(record.outcome == "skipped" and cell.skip_reason) or record.reason,
    )


def identity_of_cell(cell: Cell) -> str:
    """The identity of a cell: the same as that of its record, whatever code makes it."""
    return spell_identity(
        method=cell.contestant.entry.name,
        parameters={**parameters_to_json(cell.contestant.parameters), **cell.contestant.file_digests},
        scene=cell.identity.digest,
        protocol=cell.protocol.numbers(),
        seed=cell.seed,
        device=cell.device,
        oracle=cell.contestant.oracle,
    )


def notes(cells: Sequence[Cell], work: WorkList, folder: RunFolder, before: Index | None, plan: Plan) -> tuple[str, ...]:
    """Sentences for the user before the run starts: on cells that run again, on records of earlier code, on cells that are named twice.

    Args:
        cells: the cells of this run.
        work: what `sort_out` gives for them.
        folder: the run folder, which has the index of this run already.
        before: the index that was there before; None in a new folder.
        plan: the plan of this run.
    """
    sentences = []
    again = work.to_fuse
    superseded = folder.superseded()
    if before is not None and before.schema < SCHEMA and superseded:
        sentences.append(
            f"this folder was made by an earlier version (schema {before.schema}): its {_counted(len(superseded), 'record')} stay as files "
            f"and are not used; {_counted(len(again), 'cell')} of {len(cells)} will be run"
        )
    else:
        sentences += repeated(again, folder, superseded, len(cells))
    return (*sentences, *on_scenes(cells), *on_pairs(plan), *planned_once(plan, cells[0].device if cells else "cpu"))


def on_scenes(cells: Sequence[Cell]) -> tuple[str, ...]:
    """A sentence for each scene of which the reader has something to say: what it left out, and what the file holds besides."""
    said = {cell.scene.name: cell.identity.remarks for cell in cells}
    return tuple(f"scene {name}: {'; '.join(remarks)}" for name, remarks in said.items() if remarks)


def repeated(cells: Sequence[Cell], folder: RunFolder, earlier: Sequence[str], total: int) -> list[str]:
    """A sentence on the cells that other code has run already; none where there are no such cells.

    Args:
        cells: the cells that will be run.
        folder: the run folder.
        earlier: the keys of its records that belong to no cell of the plan as it is now.
        total: the number of cells of the plan.
    """
    known = set()
    for key in earlier:
        try:
            known.add(identity_of(folder.read(key)))
        except RecordError:  # it takes part in nothing
            continue
    count = sum(identity_of_cell(cell) in known for cell in cells)
    if not count:
        return []
    return [
        f"{_counted(count, 'cell')} of {total} will be run again: the code that made their records has been changed since. "
        "The earlier records stay as files until `clean`"
    ]


def planned_once(plan: Plan, device: str) -> tuple[str, ...]:
    """Sentences for the user on cells that the plan names and that are not run, or are run once only."""
    sentences = list(plan.left_out)
    if plan.named_again:
        sentences.append(f"{_counted(plan.named_again, 'name')} that patterns bring once more: planned once")
    if doubles := plan.doubles(device):
        sentences.append(f"{_counted(doubles, 'cell')} that the plan names twice will be run once")
    if repeats := plan.repeats():
        sentences.append(
            f"{_counted(repeats, 'cell')} would repeat another with a further seed (the method is not random, the protocol adds no noise): "
            "not planned"
        )
    return tuple(sentences)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
