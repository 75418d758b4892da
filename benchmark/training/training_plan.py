"""A training plan: which method learns, from which scenes, under which protocol. It is read from TOML and checked before anything runs.

name = "mine"
scenes = ["cave:train"]
validation = ["cave/paints"]        # taken out of the scenes above; shown in the curve, and nothing is chosen by it
protocol = "mossfuse-x8"            # by name ...
patch = 64                          # side of a patch in fine pixels
patches = 6000                      # the budget: the method makes one pass over this number of patches
validation_patches = 16
trained_on = "CAVE train, x8"       # what tables say of the weights; when absent, the number of scenes and the protocol
licence = "MIT"                     # of the weights
seed = 0
augment = "before"                  # or "after", "none"; benchmark/matrix/patches.py has their meaning

[protocol_numbers]                  # ... or by its numbers, as in a plan of a benchmark
name = "mine-x4"
...

[method]
name = "mossfuse"
parameters = {batch = 1}
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from benchmark.identity.scene_identity import identify
from benchmark.matrix.contestant import parameters_to_json
from benchmark.matrix.interview import configured_method
from benchmark.matrix.patches import Augment
from benchmark.matrix.plan import PlanError
from datasets.data_roots import DataRoots
from datasets.digests import digest_of
from datasets.protocols import protocol_from
from datasets.scene_catalog import find_scenes
from datasets.scene_sources import SceneSource
from datasets.settings import SettingError, configure, field_values
from datasets.simulation import Protocol
from methods.catalog import Entry, find_one
from methods.contract import LongTrainedMethod


@dataclass(frozen=True, eq=False)
class TrainingPlan:
    """A checked training plan."""

    name: str
    entry: Entry
    method: LongTrainedMethod
    scenes: Sequence[SceneSource]  # without those of the validation
    validation: Sequence[SceneSource]
    protocol: Protocol
    patch: int
    patches: int
    validation_patches: int
    seed: int
    augment: Augment
    trained_on: str
    licence: str

    @cached_property
    def _identities(self) -> Mapping[str, str]:
        return {scene.name: identify(scene).digest for scene in (*self.scenes, *self.validation)}

    def digests(self, scenes: Sequence[SceneSource]) -> list[str]:
        """The digests of the contents of some of the plan's scenes."""
        return [self._identities[scene.name] for scene in scenes]

    def course(self) -> dict[str, Any]:
        """All numbers that decide what is learned (the course of the training), as JSON holds them."""
        return {
            "method": self.entry.name,
            "parameters": parameters_to_json(field_values(self.method)),
            "scenes": [scene.name for scene in self.scenes],
            "validation": [scene.name for scene in self.validation],
            "scene_digests": self.digests([*self.scenes, *self.validation]),
            "protocol": {"name": self.protocol.name, **self.protocol.numbers()},
            "patch": self.patch,
            "patches": self.patches,
            "validation_patches": self.validation_patches,
            "seed": self.seed,
            "augment": self.augment,
        }

    def digest(self) -> str:
        """The digest of the course; a checkpoint of another course is refused."""
        return digest_of(self.course())


@dataclass(frozen=True)
class _Method:
    """The schema of the table [method]."""

    name: str
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Table:
    """The schema of a training plan."""

    scenes: tuple[str, ...]
    patch: int
    patches: int
    method: dict[str, Any]
    name: str = ""
    protocol: str = ""
    protocol_numbers: dict[str, Any] = field(default_factory=dict)
    validation: tuple[str, ...] = ()
    validation_patches: int = 16
    seed: int = 0
    augment: Augment = "before"
    trained_on: str = ""
    licence: str = ""


def read_training_plan(file: Path, roots: DataRoots, plugins: Path | None = None) -> TrainingPlan:
    """The checked training plan in `file`.

    Raises:
        PlanError: the file is no TOML, or a name or number in it is not valid; the text says which are.
    """
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise PlanError(f"training plan: expected a TOML file, got {file}: {error.strerror}; give the path of one") from error
    except ValueError as error:  # no UTF-8, or no TOML
        raise PlanError(f"training plan {file}: expected TOML, got {error}") from error
    try:
        return _resolve(configure(_Table, table), file, roots, plugins)
    except (SettingError, LookupError, ValueError, ImportError) as error:
        raise PlanError(f"training plan {file.name}: {error}") from error


def _resolve(table: _Table, file: Path, roots: DataRoots, plugins: Path | None) -> TrainingPlan:
    if bool(table.protocol) == bool(table.protocol_numbers):
        raise SettingError("expected either protocol or [protocol_numbers], got " + ("both" if table.protocol else "neither"))
    wanted = configure(_Method, table.method)
    entry = find_one(wanted.name, plugins)
    kind = entry.load()
    if not issubclass(kind, LongTrainedMethod):
        raise SettingError(f"method {wanted.name}: expected one that is trained beforehand in pieces, got {kind.card.name}")
    for name, value, least in (("patches", table.patches, 1), ("validation_patches", table.validation_patches, 0), ("seed", table.seed, 0)):
        if value < least:
            raise SettingError(f"{name}: expected a whole number >= {least}, got {value}")
    validation = find_scenes(table.validation, roots, file.parent)
    held = {scene.name for scene in validation}
    scenes = [scene for scene in find_scenes(table.scenes, roots, file.parent) if scene.name not in held]
    if not scenes:
        raise SettingError("scenes: expected at least one that is not in the validation, got none")
    if "scenes" in table.protocol_numbers:
        raise SettingError("protocol: scenes: expected none in a training plan, whose scenes are all observed alike; leave it out")
    protocol = protocol_from(table.protocol or table.protocol_numbers, roots.folder("srf"), file.parent)
    return TrainingPlan(
        name=table.name or file.stem,
        entry=entry,
        method=cast(LongTrainedMethod, configured_method(entry, wanted.parameters)),
        scenes=scenes,
        validation=validation,
        protocol=protocol,
        patch=table.patch,
        patches=table.patches,
        validation_patches=table.validation_patches,
        seed=table.seed,
        augment=table.augment,
        trained_on=table.trained_on or f"{len(scenes)} scenes, {protocol.name}",
        licence=table.licence,
    )
