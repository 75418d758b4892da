"""How much of each estimate a page holds, so that it stays small: large previews for few estimates, smaller ones for many.

Every picture has the same room (`images.webp` lowers its quality until it fits): an estimate has two pictures, or three with a posterior, a
scene two more. Spectra of n x n pixels cost n^2 bands bytes an estimate, and twice that for the truth. Base64 adds a third. Of the sizes in
`LADDER` the first is taken at which the budget leaves `LEAST_RATE` bytes for every pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmark.run_folder.record import Result
from reports.comparison import Detail

BUDGET = 20e6  # bytes for pictures and spectra; the whole page stays below 25 MB
LEAST_RATE = 0.375  # bytes a pixel: a photograph at WebP's quality of about 80
LADDER = (Detail(512, 32), Detail(256, 32), Detail(192, 24), Detail(128, 16), Detail(96, 12), Detail(64, 8))
_BANDS = 31  # where a record does not tell
_POSTERIOR = "std_rms_z"  # a score that a record has where a posterior is stored


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
    bands = {key: int((r.observed.get("shape") or [_BANDS])[0]) for key, r in shown.items()}
    of_scene = {key[:2]: count for key, count in bands.items()}
    pictures = sum(3 if _POSTERIOR in r.metrics else 2 for r in shown.values()) + 2 * len(of_scene)
    values = sum(bands.values()) + 2 * sum(of_scene.values())
    scenes = max([1, *_counts(results).values()])

    def room(detail: Detail) -> float:
        """Bytes that the spectra leave each picture."""
        return (BUDGET * 3 / 4 - detail.grid**2 * values) / max(pictures, 1)

    for detail in LADDER:
        if room(detail) >= LEAST_RATE * detail.longest**2:
            return Plan(replace(detail, most=room(detail)), scenes)
    least = replace(LADDER[-1], most=LEAST_RATE * LADDER[-1].longest ** 2)
    return Plan(least, max(1, int(scenes * BUDGET * 3 / 4 / (least.grid**2 * values + pictures * least.most))))


def _counts(results: Sequence[Result]) -> dict[str, int]:
    """The number of scenes of each protocol."""
    found: dict[str, set[str]] = {}
    for result in results:
        found.setdefault(str(result.protocol), set()).add(result.scene)
    return {protocol: len(scenes) for protocol, scenes in found.items()}
