"""What a run finds in its folder: which cells have a current record, which need only a score, which must run; and what it says of that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from benchmark.identity.source_keys import metrics_key
from benchmark.matrix.cell import Cell
from benchmark.matrix.contestant import card_facts, plain
from benchmark.matrix.plan import Plan
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.index import Index
from benchmark.run_folder.record import SCHEMA, RecordError, Result, identity_of, read_json, spell_identity, write_json
from benchmark.runner.outcomes import measurement, withheld


@dataclass
class Sorted:
    """The cells of a run by what is to be done."""

    records: dict[str, Result] = field(default_factory=dict)  # by key: nothing is to be done
    to_score: list[Cell] = field(default_factory=list)
    to_fuse: list[Cell] = field(default_factory=list)


def sort_out(cells: Sequence[Cell], folder: RunFolder, *, retry: bool) -> Sorted:
    """What is done already, what needs only a score, and what must run.

    A record that cannot be read counts as absent. One that is taken over gets the names that the plan uses now.
    """
    found, current_metrics = Sorted(), metrics_key()
    for cell in cells:
        record = take_over(cell, folder)
        if record is not None and not _stands(record, cell):
            record = None
        if record is not None:
            finished = record.outcome in ("scored", "skipped") or not retry
            if finished and record.metrics_key in ("", current_metrics):
                found.records[cell.key] = record
                continue
            if finished and folder.estimate(cell.key).exists() and record.clock is not None:
                write_json(folder.measured(cell.key), measurement(record))
        if _awaits_score(cell, folder):
            found.to_score.append(cell)
        else:
            found.to_fuse.append(cell)
    return found


def _awaits_score(cell: Cell, folder: RunFolder) -> bool:
    """Whether a cell has been fused and measured; and, for an oracle row, whether there is something to pick from, or one was picked."""
    if not (folder.measured(cell.key).exists() and folder.estimate(cell.key).exists()):
        return False
    if not cell.contestant.oracle:
        return True
    return folder.iterates(cell.key).is_dir() or "best" in read_json(folder.measured(cell.key)).get("oracle", {})


def take_over(cell: Cell, folder: RunFolder) -> Result | None:
    """The record of a cell, if it has one that can be read, under the names of the plan as it is now."""
    try:
        record = folder.read(cell.key)
    except RecordError:  # not there, or damaged: the cell runs
        return None
    named = renamed(record, cell)
    if named != record:
        folder.write(named)
    return named


def _stands(record: Result, cell: Cell) -> bool:
    """Whether a cell that the plan's rules had skipped is still skipped by them: names decide there, and names may have been changed."""
    refused_by_method = record.reason.partition(":")[0].endswith("Error")
    return record.outcome != "skipped" or refused_by_method or bool(withheld(cell))


def renamed(record: Result, cell: Cell) -> Result:
    """The record with what is display and no part of the key: label, tier, card, names of scene and protocol, the protocol's source."""
    return replace(
        record,
        label=cell.contestant.label,
        parameters=plain(cell.contestant.parameters),
        card=card_facts(cell.card) | {"family": cell.contestant.entry.family},
        tier=cell.card.tier,
        scene=cell.scene.name,
        protocol=cell.protocol_facts,
        reason=(record.outcome == "skipped" and withheld(cell)) or record.reason,
    )


def identity_of_cell(cell: Cell) -> str:
    """What the record of a cell is about, whatever code makes it."""
    return spell_identity(
        method=cell.contestant.entry.name,
        parameters=plain(cell.contestant.parameters),
        scene=cell.identity.digest,
        protocol=cell.protocol.numbers(),
        seed=cell.seed,
        device=cell.device,
        oracle=cell.contestant.oracle,
    )


def notes(cells: Sequence[Cell], found: Sorted, folder: RunFolder, before: Index | None, plan: Plan) -> tuple[str, ...]:
    """What a user should know before the run starts: cells that run again, records of earlier code, cells that were named twice.

    Args:
        cells: those of this run.
        found: what `sort_out` gave.
        folder: the run folder, its index that of this run.
        before: the index that was there before; None in a new folder.
        plan: that of this run.
    """
    said = []
    again = found.to_fuse
    superseded = folder.superseded()
    if before is not None and before.schema < SCHEMA and superseded:
        said.append(
            f"this folder was made by an earlier version (schema {before.schema}): its {_counted(len(superseded), 'record')} stay as files "
            f"and take part in nothing; {_counted(len(again), 'cell')} of {len(cells)} will be run"
        )
    elif superseded:
        known = set()
        for key in superseded:
            try:
                known.add(identity_of(folder.read(key)))
            except RecordError:  # it would have been superseded anyway
                continue
        repeated = sum(identity_of_cell(cell) in known for cell in again)
        if repeated:
            said.append(
                f"{_counted(repeated, 'cell')} of {len(cells)} will be run again: the code that made their records has been changed since. "
                "The earlier records stay as files until `clean`"
            )
    return (*said, *planned_once(plan, cells[0].device if cells else "cpu"))


def planned_once(plan: Plan, device: str) -> tuple[str, ...]:
    """What a user should know of cells that her plan names and that are not run."""
    said = []
    if doubles := plan.doubles(device):
        said.append(f"{_counted(doubles, 'cell')} that the plan names twice will be run once")
    if repeats := plan.repeats():
        said.append(
            f"{_counted(repeats, 'cell')} would repeat another with a further seed (their methods are not random, and nothing is noisy): "
            "not planned"
        )
    return tuple(said)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
