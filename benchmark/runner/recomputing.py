"""The scores of handed-in cubes, computed again from their scenes: what `check-bundle --cubes` compares with the scores in a bundle.

Each record is taken at its word on what was scored, and at nothing else: the scene is read from the data roots and must have the content
that the record names; it is observed by the numbers of the record's protocol; and the cube is scored as a run scores it. Observing and
scoring are the jobs of a run, each in its own child, so that truth and estimate meet in a `ScoreJob` alone.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmark.children.child_task import Limits
from benchmark.children.processes import run_to_end
from benchmark.identity.scene_identity import identify
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.record import Result, score_from_json, std_file
from benchmark.runner.jobs import ObserveJob, ScoreJob
from benchmark.runner.slots import cores
from benchmark.runner.starting import OBSERVE_LIMIT_S, SCORE_LIMIT_S
from datasets.data_roots import DataRoots
from datasets.degradation import ResponseError
from datasets.protocols import protocol_from
from datasets.scene import SceneError
from datasets.scene_catalog import find_scenes, is_in_catalog
from datasets.scene_sources import SceneSource
from datasets.settings import SettingError
from datasets.simulation import NoiseSeed, Protocol

_STD = "std_rms_z"  # a metric that only cells with a stated standard deviation have
_NOT_NUMBERS = ("name", "source", "sensor_sha256")  # of the facts of a protocol


@dataclass(frozen=True)
class Recomputed:
    """What came of one record: its metrics, or why there are none."""

    metrics: Mapping[str, float | None] | None = None
    gap: str = ""  # what is missing here: the cube, the scene, a table
    fault: str = ""  # what is wrong with the cube that was handed in


class _GapError(Exception):
    """Something that is missing; the text says what."""


def recompute(
    records: Sequence[Result], plan: str, cubes: Path, roots: DataRoots, show: Callable[[int, int, Result], None]
) -> dict[str, Recomputed]:
    """What comes of each record, by its key. Records that share an observation are observed once.

    Args:
        records: scored records of simulated observations.
        plan: the text of their plan, in which scenes that are files are described; the files are looked for in the data root.
        cubes: a run folder, or its folder `estimates`: KEY.h5, and KEY_std.h5 where a standard deviation was stated.
        roots: where scenes and sensors lie.
        show: is called after each record with the number of records done, that of all, and the record.
    """
    folder = cubes / "estimates" if (cubes / "estimates").is_dir() else cubes
    groups: dict[str, list[Result]] = {}
    for record in records:
        groups.setdefault(json.dumps([record.scene, record.scene_content, record.protocol, record.seed], sort_keys=True), []).append(record)
    sources = _described(plan, roots)
    found: dict[str, Recomputed] = {}
    for group in groups.values():
        there = {record.key: folder / f"{record.key}.h5" for record in group}
        for record in group:
            gone = _gone(record, there[record.key])
            found |= {record.key: Recomputed(gap=gone)} if gone else {}
        left = [record for record in group if record.key not in found]
        if not left:
            continue
        with TemporaryDirectory(prefix="hmif-bench-") as place:
            try:
                score = _observed(left[0], RunFolder(Path(place)), sources, roots)
            except _GapError as error:
                found |= {record.key: Recomputed(gap=str(error)) for record in left}
                continue
            for record in left:
                found[record.key] = _scored(replace(score, estimate=there[record.key]))
                show(len(found), len(records), record)
    return found


def _gone(record: Result, cube: Path) -> str:
    """Which file of a cell was not handed in; empty where all are there."""
    needed = [cube, *([std_file(cube)] if record.metrics.get(_STD) is not None else [])]
    gone = [file.name for file in needed if not file.is_file()]
    return f"{' and '.join(gone)} not among the cubes" if gone else ""


def _observed(record: Result, folder: RunFolder, sources: Mapping[str, SceneSource | str], roots: DataRoots) -> ScoreJob:
    """The job that scores cubes of a record's scene and protocol, after observing the scene into `folder`.

    Raises:
        _GapError: the scene is not here or has another content, or the protocol cannot be made.
    """
    source, protocol = _scene(record, sources, roots), _protocol(record, roots)
    try:
        here = identify(source).digest
    except SceneError as error:
        raise _GapError(_line(error)) from error
    if here != record.scene_content:
        raise _GapError(f"the scene {record.scene} has another content here ({here[:12]}) than in the bundle ({record.scene_content[:12]})")
    job = ObserveJob(
        source,
        here,
        protocol,
        NoiseSeed(record.seed, here),
        folder.reference("scene"),
        folder.observation("seen"),
        folder.responses("seen"),
    )
    ended = run_to_end(job, Limits(OBSERVE_LIMIT_S, threads=cores()))
    ended.discard()
    if ended.how != "done":
        raise _GapError(f"it could not be observed: {_line(ended.reason)}")
    return ScoreJob(job.reference, Path(), protocol.ratio, job.observation, job.responses)


def _scored(job: ScoreJob) -> Recomputed:
    """What comes of one cube."""
    ended = run_to_end(job, Limits(SCORE_LIMIT_S, threads=cores()))
    ended.discard()
    if ended.how != "done":
        return Recomputed(fault=f"its cube cannot be scored: {_line(ended.reason)}")
    if "damaged" in ended.answer:
        return Recomputed(fault=f"its {ended.answer['damaged']} cannot be read: {_line(ended.answer['reason'])}")
    return Recomputed({str(name): score_from_json(value) for name, value in ended.answer["metrics"].items()})


def _protocol(record: Result, roots: DataRoots) -> Protocol:
    """The protocol with the numbers of the record.

    Raises:
        _GapError: this code cannot make it, as with a kernel from a file, or the table of its sensor is missing or another one.
    """
    name = str(record.protocol.get("name"))
    table = {key: value for key, value in record.protocol.items() if key not in _NOT_NUMBERS and value is not None}
    try:
        protocol = protocol_from({**table, "name": f"of the bundle: {name}"}, roots.folder("srf"))
        numbers = json.loads(json.dumps(protocol.numbers()))
    except (SettingError, ResponseError) as error:
        raise _GapError(f"the protocol {name} cannot be made here: {_line(error)}") from error
    there = {key: value for key, value in json.loads(json.dumps(record.protocol)).items() if key not in ("name", "source")}
    other = sorted(key for key in {*numbers, *there} if numbers.get(key) != there.get(key))
    if other:
        raise _GapError(f"the protocol {name} cannot be made here: {', '.join(other)} would be another one")
    return protocol


def _scene(record: Result, sources: Mapping[str, SceneSource | str], roots: DataRoots) -> SceneSource:
    """The scene of a record: one of the catalog, or one that the plan describes.

    Raises:
        _GapError: it is neither, or its data are not here.
    """
    if not is_in_catalog(record.scene):
        found = sources.get(record.scene, f"the scene {record.scene} is no named one, and the plan does not describe it")
        if isinstance(found, str):
            raise _GapError(found)
        return found
    try:
        return find_scenes([record.scene], roots)[0]
    except SceneError as error:
        raise _GapError(_line(error)) from error


def _described(plan: str, roots: DataRoots) -> dict[str, SceneSource | str]:
    """The scenes that a plan describes as files, by name; a text where their files are not in the data root."""
    try:
        table = tomllib.loads(plan)
    except ValueError:  # a plan of several runs, or none
        return {}
    names, tables = (value if isinstance(value, list) else [] for value in (table.get("scenes"), table.get("scene")))
    asked: list[tuple[list[str], list[Mapping[str, Any]]]] = [([name], []) for name in names if str(name).startswith("file:")]
    asked += [([], [item]) for item in tables if isinstance(item, Mapping)]
    found: dict[str, SceneSource | str] = {}
    for one, described in asked:
        try:
            found |= {source.name: source for source in find_scenes(one, roots, roots.root, described)}
        except (SceneError, SettingError) as error:
            stem = Path((one[0] if one else str(described[0].get("file", ""))).partition("?")[0].removeprefix("file:")).stem
            found[str(described[0].get("name") or f"file/{stem}") if described else f"file/{stem}"] = _line(error)
    return found


def _line(text: object) -> str:
    return " ".join(str(text).split())
