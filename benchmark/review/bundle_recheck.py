"""Whether the scores in a bundle are those of its cubes: which cells are drawn, and how their scores compare.

A cell is drawn by the order of

    sha256(digest of all records of the bundle, the word of the checker, key of the cell)

first the first cell of each row, then the others. The word is drawn at random where none is given, and told: so nobody who makes a bundle
can know which cells will be looked at, and everybody can draw the same again. Cells of real pairs are not drawn, as their images are
described in no bundle.

Two scores differ by the rule of `compare`: by more than one unit of the last digit that tables print. What a repeated run of a method
differs by is not added: it is the same cube that is scored again, and the bundle itself would say how much it may be off.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmark.identity.source_keys import metrics_key
from benchmark.metrics.spelling import spell_metric
from benchmark.review.compare import metric_differs
from benchmark.run_folder.bundle import Bundle
from benchmark.run_folder.record import Result, record_table


@dataclass(frozen=True)
class Recheck:
    """What came of the cells that were drawn."""

    drawn: int
    agreeing: int  # whose scores are those of the bundle
    mismatches: tuple[str, ...]  # a line for each score that differs, and for each cube that cannot be scored
    gaps: tuple[str, ...]  # a line for each cell that could not be looked at
    unseen: tuple[str, ...]  # rows of which no cell was looked at
    recomputed: int

    @property
    def sound(self) -> bool:
        """Whether something was recomputed, and nothing differs."""
        return self.recomputed > 0 and not self.mismatches


def drawn_cells(bundle: Bundle, count: int, word: str) -> list[Result]:
    """The cells that are looked at, by the rule of the module docstring; fewer where the bundle has fewer scored cells."""
    content = hashlib.sha256(json.dumps([record_table(record) for record in bundle.records], sort_keys=True).encode()).hexdigest()
    known = [record for record in bundle.records if record.outcome == "scored" and "pair" not in record.protocol]
    ordered = sorted(known, key=lambda record: hashlib.sha256(f"{content}\0{word}\0{record.key}".encode()).digest())
    firsts = {record.label: record for record in reversed(ordered)}  # the first of each row
    chosen = [record for record in ordered if firsts[record.label] is record]
    return [*chosen, *(record for record in ordered if firsts[record.label] is not record)][:count]


def recheck(
    bundle: Bundle,
    drawn: Sequence[Result],
    metrics: Mapping[str, Mapping[str, float | None]],
    gaps: Mapping[str, str],
    faults: Mapping[str, str],
) -> Recheck:
    """The scores in a bundle, compared with those of its cubes.

    A record that was scored by these same metrics must have each of them.

    Args:
        bundle: the bundle.
        drawn: the cells that were looked at.
        metrics: what their cubes score now, by the key of the cell.
        gaps: what is missing of others, by the key of the cell.
        faults: what is wrong with the cubes of others, likewise.
    """
    mismatches = [f"{_name(record)}: {faults[record.key]}" for record in drawn if record.key in faults]
    agreeing, key = 0, metrics_key()
    for record in drawn:
        if record.key not in metrics:
            continue
        lines = _differing(record, metrics[record.key], whole=record.metrics_key == key)
        agreeing += not lines
        mismatches += [f"{_name(record)}: {line}" for line in lines]
    seen = {record.label for record in drawn if record.key in metrics or record.key in faults}
    rows = dict.fromkeys(record.label for record in bundle.records if record.outcome == "scored")
    return Recheck(
        len(drawn),
        agreeing,
        tuple(mismatches),
        tuple(f"{_name(record)}: {gaps[record.key]}" for record in drawn if record.key in gaps),
        tuple(label for label in rows if label not in seen),
        sum(record.key in metrics for record in drawn),
    )


def _differing(record: Result, here: Mapping[str, float | None], *, whole: bool) -> list[str]:
    """A line for each metric whose two values differ; with `whole`, also for one that the record lacks."""
    lines = []
    for name, value in here.items():
        if name not in record.metrics:
            lines += [f"{spell_metric(name, value)} recomputed, and none in the bundle"] if whole else []
        elif metric_differs(name, record.metrics[name], value):
            lines.append(f"{spell_metric(name, record.metrics[name])} in the bundle, {spell_metric(name, value)} recomputed")
    return lines


def _name(record: Result) -> str:
    return f"{record.label} on {record.scene}, {record.protocol.get('name')}, seed {record.seed}"
