"""What a merge takes from several runs: one record per key, and one file per name that cells share. All is checked before it is copied.

Every record is checked against its file's name, every file that two folders share against the other's content, and every cell that two
folders have scored against the other's figures. Of two records of one cell the scored one is taken, and of two scored ones that with a
whole estimate. A damaged record or file is never taken where there is a whole one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from benchmark.metrics.spelling import spell_metric
from benchmark.review.compare import metric_differs
from benchmark.run_folder.folder import BY_DIGEST, RunFolder
from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.record import Result, identity_of
from datasets.cube_file import CubeFileError, opened

RTOL, ATOL = 1e-4, 1e-6  # when simulated on another processor, the last bits differ
NAMED = 5  # contradictions that the text of an error lists


class MergeError(ValueError):
    """Run folders that cannot be merged, as they contradict each other or are none; the text says where, and what to do."""


@dataclass(frozen=True)
class TakenRecord:
    """A record, the run folder that it is taken from, and whether its estimate is there and whole."""

    folder: RunFolder
    record: Result
    whole: bool


def records_to_merge(sources: Sequence[RunFolder]) -> tuple[dict[str, TakenRecord], list[str]]:
    """The record that is taken, by its key; and the damaged files, as phrases.

    Raises:
        MergeError: a record can be read in no folder, or two scored records of one cell have different figures.
    """
    taken: dict[str, TakenRecord] = {}
    unreadable: dict[str, str] = {}
    damaged: list[str] = []
    contradictions: list[str] = []
    for source in sources:
        for key in source.current_keys():
            try:
                record = source.read(key)
            except RecordError as error:
                unreadable.setdefault(key, f"{source.path}: {error}")
                continue
            problem = _problem(source.estimate(key))
            damaged += [problem] if problem else []
            one = TakenRecord(source, record, not problem and source.estimate(key).exists())
            other = taken.setdefault(key, one)
            if other is not one:
                contradictions += _contradiction(other, one)
                taken[key] = _better(other, one)
    lost = [problem for key, problem in unreadable.items() if key not in taken]
    if lost:
        raise MergeError(f"merge: expected records that can be read, got\n  {_first(lost)}\nand merge again; nothing was written")
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
    """Why a stored file must not be taken; empty where it is whole or not there."""
    if not os.path.lexists(file):
        return ""
    if not file.is_file():
        return f"{file}: expected a file, got a folder, a pipe or a device; move it away"
    try:
        with opened(file):
            return ""
    except CubeFileError as error:
        return str(error)


def _contradiction(first: TakenRecord, second: TakenRecord) -> list[str]:
    """How two scored records of one cell differ, as a sentence; metrics of different versions are not compared."""
    a, b = first.record, second.record
    if a.outcome != "scored" or b.outcome != "scored" or a.metrics_key != b.metrics_key:
        return []
    differing = [name for name in a.metrics if metric_differs(name, a.metrics[name], b.metrics.get(name))]
    figures = ", ".join(f"{spell_metric(name, a.metrics[name])} against {spell_metric(name, b.metrics.get(name))}" for name in differing)
    where = f"in {first.folder.path} and {second.folder.path}"
    return [f"{a.key} ({a.label} on {a.scene}): {figures}; {where}"] if differing else []


def _better(first: TakenRecord, second: TakenRecord) -> TakenRecord:
    """The record to take of two: a scored one, else a skipped one; of scored ones that with an estimate, of others the later one.

    Of records that are equal in all this, the first one is taken.
    """
    rank = {"scored": 2, "skipped": 1}
    keys = [
        (rank.get(one.record.outcome, 0), one.whole, one.record.ended if one.record.outcome != "scored" else "") for one in (first, second)
    ]
    return second if keys[1] > keys[0] else first


def expect_alike(sources: Sequence[RunFolder], taken: dict[str, TakenRecord]) -> None:
    """Nothing, where the runs may stand in one table: all of one schema, and each name of a scene for one content.

    Raises:
        MergeError: they may not.
    """
    schemas = {source.path: source.index().schema for source in sources}
    if len(set(schemas.values())) > 1:
        older = ", ".join(str(path) for path, schema in schemas.items() if schema < max(schemas.values()))
        raise MergeError(
            f"merge: expected run folders of one version, got some of an earlier one ({older}), whose cells cannot be told from those of "
            "this version; run their plans again, or report them apart; nothing was written"
        )
    contents: dict[str, TakenRecord] = {}
    for one in taken.values():
        if not one.record.scene_content:
            continue
        other = contents.setdefault(one.record.scene, one)
        if other.record.scene_content != one.record.scene_content:
            raise MergeError(
                f"merge: expected one content for each name of a scene, got two of {one.record.scene}: in {other.folder.path}, and "
                f"in {one.folder.path}. If the file was corrected, run the older plan again; if these are two scenes, give one of "
                "the files another name and run its plan again, which renames the records; nothing was written"
            )


def newest_keys(taken: dict[str, TakenRecord]) -> set[str]:
    """The keys of the records that become current: of each identity the newest."""
    newest: dict[str, Result] = {}
    for one in taken.values():
        identity = identity_of(one.record)
        other = newest.setdefault(identity, one.record)
        if (one.record.ended, one.record.key) > (other.ended, other.key):
            newest[identity] = one.record
    return {record.key for record in newest.values()}


def shared_files_to_merge(sources: Sequence[RunFolder]) -> tuple[dict[str, Path], list[str]]:
    """The file that is taken, by the name that cells share; and the damaged files, as phrases.

    Raises:
        MergeError: two whole files of one name have different contents.
    """
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
    """Whether two files have equal bytes, or equal values; compression and the last bits may differ."""
    if hashlib.sha256(first.read_bytes()).digest() == hashlib.sha256(second.read_bytes()).digest():
        return True
    one, other = _values(first), _values(second)
    return one.keys() == other.keys() and all(_near(one[name], other[name]) for name in one)


def _near(first: NDArray[Any], second: NDArray[Any]) -> bool:
    """Whether two data sets have equal values, but for the last bits of numbers."""
    if first.shape != second.shape or first.dtype.kind not in "iuf" or second.dtype.kind not in "iuf":
        return first.shape == second.shape and bool(np.all(first == second))
    return bool(np.allclose(first, second, rtol=RTOL, atol=ATOL))


def _values(file: Path) -> dict[str, NDArray[Any]]:
    """The data sets of an HDF5 file, by their names."""
    by_name: dict[str, NDArray[Any]] = {}

    def take(name: str, node: object) -> None:
        if isinstance(node, h5py.Dataset):
            by_name[name] = np.asarray(node[()])

    with opened(file) as store:
        store.visititems(take)
    return by_name
