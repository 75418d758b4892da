"""All scores of one cell: what the truth explains is consistent, what is missing is None, estimated responses are scored where they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.metrics.metric_facts import NO_REFERENCE, RESPONSES, TEXTBOOK
from benchmark.metrics.scoring import score_cell
from benchmark.run_folder.response_file import read_responses, write_responses
from datasets.cube_file import CubeFile, read_cube, write_cube
from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation

RATIO = 2


def responses() -> Known:
    """A lopsided kernel and a lopsided SRF."""
    rng = np.random.default_rng(1)
    kernel, weights = rng.random((3, 4)), rng.random((3, 5))
    psf = SpatialResponse(torch.from_numpy(kernel / kernel.sum()), RATIO, 1, "reflect")
    return Known(psf, SpectralResponse(torch.from_numpy(weights / weights.sum(1, keepdims=True)), ("a", "b", "c")))


def world(noise: float = 0.0) -> tuple[np.ndarray, Observation]:
    """A scene of 5 x 36 x 44 and what the sensors saw of it; the observation itself reveals nothing."""
    rng = np.random.default_rng(0)
    scene = np.cumsum(rng.random((5, 36, 44)), 2) / 44
    known = responses()
    assert known.psf is not None
    assert known.srf is not None
    hsi, msi = known.psf(torch.from_numpy(scene)), known.srf(torch.from_numpy(scene))
    hsi = hsi + noise * torch.from_numpy(rng.standard_normal(tuple(hsi.shape)))
    return scene, Observation(hsi.float(), msi.float(), torch.linspace(400, 700, 5), RATIO, known.psf.centre)


def test_the_truth_is_consistent_with_what_was_seen_and_noise_is_the_floor() -> None:
    scene, seen = world()
    scores = score_cell(scene, CubeFile(scene.astype(np.float32)), RATIO, seen, responses())
    assert scores["consistency_hsi"] == pytest.approx(0, abs=1e-7)
    assert scores["consistency_msi"] == pytest.approx(0, abs=1e-7)
    scene, seen = world(noise=0.01)
    noisy = score_cell(scene, CubeFile(scene.astype(np.float32)), RATIO, seen, responses())["consistency_hsi"]
    assert noisy == pytest.approx(0.01, rel=0.05)


def test_a_constant_added_to_the_estimate_is_seen_whole_by_both_sensors() -> None:
    scene, seen = world()
    scores = score_cell(scene, CubeFile((scene + 0.125).astype(np.float32)), RATIO, seen, responses())
    assert scores["consistency_hsi"] == pytest.approx(0.125, rel=1e-5)
    assert scores["consistency_msi"] == pytest.approx(0.125, rel=1e-5)


def test_every_name_is_there_and_what_cannot_be_had_is_none() -> None:
    scene, seen = world()
    estimate = CubeFile(scene.astype(np.float32))
    without = {metric.name for metric in NO_REFERENCE}
    full = score_cell(scene, estimate, RATIO, seen, responses())
    assert set(full) == {metric.name for metric in TEXTBOOK} | without
    in_blocks_of_32 = {"d_lambda_filtered", "hqnr"}  # this HSI is smaller; test_without_truth.py has a larger one
    assert {name for name in without if full[name] is None} == in_blocks_of_32
    assert full["qnr"] == pytest.approx((1 - full["d_lambda"]) * (1 - full["d_s"]))  # type: ignore[operator]
    blind = score_cell(scene, estimate, RATIO, seen, None)
    assert {name for name in without if blind[name] is not None} == {"d_lambda", "hsi_bands_left_out"}
    assert {score_cell(scene, estimate, RATIO, None, responses())[name] for name in without} == {None}


def test_an_hsi_below_sixteen_pixels_has_consistency_but_no_distortion() -> None:
    scene, seen = world()
    part = Observation(seen.hsi[:, :15], seen.msi[:, :30], seen.wavelengths, RATIO, seen.phase)
    scores = score_cell(scene[:, :30], CubeFile(scene[:, :30].astype(np.float32)), RATIO, part, responses())
    assert scores["d_lambda"] is scores["d_s"] is scores["qnr"] is None
    assert scores["consistency_msi"] == pytest.approx(0, abs=1e-7)


def test_estimated_responses_are_scored_where_the_file_holds_them() -> None:
    scene, seen = world()
    truth = responses()
    assert truth.psf is not None
    assert truth.srf is not None
    notes = {"psf_kernel": truth.psf.kernel.numpy().astype(np.float32), "psf_phase": 1, "srf_weights": truth.srf.weights.numpy()}
    right = score_cell(scene, CubeFile(scene.astype(np.float32), notes=notes), RATIO, seen, truth)
    assert [right[metric.name] for metric in RESPONSES] == pytest.approx([0] * len(RESPONSES), abs=1e-6)
    late = score_cell(scene, CubeFile(scene.astype(np.float32), notes={**notes, "psf_phase": 0}), RATIO, seen, truth)
    assert late["psf_centre_offset"] == pytest.approx(np.sqrt(2), rel=1e-6)
    alone = score_cell(scene, CubeFile(scene.astype(np.float32), notes={"srf_weights": notes["srf_weights"]}), RATIO, seen, truth)
    assert "psf_error" not in alone
    assert alone["srf_error"] == pytest.approx(0, abs=1e-12)


def test_an_srf_of_another_shape_has_no_score_and_costs_no_other() -> None:
    scene, seen = world()
    scores = score_cell(scene, CubeFile(scene.astype(np.float32), notes={"srf_weights": np.ones((2, 5)) / 5}), RATIO, seen, responses())
    assert scores["srf_error"] is scores["srf_scene_error"] is None
    assert scores["ergas"] is not None


def test_true_responses_come_back_from_their_file_as_they_were(tmp_path: Path) -> None:
    truth = responses()
    assert truth.psf is not None
    assert truth.srf is not None
    back = read_responses(write_responses(tmp_path / "deep" / "r.h5", truth.psf, truth.srf))
    assert back.psf is not None
    assert back.srf is not None
    assert (back.psf.ratio, back.psf.phase, back.psf.boundary, back.srf.names) == (RATIO, 1, "reflect", ("a", "b", "c"))
    assert torch.equal(back.psf.kernel, truth.psf.kernel)
    assert torch.equal(back.srf.weights, truth.srf.weights)
    assert [file.name for file in (tmp_path / "deep").iterdir()] == ["r.h5"]


def test_a_kernel_of_any_size_comes_back_from_an_estimates_file(tmp_path: Path) -> None:
    kernel = np.random.default_rng(0).random((150, 120))  # 141 KiB: more than an attribute of HDF5's first layout holds
    file = write_cube(
        tmp_path / "e.h5", CubeFile(np.ones((2, 3, 4), np.float32), notes={"psf_kernel": kernel, "psf_phase": 2}), quantise=True
    )
    np.testing.assert_array_equal(read_cube(file).notes["psf_kernel"], kernel)
