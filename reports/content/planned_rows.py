"""What the plans of bundles ask for and what the bundles do not have: scenes, rows and protocols without a record."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from statistics import fmean
from typing import Any

from benchmark.run_folder.bundle import Bundle
from benchmark.run_folder.record import Result
from reports.content.row_cells import is_planned, planned_cells
from reports.content.summary import Summary, configuration
from reports.style import identity, listed_text

_LEFT_OUT = re.compile(r"method (?P<name>\S+) is left out: (?P<why>.*)")


@dataclass(frozen=True)
class PlannedRow:
    """A row of a plan, and the protocols of the tables under which it has no record."""

    label: str
    protocols: tuple[str, ...]
    everywhere: bool  # whether it has no record under any of them


@dataclass(frozen=True)
class UnfinishedRow:
    """A row with records of some scenes that its plan has, and not of others."""

    label: str
    protocol: str
    scenes: int  # without a record
    seconds: float  # that they would take, at the pace of those with scores


def planned_scenes(bundles: Sequence[Bundle], summary: Summary) -> set[str]:
    """The scenes for which the plans have this protocol with any row, and those of the table."""
    name = str(summary.protocol.get("name", ""))
    names: set[str] = set()
    for bundle in bundles:
        rows = planned_cells([bundle.plan])
        given = [scene for scene in bundle.plan.get("scenes", ()) if isinstance(scene, str)]
        scenes = [scene for scene in given if not rows or any(is_planned(rows, label, scene, name) for label in rows)]
        for wanted, patterns in _protocols(bundle).items():
            if fnmatchcase(name, wanted):
                names |= {scene for scene in scenes if not patterns or any(fnmatchcase(scene, pattern) for pattern in patterns)}
    return names | set(summary.scenes)


def rows_without_records(bundles: Sequence[Bundle], results: Sequence[Result], summaries: Sequence[Summary]) -> list[PlannedRow]:
    """The rows of the plans without a record under some protocol of the tables for which they are meant, in the order of the plans."""
    wanted = planned_cells(bundle.plan for bundle in bundles)
    scenes = [planned_scenes(bundles, summary) for summary in summaries]
    names = [str(summary.protocol.get("name", "")) for summary in summaries]
    there = {(_row(result.method, result.parameters), str(result.protocol.get("name", ""))) for result in results}
    rows: dict[str, PlannedRow] = {}
    for bundle in bundles:
        for method in bundle.plan.get("methods", ()):
            if not isinstance(method, Mapping):
                continue
            parameters = method.get("parameters")
            row = _row(str(method.get("name")), parameters if isinstance(parameters, Mapping) else {})
            label = str(method.get("label"))
            meant = [
                (summary.name, name)
                for summary, name, inside in zip(summaries, names, scenes, strict=True)
                if any(is_planned(wanted, label, scene, name) for scene in inside)
            ]
            missing = tuple(title for title, name in meant if (row, name) not in there)
            if missing:
                rows[row] = PlannedRow(label, missing, len(missing) == len(meant))
    return list(rows.values())


def unfinished_rows(bundles: Sequence[Bundle], results: Sequence[Result], summaries: Sequence[Summary]) -> list[UnfinishedRow]:
    """The rows that lack scenes for which the plans have them, with the seconds that these would take, the slowest first."""
    wanted = planned_cells(bundle.plan for bundle in bundles)
    unfinished = []
    for summary in summaries:
        planned, rows = planned_scenes(bundles, summary), dict[str, list[Result]]()
        for result in results:
            if result.protocol.get("name") == summary.protocol.get("name"):
                rows.setdefault(configuration(result), []).append(result)
        for inside in rows.values():
            label, name = inside[0].label, str(summary.protocol.get("name", ""))
            missing = len({scene for scene in planned if is_planned(wanted, label, scene, name)} - {result.scene for result in inside})
            clocks = [result.clock for result in inside if result.clock is not None]
            if missing and clocks:  # a row that is skipped everywhere lacks nothing
                each = fmean(clock.outside or clock.fit + clock.adapt + clock.fuse for clock in clocks)
                unfinished.append(UnfinishedRow(inside[0].label, summary.name, missing, missing * each))
    return sorted(unfinished, key=lambda row: -row.seconds)


def protocols_without_records(bundles: Sequence[Bundle], summaries: Sequence[Summary]) -> list[str]:
    """The protocols that the plans name and no table has."""
    names = {str(summary.protocol.get("name", "")) for summary in summaries}
    wanted = dict.fromkeys(name for bundle in bundles for name in _protocols(bundle))
    return [name for name in wanted if not any(fnmatchcase(known, name) for known in names)]


def left_out_lines(bundles: Sequence[Bundle]) -> list[str]:
    """What the plans themselves left out when they were read, and why; methods that share a reason stand in one line."""
    lines = dict.fromkeys(str(line) for bundle in bundles for line in bundle.plan.get("left_out", ()))
    methods: dict[str, list[str]] = {}
    for found in filter(None, map(_LEFT_OUT.fullmatch, lines)):
        methods.setdefault(found["why"], []).append(found["name"])
    several = [f"{len(names)} methods are left out, {listed_text(names)}: {why}" for why, names in methods.items() if len(names) > 1]
    alone = [line for line in lines if (each := _LEFT_OUT.fullmatch(line)) is None or len(methods[each["why"]]) == 1]
    return [*several, *alone]


def _row(method: str, parameters: Mapping[str, Any]) -> str:
    return identity([method, dict(parameters)])


def _protocols(bundle: Bundle) -> dict[str, list[str]]:
    """The protocols that the plan names, each with its patterns of scenes. An empty list means that the protocol is for all scenes."""
    try:
        plan = tomllib.loads(bundle.plan_text)
    except tomllib.TOMLDecodeError:
        return {}
    found: dict[str, list[str]] = {name: [] for name in plan.get("protocols", []) if isinstance(name, str)}
    for table in plan.get("protocol", []):
        if isinstance(table, dict) and isinstance(table.get("name"), str):
            patterns = table.get("scenes", [])
            found[table["name"]] = [each for each in patterns if isinstance(each, str)] if isinstance(patterns, list) else []
    return found
