"""How much of each estimate the page holds, so that its file stays small: large previews of few estimates, smaller ones of many.

Every picture may have the same number of bytes; `webp_bytes` lowers its quality until it fits. An estimate has three pictures, or four with
a posterior, and a scene three more. The spectra of n x n pixels have n^2 * bands bytes per estimate, and twice as much for the truth, of
which `PACKED` remains. Base64 adds a third to everything. The page uses the first size of `LADDER` for which the budget leaves `LEAST_RATE`
bytes for every pixel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

from benchmark.run_folder.record import Result
from reports.content.protocol_facts import protocol_numbers
from reports.scene.pictures import LONGEST
from reports.scene.spectra import GRID


@dataclass(frozen=True)
class Detail:
    """How much of each estimate the page holds."""

    longest: int = LONGEST  # pixels: the longer side of a preview
    grid: int = GRID  # pixels along each side of the grid of spectra
    most: float = inf  # bytes per picture


BUDGET = 16e6  # bytes for pictures and spectra, so that the whole page stays below 20 MB
LEAST_RATE = 0.15  # bytes per pixel: a photograph at a WebP quality of about 50, which shows more than one of half the size at 90
PACKED = 0.65  # of the bytes of spectra, after compression; measured: 0.61 on three built-in scenes
LADDER = (Detail(512, 32), Detail(256, 32), Detail(192, 24), Detail(128, 16), Detail(96, 12), Detail(64, 8))
_BANDS = 31  # where a record does not have the number
_POSTERIOR = "std_rms_z"  # a record has this score where a posterior is stored


@dataclass(frozen=True)
class DetailPlan:
    """The detail of every scene that is drawn, and how many scenes of each protocol are drawn."""

    detail: Detail
    scenes: int  # per protocol; the first ones

    def has_room(self, scene: int) -> bool:
        """Whether the page draws the scene of that number (from 1) of a protocol."""
        return scene <= self.scenes


NO_PICTURES = DetailPlan(LADDER[-1], 0)  # of records without estimates: no scene is drawn


def plan_detail(results: Sequence[Result]) -> DetailPlan:
    """The finest detail at which every estimate (of one seed) fits into the budget; else the coarsest, with as many scenes as fit."""
    drawn = {(_protocol(r), r.scene, r.label, r.tier, str(r.parameters)): r for r in results if r.outcome == "scored"}
    bands = {key: int((r.observed.get("shape") or [_BANDS])[0]) for key, r in drawn.items()}
    of_scene = {key[:2]: count for key, count in bands.items()}
    pictures = sum(4 if _POSTERIOR in r.metrics else 3 for r in drawn.values()) + 3 * len(of_scene)
    values = sum(bands.values()) + 2 * sum(of_scene.values())
    scenes = max([1, *_counts(results).values()])

    def room(detail: Detail) -> float:
        """The bytes that remain for each picture beside the spectra."""
        return (BUDGET * 3 / 4 - PACKED * detail.grid**2 * values) / max(pictures, 1)

    for detail in LADDER:
        if room(detail) >= LEAST_RATE * detail.longest**2:
            return DetailPlan(replace(detail, most=room(detail)), scenes)
    least = replace(LADDER[-1], most=LEAST_RATE * LADDER[-1].longest ** 2)
    return DetailPlan(least, max(1, int(scenes * BUDGET * 3 / 4 / (PACKED * least.grid**2 * values + pictures * least.most))))


def _counts(results: Sequence[Result]) -> dict[str, int]:
    """The number of scenes of each protocol."""
    scenes_of: dict[str, set[str]] = {}
    for result in results:
        scenes_of.setdefault(_protocol(result), set()).add(result.scene)
    return {protocol: len(scenes) for protocol, scenes in scenes_of.items()}


def _protocol(result: Result) -> str:
    """A text that is the same for results of one table."""
    return str([result.protocol.get("name"), protocol_numbers(result.protocol)])
