"""The summary of a dry run: how many cells each method, scene and protocol has, how they stand, and what will be skipped and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from benchmark.matrix.cell import Cell

MOST_LISTED = 40  # cells that a dry run lists one by one without being asked
_KINDS: tuple[tuple[str, Callable[[Cell], str]], ...] = (
    ("method", lambda cell: cell.contestant.label),
    ("scene", lambda cell: cell.scene.name),
    ("protocol", lambda cell: cell.protocol.name),
)


def count_lines(cells: Sequence[Cell], outcomes: Mapping[str, str]) -> list[str]:
    """Lines that count the cells by method, by scene and by protocol, and name those that will be skipped.

    Args:
        cells: the cells of the plan.
        outcomes: how an earlier run ended a cell, by its key; empty for a record that is damaged.
    """
    stand = {cell.key: _standing(cell, outcomes) for cell in cells}
    lines = []
    for kind, name_of in _KINDS:
        groups: dict[str, list[Cell]] = {}
        for cell in cells:
            groups.setdefault(name_of(cell), []).append(cell)
        width = max(map(len, groups), default=0)
        lines.append(f"by {kind} ({len(groups)})")
        lines += [f"  {name.ljust(width)}  {_counts(Counter(stand[cell.key] for cell in inside))}" for name, inside in groups.items()]
    return [*lines, *_skipped([cell for cell in cells if stand[cell.key] == "to be skipped"])]


def _standing(cell: Cell, outcomes: Mapping[str, str]) -> str:
    """How a cell stands, in words."""
    outcome = outcomes.get(cell.key)
    if outcome is None or outcome == "":
        return "to be skipped" if cell.skip_reason else "to run"
    return {"scored": "done", "skipped": "skipped"}.get(outcome, outcome)


def _counts(counts: Counter[str]) -> str:
    first = ("to run", "done")
    order = [*first, *sorted(set(counts) - set(first))]
    parts = [f"{counts[word]} {word}" for word in order if counts[word]]
    return f"{_counted(counts.total(), 'cell')}: {', '.join(parts)}"


def _skipped(cells: Sequence[Cell]) -> list[str]:
    """A line for each method and reason, with the scenes and protocols for which that is so; the reason is that of the first cell."""
    groups: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells:
        alike = cell.skip_reason.replace(cell.protocol.name, "*").replace(cell.scene.name, "*")
        groups.setdefault((cell.contestant.label, alike), []).append(cell)
    lines = [f"to be skipped: {_counted(len(cells), 'cell')}"] if cells else []
    for (label, _), inside in groups.items():
        scenes, protocols = list(dict.fromkeys(cell.scene.name for cell in inside)), {cell.protocol.name for cell in inside}
        where = scenes[0] if len(scenes) == 1 else _counted(len(scenes), "scene")
        lines.append(f"  {label}, {len(inside)} on {where}, {_counted(len(protocols), 'protocol')}: {inside[0].skip_reason}")
    return lines


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
