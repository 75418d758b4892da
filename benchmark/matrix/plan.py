"""A checked plan: which methods run on which scenes, under which protocols, with which seeds; and the cells that follow from it.

The plan has one cell for each method with its parameters, scene, protocol and seed, with three exceptions:

    limits               A protocol may be for some scenes alone, and a row for some scenes and protocols (row_limits.py): the cells of the
                         others are not planned.
    no random numbers    Where the card of a method says that its result does not depend on the seed (`random = False`), and the protocol
                         adds no noise, only the first seed is planned, since the others would repeat it.
    two cells, one key   Where two cells have the same key (two protocols of equal numbers, two files of equal content), and the plan names
                         both by hand, that is an error that names both. Where a pattern has brought one of them, the cell is planned
                         once, and counted.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmark.identity.scene_identity import SceneIdentity, identify
from benchmark.identity.source_keys import simulator_sources
from benchmark.identity.sources import Sources
from benchmark.matrix.cell import Cell
from benchmark.matrix.contestant import Contestant, parameters_to_json
from benchmark.matrix.estimate_files import estimate_name
from benchmark.matrix.training_set import TrainingSet
from datasets.pair_protocol import AnyProtocol
from datasets.pair_sources import PlannedPair
from datasets.scene import SceneError
from datasets.scene_sources import SceneSource
from datasets.settings import SettingError
from datasets.simulation import Protocol

DISK_LIMIT_MB = 50_000.0  # of a cell's scratch folder


class PlanError(ValueError):
    """A plan that cannot be run as it is written; the text says what is wrong, and which choices are valid."""


@dataclass(frozen=True, eq=False)
class Plan:
    """A checked plan."""

    name: str
    scenes: Sequence[SceneSource]
    protocols: Sequence[Protocol]
    contestants: Sequence[Contestant]
    seeds: Sequence[int]
    time_limit_s: float
    threads: int | None = None  # of torch in a cell; None: the cores, divided by the slots
    memory_limit_mb: float | None = None  # None: what the machine has
    disk_limit_mb: float = DISK_LIMIT_MB
    retries: int = 0
    training: TrainingSet | None = None  # of the methods that must be trained first
    text: str = ""  # of the plan's file, as it was read
    pairs: Sequence[PlannedPair] = ()
    by_pattern: frozenset[str] = frozenset()  # names of scenes and protocols that the plan does not name itself: of a split, of a pattern
    only: Mapping[str, frozenset[str]] = field(default_factory=dict)  # the names of the scenes of a protocol that is not for all of them
    left_out: tuple[str, ...] = ()  # what patterns or `skip_missing` left out, a sentence each
    named_again: int = 0  # methods and protocols that a pattern has brought once more

    @cached_property
    def simulator(self) -> Sources:
        """The sources on which observations depend; they are read once."""
        return simulator_sources()

    @cached_property
    def identities(self) -> dict[str, SceneIdentity]:
        """The identity of each scene, by its name; they are determined once.

        Raises:
            PlanError: scenes cannot be read; the text names all of them.
        """
        identities: dict[str, SceneIdentity] = {}
        problems: dict[str, list[str]] = {}  # the name of each scene, by the problem without its name and path
        first: dict[str, str] = {}
        for scene in (*self.scenes, *(pair.source for pair in self.pairs)):
            try:
                identities[scene.name] = identify(scene)
            except SceneError as error:
                problem = _without(str(error), _names(scene))
                problems.setdefault(problem, []).append(scene.name)
                first.setdefault(problem, str(error))
        if problems:
            lines = [first[problem] + _likewise(names) for problem, names in problems.items()]
            raise PlanError("expected scenes that can be read, got\n  " + "\n  ".join(lines))
        return identities

    def cells(self, device: str) -> list[Cell]:
        """Each cell of the plan once: all of a scene before the next scene, and those that share an observation one after the other.

        Raises:
            PlanError: two cells that the plan names by hand have the same key, or one file of a cube that was made elsewhere; the text
                names both.
        """
        combinations = self._combinations(device)
        _expect_files_apart(combinations)
        by_key: dict[str, Cell] = {}
        for cell in combinations:
            first = by_key.setdefault(cell.key, cell)
            names = {first.scene.name, cell.scene.name, first.protocol.name, cell.protocol.name}
            if first is not cell and not names & self.by_pattern:
                raise PlanError(f"expected cells that differ, got one twice: {_describe_pair(first, cell)}; drop one of them")
        return list(by_key.values())

    def doubles(self, device: str) -> int:
        """The number of combinations of method, scene, protocol and seed that have the key of an earlier combination."""
        combinations = self._combinations(device)
        return len(combinations) - len({cell.key for cell in combinations})

    def repeats(self) -> int:
        """The number of cells that are not planned because another seed would change nothing."""
        quiet = [(scene.name, protocol.name) for protocol, scene in self._observed() if not protocol.noisy]
        still = [contestant.limit for contestant in self.contestants if not contestant.card.random]
        return sum(limit.admits(*names) for limit, names in itertools.product(still, quiet)) * (len(self.seeds) - 1)

    def _combinations(self, device: str) -> list[Cell]:
        """The cells of all combinations in the plan, before those of one key are put together."""
        trained = {contestant.label: self.training if contestant.awaits_training else None for contestant in self.contestants}
        observed = self._observed()
        return [
            Cell(contestant, scene, self.identities[scene.name], protocol, seed, device, self.simulator, trained[contestant.label])
            for (protocol, scene), seed, contestant in itertools.product(observed, self.seeds, self.contestants)
            if contestant.limit.admits(scene.name, protocol.name) and (seed == self.seeds[0] or protocol.noisy or contestant.card.random)
        ]

    def _observed(self) -> list[tuple[AnyProtocol, SceneSource]]:
        """Each scene with each of its protocols, one scene before the next, so that an early end leaves whole scenes; then the pairs."""
        return observations(self.scenes, self.protocols, self.only, self.pairs)

    def observed_once(self) -> list[Cell]:
        """A cell of the first method for each scene, protocol and seed, whatever the methods are and for which scenes they are meant."""
        first = self.contestants[0]
        return [
            Cell(first, scene, self.identities[scene.name], protocol, seed, "cpu", self.simulator)
            for (protocol, scene), seed in itertools.product(self._observed(), self.seeds)
        ]

    def _meant_for(self, row: Contestant) -> dict[str, list[str]]:
        """The names of the scenes and of the protocols for which a row is meant, where it is not meant for all of them."""
        observed = self._observed()
        scenes = [name for name in dict.fromkeys(scene.name for _, scene in observed) if row.limit.has_scene(name)]
        protocols = [name for name in dict.fromkeys(protocol.name for protocol, _ in observed) if row.limit.has_protocol(name)]
        return {**({"scenes": scenes} if row.limit.scenes else {}), **({"protocols": protocols} if row.limit.protocols else {})}

    def summary(self) -> dict[str, Any]:
        """The plan with every name looked up, for the run folder."""
        return {
            "name": self.name,
            "scenes": [scene.name for scene in self.scenes],
            "pairs": [{"name": pair.source.name, "protocols": [_facts(protocol) for protocol in pair.protocols]} for pair in self.pairs],
            "methods": [
                {
                    "name": entry.entry.name,
                    "label": entry.label,
                    "parameters": parameters_to_json(entry.parameters),
                    "files": entry.file_digests,
                    **({"oracle": entry.oracle} if entry.oracle else {}),
                    **self._meant_for(entry),
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
            **({"left_out": list(self.left_out)} if self.left_out else {}),
        }


def observations(
    scenes: Iterable[SceneSource], protocols: Iterable[Protocol], only: Mapping[str, frozenset[str]], pairs: Iterable[PlannedPair]
) -> list[tuple[AnyProtocol, SceneSource]]:
    """Each scene with each of its protocols, one scene before the next; then the pairs with theirs.

    Args:
        scenes: the scenes of a plan.
        protocols: its protocols.
        only: the names of the scenes of a protocol that is not for all of them.
        pairs: its pairs.
    """
    simulated: list[tuple[AnyProtocol, SceneSource]] = [
        (protocol, scene)
        for scene, protocol in itertools.product(scenes, protocols)
        if protocol.name not in only or scene.name in only[protocol.name]
    ]
    return simulated + [(protocol, pair.source) for pair in pairs for protocol in pair.protocols]


def _expect_files_apart(cells: Iterable[Cell]) -> None:
    """Nothing, where each cube that was made elsewhere stands for one cell alone.

    Raises:
        PlanError: one stands for two, or two files have the name of one cell.
    """
    seen: dict[tuple[int, Path], Cell] = {}
    for cell in cells:
        try:
            file = cell.estimate_file
        except SettingError as error:
            raise PlanError(str(error)) from error
        first = cell if file is None else seen.setdefault((id(cell.contestant), file), cell)
        if file is not None and first is not cell:
            stem = estimate_name(cell.scene.name, cell.protocol.name, cell.seed)
            raise PlanError(
                f"expected a file for each scene, protocol and seed, got {file.name} for two cells: {first.name}, and {cell.name}; "
                f"name the files as {stem}"
            )


def _facts(protocol: AnyProtocol) -> dict[str, Any]:
    """A protocol with its name, and where it comes from."""
    return {"name": protocol.name, "source": protocol.source, **protocol.numbers()}


def find_cell(cells: Sequence[Cell], key: str) -> Cell:
    """The cell that has that key.

    Raises:
        PlanError: there is none; the text names the nearest key, and says how to list all.
    """
    known = {cell.key: cell for cell in cells}
    if key not in known:
        near = get_close_matches(key, known, n=1, cutoff=0.3)
        nearest = f"; the nearest is {near[0]}" if near else ""
        raise PlanError(
            f"expected the key of one of the plan's {len(known)} cells, got {key!r}{nearest}; `run PLAN --dry-run --all` lists them. A key "
            "changes with parameters, seed, device, the scene's data and the sources: it must be made from the same of all these"
        )
    return known[key]


def _describe_pair(first: Cell, second: Cell) -> str:
    """Two cells of one key in words: by what their names differ, and what is equal behind the names."""
    for what, names in (
        ("protocols", (first.protocol.name, second.protocol.name)),
        ("scenes", (first.scene.name, second.scene.name)),
        ("methods", (first.contestant.label, second.contestant.label)),
    ):
        if names[0] != names[1]:
            same = {"protocols": "equal numbers", "scenes": "equal content", "methods": "equal parameters and sources"}[what]
            return f"the {what} {names[0]!r} and {names[1]!r} have {same}"
    return f"{first.name} and {second.name}"


def _names(scene: SceneSource) -> list[str]:
    """The words by which the problem of one scene differs from the same problem of another one."""
    try:
        files = scene.files()
    except SceneError:  # one of them is missing
        files = ()
    return [scene.name, *map(str, files), *(file.name for file in files)]


def _without(text: str, parts: Iterable[str]) -> str:
    """The text without these parts, the longest first."""
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "")
    return text


def _likewise(names: Sequence[str]) -> str:
    """The end of a sentence that holds for the first of these scenes and for the others too."""
    others = names[1:]
    shown = ", ".join(others[:3]) + (f" and {len(others) - 3} more" if len(others) > 3 else "")
    return f" (the same holds for {shown})" if others else ""
