"""Runs made on several machines, brought together in a new run folder.

Every record is checked against its file's name, every file that two folders share against the other's content, every cell that two folders
have scored against the other's figures; nothing is written before all that holds. Of two records of a cell the scored one counts, and of
two scored ones that with a whole estimate; a damaged record or file never wins over a whole one, and is named where it is the only one.
Each folder brings its current records. Where they differ in nothing but the code that made them, the newest is current.
Files are copied one by one, each atomically and a record after what it refers to, so that a merge that was cut short goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmark.metrics.spelling import spell_metric
from benchmark.review.compare import metric_differs
from benchmark.run_folder.folder import BY_DIGEST, RunFolder
from benchmark.run_folder.index import Index, write_index
from benchmark.run_folder.lock import claimed
from benchmark.run_folder.record import RecordError, Result, identity_of, read_json, write_bytes, write_json
from datasets.cube_file import CubeFileError, opened

RTOL, ATOL = 1e-4, 1e-6  # simulated on another processor, the last bits differ
NAMED = 5  # contradictions that an error names


class MergeError(ValueError):
    """Run folders that contradict each other, or that are none; the text says where, and what to do."""


@dataclass(frozen=True)
class Merged:
    """What a merge did."""

    out: Path
    records: int
    copied: int  # records written; the others were there
    from_each: tuple[tuple[Path, int], ...]  # records taken from each folder
    superseded: int = 0  # records of which another folder has a newer one, made by other code
    damaged: tuple[str, ...] = ()  # files that were left out, a phrase each

    def text(self) -> str:
        """For the terminal."""
        lines = [f"{count} records from {folder}" for folder, count in self.from_each]
        lines.append(f"{self.out}: {self.records} records, {self.copied} of them written now")
        if self.superseded:
            lines.append(f"{self.superseded} of them are not current: another folder has newer ones of the same cells, made by other code")
        lines += [f"left out: {what}" for what in self.damaged]
        return "\n".join([*lines, f"next: python run_benchmark.py report {self.out}"])


@dataclass(frozen=True)
class _Taken:
    """A record, the folder that it comes from, and whether its estimate is there and whole."""

    folder: RunFolder
    record: Result
    whole: bool


def merge(folders: Sequence[Path], out: Path, command: str = "") -> Merged:
    """Copy all of `folders` into `out`, a new folder or one that an earlier merge has made.

    Raises:
        MergeError: a folder is no run folder, `out` is another run's, or two folders contradict each other.
        RecordError: a file of a run folder cannot be read.
    """
    earlier = _is_merge(out)
    for folder in folders:
        if not (folder / "cells").is_dir():
            raise MergeError(f"merge: expected run folders with cells/*.json, got {folder}; give the folders that `run` named at its end")
        if folder.resolve() == out.resolve():
            raise MergeError(f"merge: expected a folder of its own for the result, got {out}, one of the runs; give another --out")
    target = RunFolder(out)
    sources = [RunFolder(folder) for folder in ([out] if earlier else []) + list(folders)]
    taken, damaged = _chosen(sources)
    shared, broken = _shared_files(sources)
    newest = _newest(taken)
    with claimed(out):
        _write_plans(sources, taken, newest, target, command)  # first: it makes `out` known as a merge, should it be cut short
        _copy_environments(sources, target)
        written = sum(_copy(one, target, shared) for one in taken.values() if one.folder.path != out)
    counts = tuple((folder, sum(one.folder.path == folder for one in taken.values())) for folder in folders)
    return Merged(out, len(taken), written, counts, len(taken) - len(newest), (*damaged, *broken))


def _is_merge(out: Path) -> bool:
    """Whether `out` holds an earlier merge."""
    if not out.exists() or not [file for file in out.iterdir() if file.name != ".lock"]:
        return False
    if (out / "index.json").exists() and RunFolder(out).index().merged is not None:
        return True
    raise MergeError(
        f"merge: expected a new folder, or that of an earlier merge, got {out}, which holds something else; give another --out"
    )


def _chosen(sources: Sequence[RunFolder]) -> tuple[dict[str, _Taken], list[str]]:
    """The record of each key, and what was found damaged."""
    taken: dict[str, _Taken] = {}
    unreadable: dict[str, str] = {}
    damaged: list[str] = []
    contradictions: list[str] = []
    for source in sources:
        for key in source.current_keys():
            try:
                record = source.read(key)
            except RecordError as error:
                unreadable.setdefault(key, f"{source.record(key)}: {error}")
                continue
            problem = _problem(source.estimate(key))
            damaged += [problem] if problem else []
            one = _Taken(source, record, not problem and source.estimate(key).exists())
            other = taken.setdefault(key, one)
            if other is not one:
                contradictions += _contradiction(other, one)
                taken[key] = _better(other, one)
    lost = [problem for key, problem in unreadable.items() if key not in taken]
    if lost:
        raise MergeError(
            f"merge: expected records that can be read, got\n  {_first(lost)}\nremove them and merge again; nothing was written"
        )
    if contradictions:
        raise MergeError(
            f"merge: expected one result for each cell, got contradictions:\n  {_first(contradictions)}\nremove cells/KEY.json from the "
            "folder that is wrong, and merge again; nothing was written"
        )
    return taken, [*unreadable.values(), *damaged]


def _first(problems: Sequence[str]) -> str:
    more = [f"and {len(problems) - NAMED} more"] if len(problems) > NAMED else []
    return "\n  ".join([*problems[:NAMED], *more])


def _problem(file: Path) -> str:
    """Why a stored file must not be taken; empty where it is whole, or not there."""
    if not file.exists():
        return ""
    try:
        with opened(file):
            return ""
    except CubeFileError as error:
        return str(error)


def _contradiction(first: _Taken, second: _Taken) -> list[str]:
    """What two scored records of a cell say differently; metrics of different versions are not compared."""
    a, b = first.record, second.record
    if a.outcome != "scored" or b.outcome != "scored" or a.metrics_key != b.metrics_key:
        return []
    differing = [name for name in a.metrics if metric_differs(name, a.metrics[name], b.metrics.get(name))]
    figures = ", ".join(f"{spell_metric(name, a.metrics[name])} against {spell_metric(name, b.metrics.get(name))}" for name in differing)
    where = f"in {first.folder.path} and {second.folder.path}"
    return [f"{a.key} ({a.label} on {a.scene}): {figures}; {where}"] if differing else []


def _better(first: _Taken, second: _Taken) -> _Taken:
    """Scored first, then skipped, which is a rule's word; of scored ones that with an estimate, else the later; of equals the first."""
    rank = {"scored": 2, "skipped": 1}
    keys = [
        (rank.get(one.record.outcome, 0), one.whole, one.record.ended if one.record.outcome != "scored" else "") for one in (first, second)
    ]
    return second if keys[1] > keys[0] else first


