"""A plan: which methods, on which scenes, under which protocols, with which seeds. Read from TOML, checked before anything runs.

    name = "mine"
    seeds = [0, 1]
    scenes = ["builtin/fields", "cave:test", "file:/data/mine.mat"]
    protocols = ["wald-x4"]                 # by name ...
    time_limit_s = 900                      # a cell is ended after so many seconds
    memory_limit_mb = 8000                  # a cell may take so much beyond what it starts with; no limit when absent
    disk_limit_mb = 50000                   # a method may write so much into its working folder, temporary files included
    threads = 1                             # of torch in a cell; all cores, shared by the slots, when absent
    retries = 1                             # a cell that failed, was killed or ran out of time or memory is run again so often (0)

    [[protocol]]                            # ... or by their numbers
    name = "mine-x4"
    ratio = 4
    psf = {kind = "gaussian", taps = 9, sigma = 1.7}
    phase = 1
    sensor = "sentinel2"
    channels = "covered"

    [[method]]
    name = "rfuse"
    label = "R-FUSE, small"                 # name in tables; the card's name, and what differs, when absent
    parameters = {prior_weight = 1e-3}      # and blind = "hysure": PSF and SRF estimated by that (methods/blind.py)
    grid = {rank = [5, 10]}                 # every combination is a row of its own
    time_limit_s = 60                       # instead of the plan's; likewise memory_limit_mb

    [[method]]                              # a row that is never ranked: what the truth, had it been asked, would have made of the method
    name = "m2unet"
    oracle = 20                             # the best by PSNR of 20 iterates, picked by the referee: oracle.py

    [training]                              # for methods that learn beforehand: training_set.py
    scenes = ["cave:train"]
    patch = 64

A cell is one method with its parameters on one scene under one protocol with one seed.
"""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from benchmark.matrix.cell import Cell, Contestant, simulator_digest
from benchmark.matrix.keys import cell_key, file_digest, source_digest
from benchmark.matrix.oracle import check_oracle, label_suffix
from benchmark.matrix.training_set import TrainingSet, training_set
from datasets.protocols import protocol_from
from datasets.scenes import DataRoots, SceneSource, find
from datasets.settings import SettingError, configure, field_types, field_values
from datasets.simulation import Protocol
from methods.catalog import find_one
from methods.contract import AnyMethod, Card, awaits_training

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

    def cells(self, device: str) -> list[Cell]:
        """Every cell, those that share an observation next to each other."""
        simulator = simulator_digest()
        trained = {contestant.label: self.training if awaits_training(contestant.method) else None for contestant in self.contestants}
        fingerprints = {scene.name: scene.fingerprint() for scene in self.scenes}
        return [
            Cell(
                cell_key(
                    method=contestant.entry.name,
                    parameters=field_values(contestant.method),
                    sources=contestant.sources,
                    protocol=protocol.numbers(),
                    scene=fingerprints[scene.name],
                    simulator=f"{simulator} {source_digest(scene.reader)}",
                    seed=seed,
                    device=device,
                    training=None if (learns_from := trained[contestant.label]) is None else learns_from.numbers(),
                    oracle=contestant.oracle,
                ),
                contestant,
                scene,
                fingerprints[scene.name],
                protocol,
                seed,
                learns_from,
            )
            for protocol, scene, seed, contestant in itertools.product(self.protocols, self.scenes, self.seeds, self.contestants)
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
                    "parameters": plain(field_values(entry.method)),
                    "files": {name: file_digest(value) for name, value in field_values(entry.method).items() if isinstance(value, Path)},
                    **({"oracle": entry.oracle} if entry.oracle else {}),
                }
                for entry in self.contestants
            ],
            "seeds": list(self.seeds),
            "time_limit_s": self.time_limit_s,
            "threads": self.threads,
            "memory_limit_mb": self.memory_limit_mb,
            "disk_limit_mb": self.disk_limit_mb,
            "training": None if self.training is None else {"names": list(self.training.fingerprints), **self.training.numbers()},
            "retries": self.retries,
        }


