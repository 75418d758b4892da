"""Contestants: methods with their parameters, and how the [[method]] tables of a plan become contestants."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from benchmark.identity.sources import Sources, UnkeyedError, sources_of, sources_of_module
from benchmark.matrix.estimate_files import HandedIn
from benchmark.matrix.interview import Configuration, Interview, interview
from benchmark.matrix.oracle import check_oracle, label_suffix, oracle_card
from benchmark.matrix.row_limits import RowLimit
from datasets.digests import file_sha256
from datasets.settings import SettingError, configure
from methods.catalog import BLIND, Entry, find_one
from methods.contract import Card


@dataclass(frozen=True, eq=False)
class Contestant:
    """A method with its parameters, its sources and its label, the name in tables."""

    entry: Entry
    configuration: Configuration  # as the method describes it
    label: str
    sources: Sources
    time_limit_s: float | None = None  # instead of the plan's
    memory_limit_mb: float | None = None
    oracle: int = 0  # number of iterates among which the referee picks by the truth (oracle.py); 0: an ordinary row
    handed_in: HandedIn | None = None  # where its cubes lie, which were made elsewhere; None: the suite runs it
    limit: RowLimit = field(default_factory=RowLimit)  # the scenes and protocols of the plan for which it is meant

    @property
    def card(self) -> Card:
        """The card of this configuration."""
        card = self.configuration.card
        return oracle_card(card, self.oracle) if self.oracle else card

    @property
    def parameters(self) -> dict[str, Any]:
        """The value of each parameter, by its name."""
        return dict(self.configuration.parameters)

    @property
    def awaits_training(self) -> bool:
        """Whether it must be trained on the plan's [training] first."""
        return self.configuration.awaits_training

    @cached_property
    def file_digests(self) -> dict[str, str]:
        """sha256 of each parameter that is a file, as it was when the plan was read."""
        return {name: file_sha256(value) for name, value in self.parameters.items() if isinstance(value, Path)}

    @property
    def identity(self) -> str:
        """What makes the contestant another one than all others, in words; the label does not count."""
        values = {**parameters_to_json(self.parameters), **self.file_digests}
        return f"{self.entry.name} with {values}" + (f", oracle {self.oracle}" if self.oracle else "")


@dataclass(frozen=True)
class MethodTable:
    """The schema of one [[method]] table."""

    name: str
    """Name of the method (`list methods`), or a pattern such as "*" or "gs*": every method that can take part, each once."""
    label: str = ""
    """Name in tables; the name on the card, and what differs, when absent."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """Values of the method's parameters (`list methods NAME` shows them); with blind = NAME, PSF and SRF are estimated by that method."""
    grid: dict[str, Any] = field(default_factory=dict)
    """Lists of values of parameters; each combination is one row."""
    time_limit_s: float | None = None
    """Seconds, instead of the plan's."""
    memory_limit_mb: float | None = None
    """10^6 bytes, instead of the plan's."""
    oracle: int = 0
    """Number of iterates of which the truth picks the best by PSNR: a row that is never ranked; 0 for none."""
    scenes: tuple[str, ...] = ()
    """Scenes of the plan for which the row is meant, by name or pattern, such as "cave/*"; all when absent."""
    protocols: tuple[str, ...] = ()
    """Protocols of the plan for which the row is meant, likewise, such as "mossfuse-x8*"; all when absent."""


def contestants_of(items: Sequence[Mapping[str, Any]], folders: Sequence[Path | None], plugins: Path | None) -> list[Contestant]:
    """One contestant per combination in the grid of each [[method]] table; its label is that of the table, or still empty.

    Args:
        items: the tables.
        folders: where a parameter that is a file may lie, besides the current folder and that of the method.
        plugins: the folder of outside methods.

    Raises:
        SettingError: a name or number is not valid, or a file is not there.
        MethodNotFoundError, BrokenMethodError: the catalog has no such method, or it cannot be loaded.
    """
    tables = method_tables(items)
    places = [folder for folder in folders[:1] if folder is not None]  # of the plan's file
    entries = [find_one(table.name, plugins, places) for table in tables]
    choices = [parameter_choices(table) for table in tables]
    answers = interview(list(zip(entries, choices, strict=True)), folders)
    return [row for facts in zip(tables, entries, choices, answers, strict=True) for row in contestants_from(*facts)]


def contestants_from(table: MethodTable, entry: Entry, chosen: Sequence[Mapping[str, Any]], answer: Interview) -> list[Contestant]:
    """The contestants of one table, from what the method says of itself with each of the chosen parameters.

    Raises:
        SettingError: an oracle row of a method that shows no iterates, or a data file that is not there.
        BrokenMethodError: a TOML file names files that are not there.
    """
    try:
        sources = method_sources(entry, answer)
    except UnkeyedError as error:
        raise SettingError(f"method {table.name}: {error}") from error
    contestants = []
    for parameters, configuration in zip(chosen, answer.configurations, strict=True):
        check_oracle(table.name, table.oracle, configuration.card.learns, shows_iterates=configuration.shows_iterates)
        whole = sources.joined(*map(sources_of, entry.more_sources(parameters)))
        limits = table.time_limit_s, table.memory_limit_mb
        meant = RowLimit(table.scenes, table.protocols)
        contestants.append(Contestant(entry, configuration, table.label, whole, *limits, table.oracle, limit=meant))
    return contestants


