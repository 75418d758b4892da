"""How a merge writes what it takes: each file as a whole, and a record after all files that it names, so that a merge can be repeated."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmark.review.merge_choice import TakenRecord
from benchmark.run_folder.folder import BY_DIGEST, RunFolder
from benchmark.run_folder.index import Index, write_index
from benchmark.run_folder.json_file import RecordError, read_json, write_bytes, write_json
from benchmark.run_folder.record import Result


def copy_cell(one: TakenRecord, out: RunFolder, shared: dict[str, Path]) -> bool:
    """Whether a record had to be copied, which is done after all files that it names; it need not be where it is there already."""
    key, target = one.record.key, out.record(one.record.key)
    if target.exists() and _is(out, one.record) and (out.estimate(key).exists() or not one.whole):
        return False
    target.unlink(missing_ok=True)  # of an earlier merge: its estimate is about to be replaced
    for source, place in _cell_files(one, out):
        if source.exists():
            write_bytes(place, source.read_bytes())
    reference = one.record.scene_digest if one.record.has_reference else ""
    for part, name in zip(BY_DIGEST, (reference, *[one.record.observation_digest] * 2), strict=True):
        file = shared.get(f"{part}/{name}.h5")
        if file is not None and not (out.part(part) / file.name).exists():
            write_bytes(out.part(part) / file.name, file.read_bytes())
    write_bytes(target, one.folder.record(key).read_bytes())
    return True


def _cell_files(one: TakenRecord, out: RunFolder) -> Iterator[tuple[Path, Path]]:
    """The files of a cell besides its record, each with its place in `out`; the estimate comes after its standard deviation."""
    key = one.record.key
    if one.whole:
        yield one.folder.std(key), out.std(key)
        yield one.folder.estimate(key), out.estimate(key)
    yield one.folder.log(key), out.log(key)
    yield one.folder.profile_scores(key), out.profile_scores(key)


def _is(out: RunFolder, record: Result) -> bool:
    """Whether `out` has exactly this record already."""
    try:
        return out.read(record.key) == record
    except RecordError:  # it is damaged: copied again
        return False


def copy_environments(sources: Sequence[RunFolder], out: RunFolder) -> None:
    """Write environments/*.json, and environment.json: the only environment, or all of them by their digests."""
    for source in sources:
        for file in sorted(source.part("environments").glob("[!.]*.json")):
            write_bytes(out.part("environments") / file.name, file.read_bytes())
    places = {file.stem: read_json(file) for file in sorted(out.part("environments").glob("[!.]*.json"))}
    if places:
        write_json(out.last_environment, places if len(places) > 1 else next(iter(places.values())))


def write_plans(sources: Sequence[RunFolder], taken: dict[str, TakenRecord], newest: set[str], out: RunFolder, command: str) -> None:
    """Write plan.json, index.json and the texts of the plans, each under its digest.

    The index has the cells of the current records, and the cells that have no record.
    """
    cells: dict[str, Any] = {}
    plans: dict[str, Any] = {}
    for source in sources:
        index = source.index()
        about = {"plan": _keep_text(source, out), "arguments": list(index.arguments), "device": index.device}
        for key, cell in index.cells.items():
            if key not in cells or (key in taken and taken[key].folder == source):
                cells[key] = {**about, **cell}
        if index.merged is not None:
            plans |= index.merged
        elif source.plan_facts.exists():
            plans[source.path.resolve().name] = read_json(source.plan_facts).get("plan")
    first = next(iter(plans.values()), None)
    plan = first if all(other == first for other in plans.values()) else plans
    current = {key: cell for key, cell in cells.items() if key in newest or key not in taken}
    for key in newest - current.keys():  # of a run of the first version, which has no index
        record = taken[key].record
        current[key] = {"label": record.label, "scene": record.scene, "protocol": str(record.protocol.get("name")), "seed": record.seed}
    write_index(out.path, Index(cells=current, merged=plans, schema=min(source.index().schema for source in sources)))
    write_json(out.plan_facts, {"command": command, "plan": plan, "cells": len(current)})


def _keep_text(source: RunFolder, out: RunFolder) -> str:
    """The name plans/<digest>.toml under which the plan's text is written; empty where the run has no text."""
    if not source.plan_text.exists():
        return ""
    text = source.plan_text.read_bytes()
    name = f"plans/{hashlib.sha256(text).hexdigest()[:20]}.toml"
    write_bytes(out.path / name, text)
    return name
