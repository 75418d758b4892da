"""Whether a bundle still belongs to this code (protocols by their numbers, metrics by their key, methods), and whether it is whole.

A row that is stale is a row that this code would not make so: scored by other metrics, observed by a protocol of other numbers, or of a
method that is no longer there. Protocols are looked up among the presets, and among the tables of the bundle's own plan.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.identity.source_keys import clock_key, metrics_key
from benchmark.matrix.cell import Cell
from benchmark.run_folder.bundle import Bundle
from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.record import Result, identity_of
from datasets.data_roots import DataRoots
from datasets.degradation import ResponseError
from datasets.protocols import PRESETS, protocol_from
from datasets.settings import SettingError
from methods.catalog import find_namesakes

_SHOWN = 3  # rows or scenes that a line names


@dataclass(frozen=True)
class BundleCheck:
    """What was found of a bundle."""

    stale: tuple[str, ...]  # a line for each row that this code would not make so
    gaps: tuple[str, ...]  # what is missing or contradicts itself
    notes: tuple[str, ...]  # what could not be checked here, and what does not matter to scores

    @property
    def sound(self) -> bool:
        """Whether nothing is stale and nothing is missing."""
        return not self.stale and not self.gaps


def check_bundle(bundle: Bundle, roots: DataRoots, plugins: Path | None = None) -> BundleCheck:
    """A bundle, checked against this code.

    Args:
        bundle: the bundle.
        roots: where the tables of sensors lie.
        plugins: a folder of further methods.
    """
    numbers, notes = _present_numbers(bundle, roots)
    rows: dict[str, list[Result]] = {}
    for record in bundle.records:
        rows.setdefault(record.label, []).append(record)
    key, clock, methods = metrics_key(), clock_key(), set(find_namesakes(plugins))
    of_files = {record.method for record in bundle.records} & _named_files(bundle) - methods
    notes += [f"method {name} was not looked up: the bundle's plan names a file of its own for it" for name in sorted(of_files)]
    methods |= of_files
    stale = [f"{label}: {reason}" for label, records in rows.items() for reason in _stale_reasons(records, key, methods, numbers, rows)]
    other_clock = sum(record.clock_key != clock for record in bundle.records if record.clock is not None)
    notes += [f"seconds of {other_clock} records are by another version of the clock: they are not compared"] if other_clock else []
    return BundleCheck(tuple(stale), tuple(_gaps(bundle)), tuple(notes))


def expect_common_cells(bundle: Bundle, cells: Iterable[Cell]) -> None:
    """Nothing, where the bundle has a scored record of a scene, by its content, and protocol, by its numbers, of these cells.

    Raises:
        RecordError: it has none, so that a report of the cells could show nothing of it.
    """
    wanted = {(cell.identity.digest, _spelled(cell.protocol.numbers())) for cell in cells}
    there = {(record.scene_content, _spelled(record.protocol)) for record in _scored(bundle)}
    if not wanted & there:
        scenes = ", ".join(list(dict.fromkeys(record.scene for record in bundle.records))[:_SHOWN])
        protocols = ", ".join(list(dict.fromkeys(str(record.protocol.get("name")) for record in bundle.records))[:_SHOWN])
        raise RecordError(
            f"--against: expected a bundle with scenes and protocols of the plan, got {bundle.name}, which has none of them; it has "
            f"{scenes}, ... under {protocols}, ...: scenes count by their content, protocols by their numbers"
        )


def _spelled(protocol: Mapping[str, Any]) -> str:
    """The numbers of a protocol as one text."""
    return json.dumps({name: value for name, value in protocol.items() if name not in ("name", "source")}, sort_keys=True)


def _stale_reasons(
    records: Iterable[Result], key: str, methods: set[str], numbers: Mapping[str, Any], rows: Mapping[str, Any]
) -> list[str]:
    reasons: dict[str, int] = {}
    for record in records:
        found = []
        if record.outcome == "scored" and record.metrics_key != key:
            found.append(f"scored by other metrics (key {record.metrics_key or 'unknown'}, here {key})")
        name = str(record.protocol.get("name"))
        differing = _differing(record.protocol, numbers[name]) if name in numbers else []
        if differing:
            found.append(f"protocol {name} has other numbers here: {', '.join(differing)}")
        if not record.made_elsewhere and record.method not in methods and not record.method.endswith((".py", ".toml")):
            found.append(f"method {record.method} is not in the catalog")
        for reason in found:
            reasons[reason] = reasons.get(reason, 0) + 1
    return [f"{reason} ({count} record{'' if count == 1 else 's'})" for reason, count in reasons.items()]


def _plan_tables(bundle: Bundle, name: str) -> list[Mapping[str, Any]]:
    """The tables of this name in the bundle's plan; none where the bundle has no plan, or one of several runs."""
    try:
        tables = tomllib.loads(bundle.plan_text).get(name, [])
    except ValueError:
        return []
    return [table for table in tables if isinstance(table, dict)] if isinstance(tables, list) else []


def _named_files(bundle: Bundle) -> set[str]:
    """The names of the methods of which the bundle's plan names the file."""
    named = [str(table.get("name")) for table in _plan_tables(bundle, "method")]
    return {Path(name).stem for name in named if name.endswith((".py", ".toml"))}


def _present_numbers(bundle: Bundle, roots: DataRoots) -> tuple[dict[str, Any], list[str]]:
    """The numbers that this code has for each protocol of the bundle, by name; and which protocols could not be looked up."""
    described = {str(table.get("name")): table for table in _plan_tables(bundle, "protocol")}
    numbers: dict[str, Any] = {}
    notes = []
    for name in dict.fromkeys(str(record.protocol.get("name")) for record in bundle.records if "pair" not in record.protocol):
        wanted = described.get(name, name if name in PRESETS else None)
        if wanted is None:
            notes.append(f"protocol {name} was not checked: it is no preset, and the bundle's plan does not describe it")
            continue
        try:
            numbers[name] = json.loads(json.dumps(protocol_from(wanted, roots.folder("srf")).numbers()))
        except (SettingError, ResponseError) as error:
            notes.append(f"protocol {name} was not checked: {error}")
    return numbers, notes


def _differing(kept: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """The names of the numbers that differ."""
    there = {name: value for name, value in json.loads(json.dumps(kept)).items() if name not in ("name", "source")}
    return sorted(name for name in {*there, *here} if there.get(name) != here.get(name))


def _gaps(bundle: Bundle) -> list[str]:
    """What is missing: records of cells, scores, digests of contents, environments; and cells that are there twice."""
    gaps = []
    if bundle.planned > len(bundle.records):
        gaps.append(f"{bundle.planned - len(bundle.records)} of the plan's {bundle.planned} cells have no record")
    unscored = [record for record in bundle.records if record.outcome not in ("scored", "skipped")]
    if unscored:
        shown = ", ".join(f"{record.label} on {record.scene} ({record.outcome})" for record in unscored[:_SHOWN])
        gaps.append(f"{len(unscored)} cells failed: {shown}{' and more' if len(unscored) > _SHOWN else ''}")
    for what, count in (
        ("no digest of the scene's content", sum(not record.scene_content for record in bundle.records)),
        ("no environment", sum(record.environment not in bundle.environments for record in bundle.records)),
        ("another metrics key than the bundle's", sum(record.metrics_key != bundle.metrics_key for record in _scored(bundle))),
        ("the identity of another record", len(bundle.records) - len({identity_of(record) for record in bundle.records})),
    ):
        gaps += [f"{count} records have {what}"] if count else []
    return gaps


def _scored(bundle: Bundle) -> list[Result]:
    return [record for record in bundle.records if record.outcome == "scored"]