def method_tables(items: Sequence[Mapping[str, Any]]) -> list[MethodTable]:
    """The [[method]] tables of a plan, checked.

    Raises:
        SettingError: a key or a value of one is not valid; the text says which table it is.
    """
    return [_table(number, item) for number, item in enumerate(items, start=1)]


def _table(number: int, item: Mapping[str, Any]) -> MethodTable:
    try:
        return configure(MethodTable, item)
    except SettingError as error:
        name = f" ({item['name']})" if "name" in item else ""
        raise SettingError(f"[[method]] number {number}{name}: {error}") from error


def parameter_choices(table: MethodTable) -> list[dict[str, Any]]:
    """The parameters of each combination in the grid of a table.

    Raises:
        SettingError: a grid has no list of values.
    """
    for name, values in table.grid.items():
        if not isinstance(values, list) or not values:
            raise SettingError(f"method {table.name}: grid.{name}: expected a list of values, got {values!r}")
    return [
        {**table.parameters, **dict(zip(table.grid, combination, strict=True))} for combination in itertools.product(*table.grid.values())
    ]


def method_sources(entry: Entry, answer: Interview) -> Sources:
    """The sources of a method, its parameters apart, whether it is a file or an entry point.

    Args:
        entry: the method.
        answer: what it says of itself.

    Raises:
        UnkeyedError: a data file that the class declares is not there, or an entry point's module has no Python file.
        BrokenMethodError: a TOML file names files that are not there.
    """
    parts = entry.declared_parts()
    if parts is not None:
        data = {name: file_sha256(path) for name, path in parts.files.items()}
        work = replace(sources_of(parts.source), uncovered=())  # it hands the user's environment on, which docs/external_methods.md says
        return work.joined(Sources({}, data, parts.versions, parts.uncovered, parts.files))
    if entry.file is None:
        return sources_of_module(entry.module.partition(":")[0], answer.files, more=answer.path, loaded=answer.loaded)
    home = None if entry.root is None else entry.file.parent
    return sources_of(entry.file, home, answer.files, root=entry.root, more=answer.path, loaded=answer.loaded)


def labelled(contestants: Sequence[Contestant]) -> list[Contestant]:
    """The contestants with labels that all differ: that of the plan, or the name on the card and what is not at its default.

    A file is not named in a label, since the card says what weights were trained on, nor is `blind`, which is in the name on the card.
    Where two labels are equal, the parameters that differ follow, whatever they are.

    Raises:
        SettingError: the plan gives one label to two contestants.
    """
    named = [replace(entry, label=entry.label or entry.card.name) for entry in contestants]
    complete = []
    for given, entry in zip(contestants, named, strict=True):
        rivals = [other for other in named if other.label == entry.label]
        told = [
            name
            for name in entry.parameters
            if (not given.label and _is_told(name, entry))
            or any(other.parameters.keys() == entry.parameters.keys() and _differ(name, entry, other) for other in rivals)
        ]
        values = ", ".join(f"{name}={_spell(entry.parameters[name])}" for name in told)
        label = f"{entry.label} ({values})" if values else entry.label
        complete.append(replace(entry, label=label + (label_suffix(entry.oracle) if entry.oracle else "")))
    expect_distinct("methods", [entry.label for entry in complete])
    return complete


def _is_told(name: str, entry: Contestant) -> bool:
    """Whether a label that the plan does not give names this parameter; not if the name on the card has its value."""
    value = entry.parameters[name]
    if name not in entry.configuration.changed or name == BLIND or isinstance(value, Path):
        return False
    return re.search(rf"(?<!\w){re.escape(_spell(value))}(?!\w)", entry.card.name) is None


def parameters_to_json(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as JSON holds them: a path by the name of its file, a tuple as a list."""
    return {
        name: value.name if isinstance(value, Path) else list(value) if isinstance(value, tuple) else value
        for name, value in parameters.items()
    }


def card_facts(card: Card) -> dict[str, Any]:
    """The facts on a card, as JSON holds them."""
    return parameters_to_json(asdict(card))


def expect_distinct(what: str, names: Iterable[str]) -> None:
    """Nothing, where all names differ.

    Raises:
        SettingError: a name comes twice; the text says which.
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SettingError(f"{what}: expected each once, got {name!r} twice; rename or drop one")
        seen.add(name)


def _differ(name: str, one: Contestant, other: Contestant) -> bool:
    """Whether two contestants are one method with different values of a parameter."""
    return one.entry == other.entry and one.parameters[name] != other.parameters[name]


def _spell(value: Any) -> str:
    return value.name if isinstance(value, Path) else f"{value:g}" if isinstance(value, float) else str(value)
