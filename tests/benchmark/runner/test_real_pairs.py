"""A real pair through a run: every method, no reference where there is no truth, and every command on the run folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

import run_benchmark
from benchmark.matrix.plan_file import read_plan
from benchmark.metrics.metric_facts import TEXTBOOK
from benchmark.metrics.scoring import score_cell, score_without_truth
from benchmark.review.rescore import rescore
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.observation_file import read_observation
from benchmark.run_folder.record import Result
from benchmark.run_folder.response_file import read_responses
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.cube_file import read_cube
from datasets.data_roots import DataRoots
from reports.content.summary import summarise
from tests.benchmark.folders import read_records
from tests.real_pairs import images, write_pair, write_plan
from tests.rounding import scores_near
from tests.test_cli import cli

pytestmark = pytest.mark.usefixtures("without_figures")

TRUTH = [metric.name for metric in TEXTBOOK]
METHODS = ["bicubic", "gsa", "rfuse"]


def go(folder: Path, file: Path, out: str) -> list[Result]:
    return run(read_plan(file, DataRoots.parse([]), None), RunSettings(folder / out), lambda _: None)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pair, its plan, and the run folder `run`."""
    folder = tmp_path_factory.mktemp("pair")
    write_pair(folder)
    go(folder, write_plan(folder, METHODS), "run")
    return folder


@pytest.fixture
def copy(ran: Path, tmp_path: Path) -> Path:
    """A copy of the run folder, to be changed."""
    shutil.copytree(ran / "run", tmp_path / "run")
    return tmp_path / "run"


def of(folder: Path, taken: str) -> list[Result]:
    return [record for record in read_records(folder) if record.protocol["pair"] == taken]


def test_every_method_runs_as_taken_and_one_step_down(ran: Path) -> None:
    records = read_records(ran / "run")
    assert {(record.method, record.protocol["pair"], record.outcome) for record in records} == {
        (method, taken, "scored") for method in METHODS for taken in ("as taken", "one step down")
    }


def test_as_taken_has_no_reference_and_no_score_by_the_truth(ran: Path) -> None:
    for record in of(ran / "run", "as taken"):
        assert not record.has_reference
        assert all(record.metrics[name] is None for name in TRUTH)
        assert record.metrics["hqnr"] is not None
        assert not [name for name in record.metrics if name.startswith(("psf_", "srf_", "std_"))]


def test_no_reference_is_written_for_a_pair_that_is_only_observed_as_taken(tmp_path: Path) -> None:
    write_pair(tmp_path)
    records = go(tmp_path, write_plan(tmp_path, ["bicubic", "rfuse"], "one_step_down = false"), "run")
    assert not list((tmp_path / "run" / "scenes").glob("*"))
    by_method = {record.method: record for record in records}
    assert by_method["bicubic"].outcome == "scored"
    assert by_method["bicubic"].metrics["d_lambda"] is not None
    assert by_method["bicubic"].metrics["hqnr"] is None
    skipped = by_method["rfuse"]
    assert skipped.outcome == "skipped"
    assert "needs the PSF and the SRF, not known of garden, as taken; give what is known in [[pair]]" in skipped.reason
    assert "withholds" not in skipped.reason


def test_the_scores_are_those_of_the_stored_files(ran: Path) -> None:
    folder = RunFolder(ran / "run")
    for record in read_records(ran / "run"):
        seen = read_observation(folder.observation(record.observation_digest))
        known = read_responses(folder.responses(record.observation_digest))
        estimate = read_cube(folder.estimate(record.key))
        if record.has_reference:
            again = score_cell(read_cube(folder.reference(record.scene_digest)).cube, estimate, 3, seen, known)
        else:
            again = score_without_truth(estimate, seen, known)
        assert scores_near(again, record.metrics)


def test_the_reference_one_step_down_is_the_hsi(ran: Path) -> None:
    record = of(ran / "run", "one step down")[0]
    with h5py.File(ran / "pair.h5") as store:
        hsi = store["hsi/cube"][()]
    assert np.array_equal(read_cube(RunFolder(ran / "run").reference(record.scene_digest)).cube, hsi)


