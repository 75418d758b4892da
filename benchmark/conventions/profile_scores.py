"""The scores of a cell under the convention profiles: profiles/<key>.json in the run folder. Its record stays as it is.

    {"schema": 1, "key": "<cell>", "profiles_key": "<hash of the sources>", "profiles": {"mossfuse": {"psnr": 43.2, "sam": null, ...}, ...}}

null stands for a value that is not defined by the project's code, "inf" for one that is infinite. Nothing here needs numpy, so that reports
can read these files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import RecordError, read_json, write_json
from benchmark.run_folder.record import score_from_json, score_to_json

SCHEMA = 1
Scores = Mapping[str, Mapping[str, float | None]]  # by profile and metric


@dataclass(frozen=True)
class ProfileScores:
    """The scores of one cell under some profiles."""

    key: str  # of the cell
    profiles_key: str  # hash of the sources that computed them
    profiles: Scores


def write_profile_scores(folder: Path, scores: ProfileScores) -> Path:
    """The file in the run folder to which the scores are written as a whole or not at all."""
    profiles = {name: {metric: score_to_json(value) for metric, value in values.items()} for name, values in scores.profiles.items()}
    table = {"schema": SCHEMA, "key": scores.key, "profiles_key": scores.profiles_key, "profiles": profiles}
    return write_json(RunFolder(folder).profile_scores(scores.key), table)


def read_profile_scores(folder: Path, key: str) -> ProfileScores | None:
    """The scores of one cell; None where there are none.

    Raises:
        RecordError: the file is no JSON, of another schema, or has other fields.
    """
    file = RunFolder(folder).profile_scores(key)
    if not file.exists():
        return None
    table = read_json(file)
    if table.get("schema") != SCHEMA or not isinstance(table.get("profiles"), dict) or table.get("key") != key:
        raise RecordError(f"{file.name}: expected scores under profiles (schema {SCHEMA}) of cell {key}; delete the file and rescore")
    try:
        profiles = {
            name: {metric: score_from_json(value) for metric, value in dict(values).items()} for name, values in table["profiles"].items()
        }
    except (TypeError, ValueError) as error:
        raise RecordError(f"{file.name}: expected scores under profiles, got {error}; delete the file and rescore") from error
    return ProfileScores(key, str(table.get("profiles_key", "")), profiles)