@dataclass(frozen=True)
class _Table:
    """The schema of a plan file."""

    scenes: tuple[str, ...]
    method: tuple[dict[str, Any], ...]
    name: str = ""
    protocols: tuple[str, ...] = ()
    protocol: tuple[dict[str, Any], ...] = ()
    seeds: tuple[int, ...] = (0,)
    time_limit_s: float = 3600.0
    threads: int | None = None
    memory_limit_mb: float | None = None
    disk_limit_mb: float = DISK_LIMIT_MB
    retries: int = 0
    training: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _MethodTable:
    """The schema of one [[method]]."""

    name: str
    label: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    grid: dict[str, Any] = field(default_factory=dict)
    time_limit_s: float | None = None
    memory_limit_mb: float | None = None
    oracle: int = 0


def read_plan(file: Path, roots: DataRoots, plugins: Path | None = None, seed: int | None = None, text: str | None = None) -> Plan:
    """The plan in `file`, every name looked up and every number checked; `seed` replaces the plan's seeds.

    With `text`, that is read instead of the file, which need not be there: it says where relative paths begin, and the plan's name.

    Raises:
        PlanError: the file is no TOML, or holds a name or number that is not valid; the text names those that are.
    """
    try:
        content = file.read_text(encoding="utf-8") if text is None else text
        table = tomllib.loads(content)
    except OSError as error:
        raise PlanError(f"plan: expected a TOML file, got {file}: {error.strerror}; give the path of one") from error
    except ValueError as error:  # no UTF-8, or no TOML
        raise PlanError(f"plan {file}: expected TOML, got {error}") from error
    try:
        return replace(_resolve(configure(_Table, table), file, roots, plugins, seed), text=content)
    except (SettingError, LookupError, ValueError, ImportError) as error:
        raise PlanError(f"plan {file.name}: {error}") from error


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


def _resolve(table: _Table, file: Path, roots: DataRoots, plugins: Path | None, seed: int | None) -> Plan:
    folder = roots.folder("srf")
    protocols = [protocol_from(name, folder) for name in table.protocols] + [protocol_from(entry, folder) for entry in table.protocol]
    _expect_some("protocols", protocols)
    _expect_distinct("protocols", [protocol.name for protocol in protocols])
    scenes = find(table.scenes, roots)
    _expect_some("scenes", scenes)
    _expect_distinct("scenes", [scene.name for scene in scenes])
    _expect_some("method", table.method)
    contestants = _labelled([entry for item in table.method for entry in _contestants(item, (file.parent, roots.root), plugins)])
    _expect_distinct("methods", [_identity(entry) for entry in contestants])
    seeds = table.seeds if seed is None else (seed,)
    _expect_some("seeds", seeds)
    _expect_distinct("seeds", [str(value) for value in seeds])
    if table.retries < 0:
        raise SettingError(f"retries: expected a whole number >= 0, got {table.retries}")
    limits = [(table.time_limit_s, table.memory_limit_mb), *((entry.time_limit_s, entry.memory_limit_mb) for entry in contestants)]
    pairs = [pair for limit in limits for pair in zip(("time_limit_s", "memory_limit_mb"), limit, strict=True)]
    for name, value in [*pairs, ("disk_limit_mb", table.disk_limit_mb)]:
        if value is not None and value <= 0:
            raise SettingError(f"{name}: expected a number above 0, got {value:g}")
    if table.threads is not None and table.threads < 1:
        raise SettingError(f"threads: expected a whole number >= 1, got {table.threads}")
    training = training_set(table.training, roots) if table.training else None
    untrained = [entry.label for entry in contestants if awaits_training(entry.method)]
    if untrained and training is None:
        raise SettingError(
            f"{', '.join(untrained)}: expected [training] with scenes and patch, or weights, for what learns beforehand; got neither"
        )
    return Plan(
        name=table.name or file.stem,
        scenes=scenes,
        protocols=protocols,
        contestants=contestants,
        seeds=seeds,
        time_limit_s=table.time_limit_s,
        threads=table.threads,
        memory_limit_mb=table.memory_limit_mb,
        disk_limit_mb=table.disk_limit_mb,
        retries=table.retries,
        training=training,
    )


