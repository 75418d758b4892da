"""The training set of a plan, `[training]`: the scenes from which methods that learn beforehand learn.

A method must be trained where its card says learns="beforehand" and does not say on what it was trained (`trained_on`): once per protocol,
on patches that are made as `patches.py` says. The record notes on what it was trained, and a test on one of those scenes is refused. The
fitted method is kept in the run folder as fits/<digest>.pt and is used again as long as nothing has changed on which it depends:

    digest = sha256(method, its parameters, its sources, numbers of the protocol, digests of the scenes, sources of the simulator, numbers
                    of the patches and the sources that make them, device)
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
class TrainingTable:
    """The schema of the table [training]."""

    scenes: tuple[str, ...]
    """Scenes and splits by name, or files."""
    patch: int
    """Side of a patch in fine pixels."""
    seed: int = 0
    """Seed of the choice of patches, of their noise, and of the learning."""
    augment: Augment = "before"
    """Whether patches are turned and mirrored before they are observed, after, or not at all."""
    trained_on: str = ""
    """What the row was trained on, in the words of tables; the scenes when absent."""
    time_limit_s: float = 86400.0
    """Seconds after which one training is ended."""


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """Scenes, and how patches are cut from them."""

    scenes: Sequence[SceneSource]
    patch: int  # side in fine pixels
    seed: int
    augment: Augment
    trained_on: str  # in the words of tables
    time_limit_s: float  # for one training

    @cached_property
    def digests(self) -> Mapping[str, str]:
        """The digest of each scene's content, by the name of the scene; determined once."""
        return {scene.name: identify(scene).digest for scene in self.scenes}

    @cached_property
    def sources(self) -> Sources:
        """The sources that make training examples: patches.py, and what it imports; determined once."""
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
        """All on which a training depends besides method and protocol."""
        return dict(self._numbers)

    def card(self, card: Card, protocol: Protocol) -> Card:
        """The card after training under `protocol`."""
        return replace(card, trained_on=f"{self.trained_on}, {protocol.name}", trained_scenes=(*self.digests, *self.digests.values()))

    def patches(self, card: Card, protocol: Protocol, device: str) -> Patches:
        """Patches without end for the method of `card`; the scenes are loaded now.

        Raises:
            SceneError: a scene cannot be read, or has been changed since the plan was read.
        """
        scenes = [load_checked(source, self.digests[source.name]) for source in self.scenes]
        return Patches.endless(scenes, protocol, self.patch, self.seed, card, list(self.digests.values()), self.augment, device)


def training_set(table: Mapping[str, object], roots: DataRoots, folder: Path | None = None) -> TrainingSet:
    """The training set of a plan's table; relative paths of files start at `folder`.

    Raises:
        SettingError, SceneError: a name or number is not valid.
    """
    try:
        wanted = configure(TrainingTable, table)
        scenes = find_scenes(wanted.scenes, roots, folder)
        if not scenes:
            raise SettingError("scenes: expected at least one, got none")
        for name, value, least in (("patch", wanted.patch, 1), ("seed", wanted.seed, 0)):
            if value < least:
                raise SettingError(f"{name}: expected a whole number >= {least}, got {value}")
        if wanted.time_limit_s <= 0:
            raise SettingError(f"time_limit_s: expected a number above 0, got {wanted.time_limit_s:g}")
    except SettingError as error:
        raise SettingError(f"training: {error}") from error
    trained_on = wanted.trained_on or f"{len(scenes)} scenes ({', '.join(wanted.scenes)})"
    return TrainingSet(scenes, wanted.patch, wanted.seed, wanted.augment, trained_on, wanted.time_limit_s)
