"""The disk space that a run would take."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from benchmark.matrix.cell import Cell
from benchmark.run_folder.retention import WAITING_PER_SLOT, Keep


def scene_values(cells: Sequence[Cell]) -> dict[str, int]:
    """The number of values (bands x rows x cols) of the largest cube of each scene, by its name.

    The size of a real pair is that of its HSI; as it was taken, the fused cube has more pixels.
    """
    values: dict[str, int] = {}
    for cell in cells:
        finer = 1 if cell.protocol.has_reference else cell.protocol.ratio**2
        values[cell.scene.name] = max(values.get(cell.scene.name, 0), finer * prod(cell.identity.shape))
    return values


def disk_bytes(cells: Sequence[Cell], keep: Keep, values: Mapping[str, int], slots: int = 1) -> int:
    """An upper bound for the bytes that a run stores: uncompressed, one estimate per cell and one 32-bit reference per scene and ratio.

    A standard deviation, which few methods state, comes on top: as much as its estimate, or twice that. The iterates of oracle rows are
    counted for as many cells as may wait for their scores, the largest ones.

    Args:
        cells: the cells to be run.
        keep: which estimates are kept.
        values: what `scene_values` gives.
        slots: cells that run at a time.
    """
    total = 0
    references: set[str] = set()
    for cell in cells:
        if cell.protocol.has_reference and cell.scene_digest not in references:
            references.add(cell.scene_digest)
            total += 4 * values[cell.scene.name]
        total += {"estimates": 2, "float32": 4}.get(keep, 0) * values[cell.scene.name]
    if keep == "top":
        total += sum(2 * values[scene] for scene in {cell.scene.name for cell in cells})
    iterates = sorted((cell.contestant.oracle * values[cell.scene.name] for cell in cells), reverse=True)
    waiting = 1 if slots == 1 else (WAITING_PER_SLOT + 1) * slots
    return total + (4 if keep == "float32" else 2) * sum(iterates[:waiting])
