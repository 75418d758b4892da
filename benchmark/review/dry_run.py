"""`run --dry-run`: the cells, the disk space and the time that a plan would take; nothing is run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmark.matrix.cell import Cell
from benchmark.review.cell_counts import MOST_LISTED, count_lines
from benchmark.review.disk_forecast import disk_bytes, scene_values
from benchmark.review.known_costs import KnownCosts
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.record import read_record
from benchmark.run_folder.retention import Keep


def dry_run(cells: Sequence[Cell], folder: Path, device: str, keep: Keep, slots: int, costs: KnownCosts, *, list_all: bool = False) -> str:
    """The text of a dry run: the cells counted and, where they are few, with their keys; and the disk space and time that they would take.

    Args:
        cells: the cells of the plan.
        folder: the run folder, whose records count too.
        device: cpu or cuda.
        keep: which estimates are kept.
        slots: cells that run at a time.
        costs: what is known of the time that cells take.
        list_all: list each cell, however many there are.
    """
    run = RunFolder(folder)
    outcomes = {cell.key: _outcome(run.record(cell.key)) for cell in cells if run.record(cell.key).exists()}
    done = set(outcomes)
    lines = [
        f"{cell.key}  {cell.contestant.label}  |  {cell.scene.name}  |  {cell.protocol.name}  |  seed {cell.seed}"
        + _spell_outcome(outcomes.get(cell.key))
        for cell in (cells if list_all or len(cells) <= MOST_LISTED else ())
    ]
    lines += [] if lines else [f"more than {MOST_LISTED} cells: --dry-run --all lists each with its key"]
    lines += count_lines(cells, outcomes)
    values = scene_values(cells)
    megabytes = disk_bytes(cells, keep, values, slots) / 1e6
    lines.append(f"{len(cells)} cell{'' if len(cells) == 1 else 's'}, into {folder}; up to {megabytes:.0f} MB there, uncompressed")
    return "\n".join([*lines, *_cropped(cells), costs.forecast(cells, device, list(done)).text()])


def _outcome(file: Path) -> str:
    """How an earlier run ended a cell; empty where its record cannot be read."""
    try:
        return read_record(file).outcome
    except RecordError:
        return ""


def _spell_outcome(outcome: str | None) -> str:
    if outcome is None:
        return ""
    if outcome in ("scored", "skipped"):
        return "  (done)" if outcome == "scored" else "  (skipped)"
    return f"  ({outcome}: --retry runs it again)" if outcome else "  (its record is damaged: it runs again)"


def _cropped(cells: Sequence[Cell]) -> list[str]:
    """A line for each scene of which a ratio leaves rows or columns over."""
    lines: dict[str, None] = {}
    for cell in cells:
        ratio = cell.protocol.ratio
        rows, cols = cell.identity.shape[1:]
        if cell.protocol.has_reference and (rows % ratio or cols % ratio):
            used = f"{rows - rows % ratio} x {cols - cols % ratio}"
            lines[f"{cell.scene.name} is cropped from {rows} x {cols} to {used} pixels, as ratio {ratio} does not divide its sides"] = None
    return list(lines)
