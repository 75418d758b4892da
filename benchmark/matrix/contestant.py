"""A contestant: a method with its parameters, its sources and its name in tables; and how a plan's [[method]] tables become contestants."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmark.identity.sources import Sources, UnkeyedError, sources_of, sources_of_module
from benchmark.matrix.oracle import check_oracle, label_suffix, oracle_card
from datasets.digests import file_sha256
from datasets.settings import SettingError, configure, field_types, field_values
from methods.catalog import Entry, find_one
from methods.contract import AnyMethod, Card


@dataclass(frozen=True, eq=False)
class Contestant:
    """A method with its parameters, and its name in tables."""

    entry: Entry
    method: AnyMethod
    label: str
    sources: Sources
    time_limit_s: float | None = None  # instead of the plan's
    memory_limit_mb: float | None = None
    oracle: int = 0  # iterates among which the referee picks by the truth (oracle.py); 0: the method's own result

    @property
    def card(self) -> Card:
        """The card of this configuration."""
        card = self.method.describe()
        return oracle_card(card, self.oracle) if self.oracle else card

    @property
    def parameters(self) -> dict[str, Any]:
        """Name and value of every hyper-parameter."""
        return field_values(self.method)

    @cached_property
    def file_digests(self) -> dict[str, str]:
        """sha256 of every parameter that is a file, as it was when the plan was read."""
        return {name: file_sha256(value) for name, value in self.parameters.items() if isinstance(value, Path)}

    @property
    def identity(self) -> str:
        """The contestant without its label."""
        return f"{self.entry.name} with {parameters_to_json(self.parameters)}" + (f", oracle {self.oracle}" if self.oracle else "")


@dataclass(frozen=True)
class MethodTable:
    """The schema of one [[method]]."""

    name: str
    label: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    grid: dict[str, Any] = field(default_factory=dict)
    time_limit_s: float | None = None
    memory_limit_mb: float | None = None
    oracle: int = 0


def contestants_of(item: Mapping[str, Any], folders: Sequence[Path | None], plugins: Path | None) -> list[Contestant]:
    """One contestant for each combination of the grid of one [[method]] table; its label is still that of the table, or empty.

    Args:
        item: the table.
        folders: where a parameter that is a file may lie, besides the current folder and the method's own.
        plugins: the folder of outside methods.

    Raises:
        SettingError: a name or number that is not valid, or a file that is not there.
        MethodNotFoundError, BrokenMethodError: what the catalog raises.
    """
    table = configure(MethodTable, item)
    entry = find_one(table.name, plugins)
    for name, values in table.grid.items():
        if not isinstance(values, list) or not values:
            raise SettingError(f"method {table.name}: grid.{name}: expected a list of values, got {values!r}")
    try:
        sources = method_sources(entry)
    except UnkeyedError as error:
        raise SettingError(f"method {table.name}: {error}") from error
    contestants = []
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
        whole = sources.joined(*map(sources_of, entry.more_sources(chosen)))
        contestants.append(Contestant(entry, method, table.label, whole, table.time_limit_s, table.memory_limit_mb, table.oracle))
    return contestants


def method_sources(entry: Entry) -> Sources:
    """The sources of a method without parameters, wherever it lives.

    Raises:
        UnkeyedError: a data file that the class declares is not there, or an entry point's module has no Python file.
    """
    declared = tuple(getattr(entry.load(), "files", ()))
    if entry.file is None:
        return sources_of_module(entry.module.partition(":")[0], declared)
    return sources_of(entry.file, entry.file.parent, declared)


def labelled(contestants: Sequence[Contestant]) -> list[Contestant]:
    """Every contestant with a label of its own: the card's name, and the parameters that tell equal names apart.

    Raises:
        SettingError: two contestants were given one label.
    """
    named = [replace(entry, label=entry.label or entry.card.name) for entry in contestants]
    complete = []
    for entry in named:
        rivals = [other for other in named if other.label == entry.label]
        differing = [
            name
            for name in field_types(type(entry.method))
            if any(type(other.method) is type(entry.method) and other.parameters[name] != entry.parameters[name] for other in rivals)
        ]
        values = ", ".join(f"{name}={_spell(entry.parameters[name])}" for name in differing)
        label = f"{entry.label} ({values})" if len(rivals) > 1 and values else entry.label
        complete.append(replace(entry, label=label + (label_suffix(entry.oracle) if entry.oracle else "")))
    expect_distinct("methods", [entry.label for entry in complete])
    return complete


def parameters_to_json(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON holds them: paths by their file name, tuples as lists."""
    return {
        name: value.name if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
        for name, value in parameters.items()
    }


def card_facts(card: Card) -> dict[str, Any]:
    """A card as JSON holds it."""
    return parameters_to_json(asdict(card))


def expect_distinct(what: str, names: Iterable[str]) -> None:
    """Refuse a name that comes twice.

    Raises:
        SettingError: one does; the text names it.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SettingError(f"{what}: expected each once, got {name!r} twice; rename or drop one")
        seen.add(name)


def _with_files(method: AnyMethod, folders: Sequence[Path | None], name: str) -> AnyMethod:
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


def _spell(value: Any) -> str:
    return value.name if isinstance(value, Path) else f"{value:g}" if isinstance(value, float) else str(value)