def _contestants(item: Mapping[str, Any], folders: tuple[Path, Path | None], plugins: Path | None) -> list[Contestant]:
    """One contestant for each combination of the grid."""
    table = configure(_MethodTable, item)
    entry = find_one(table.name, plugins)
    for name, values in table.grid.items():
        if not isinstance(values, list) or not values:
            raise SettingError(f"method {table.name}: grid.{name}: expected a list of values, got {values!r}")
    sources = source_digest(entry.file, entry.file.parent) if entry.file is not None else entry.module
    made = []
    for combination in itertools.product(*table.grid.values()):
        chosen = {**table.parameters, **dict(zip(table.grid, combination, strict=True))}
        try:
            method: AnyMethod = configure(entry.form(chosen), chosen)
        except (SettingError, ValueError) as error:
            raise SettingError(f"method {table.name}: {error}") from error
        method = _with_files(method, (*folders, None if entry.file is None else entry.file.parent), table.name)
        try:
            method.describe()  # which refuses `blind` where there is nothing to estimate; files are read here, so they are found first
        except ValueError as error:
            raise SettingError(f"method {table.name}: {error}") from error
        check_oracle(table.name, method, table.oracle)
        whole = " ".join([sources, *map(source_digest, entry.more_sources(chosen))])
        made.append(Contestant(entry, method, table.label, whole, table.time_limit_s, table.memory_limit_mb, table.oracle))
    return made


def _with_files(method: AnyMethod, folders: tuple[Path | None, ...], name: str) -> AnyMethod:
    """The method with every path parameter found: as it stands, beside the plan, in the data root, or beside the method's own file."""
    found = {}
    for parameter, value in field_values(method).items():
        if isinstance(value, Path):
            places = [value] if value.is_absolute() else [folder / value for folder in (Path.cwd(), *folders) if folder is not None]
            existing = [place for place in places if place.is_file()]
            if not existing:
                looked = ", ".join(str(place) for place in places)
                raise SettingError(f"method {name}: {parameter}: expected a file, looked at {looked}; give its path, or --data DIR")
            found[parameter] = existing[0].resolve()
    return replace(method, **found) if found else method  # type: ignore[type-var]


def _labelled(contestants: list[Contestant]) -> list[Contestant]:
    """Every contestant with a label of its own: the card's name, and the parameters that tell equal names apart."""
    named = [replace(entry, label=entry.label or entry.card.name) for entry in contestants]
    labelled = []
    for entry in named:
        rivals = [other for other in named if other.label == entry.label]
        differing = [
            name
            for name in field_types(type(entry.method))
            if any(
                type(other.method) is type(entry.method) and field_values(other.method)[name] != field_values(entry.method)[name]
                for other in rivals
            )
        ]
        values = ", ".join(f"{name}={_spell(field_values(entry.method)[name])}" for name in differing)
        label = f"{entry.label} ({values})" if len(rivals) > 1 and values else entry.label
        labelled.append(replace(entry, label=label + (label_suffix(entry.oracle) if entry.oracle else "")))
    _expect_distinct("methods", [entry.label for entry in labelled])
    return labelled


def plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON holds them: paths by their file name, tuples as lists."""
    return {
        name: value.name if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
        for name, value in parameters.items()
    }


def card_facts(card: Card) -> dict[str, Any]:
    """A card as JSON holds it."""
    return plain(asdict(card))


def _identity(entry: Contestant) -> str:
    """A contestant without its label."""
    return f"{entry.entry.name} with {plain(field_values(entry.method))}" + (f", oracle {entry.oracle}" if entry.oracle else "")


def _spell(value: Any) -> str:
    return value.name if isinstance(value, Path) else f"{value:g}" if isinstance(value, float) else str(value)


def _expect_some(what: str, values: Sequence[Any]) -> None:
    if not values:
        raise SettingError(f"{what}: expected at least one, got none")


def _expect_distinct(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SettingError(f"{what}: expected each once, got {name!r} twice; rename or drop one")
        seen.add(name)
