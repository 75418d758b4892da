"""Score again what a run folder holds: stored estimates against stored references, no method, no scene and no GPU.

Two things are brought up to date: the metrics in the records whose `metrics_key` is not that of the sources at hand, and, for the profiles
asked for, the scores in `profiles/<key>.json`. What is up to date already is left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmark.conventions.profile_scores import ProfileScores, Scores, read_profile_scores, write_profile_scores
from benchmark.conventions.profile_table import PROFILES, find_profile, score_profile
from benchmark.identity.source_keys import metrics_key, profiles_key
from benchmark.metrics.scoring import score_cell
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.lock import claimed
from benchmark.run_folder.observation_file import read_observation
from benchmark.run_folder.record import Result
from benchmark.run_folder.response_file import read_responses
from datasets.cube_file import CubeFile, CubeFileError, read_cube


@dataclass(frozen=True)
class Rescored:
    """What became of one scored cell."""

    result: Result
    metrics: bool  # its record was written again
    profiles: tuple[str, ...]  # scored now
    problem: str = ""  # why it could not be scored; empty when it could
    kept: bool = True  # whether the run has kept its estimate; without one it cannot be scored again, and that is no error


def profile_names(text: str) -> tuple[str, ...]:
    """`all`, or names with commas between, as the profiles' names in their order; nothing for an empty text.

    Raises:
        ProfileError: one of them is unknown.
    """
    wanted = [name.strip() for name in text.split(",") if name.strip()]
    if "all" in wanted:
        return tuple(PROFILES)
    for name in wanted:
        find_profile(name)
    return tuple(name for name in PROFILES if name in wanted)


def rescore(folder: Path, names: Sequence[str], tell: Callable[[int, int, Rescored], None]) -> list[Rescored]:
    """Bring every scored current cell of a run up to date; `tell` hears (done, all of them, the cell).

    Raises:
        RecordError: no run folder, or a file in it that cannot be read.
        BusyError: a run is using the folder.
        ProfileError: no such profile.
    """
    for name in names:
        find_profile(name)
    run = RunFolder(folder)
    records = [record for record in run.current_records() if record.outcome == "scored"]  # before the lock makes a folder
    with claimed(folder):
        reference: tuple[str, NDArray[np.float32]] | None = None
        done: list[Rescored] = []
        for record in sorted(records, key=lambda r: r.scene_digest):
            missing = [] if _current(record) else ["metrics"]
            stored = read_profile_scores(folder, record.key)
            kept: Scores = stored.profiles if stored is not None and stored.profiles_key == profiles_key() else {}
            wanted = tuple(name for name in names if name not in kept)
            kept_estimate = run.estimate(record.key).is_file()
            problem = "" if kept_estimate else "its estimate was not kept"
            if (missing or wanted) and kept_estimate:
                try:
                    if reference is None or reference[0] != record.scene_digest:
                        reference = (record.scene_digest, read_cube(run.reference(record.scene_digest)).cube)
                    estimate = read_cube(run.estimate(record.key))
                    _score(run, record, reference[1], estimate, bool(missing), kept, wanted)
                except (CubeFileError, ValueError, OSError, KeyError) as error:  # a file that is gone or broken costs this cell alone
                    problem = f"not scored: {type(error).__name__}: {error}"
            done.append(Rescored(record, bool(missing) and not problem, wanted if not problem else (), problem, kept_estimate))
            tell(len(done), len(records), done[-1])
    return done


def _current(record: Result) -> bool:
    return bool(record.metrics_key == metrics_key())


def _score(
    run: RunFolder,
    record: Result,
    reference: NDArray[np.float32],
    estimate: CubeFile,
    metrics: bool,
    kept: Scores,
    wanted: tuple[str, ...],
) -> None:
    """Compute what is missing and write it."""
    ratio = int(record.protocol["ratio"])
    if wanted:
        scores = {name: score_profile(name, reference, estimate.cube, ratio) for name in wanted}
        write_profile_scores(run.path, ProfileScores(record.key, profiles_key(), {**kept, **scores}))
    if metrics:
        seen, truth, spread = run.observation(record.observation_digest), run.responses(record.observation_digest), run.std(record.key)
        values = score_cell(
            reference,
            estimate,
            ratio,
            read_observation(seen) if seen.is_file() else None,
            read_responses(truth) if truth.is_file() else None,
            read_cube(spread).cube if spread.is_file() else None,
        )
        run.write(replace(record, metrics=values, metrics_key=metrics_key()))
