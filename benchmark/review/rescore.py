"""Scores the stored estimates of a run folder again, by the stored references; no method, no scene and no GPU is needed.

Two things are brought up to date: the metrics in records whose `metrics_key` is not that of the present sources, and the scores in
`profiles/<key>.json` for the profiles that are asked for. What is up to date already is not touched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmark.conventions.profile_scores import ProfileScores, Scores, read_profile_scores, write_profile_scores
from benchmark.conventions.profile_table import PROFILES, ProfileError, find_profile, score_profile
from benchmark.identity.source_keys import metrics_key, profiles_key
from benchmark.metrics.scored_pixels import scored_pixels
from benchmark.metrics.scoring import score_cell, score_without_truth
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.index import write_index
from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.lock import claimed
from benchmark.run_folder.observation_file import read_observation
from benchmark.run_folder.record import Result
from benchmark.run_folder.response_file import read_responses
from datasets.cube_file import CubeFile, CubeFileError, read_cube
from datasets.nearest import did_you_mean
from datasets.printable import error_text


@dataclass(frozen=True)
class Rescored:
    """What was done for one scored cell."""

    result: Result
    metrics: bool  # whether its record was written again
    profiles: tuple[str, ...]  # the profiles whose scores were computed now
    problem: str = ""  # why it could not be scored; empty when it could
    kept: bool = True  # whether the run has kept its estimate; a cell without one cannot be scored again, which is no error


@dataclass(frozen=True)
class _Keys:
    """The versions of the code by which scores are computed now."""

    metrics: str
    profiles: str


def profile_names(text: str) -> tuple[str, ...]:
    """The names of profiles in a text with commas, in the order of the profiles; all of them for `all`, none for an empty text.

    Raises:
        ProfileError: a name is unknown.
    """
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    if "all" in wanted:
        return tuple(PROFILES)
    for name in wanted:
        if name not in PROFILES:
            raise ProfileError(f"unknown profile {name!r}: {did_you_mean(name, PROFILES)}valid: {', '.join(PROFILES)}, or all")
    return tuple(name for name in PROFILES if name in wanted)


def rescore(folder: Path, names: Sequence[str], show: Callable[[int, int, Rescored], None]) -> list[Rescored]:
    """What was done for each scored current cell of a run; all are brought up to date. A record that cannot be read is passed over.

    Args:
        folder: the run folder.
        names: the profiles to score by.
        show: is called after each cell with the number of cells done, that of all cells, and what was done for the cell.

    Raises:
        RecordError: the folder is no run folder, or its index cannot be read.
        BusyError: a run is using the folder.
        ProfileError: there is no such profile.
    """
    for name in names:
        find_profile(name)
    run = RunFolder(folder)
    records = [record for record in run.current_records() if record.outcome == "scored"]  # before the lock makes a folder
    keys = _Keys(metrics_key(), profiles_key())  # taken once: they read every source
    with claimed(folder):
        if run.index_file.is_file():
            write_index(run.path, replace(run.index(), metrics_key=keys.metrics))
        reference: tuple[str, CubeFile] | None = None
        done: list[Rescored] = []
        for record in sorted(records, key=lambda r: r.scene_digest):
            missing = [] if record.metrics_key == keys.metrics else ["metrics"]
            stored = _stored(folder, record.key)
            kept: Scores = stored.profiles if stored is not None and stored.profiles_key == keys.profiles else {}
            wanted = tuple(name for name in names if name not in kept)
            kept_estimate = run.estimate(record.key).is_file()
            problem = "" if kept_estimate else "its estimate was not kept"
            if (missing or wanted) and kept_estimate:
                try:
                    if not record.has_reference:
                        reference = None
                    elif reference is None or reference[0] != record.scene_digest:
                        reference = (record.scene_digest, _reference(run.reference(record.scene_digest)))
                    estimate = read_cube(run.estimate(record.key))
                    _score(run, record, None if reference is None else reference[1], estimate, keys, bool(missing), kept, wanted)
                except (CubeFileError, RecordError) as error:  # a file that is gone or broken costs this cell alone
                    problem = f"not scored: {error}"
                except (ValueError, OSError, KeyError) as error:
                    problem = f"not scored: {error_text(error)}"
            done.append(Rescored(record, bool(missing) and not problem, wanted if not problem else (), problem, kept_estimate))
            show(len(done), len(records), done[-1])
    return done


def _stored(folder: Path, key: str) -> ProfileScores | None:
    """The scores by profiles that the run folder has; None where there are none, or where the file is damaged: it is written anew."""
    try:
        return read_profile_scores(folder, key)
    except RecordError:
        return None


def _reference(file: Path) -> CubeFile:
    """The reference of a scene.

    Raises:
        RecordError: the run folder does not have it.
        CubeFileError: it is damaged.
    """
    if not file.is_file():
        raise RecordError(
            f"expected the reference scenes/{file.name}, got no such file; copy it here, or move the cell's record away "
            "and run the plan again"
        )
    return read_cube(file)


def _score(
    run: RunFolder,
    record: Result,
    reference: CubeFile | None,
    estimate: CubeFile,
    keys: _Keys,
    metrics: bool,
    kept: Scores,
    wanted: tuple[str, ...],
) -> None:
    """Compute and write the profiles in `wanted` and, if `metrics` is True, the metrics; `kept` are profile scores that are up to date."""
    if "ratio" not in record.protocol:
        raise RecordError(f"expected the ratio in cells/{record.key}.json, got a protocol without it; run the plan again")
    ratio = int(record.protocol["ratio"])
    mask = None if reference is None else scored_pixels(reference)
    if wanted and reference is None:
        raise RecordError("a real pair has no truth, which the conventions of others need; rescore without --profile")
    if wanted and mask is not None:
        raise RecordError("the scene leaves pixels out of the scores, which the conventions of others cannot do; rescore without --profile")
    if wanted and reference is not None:
        scores = {name: score_profile(name, reference.cube, estimate.cube, ratio) for name in wanted}
        write_profile_scores(run.path, ProfileScores(record.key, keys.profiles, {**kept, **scores}))
    if metrics:
        seen, truth, spread = run.observation(record.observation_digest), run.responses(record.observation_digest), run.std(record.key)
        _expect_as_before(record, {"d_lambda": seen, "d_s": truth, "consistency_msi": truth, "std_rms_z": spread})
        observation = read_observation(seen) if seen.is_file() else None
        responses = read_responses(truth) if truth.is_file() else None
        if reference is None:
            values = score_without_truth(estimate, observation, responses)
        else:
            std = read_cube(spread).cube if spread.is_file() else None
            values = score_cell(reference.cube, estimate, ratio, observation, responses, std, mask)
        run.write(replace(record, metrics=values, metrics_key=keys.metrics))


def _expect_as_before(record: Result, needed: Mapping[str, Path]) -> None:
    """Nothing, where each file is there without which a metric that the record has would be lost.

    Raises:
        CubeFileError: one is gone; the record keeps its scores.
    """
    gone = [file for metric, file in needed.items() if record.metrics.get(metric) is not None and not file.is_file()]
    if gone:
        names = ", ".join(f"{file.parent.name}/{file.name}" for file in gone)
        raise CubeFileError(f"expected {names}, which is gone: run the plan again, which makes it anew and scores the cell")
