"""What methods that learn beforehand learn from, in a plan: `[training]`.

A method whose card says learns="beforehand" and names nothing that it has seen must be trained: once for a protocol, by `TrainingSet`, on
patches that are made as `patches.py` says. What it is trained on is a note in its record, and a test on one of those scenes is refused.
The fitted method is kept in the run folder as fits/<digest>.pt and used again while nothing that it depends on has changed:

    digest = sha256(method, its parameters, its sources, protocol's numbers, the scenes' digests, simulator's sources, the numbers of the
                    patches and the sources that make them, device)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmark.identity.scene_identity import identify, load_checked
from benchmark.identity.sources import Sources, sources_of
from benchmark.matrix import patches
from benchmark.matrix.patches import Augment, Patches
from datasets.data_roots import DataRoots
from datasets.scene_catalog import find_scenes
from datasets.scene_sources import SceneSource
from datasets.settings import SettingError, configure
from datasets.simulation import Protocol
from methods.contract import Card


@dataclass(frozen=True)
class _Table:
    """The schema of [training]."""

    scenes: tuple[str, ...]
    patch: int
    seed: int = 0
    augment: Augment = "before"
    trained_on: str = ""
    time_limit_s: float = 86400.0


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """The scenes and how patches are cut from them."""

    scenes: Sequence[SceneSource]
    patch: int  # side, fine pixels
    seed: int
    augment: Augment
    trained_on: str  # what tables say
    time_limit_s: float  # for one training

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """Of each scene's content, by name; taken once."""
        return {scene.name: identify(scene).digest for scene in self.scenes}

    @cached_property
    def sources(self) -> Sources:
        """The sources that make training examples: patches.py, and what it imports of the world; taken once."""
        return sources_of(Path(patches.__file__))

    @cached_property
    def _numbers(self) -> dict[str, Any]:
        return {
            "scenes": sorted(self.digests.values()),
            "patch": self.patch,
            "seed": self.seed,
            "augment": self.augment,
            "sources": self.sources.digest,
        }

    def numbers(self) -> dict[str, Any]:
        """All that a training depends on beside method and protocol."""
        return dict(self._numbers)

    def card(self, card: Card, protocol: Protocol) -> Card:
        """The card after training under `protocol`."""
        return replace(card, trained_on=f"{self.trained_on}, {protocol.name}", trained_scenes=(*self.digests, *self.digests.values()))

    def patches(self, card: Card, protocol: Protocol, device: str) -> Patches:
        """Patches without end, the scenes loaded now.

        Raises:
            SceneError: a scene cannot be read, or is not what it was when the plan was read.
        """
        scenes = [load_checked(source, self.digests[source.name]) for source in self.scenes]
        return Patches.endless(scenes, protocol, self.patch, self.seed, card, list(self.digests.values()), self.augment, device)


def training_set(table: Mapping[str, object], roots: DataRoots) -> TrainingSet:
    """The training set of a plan's table.

    Raises:
        SettingError, SceneError: a name or number that is not valid.
    """
    try:
        wanted = configure(_Table, table)
        scenes = find_scenes(wanted.scenes, roots)
        if not scenes:
            raise SettingError("scenes: expected at least one, got none")
        for name, value, least in (("patch", wanted.patch, 1), ("seed", wanted.seed, 0)):
            if value < least:
                raise SettingError(f"{name}: expected a whole number >= {least}, got {value}")
        if wanted.time_limit_s <= 0:
            raise SettingError(f"time_limit_s: expected a number above 0, got {wanted.time_limit_s:g}")
    except SettingError as error:
        raise SettingError(f"training: {error}") from error
    told = wanted.trained_on or f"{len(scenes)} scenes ({', '.join(wanted.scenes)})"
    return TrainingSet(scenes, wanted.patch, wanted.seed, wanted.augment, told, wanted.time_limit_s)