def _newest(taken: dict[str, _Taken]) -> set[str]:
    """Keys of the records that are current: of each identity the newest."""
    found: dict[str, Result] = {}
    for one in taken.values():
        identity = identity_of(one.record)
        other = found.setdefault(identity, one.record)
        if (one.record.ended, one.record.key) > (other.ended, other.key):
            found[identity] = one.record
    return {record.key for record in found.values()}


def _shared_files(sources: Sequence[RunFolder]) -> tuple[dict[str, Path], list[str]]:
    """The file to take for every name that cells share, and those that are damaged; two whole ones must have one content."""
    chosen: dict[str, Path] = {}
    damaged: list[str] = []
    for part, source in ((part, source) for part in BY_DIGEST for source in sources):
        for file in sorted(source.part(part).glob("[!.]*.h5")):
            name = f"{part}/{file.name}"
            problem = _problem(file)
            if problem:
                damaged.append(problem)
                continue
            other = chosen.setdefault(name, file)
            if other is not file and not _equal(other, file):
                raise MergeError(
                    f"merge: expected equal content under equal names, got a difference between {other} and {file}; one of them is "
                    "damaged: remove it with the records that name it, run that plan again, and merge again; nothing was written"
                )
    return chosen, damaged


def _equal(first: Path, second: Path) -> bool:
    """Equal bytes, or equal values: compression and the last bits may differ."""
    if hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest():
        return True
    one, other = _values(first), _values(second)
    return one.keys() == other.keys() and all(
        one[name].shape == other[name].shape and np.allclose(one[name], other[name], rtol=RTOL, atol=ATOL) for name in one
    )


def _values(file: Path) -> dict[str, Any]:
    """Every data set of an HDF5 file, by name."""
    found: dict[str, Any] = {}

    def take(name: str, node: object) -> None:
        if isinstance(node, h5py.Dataset):
            found[name] = node[()]

    with h5py.File(file, "r") as store:
        store.visititems(take)
    return found


def _copy(one: _Taken, out: RunFolder, shared: dict[str, Path]) -> bool:
    """Copy a record after all that it refers to, unless it is there; whether it was copied."""
    key, target = one.record.key, out.record(one.record.key)
    if target.exists() and _is(out, one.record) and (out.estimate(key).exists() or not one.whole):
        return False
    target.unlink(missing_ok=True)  # of an earlier merge, worse than this one: its estimate is about to be replaced
    for source, place in _own_files(one, out):
        if source.exists():
            write_bytes(place, source.read_bytes())
    for part, name in zip(BY_DIGEST, (one.record.scene_digest, *[one.record.observation_digest] * 2), strict=True):
        file = shared.get(f"{part}/{name}.h5")
        if file is not None and not (out.part(part) / file.name).exists():
            write_bytes(out.part(part) / file.name, file.read_bytes())
    write_bytes(target, one.folder.record(key).read_bytes())
    return True


def _own_files(one: _Taken, out: RunFolder) -> Iterator[tuple[Path, Path]]:
    """The files of a cell besides its record, and where they go; the estimate after its standard deviation."""
    key = one.record.key
    if one.whole:
        yield one.folder.std(key), out.std(key)
        yield one.folder.estimate(key), out.estimate(key)
    yield one.folder.log(key), out.log(key)
    yield one.folder.profile_scores(key), out.profile_scores(key)


def _is(out: RunFolder, record: Result) -> bool:
    """Whether `out` has this record already."""
    try:
        return out.read(record.key) == record
    except RecordError:  # it is damaged: copied again
        return False


def _copy_environments(sources: Sequence[RunFolder], out: RunFolder) -> None:
    """environments/*.json, and environment.json: the only one, or all by their digests."""
    for source in sources:
        for file in sorted(source.part("environments").glob("[!.]*.json")):
            write_bytes(out.part("environments") / file.name, file.read_bytes())
    places = {file.stem: read_json(file) for file in sorted(out.part("environments").glob("[!.]*.json"))}
    if places:
        write_json(out.last_environment, places if len(places) > 1 else next(iter(places.values())))


def _write_plans(sources: Sequence[RunFolder], taken: dict[str, _Taken], newest: set[str], out: RunFolder, command: str) -> None:
    """plan.json, index.json and the plans' texts, each under its digest. The index has the current records, and cells that have none."""
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
    """Copy a run's plan.toml to plans/<digest>.toml and return that name; empty where the run has none."""
    if not source.plan_text.exists():
        return ""
    text = source.plan_text.read_bytes()
    name = f"plans/{hashlib.sha256(text).hexdigest()[:20]}.toml"
    write_bytes(out.path / name, text)
    return name
