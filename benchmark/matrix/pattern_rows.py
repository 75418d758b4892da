"""Rows that a plan asks for by patterns: `methods = ["*"]`, `[[method]] name = "gs*"`, `protocols = ["mossfuse-*"]`.

A pattern has `*`, `?` or `[`. What it brings is planned once, whatever else names it; what it brings and what cannot take part, such as a
method that must be trained in a plan without [training], is left out and named with its reason, where a row that is written out by hand
would be an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from benchmark.matrix.contestant import Contestant, contestants_from, contestants_of, method_tables, parameter_choices
from benchmark.matrix.interview import Interview, interview_each
from benchmark.matrix.parameter_files import NOT_THERE
from datasets.data_roots import spell_nearest
from datasets.settings import SettingError
from methods.catalog import BrokenMethodError, Entry, expect_one, find_namesakes

_SIGNS = "*?["


@dataclass(frozen=True)
class FoundRows:
    """The rows of a plan, and what its patterns brought that is not among them."""

    rows: tuple[Contestant, ...]
    by_pattern: frozenset[str] = frozenset()  # `Contestant.identity` of the rows that a pattern has brought
    left_out: tuple[str, ...] = ()  # a sentence for each method that cannot take part
    doubles: int = 0  # rows that patterns name again


def is_pattern(name: str) -> bool:
    """Whether a name stands for all names that match it; the path of a method's file does not."""
    return any(sign in name for sign in _SIGNS) and not name.endswith((".py", ".toml"))


def expand_names(what: str, names: Sequence[str], valid: Iterable[str]) -> tuple[list[str], int]:
    """The names, each pattern replaced by all that match it, each once; and how many names patterns have brought again.

    Args:
        what: what is named, for the text of an error.
        names: names and patterns.
        valid: all names, in their order.

    Raises:
        SettingError: a pattern matches nothing; the text gives the nearest names.
    """
    known, by_hand = list(valid), [name for name in names if not is_pattern(name)]
    expanded: list[str] = []
    doubles = 0
    for name in names:
        if not is_pattern(name):
            expanded.append(name)
            continue
        found = [each for each in known if fnmatchcase(each, name)]
        if not found:
            near = spell_nearest(name.strip(_SIGNS), known)
            raise SettingError(f"{what} {name!r}: expected a pattern that matches one of {', '.join(known)}, got no match{near}")
        fresh = [each for each in found if each not in expanded and each not in by_hand]
        doubles += len(found) - len(fresh)
        expanded += fresh
    return expanded, doubles


def rows_of(
    patterns: Sequence[str],
    items: Sequence[Mapping[str, Any]],
    folders: Sequence[Path | None],
    plugins: Path | None,
    *,
    trains: bool,
    skip_missing: bool = False,
) -> FoundRows:
    """The rows of a plan: those of its [[method]] tables in their order, then those of `methods`.

    Args:
        patterns: names and patterns of methods, each with its default parameters (`methods` of a plan).
        items: the [[method]] tables.
        folders: where a parameter that is a file may lie.
        plugins: the folder of outside methods.
        trains: whether the plan has [training], so that methods that must be trained first can take part.
        skip_missing: leave out rows of [[method]] with a parameter whose file, such as weights, is missing; an error when False.

    Raises:
        SettingError: a name or number is not valid, or a pattern matches nothing.
        MethodNotFoundError, BrokenMethodError: a method that is named by hand is not there, or cannot be loaded.
    """
    wanted = [*items, *({"name": name} for name in patterns)]
    tables = method_tables(wanted)
    by_hand = [item for item, table in zip(wanted, tables, strict=True) if not is_pattern(table.name)]
    left_out: list[str] = []
    named: list[Contestant] = []
    for items_there in [[item] for item in by_hand] if skip_missing else [by_hand]:
        try:
            named += contestants_of(items_there, folders, plugins)
        except SettingError as error:
            if not skip_missing or NOT_THERE not in str(error):
                raise
            left_out.append(f"method {items_there[0].get('label') or items_there[0]['name']} is left out: {' '.join(str(error).split())}")
    if len(by_hand) == len(wanted):
        return FoundRows(tuple(named), left_out=tuple(left_out))
    taken = {row.identity for row in named}
    found: list[Contestant] = []
    doubles = 0
    for table, entry, answer in _answers([table for table in tables if is_pattern(table.name)], folders, plugins):
        try:
            if not isinstance(answer, Interview):
                raise answer
            rows = contestants_from(replace(table, name=entry.name), entry, parameter_choices(table), answer)
        except (SettingError, BrokenMethodError) as error:
            left_out.append(f"method {entry.name} is left out: {' '.join(str(error).split())}")
            continue
        for row in rows:
            if row.identity in taken:
                doubles += 1
            elif row.awaits_training and not trains:
                left_out.append(f"method {entry.name} is left out: it must be trained first, and the plan has no [training]")
            else:
                taken.add(row.identity)
                found.append(row)
    return FoundRows((*named, *found), frozenset(row.identity for row in found), tuple(dict.fromkeys(left_out)), doubles)


def _answers(
    tables: Sequence[Any], folders: Sequence[Path | None], plugins: Path | None
) -> list[tuple[Any, Entry, Interview | SettingError | BrokenMethodError]]:
    """Each table with each method that its pattern matches, and what that says of itself."""
    namesakes = find_namesakes(plugins)
    questions, unclear = [], []
    for table in tables:
        for name in expand_names("method", [table.name], namesakes)[0]:
            entry = namesakes[name][0]
            try:
                expect_one(namesakes[name])
            except BrokenMethodError as error:
                unclear.append((table, entry, error))
            else:
                questions.append((table, entry))
    answers = interview_each([(entry, parameter_choices(table)) for table, entry in questions], folders)
    return [*((table, entry, answer) for (table, entry), answer in zip(questions, answers, strict=True)), *unclear]
