"""Scoring a run folder again: from its files alone, what is up to date left alone, a broken file costs its own cell."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.conventions.profile_scores import read_profile_scores
from benchmark.conventions.profile_table import PROFILES, ProfileError, score_profile
from benchmark.identity.source_keys import metrics_key, profiles_key
from benchmark.metrics.scoring import score_cell
from benchmark.review import rescore as module
from benchmark.review.rescore import Rescored, profile_names, rescore
from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.lock import BusyError, claimed
from benchmark.run_folder.observation_file import write_observation
from benchmark.run_folder.record import Result, read_record
from benchmark.run_folder.response_file import write_responses
from datasets.cube_file import CubeFile, read_cube, write_cube
from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from tests.benchmark.folders import write_record
from tests.rounding import scores_near

RATIO, SHAPE = 2, (4, 36, 40)
PSF = SpatialResponse(torch.tensor([[0.1, 0.2], [0.3, 0.4]], dtype=torch.float64), RATIO, 0, "circular")
SRF = SpectralResponse(torch.tensor([[0.4, 0.3, 0.2, 0.1], [0.0, 0.1, 0.2, 0.7]], dtype=torch.float64))


def record(key: str, **changes: object) -> Result:
    whole = Result(
        key=key,
        outcome="scored",
        method="m",
        label=key,
        parameters={},
        card={},
        tier="told nothing",
        scene="s",
        scene_digest="scene",
        observation_digest="seen",
        protocol={"name": "p", "ratio": RATIO},
        seed=0,
        metrics={"psnr": 1.0},
        metrics_key="stale",
        ended="2026-01-01T00:00:00+00:00",
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


@pytest.fixture
def run_of_two(tmp_path: Path) -> Path:
    """A run of two scored cells, one with estimated responses, and a failed one; all scores stale."""
    rng = np.random.default_rng(0)
    scene = np.cumsum(rng.random(SHAPE), 2).astype(np.float32) / 40
    truth = torch.from_numpy(scene).double()
    write_cube(tmp_path / "scenes" / "scene.h5", CubeFile(scene))
    seen = Observation(PSF(truth).float(), SRF(truth).float(), torch.linspace(400, 700, 4), RATIO, PSF.centre)
    write_observation(tmp_path / "observations" / "seen.h5", seen)
    write_responses(tmp_path / "responses" / "seen.h5", PSF, SRF)
    for key, error, notes in (
        ("one", 0.01, {}),
        ("two", 0.05, {"srf_weights": np.full((2, 4), 0.25), "psf_kernel": np.eye(2) / 2, "psf_phase": 1}),
    ):
        cube = (scene + error * rng.standard_normal(SHAPE)).astype(np.float32)
        write_cube(tmp_path / "estimates" / f"{key}.h5", CubeFile(cube, notes=notes), quantise=True)
        write_record(tmp_path, record(key))
    write_record(tmp_path, record("lost", outcome="failed", reason="no luck", metrics={}, metrics_key=""))
    return tmp_path


def go(folder: Path, *names: str) -> dict[str, Rescored]:
    told: list[tuple[int, int, Rescored]] = []
    cells = rescore(folder, names, lambda *news: told.append(news))
    assert [(done, total) for done, total, _ in told] == [(place + 1, len(cells)) for place in range(len(cells))]
    return {cell.result.key: cell for cell in cells}


def test_stale_metrics_are_computed_from_the_folders_files_and_nothing_else_changes(run_of_two: Path) -> None:
    before = read_record(run_of_two / "cells" / "two.json")
    done = go(run_of_two)
    assert {key: cell.metrics for key, cell in done.items()} == {"one": True, "two": True}
    after = read_record(run_of_two / "cells" / "two.json")
    scene, estimate = read_cube(run_of_two / "scenes" / "scene.h5").cube, read_cube(run_of_two / "estimates" / "two.h5")
    truth = torch.from_numpy(scene).double()
    seen = Observation(PSF(truth).float(), SRF(truth).float(), torch.linspace(400, 700, 4), RATIO, PSF.centre)
    assert after == replace(before, metrics=after.metrics, metrics_key=metrics_key())
    assert scores_near(after.metrics, score_cell(scene, estimate, RATIO, seen, Known(PSF, SRF)))
    assert after.metrics["consistency_msi"] is not None
    assert after.metrics["psf_error"] is not None
    assert after.metrics["srf_error"] is not None
    assert "psf_error" not in read_record(run_of_two / "cells" / "one.json").metrics
    assert read_record(run_of_two / "cells" / "lost.json").outcome == "failed"
    assert not (run_of_two / "profiles").exists()


def test_every_profile_of_every_scored_cell_is_stored_beside_the_records(run_of_two: Path) -> None:
    go(run_of_two, *PROFILES)
    assert sorted(file.name for file in (run_of_two / "profiles").iterdir()) == ["one.json", "two.json"]
    stored = read_profile_scores(run_of_two, "two")
    assert stored is not None
    assert stored.profiles_key == profiles_key()
    scene, cube = read_cube(run_of_two / "scenes" / "scene.h5").cube, read_cube(run_of_two / "estimates" / "two.h5").cube
    assert stored.profiles.keys() == PROFILES.keys()
    assert all(scores_near(scores, score_profile(name, scene, cube, RATIO)) for name, scores in stored.profiles.items())
    assert read_profile_scores(run_of_two, "lost") is None


def test_an_exact_estimate_is_rescored_as_infinite_under_every_convention(run_of_two: Path) -> None:
    scene = read_cube(run_of_two / "scenes" / "scene.h5").cube
    write_cube(run_of_two / "estimates" / "one.h5", CubeFile(scene), quantise=False)
    go(run_of_two, "sewar", "mossfuse")
    assert read_record(run_of_two / "cells" / "one.json").metrics["psnr"] == math.inf
    stored = read_profile_scores(run_of_two, "one")
    assert stored is not None
    assert stored.profiles["sewar"]["psnr"] == math.inf
    assert '"psnr": "inf"' in (run_of_two / "profiles" / "one.json").read_text()


def test_each_cell_meets_its_own_reference(run_of_two: Path) -> None:
    other = np.random.default_rng(5).random((3, 30, 24)).astype(np.float32)
    for digest, key in (("a_first", "early"), ("z_last", "late")):
        write_cube(run_of_two / "scenes" / f"{digest}.h5", CubeFile(other))
        write_cube(run_of_two / "estimates" / f"{key}.h5", CubeFile(other * 0.9))
        write_record(run_of_two, record(key, scene_digest=digest, observation_digest="none"))
    assert all(cell.problem == "" for cell in go(run_of_two, "textbook").values())
    assert read_record(run_of_two / "cells" / "late.json").metrics["rmse"] == pytest.approx(
        0.1 * float(np.sqrt((other**2).mean())), rel=1e-4
    )


def test_what_is_up_to_date_is_left_alone_and_profiles_add_up(run_of_two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert go(run_of_two, "mossfuse")["one"].profiles == ("mossfuse",)
    times = {file: file.stat().st_mtime_ns for file in (run_of_two / "cells").iterdir()}
    assert go(run_of_two, "mossfuse", "sewar")["one"].profiles == ("sewar",)
    assert {file: file.stat().st_mtime_ns for file in (run_of_two / "cells").iterdir()} == times
    stored = read_profile_scores(run_of_two, "one")
    assert stored is not None
    assert set(stored.profiles) == {"mossfuse", "sewar"}
    quiet = go(run_of_two, "sewar")["two"]
    assert (quiet.metrics, quiet.profiles, quiet.problem) == (False, (), "")
    monkeypatch.setattr(module, "profiles_key", lambda: "of other sources")
    assert go(run_of_two, "sewar")["one"].profiles == ("sewar",)
    changed = read_profile_scores(run_of_two, "one")
    assert changed is not None
    assert set(changed.profiles) == {"sewar"}  # the others are of older sources


def test_a_cell_whose_reference_is_gone_is_named_and_its_record_stays(run_of_two: Path) -> None:
    (run_of_two / "scenes" / "scene.h5").unlink()
    before = (run_of_two / "cells" / "two.json").read_bytes()
    done = go(run_of_two, "textbook")["two"]
    assert "scene.h5" in done.problem
    assert (done.metrics, done.profiles, done.kept) == (False, (), True)
    assert (run_of_two / "cells" / "two.json").read_bytes() == before


def test_an_estimate_that_was_not_kept_is_said_to_be_and_costs_no_other_cell(run_of_two: Path) -> None:
    (run_of_two / "estimates" / "two.h5").unlink()
    done = go(run_of_two, "textbook")
    assert (done["two"].kept, done["two"].problem) == (False, "its estimate was not kept")
    assert read_record(run_of_two / "cells" / "two.json").metrics_key == "stale"
    assert (done["one"].metrics, done["one"].profiles, done["one"].problem) == (True, ("textbook",), "")


def test_without_true_responses_only_what_needs_them_is_none(run_of_two: Path) -> None:
    (run_of_two / "responses" / "seen.h5").unlink()
    go(run_of_two)
    metrics = read_record(run_of_two / "cells" / "one.json").metrics
    assert metrics["d_lambda"] is not None
    assert metrics["psnr"] is not None
    assert metrics["d_s"] is metrics["consistency_hsi"] is None


def test_a_broken_observation_is_a_problem_of_its_cells(run_of_two: Path) -> None:
    (run_of_two / "observations" / "seen.h5").write_bytes(b"no HDF5")
    assert all("not scored" in cell.problem for cell in go(run_of_two).values())


def test_names_are_checked_and_put_in_order() -> None:
    assert profile_names("all") == tuple(PROFILES)
    assert profile_names("sewar, mossfuse") == ("mossfuse", "sewar")
    assert profile_names("") == ()
    with pytest.raises(ProfileError, match=r"unknown profile 'sewer'.*did you mean 'sewar'.*textbook"):
        profile_names("mossfuse,sewer")


def test_no_run_folder_a_folder_in_use_and_a_typo_are_refused(run_of_two: Path, tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="expected a run folder"):
        go(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(ProfileError):
        go(run_of_two, "nothing")
    with claimed(run_of_two), pytest.raises(BusyError):
        go(run_of_two)


def test_a_torn_file_of_scores_is_refused_with_the_way_out(run_of_two: Path) -> None:
    go(run_of_two, "textbook")
    file = run_of_two / "profiles" / "one.json"
    table = json.loads(file.read_text())
    file.write_text(json.dumps({**table, "schema": 99}))
    with pytest.raises(RecordError, match=r"one\.json: expected scores under profiles.*delete the file and rescore"):
        read_profile_scores(run_of_two, "one")
    file.write_text("{torn")
    with pytest.raises(RecordError, match=r"one\.json"):
        read_profile_scores(run_of_two, "one")
