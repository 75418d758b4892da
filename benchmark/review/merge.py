"""Runs made on several machines, brought together in a new run folder.

Every record is checked against its file's name, every file that two folders share against the other's content, every cell that two folders
have scored against the other's figures; nothing is written before all that holds. A cell that one of them scored counts as scored.
Files are copied one by one, each atomically and a record after what it refers to, so that a merge that was cut short goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmark.review.compare import metric_differs
from benchmark.review.explain import read_index, spell_metric
from benchmark.run_folder.lock import claimed
from benchmark.run_folder.record import Result, read_json, read_record, write_bytes, write_json

SHARED = ("scenes", "observations", "responses")  # named by what they are made from: equal names, equal content
OWN = ("estimates/{}_std.h5", "estimates/{}.h5", "logs/{}.txt", "profiles/{}.json")
RTOL, ATOL = 1e-4, 1e-6  # simulated on another processor, the last bits differ
TOLD = 5  # contradictions that an error names


class MergeError(ValueError):
    """Run folders that contradict each other, or that are none; the text says where, and what to do."""


@dataclass(frozen=True)
class Merged:
    """What a merge did."""

    out: Path
    records: int
    copied: int  # records written; the others were there
    from_each: tuple[tuple[Path, int], ...]  # records taken from each folder

    def text(self) -> str:
        """For the terminal."""
        lines = [f"{count} records from {folder}" for folder, count in self.from_each]
        lines.append(f"{self.out}: {self.records} records, {self.copied} of them written now")
        return "\n".join([*lines, f"next: python run_benchmark.py report {self.out}"])


@dataclass(frozen=True)
class _Taken:
    """A record and the folder that it comes from."""

    folder: Path
    record: Result


def merge(folders: Sequence[Path], out: Path, command: str = "") -> Merged:
    """Copy all of `folders` into `out`, a new folder or one that an earlier merge has made.

    Raises:
        MergeError: a folder is no run folder, `out` is another run's, or two folders contradict each other.
        RecordError: a record cannot be read.
    """
    earlier = _earlier(out)
    for folder in folders:
        if not (folder / "cells").is_dir():
            raise MergeError(f"merge: expected run folders with cells/*.json, got {folder}; give the folders that `run` named at its end")
        if folder.resolve() == out.resolve():
            raise MergeError(f"merge: expected a folder of its own for the result, got {out}, one of the runs; give another --out")
    sources = [*([out] if earlier else []), *folders]
    taken = _chosen(sources)
    _expect_equal_files(sources)
    with claimed(out):
        _write_plans(sources, taken, out, command)  # first: it makes `out` known as a merge, should it be cut short
        _copy_environments(folders, out)
        written = sum(_copy(one, out) for one in taken.values() if one.folder != out)
    counts = tuple((folder, sum(one.folder == folder for one in taken.values())) for folder in folders)
    return Merged(out, len(taken), written, counts)


def _earlier(out: Path) -> bool:
    """Whether `out` holds an earlier merge."""
    if not out.exists() or not [file for file in out.iterdir() if file.name != ".lock"]:
        return False
    if (out / "index.json").exists() and "merged" in read_json(out / "index.json"):
        return True
    raise MergeError(
        f"merge: expected a new folder, or that of an earlier merge, got {out}, which holds something else; give another --out"
    )


def _chosen(sources: Sequence[Path]) -> dict[str, _Taken]:
    """The record of each key."""
    taken: dict[str, _Taken] = {}
    contradictions: list[str] = []
    for folder in sources:
        for file in sorted((folder / "cells").glob("[!.]*.json")):
            record = read_record(file)
            if record.key != file.stem:
                raise MergeError(f"{file}: expected the record of cell {file.stem}, as its name says, got {record.key}; remove the file")
            one = _Taken(folder, record)
            other = taken.setdefault(record.key, one)
            if other is not one:
                contradictions += _contradiction(other, one)
                taken[record.key] = _better(other, one)
    if contradictions:
        more = f"\n  and {len(contradictions) - TOLD} more" if len(contradictions) > TOLD else ""
        told = "\n  ".join(contradictions[:TOLD])
        raise MergeError(
            f"merge: expected one result a cell, got contradictions:\n  {told}{more}\nremove cells/KEY.json from the folder that is wrong, "
            "and merge again; nothing was written"
        )
    return taken


def _contradiction(first: _Taken, second: _Taken) -> list[str]:
    """What two scored records of a cell say differently; metrics of different versions are not compared."""
    a, b = first.record, second.record
    if a.outcome != "scored" or b.outcome != "scored" or a.metrics_key != b.metrics_key:
        return []
    differing = [name for name in a.metrics if metric_differs(name, a.metrics[name], b.metrics.get(name))]
    figures = ", ".join(f"{spell_metric(name, a.metrics[name])} against {spell_metric(name, b.metrics.get(name))}" for name in differing)
    return [f"{a.key} ({a.label} on {a.scene}): {figures}; in {first.folder} and {second.folder}"] if differing else []


def _better(first: _Taken, second: _Taken) -> _Taken:
    """Scored before all, then skipped, which is a rule's word, then the later; equals: the first."""
    rank = {"scored": 2, "skipped": 1}
    keys = [(rank.get(one.record.outcome, 0), one.record.ended if one.record.outcome != "scored" else "") for one in (first, second)]
    return second if keys[1] > keys[0] else first


