"""For which scenes and protocols the plans of the records have each row: `scenes` and `protocols` of a [[method]] table.

A row is found by its label, which is its own in a plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.run_folder.record import Result

ON_GPU = ", on a GPU"  # follows the label of rows of a GPU, where a configuration has rows of two devices


@dataclass(frozen=True)
class RowCells:
    """The names of the scenes and protocols for which a plan has a row; None where it is all of them."""

    scenes: frozenset[str] | None = None
    protocols: frozenset[str] | None = None

    def admits(self, scene: str, protocol: str) -> bool:
        """Whether the plan has the row on this scene under this protocol."""
        return (self.scenes is None or scene in self.scenes) and (self.protocols is None or protocol in self.protocols)


PlannedCells = Mapping[str, Sequence[RowCells]]
"""For what each of several plans has a row, by its label."""


def planned_cells(plans: Iterable[object]) -> PlannedCells:
    """For what these plans have each row. Each has every name looked up, as a run folder and a bundle keep it; that of a merged run may be
    a table of plans by their names.
    """
    found: dict[str, list[RowCells]] = {}
    for plan in plans:
        if not isinstance(plan, Mapping):
            continue
        for each in [plan] if "methods" in plan else [inside for inside in plan.values() if isinstance(inside, Mapping)]:
            for method in _tables(each.get("methods")):
                limit = RowCells(_names(method.get("scenes")), _names(method.get("protocols")))
                found.setdefault(str(method.get("label")), []).append(limit)
    return found


def is_planned(cells: PlannedCells, label: str, scene: str, protocol: str) -> bool:
    """Whether a plan has the row of this label on a scene under a protocol; a row that no plan has counts as one for all."""
    own = cells.get(label.removesuffix(ON_GPU), ())
    return not own or any(each.admits(scene, protocol) for each in own)


def scenes_beyond(cells: PlannedCells, results: Sequence[Result], scenes: Iterable[str]) -> frozenset[str]:
    """Those of the scenes of a table on which no plan has a row, and of which the row has no record.

    Args:
        cells: what the plans say.
        results: the records of the row under one protocol.
        scenes: the scenes of the table.
    """
    label, protocol = results[0].label, str(results[0].protocol.get("name", ""))
    there = {result.scene for result in results}
    return frozenset(scene for scene in scenes if scene not in there and not is_planned(cells, label, scene, protocol))


def _tables(value: object) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _names(value: object) -> frozenset[str] | None:
    return frozenset(map(str, value)) if isinstance(value, list) else None
