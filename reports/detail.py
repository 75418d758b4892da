"""How much of each estimate a page holds, so that it stays small: large previews for few estimates, smaller ones for many.

An estimate costs at most about 4/3 (0.75 L^2 + n^2 bands) bytes: two pictures of L x L pixels and spectra of n x n pixels, as base64.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmark.result import Result
from reports.comparison import Detail

BUDGET = 18e6  # bytes for pictures and spectra; the whole page stays below 25 MB
LADDER = (Detail(512, 32), Detail(256, 32), Detail(192, 24), Detail(128, 16), Detail(96, 12), Detail(64, 8))
_BANDS = 31  # where a record does not tell


@dataclass(frozen=True)
class Plan:
    """The detail of every scene that is drawn, and how many of each protocol's scenes are."""

    detail: Detail
    scenes: int  # of each protocol; the first ones

    def has_room(self, scene: int) -> bool:
        """Whether the page draws a protocol's scene of that number (from 1)."""
        return scene <= self.scenes


def plan_detail(results: Sequence[Result]) -> Plan:
    """The finest detail at which every estimate (one seed each) fits the budget; else the coarsest, and as many scenes as fit."""
    shown = {(str(r.protocol), r.scene, r.label, r.tier, str(r.parameters)): r for r in results if r.outcome == "scored"}
    bands = [int((r.observed.get("shape") or [_BANDS])[0]) for r in shown.values()]
    scenes = max([1, *_counts(results).values()])

    def cost(detail: Detail) -> float:
        return sum((4 / 3 * (0.75 * detail.longest**2 + detail.grid**2 * each) for each in bands), 0.0)

    for detail in LADDER:
        if cost(detail) <= BUDGET:
            return Plan(detail, scenes)
    return Plan(LADDER[-1], max(1, int(scenes * BUDGET / cost(LADDER[-1]))))


def _counts(results: Sequence[Result]) -> dict[str, int]:
    """The number of scenes of each protocol."""
    found: dict[str, set[str]] = {}
    for result in results:
        found.setdefault(str(result.protocol), set()).add(result.scene)
    return {protocol: len(scenes) for protocol, scenes in found.items()}
