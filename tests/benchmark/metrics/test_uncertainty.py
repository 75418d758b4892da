"""A stated standard deviation: its scores against closed forms, and its way through a run folder."""

from __future__ import annotations

import json
from math import erf, exp, pi, sqrt
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.matrix.plan_file import read_plan
from benchmark.metrics.metric_facts import UNCERTAINTY
from benchmark.metrics.scoring import score_cell
from benchmark.metrics.uncertainty import std_scores
from benchmark.review.explain import explain
from benchmark.review.merge import merge
from benchmark.review.rescore import rescore
from benchmark.run_folder.record import Result, std_file
from benchmark.runner.estimate_storage import store_std
from benchmark.runner.run_settings import RunSettings
from benchmark.runner.supervisor import run
from datasets.cube_file import CubeFile, read_cube
from datasets.data_roots import DataRoots
from tests.benchmark.conftest import plan, plugin
from tests.rounding import scores_near

NAMES = [metric.name for metric in UNCERTAINTY]


def drawn(factor: float, seed: int = 0) -> dict[str, float]:
    """Scores of Gaussian errors of known deviations, stated `factor` times as wide."""
    rng = np.random.default_rng(seed)
    spread = rng.random((3, 70, 50)) + 0.1
    truth = rng.random(spread.shape)
    return std_scores(truth, truth + spread * rng.standard_normal(spread.shape), spread * factor)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_shares_are_those_of_the_gaussian(factor: float) -> None:
    scores = drawn(factor)
    assert scores["std_within_1"] == pytest.approx(erf(factor / sqrt(2)), abs=0.015)
    assert scores["std_within_2"] == pytest.approx(erf(2 * factor / sqrt(2)), abs=0.015)
    assert scores["std_rms_z"] == pytest.approx(1 / factor, rel=0.03)


def test_the_ranked_score_is_the_integral_that_defines_it_and_is_least_for_the_right_deviation() -> None:
    """The integral over t of (F(t) - [t >= truth])^2, summed on a grid."""
    grid = np.linspace(-12, 12, 24001)
    for error, spread in ((0.3, 0.7), (-1.5, 0.4), (0.0, 1.0)):
        below = np.array([0.5 * (1 + erf((t - error) / spread / sqrt(2))) for t in grid])
        expected = float(((below - (grid >= 0)) ** 2).sum() * (grid[1] - grid[0]))
        got = std_scores(np.zeros((1, 1, 1)), np.full((1, 1, 1), error), np.full((1, 1, 1), spread))["std_crps"]
        assert got == pytest.approx(expected, abs=1e-3)
    assert drawn(1.0)["std_crps"] < min(drawn(0.7)["std_crps"], drawn(1.4)["std_crps"])


def test_certain_values_are_right_or_infinitely_wrong() -> None:
    truth, std = np.zeros((1, 2, 2)), np.zeros((1, 2, 2))
    assert std_scores(truth, truth, std) == {"std_within_1": 1.0, "std_within_2": 1.0, "std_rms_z": 0.0, "std_crps": 0.0}
    estimate = truth.copy()
    estimate[0, 0, 1] = -0.5
    wrong = std_scores(truth, estimate, std)
    assert wrong["std_rms_z"] == float("inf")
    assert (wrong["std_within_1"], wrong["std_crps"]) == (0.75, 0.125)
    cell = score_cell(truth, CubeFile(estimate.astype(np.float32)), 1, None, None, std.astype(np.float32))
    assert cell["std_rms_z"] == float("inf")  # a value, not a lack of one


def test_what_is_no_deviation_is_refused() -> None:
    cube = np.zeros((2, 3, 4))
    for bad in (-0.1, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="finite and not below 0"):
            std_scores(cube, cube, np.full_like(cube, bad))
    with pytest.raises(ValueError, match="expected a standard deviation of shape"):
        score_cell(cube, CubeFile(cube.astype(np.float32)), 1, None, None, np.ones((2, 3, 5)))


@pytest.mark.parametrize(("low", "bits"), [(0.01, 16), (1e-5, 32), (0.0, 32)])
def test_it_is_stored_to_one_percent_of_every_value(tmp_path: Path, low: float, bits: int) -> None:
    std = torch.linspace(low, 1.0, 120).reshape(2, 6, 10)
    store_std(tmp_path / "s.h5", std, np.array([400.0, 700.0]), "m")
    back = read_cube(tmp_path / "s.h5").cube
    np.testing.assert_allclose(back, std.numpy(), rtol=0.01)
    assert np.array_equal(back, std.numpy()) == (bits == 32)


