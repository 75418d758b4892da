"""The scores under the profiles in a run folder: profiles/<key>.json, a file beside each cell's record, so that records stay as they are.

    {"schema": 1, "key": "<cell>", "profiles_key": "<hash of the sources>", "profiles": {"mossfuse": {"psnr": 43.2, "sam": null, ...}, ...}}

null is a value that the project's own code does not come to, "inf" one that is infinite by it. Free of numpy, so that reports can read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import RecordError, read_json, write_json
from benchmark.run_folder.record import score_from_json, score_to_json

SCHEMA = 1
Scores = Mapping[str, Mapping[str, float | None]]  # profile, metric


@dataclass(frozen=True)
class ProfileScores:
    """One cell under some profiles."""

    key: str  # of the cell
    profiles_key: str  # hash of the sources that computed them
    profiles: Scores


def write_profile_scores(folder: Path, scores: ProfileScores) -> Path:
    """Write them into a run folder, whole or not at all."""
    profiles = {name: {metric: score_to_json(value) for metric, value in found.items()} for name, found in scores.profiles.items()}
    table = {"schema": SCHEMA, "key": scores.key, "profiles_key": scores.profiles_key, "profiles": profiles}
    return write_json(RunFolder(folder).profile_scores(scores.key), table)


def read_profile_scores(folder: Path, key: str) -> ProfileScores | None:
    """Those of one cell; None where there are none.

    Raises:
        RecordError: the file is torn, of another schema, or has other fields.
    """
    file = RunFolder(folder).profile_scores(key)
    if not file.exists():
        return None
    table = read_json(file)
    if table.get("schema") != SCHEMA or not isinstance(table.get("profiles"), dict) or table.get("key") != key:
        raise RecordError(f"{file.name}: expected scores under profiles (schema {SCHEMA}) of cell {key}; delete the file and rescore")
    try:
        profiles = {
            name: {metric: score_from_json(value) for metric, value in dict(found).items()} for name, found in table["profiles"].items()
        }
    except (TypeError, ValueError) as error:
        raise RecordError(f"{file.name}: expected scores under profiles, got {error}; delete the file and rescore") from error
    return ProfileScores(key, str(table.get("profiles_key", "")), profiles)
