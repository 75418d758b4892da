"""What methods say of themselves, each asked in a child process: the process that plans a run imports no method.

So an import that never ends, that calls `sys.exit`, raises, or changes the working folder, `sys.path` or standard output costs a clear
error, and nothing of it stays for other methods. An answer is JSON and is checked here; what it holds is data, and no code of the method.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from benchmark.children.child_task import Limits
from benchmark.children.endings import Ended
from benchmark.children.processes import collect, start, stop, wait_any
from benchmark.children.server import refresh
from benchmark.clone import is_suite_file
from benchmark.matrix.parameter_files import usual_places, with_files
from benchmark.matrix.parameter_json import decoded, encoded
from datasets.field_meanings import inherited_meanings
from datasets.printable import error_text
from datasets.settings import SettingError, changed_fields, configure, field_types, field_values, spell, spell_default
from methods.catalog import BLIND, BrokenMethodError, Entry
from methods.contract import AnyMethod, Card, awaits_training
from methods.iterates import IteratedMethod
from methods.loading import LOADED

LIMIT_S = 120.0  # for the import of a method and all that it says
_BLIND_MEANING = "the program that estimates the PSF and the SRF from the pair; the method is then told neither"
SLOTS = 2  # children that are asked at the same time


class SilentMethodError(BrokenMethodError):
    """A method that ends, stops or holds up the process that asks it, such as by an import that never ends."""


_ERRORS: Mapping[str, type[Exception]] = {"setting": SettingError, "silent": SilentMethodError}


@dataclass(frozen=True)
class Configuration:
    """A method with one choice of parameters, as the method describes it."""

    parameters: Mapping[str, Any]  # every field, files by their absolute paths
    card: Card
    awaits_training: bool
    shows_iterates: bool
    changed: tuple[str, ...]  # names of the parameters that are not at their default


@dataclass(frozen=True)
class ParameterFacts:
    """What a user must know of one parameter."""

    name: str
    kind: str  # the type, in words
    default: str  # as a plan spells it
    meaning: str  # the text in the source: below the field or beside it


@dataclass(frozen=True)
class Interview:
    """What is asked of one method, and what its class says whatever the parameters."""

    card: Card  # of the class
    files: tuple[str, ...]  # data files that the class declares
    schema: str  # the parameters that a plan may give, and their types
    fields: tuple[ParameterFacts, ...]  # likewise, each with its default and its meaning
    published: str  # how long its authors trained it, where the class says so in `published`
    path: tuple[Path, ...]  # folders that it puts on `sys.path`
    loaded: tuple[Path, ...]  # sources that are no part of the suite and not installed, and that importing it has loaded
    configurations: tuple[Configuration, ...]


@dataclass(frozen=True, eq=False)
class InterviewJob:
    """Ask one method, in this process."""

    entry: Entry
    choices: tuple[Mapping[str, Any], ...]
    folders: tuple[Path, ...]  # where a parameter that is a file may lie

    def run(self) -> dict[str, Any]:
        """The answer as JSON holds it, or under "problem" why there is none, and under "kind" whether the settings are wrong."""
        before, path = set(LOADED), list(sys.path)
        try:
            kind = self.entry.load()
            return {
                "card": asdict(kind.card),
                "files": [str(name) for name in getattr(kind, "files", ())],
                "schema": ", ".join(f"{key}: {spell(value)}" for key, value in field_types(self.entry.widest_form()).items()),
                "fields": [asdict(facts) for facts in parameter_facts(self.entry.widest_form())],
                "published": str(getattr(kind, "published", "")),
                "configurations": [self._configuration(choice) for choice in self.choices],
                "path": [str(Path(place).resolve()) for place in sys.path if place and place not in path and Path(place).is_dir()],
                "loaded": [file for file in map(os.path.realpath, LOADED) if file not in before and not is_suite_file(Path(file))],
            }
        except SettingError as error:
            return {"problem": str(error), "kind": "setting"}
        except BrokenMethodError as error:
            return {"problem": str(error), "kind": "broken"}

    def _configuration(self, choice: Mapping[str, Any]) -> dict[str, Any]:
        method = with_files(configured_method(self.entry, choice), self.folders, self.entry.name)
        return {
            "parameters": {name: encoded(name, value) for name, value in field_values(method).items()},
            "card": asdict(described(self.entry, method)),
            "awaits_training": awaits_training(method),
            "shows_iterates": isinstance(method, IteratedMethod),
            "changed": changed_fields(method),
        }


def parameter_facts(kind: type[Any]) -> list[ParameterFacts]:
    """What there is to know of each parameter of a method, in the order of its fields."""
    types, meanings = field_types(kind), inherited_meanings(kind)
    items = {item.name: item for item in fields(kind) if item.name != BLIND}
    facts = [
        ParameterFacts(name, spell(types[name]), spell_default(item), meanings.get(name, "")) for name, item in items.items() if item.init
    ]
    return [*facts, ParameterFacts(BLIND, spell(types[BLIND]), "none", _BLIND_MEANING)] if BLIND in types else facts


def configured_method(entry: Entry, parameters: Mapping[str, Any]) -> AnyMethod:
    """The method with these parameters, in this process.

    Raises:
        SettingError: a name or a value is not valid.
        BrokenMethodError: the method cannot be imported, or its construction raises another error than ValueError.
    """
    try:
        method: AnyMethod = configure(entry.form(parameters), parameters)
    except (SettingError, BrokenMethodError):
        raise
    except ValueError as error:
        raise SettingError(f"method {entry.name}: {error}") from error
    except (Exception, SystemExit) as error:
        raise BrokenMethodError(
            f"method {entry.name!r}: its construction raised {error_text(error)}; raise ValueError for a wrong value"
        ) from error
    return method


def described(entry: Entry, method: AnyMethod) -> Card:
    """The card of a configuration. (It may read files; `blind` is refused here where there is nothing to estimate.)

    Raises:
        SettingError: `describe` raises a ValueError.
        BrokenMethodError: it raises another error, or gives no card.
    """
    try:
        card = method.describe()
    except ValueError as error:
        raise SettingError(f"method {entry.name}: {error}") from error
    except (Exception, SystemExit) as error:
        raise BrokenMethodError(f"method {entry.name!r}: describe raised {error_text(error)}") from error
    if not isinstance(card, Card):
        raise BrokenMethodError(f"method {entry.name!r}: expected describe to give a Card, got {type(card).__name__}")
    return card


def interview(
    questions: Sequence[tuple[Entry, Sequence[Mapping[str, Any]]]], folders: Sequence[Path | None] = (), limit_s: float = LIMIT_S
) -> list[Interview]:
    """What each method says of itself and of itself with each choice of parameters, in the order of the questions.

    Args:
        questions: methods, each with its choices of parameters.
        folders: where a parameter that is a file may lie, besides the current folder and that of the method.
        limit_s: seconds after which a method is given up.

    Raises:
        SettingError: a name or number is not valid, or a file is not there.
        BrokenMethodError: a method cannot be imported, says nothing in time, or says what makes no sense.
    """
    answers = interview_each(questions, folders, limit_s)
    for answer in answers:
        if not isinstance(answer, Interview):
            raise answer
    return [answer for answer in answers if isinstance(answer, Interview)]


def interview_each(
    questions: Sequence[tuple[Entry, Sequence[Mapping[str, Any]]]], folders: Sequence[Path | None] = (), limit_s: float = LIMIT_S
) -> list[Interview | SettingError | BrokenMethodError]:
    """Likewise, with the error of a method in the place of its answer."""
    jobs = [InterviewJob(entry, tuple(choices), usual_places(entry, *folders)) for entry, choices in questions]
    if sys.platform != "linux":  # no fork server: methods are listed there, and not run
        return [_checked_or_error(job.entry, job.run()) for job in jobs]
    refresh()
    return [_checked_or_error(job.entry, table) for job, table in zip(jobs, _asked(jobs, limit_s), strict=True)]


def _asked(jobs: Sequence[InterviewJob], limit_s: float) -> list[dict[str, Any]]:
    """The answer of each job; a few children at a time."""
    waiting = deque(range(len(jobs)))
    answers: dict[int, dict[str, Any]] = {}
    running: dict[Any, int] = {}
    try:
        while waiting or running:
            while waiting and len(running) < SLOTS:
                number = waiting.popleft()
                running[start(jobs[number], Limits(limit_s, apart=True))] = number
            for child in wait_any(list(running), limit_s):
                number = running.pop(child)
                ended = collect(child)
                answers[number] = ended.answer if ended.how == "done" else _silent(jobs[number].entry, ended)
                ended.discard()
    finally:
        for child in running:
            stop(child)
            collect(child).discard()
    return [answers[number] for number in range(len(jobs))]


def _silent(entry: Entry, ended: Ended) -> dict[str, Any]:
    """The answer in the place of one that did not come."""
    printed = ended.last_words()
    said = f"; the last that it printed: {printed!r}" if printed else ""
    return {
        "problem": f"method {entry.name!r} ({entry.file or entry.module}) does not say what it is: {ended.reason}{said}",
        "kind": "silent",
    }


def _checked_or_error(entry: Entry, table: Mapping[str, Any]) -> Interview | SettingError | BrokenMethodError:
    try:
        return _checked(entry, table)
    except (SettingError, BrokenMethodError) as error:
        return error


def _checked(entry: Entry, table: Mapping[str, Any]) -> Interview:
    """The answer of a child, of which nothing is taken on trust."""
    if "problem" in table:
        raise _ERRORS.get(str(table.get("kind")), BrokenMethodError)(str(table["problem"]))
    try:
        return Interview(
            card=_card(table["card"]),
            files=tuple(str(name) for name in table["files"]),
            schema=str(table["schema"]),
            fields=tuple(ParameterFacts(**{str(key): str(value) for key, value in facts.items()}) for facts in table["fields"]),
            published=str(table["published"]),
            path=tuple(Path(place) for place in table["path"]),
            loaded=tuple(Path(file) for file in table["loaded"]),
            configurations=tuple(
                Configuration(
                    {str(name): decoded(value) for name, value in item["parameters"].items()},
                    _card(item["card"]),
                    bool(item["awaits_training"]),
                    bool(item["shows_iterates"]),
                    tuple(str(name) for name in item["changed"]),
                )
                for item in table["configurations"]
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BrokenMethodError(f"method {entry.name!r}: expected a card and parameters, got {error_text(error)}") from error


def _card(facts: Mapping[str, Any]) -> Card:
    """The card with these facts, if each is of the right type.

    Raises:
        SettingError, ValueError: one is not.
    """
    return configure(Card, facts)