def go(world: Path, keep: str = "estimates", out: str = "run") -> list[Result]:
    checked = read_plan(world / "plan.toml", DataRoots.parse([]), world / "plugins")
    return run(checked, RunSettings(world / out, keep=keep), lambda progress: None)  # type: ignore[arg-type]


@pytest.fixture
def stating(world: Path) -> Path:
    """A world with a method that states a deviation, and one that states none; plan.toml has both on one scene."""
    plugin(world / "plugins", "unsure", "return Estimate(low, std=0.1 + 0.2 * low.abs())")
    plan(world, ["unsure", "steady"], scenes=("a",))
    return world


def test_a_run_stores_and_scores_it_and_a_second_scoring_says_the_same(stating: Path) -> None:
    unsure, steady = go(stating)
    folder = stating / "run"
    estimate = folder / "estimates" / f"{unsure.key}.h5"
    cube, spread = read_cube(estimate).cube, read_cube(std_file(estimate)).cube
    np.testing.assert_allclose(spread, 0.1 + 0.2 * np.abs(cube), rtol=0.01)
    truth = read_cube(folder / "scenes" / f"{unsure.scene_digest}.h5").cube
    assert {name: unsure.metrics[name] for name in NAMES} == pytest.approx(std_scores(truth, cube, spread))
    assert not set(NAMES) & set(steady.metrics)
    assert not std_file(folder / "estimates" / f"{steady.key}.h5").exists()
    assert f"estimates/{unsure.key}_std.h5" in [name for name, _ in explain(folder, unsure.key).files]
    file = folder / "cells" / f"{unsure.key}.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "metrics_key": "old", "metrics": {"psnr": -1.0}}))
    rescore(folder, (), lambda *news: None)
    assert scores_near(json.loads(file.read_text())["metrics"], unsure.metrics)


@pytest.mark.parametrize(("keep", "left"), [("float32", 2), ("top", 1), ("none", 0)])
def test_it_is_kept_and_removed_with_its_estimate(stating: Path, keep: str, left: int) -> None:
    unsure, steady = go(stating, keep, keep)
    assert unsure.metrics["psnr"] == pytest.approx(steady.metrics["psnr"], rel=1e-6)
    names = {file.stem for file in (stating / keep / "estimates").glob("*.h5")}
    estimates = {name for name in names if not name.endswith("_std")}
    assert len(estimates) == left
    assert (f"{unsure.key}_std" in names) == (unsure.key in estimates)
    if keep == "float32":
        cube, spread = (read_cube(stating / keep / "estimates" / f"{name}.h5").cube for name in (unsure.key, f"{unsure.key}_std"))
        np.testing.assert_allclose(spread, np.float32(0.1) + np.float32(0.2) * np.abs(cube), rtol=3e-7)  # 16 bits would be 1e-5 away


def test_a_merge_brings_it_along(stating: Path) -> None:
    unsure = go(stating)[0]
    merge([stating / "run"], stating / "merged")
    name = f"estimates/{unsure.key}_std.h5"
    assert (stating / "merged" / name).read_bytes() == (stating / "run" / name).read_bytes()


@pytest.mark.parametrize("std", ["-low.abs() - 1", "low[:, 1:]", "low * float('nan')"])
def test_a_method_that_states_nonsense_has_an_invalid_cell(world: Path, std: str) -> None:
    plugin(world / "plugins", "boasts", f"return Estimate(low, std={std})")
    plan(world, ["boasts"], scenes=("a",))
    record = go(world)[0]
    assert record.outcome == "invalid"
    assert "standard deviation" in record.reason


def test_the_unit_gaussian_s_score_is_its_known_value() -> None:
    """An estimate that is exact, deviation 1: 2 f(0) - 1 / sqrt(pi)."""
    zero = np.zeros((1, 1, 1))
    assert std_scores(zero, zero, zero + 1)["std_crps"] == pytest.approx(2 * exp(0) / sqrt(2 * pi) - 1 / sqrt(pi))