def test_a_pair_is_scored_again_without_a_reference(copy: Path) -> None:
    folder = RunFolder(copy)
    before = {record.key: record for record in read_records(copy)}
    for record in before.values():
        folder.write(Result(**{**vars(record), "metrics": {"d_lambda": 0.5}, "metrics_key": "older"}))
    shutil.rmtree(copy / "scenes")
    done = {each.result.key: each for each in rescore(copy, [], lambda *_: None)}
    for key, record in before.items():
        if record.has_reference:
            assert "expected the reference" in done[key].problem
        else:
            assert not done[key].problem
            assert scores_near(folder.read(key).metrics, record.metrics)


def test_a_profile_of_others_says_that_it_needs_a_truth(copy: Path) -> None:
    for each in rescore(copy, ["mossfuse"], lambda *_: None):
        assert bool(each.problem) == (not each.result.has_reference)
        assert not each.problem or "a real pair has no truth" in each.problem


def test_a_score_is_not_lost_where_the_responses_are_gone(copy: Path) -> None:
    record = next(record for record in of(copy, "as taken") if record.method == "bicubic")
    RunFolder(copy).write(Result(**{**vars(record), "metrics_key": "older", "metrics": {**record.metrics, "d_s": None}}))
    RunFolder(copy).responses(record.observation_digest).unlink()
    problem = next(each.problem for each in rescore(copy, [], lambda *_: None) if each.result.key == record.key)
    assert "which is gone" in problem


def test_the_commands_on_a_run_with_pairs(copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = next(record for record in of(copy, "as taken") if record.method == "gsa")
    for given, words in (
        (["status", copy], "6 cells"),
        (["explain", copy, record.key], "HQNR"),
        (["compare", copy, copy], ""),
        (["merge", copy, "--out", tmp_path / "merged"], ""),
        (["clean", tmp_path / "merged"], ""),
    ):
        assert run_benchmark.main(list(map(str, given))) == 0, given
        assert words in capsys.readouterr().out, given
    for given in (("rescore", copy), ("report", copy)):  # both draw the report, in a process of their own
        done = cli(*given, folder=tmp_path, file="tests/run_without_figures.py")
        assert done.returncode == 0, done.stderr
        assert given[0] == "rescore" or "HQNR" in done.stdout
    assert {r.key for r in read_records(tmp_path / "merged")} == {r.key for r in read_records(copy)}
    assert len(list((tmp_path / "merged" / "scenes").glob("*.h5"))) == 1


def test_of_the_estimates_as_taken_the_best_by_hqnr_is_kept(ran: Path, tmp_path: Path) -> None:
    write_pair(tmp_path)
    checked = read_plan(write_plan(tmp_path, ["bicubic", "gsa"]), DataRoots.parse([]), None)
    records = run(checked, RunSettings(tmp_path / "run", keep="top"), lambda _: None)
    taken = [record for record in records if not record.has_reference]
    best = max(taken, key=lambda record: record.metrics["hqnr"] or 0)
    kept = {file.stem for file in (tmp_path / "run" / "estimates").glob("*.h5")}
    assert {record.key for record in taken} & kept == {best.key}


def test_a_pair_that_contradicts_its_sensors_says_so_in_its_records_and_tables(tmp_path: Path) -> None:
    write_pair(tmp_path, msi=images()[1][:, :, ::-1].copy())
    plan = read_plan(write_plan(tmp_path, ["bicubic"]), DataRoots.parse([]), None)
    for record in run(plan, RunSettings(tmp_path / "run"), lambda _: None):
        residual, *rest = record.observed["agreement"]
        assert "|S msi - R hsi| / |R hsi|" in residual
        assert "mirrored in its columns" in " ".join(rest)
        (summary,) = summarise([record])
        assert "mirrored in its columns" in " ".join(summary.remarks)
