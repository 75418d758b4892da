"""A checked plan: which methods, on which scenes, under which protocols, with which seeds; and the cells that it comes to.

A cell is one method with its parameters on one scene under one protocol with one seed. A method whose card says that its result does not
depend on the seed (`random = False`) is planned with the first seed alone where the protocol adds no noise: the others would repeat it. Two
cells that were written out by hand and come to
one key (two protocols of equal numbers, two files of equal content) are an error that names both. Where a pattern or a seed that changes
nothing names a cell again, it is planned once, and counted.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cached_property
from typing import Any

from benchmark.identity.scene_identity import SceneIdentity, identify
from benchmark.identity.source_keys import simulator_sources
from benchmark.identity.sources import Sources
from benchmark.matrix.cell import Cell
from benchmark.matrix.contestant import Contestant, parameters_to_json
from benchmark.matrix.training_set import TrainingSet
from datasets.scene import SceneError
from datasets.scene_sources import SceneSource
from datasets.simulation import Protocol
from methods.contract import awaits_training

DISK_LIMIT_MB = 50_000.0  # of a cell's working folder


class PlanError(ValueError):
    """A plan that cannot be run as written; the text names the place and the valid choices."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A checked plan."""

    name: str
    scenes: Sequence[SceneSource]
    protocols: Sequence[Protocol]
    contestants: Sequence[Contestant]
    seeds: Sequence[int]
    time_limit_s: float
    threads: int | None = None  # of torch in a cell; None: all cores, shared by the slots
    memory_limit_mb: float | None = None  # None: what the machine has
    disk_limit_mb: float = DISK_LIMIT_MB
    retries: int = 0
    training: TrainingSet | None = None  # for methods that must be trained first
    text: str = ""  # of its file, as it was read
    by_pattern: frozenset[str] = frozenset()  # names of scenes that a pattern brought, not the plan's own words

    @cached_property
    def simulator(self) -> Sources:
        """The sources that observations depend on; read once."""
        return simulator_sources()

    @cached_property
    def identities(self) -> dict[str, SceneIdentity]:
        """Which scene each source gives, by name; found once.

        Raises:
            PlanError: scenes that cannot be read; the text names all of them.
        """
        found: dict[str, SceneIdentity] = {}
        problems: list[str] = []
        for scene in self.scenes:
            try:
                found[scene.name] = identify(scene)
            except SceneError as error:
                problems.append(str(error))
        if problems:
            raise PlanError("expected scenes that can be read, got\n  " + "\n  ".join(problems))
        return found

    def cells(self, device: str) -> list[Cell]:
        """Every cell once, those that share an observation next to each other.

        Raises:
            PlanError: two cells that were written out by hand have one key; the text names both.
        """
        found: dict[str, Cell] = {}
        for cell in self._written(device):
            first = found.setdefault(cell.key, cell)
            if first is not cell and not {first.scene.name, cell.scene.name} & self.by_pattern:
                raise PlanError(f"expected cells that differ, got one twice: {_apart(first, cell)}; drop one of them")
        return list(found.values())

    def doubles(self, device: str) -> int:
        """How many of the cells that the plan's words name are named before."""
        written = self._written(device)
        return len(written) - len({cell.key for cell in written})

    def repeats(self) -> int:
        """How many cells are not planned because another seed would change nothing."""
        still = sum(not contestant.card.random for contestant in self.contestants)
        quiet = sum(not protocol.noisy for protocol in self.protocols)
        return still * quiet * len(self.scenes) * (len(self.seeds) - 1)

    def _written(self, device: str) -> list[Cell]:
        """Every cell as the plan's words have it."""
        trained = {contestant.label: self.training if awaits_training(contestant.method) else None for contestant in self.contestants}
        return [
            Cell(contestant, scene, self.identities[scene.name], protocol, seed, device, self.simulator, trained[contestant.label])
            for protocol, scene, seed, contestant in itertools.product(self.protocols, self.scenes, self.seeds, self.contestants)
            if seed == self.seeds[0] or protocol.noisy or contestant.card.random
        ]

    def summary(self) -> dict[str, Any]:
        """The plan as it was resolved, for the run folder."""
        return {
            "name": self.name,
            "scenes": [scene.name for scene in self.scenes],
            "protocols": [{"name": protocol.name, "source": protocol.source, **protocol.numbers()} for protocol in self.protocols],
            "methods": [
                {
                    "name": entry.entry.name,
                    "label": entry.label,
                    "parameters": parameters_to_json(entry.parameters),
                    "files": entry.file_digests,
                    **({"oracle": entry.oracle} if entry.oracle else {}),
                }
                for entry in self.contestants
            ],
            "seeds": list(self.seeds),
            "time_limit_s": self.time_limit_s,
            "threads": self.threads,
            "memory_limit_mb": self.memory_limit_mb,
            "disk_limit_mb": self.disk_limit_mb,
            "training": None if self.training is None else {"names": list(self.training.digests), **self.training.numbers()},
            "retries": self.retries,
        }


def find_cell(cells: Sequence[Cell], key: str) -> Cell:
    """The cell of that key.

    Raises:
        PlanError: the plan has none; the text names the nearest, and how to list all.
    """
    known = {cell.key: cell for cell in cells}
    if key not in known:
        near = get_close_matches(key, known, n=1, cutoff=0.3)
        nearest = f"; the nearest is {near[0]}" if near else ""
        raise PlanError(
            f"expected the key of one of the plan's {len(known)} cells, got {key!r}{nearest}; `run PLAN.toml --dry-run` lists them. A key "
            "changes with parameters, seed, device, the scene's data and the sources: it must be made from the same of all these"
        )
    return known[key]


def _apart(first: Cell, second: Cell) -> str:
    """What two cells of one key are called."""
    for what, names in (
        ("protocols", (first.protocol.name, second.protocol.name)),
        ("scenes", (first.scene.name, second.scene.name)),
        ("methods", (first.contestant.label, second.contestant.label)),
    ):
        if names[0] != names[1]:
            same = {"protocols": "equal numbers", "scenes": "equal content", "methods": "equal parameters and sources"}[what]
            return f"the {what} {names[0]!r} and {names[1]!r} have {same}"
    return f"{first.name} and {second.name}"