def _expect_equal_files(sources: Sequence[Path]) -> None:
    """Every shared file has one content."""
    seen: dict[str, Path] = {}
    for folder in sources:
        for part in SHARED:
            for file in sorted((folder / part).glob("[!.]*.h5")):
                other = seen.setdefault(f"{part}/{file.name}", file)
                if other is not file and not _equal(other, file):
                    raise MergeError(
                        f"merge: expected equal content under equal names, got a difference between {other} and {file}; one of them is "
                        "damaged: remove it with the records that name it, run that plan again, and merge again; nothing was written"
                    )


def _equal(first: Path, second: Path) -> bool:
    """Equal bytes, or equal values: compression and the last bits may differ."""
    if hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest():
        return True
    try:
        one, other = _values(first), _values(second)
    except OSError:
        return False
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


def _copy(one: _Taken, out: Path) -> bool:
    """Copy a record after all that it refers to, unless it is there; whether it was copied."""
    key, target = one.record.key, out / "cells" / f"{one.record.key}.json"
    if target.exists() and read_record(target) == one.record:
        return False
    target.unlink(missing_ok=True)  # of an earlier merge, worse than this one: its estimate is about to be replaced
    for name in OWN:
        if (one.folder / name.format(key)).exists():
            write_bytes(out / name.format(key), (one.folder / name.format(key)).read_bytes())
    for part, name in zip(SHARED, (one.record.scene_digest, one.record.observation_digest, one.record.observation_digest), strict=True):
        file = one.folder / part / f"{name}.h5"
        if file.exists() and not (out / part / file.name).exists():
            write_bytes(out / part / file.name, file.read_bytes())
    write_bytes(target, (one.folder / "cells" / target.name).read_bytes())
    return True


def _copy_environments(folders: Sequence[Path], out: Path) -> None:
    """environments/*.json, and environment.json: the only one, or all by their digests."""
    for folder in folders:
        for file in sorted((folder / "environments").glob("[!.]*.json")):
            write_bytes(out / "environments" / file.name, file.read_bytes())
    places = {file.stem: read_json(file) for file in sorted((out / "environments").glob("[!.]*.json"))}
    if places:
        write_json(out / "environment.json", places if len(places) > 1 else next(iter(places.values())))


def _write_plans(sources: Sequence[Path], taken: dict[str, _Taken], out: Path, command: str) -> None:
    """plan.json, index.json and the plans' texts, each under its digest."""
    cells: dict[str, Any] = {}
    plans: dict[str, Any] = {}
    for folder in sources:
        index = read_index(folder)
        about = {"plan": _keep_text(folder, out), "arguments": index["arguments"], "device": index["device"]}
        for key, cell in index["cells"].items():
            if key not in cells or (key in taken and taken[key].folder == folder):
                cells[key] = {**about, **cell}
        if "merged" in index:
            plans |= index["merged"]
        elif (folder / "plan.json").exists():
            plans[folder.resolve().name] = read_json(folder / "plan.json").get("plan")
    first = next(iter(plans.values()), None)
    plan = first if all(other == first for other in plans.values()) else plans
    write_json(out / "index.json", {"arguments": [], "file": "", "device": "", "cells": cells, "merged": plans})
    write_json(out / "plan.json", {"command": command, "plan": plan, "cells": len({*cells, *taken})})


def _keep_text(folder: Path, out: Path) -> str:
    """Copy a run's plan.toml to plans/<digest>.toml and return that name; empty where the run has none."""
    if not (folder / "plan.toml").exists():
        return ""
    text = (folder / "plan.toml").read_bytes()
    name = f"plans/{hashlib.sha256(text).hexdigest()[:20]}.toml"
    write_bytes(out / name, text)
    return name
