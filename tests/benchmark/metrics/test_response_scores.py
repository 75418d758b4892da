"""Scores of estimated responses: registration counts, widths are known in closed form, the scene decides what an error does."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from benchmark.metrics.response_scores import psf_scores, sigma, srf_scores
from datasets.degradation import SpatialResponse

Kernel = NDArray[np.float64]


def kernel(rows: int, cols: int, seed: int) -> Kernel:
    drawn = np.random.default_rng(seed).random((rows, cols))
    return drawn / drawn.sum()


def impulse_response(weights: Kernel, phase: int) -> Kernel:
    """The response of coarse pixel (2, 3) as an image: the adjoint of an impulse, from the operator itself."""
    response = SpatialResponse(torch.from_numpy(weights), 5, phase, "circular")
    seen = torch.zeros(1, 6, 7, dtype=torch.float64)
    seen[0, 2, 3] = 1
    return np.asarray(response.adjoint(seen)[0].numpy())


@pytest.mark.parametrize(
    ("size", "phase", "true_size", "true_phase"),
    [((4, 7), 2, (5, 3), 2), ((3, 3), 0, (6, 4), 4), ((5, 8), 3, (5, 8), 1), ((1, 1), 4, (7, 2), 0)],
)
def test_the_error_is_that_of_the_two_operators_impulse_responses(
    size: tuple[int, int], phase: int, true_size: tuple[int, int], true_phase: int
) -> None:
    own, true = kernel(*size, 0), kernel(*true_size, 1)
    a, b = impulse_response(own, phase), impulse_response(true, true_phase)
    scores = psf_scores(own, phase, true, true_phase)
    assert scores["psf_error"] == pytest.approx(np.linalg.norm(a - b) / np.linalg.norm(b), rel=1e-12)
    centres = [SpatialResponse(torch.from_numpy(weights), 5, p).centre for weights, p in ((own, phase), (true, true_phase))]
    assert scores["psf_centre_offset"] == pytest.approx(math.dist(*centres), rel=1e-9)


def test_the_true_kernel_scores_zero_also_with_a_rim_of_zeros() -> None:
    true = kernel(5, 4, 0)
    assert set(psf_scores(true, 2, true, 2).values()) == {0.0}
    padded = np.pad(true, ((2, 2), (2, 2)))  # the anchor moves with the padding, the taps do not
    assert psf_scores(padded, 2, true, 2) == pytest.approx({"psf_error": 0, "psf_centre_offset": 0, "psf_sigma_error": 0}, abs=1e-12)


def test_a_shift_by_the_phase_alone_is_an_error_of_that_many_pixels() -> None:
    true = kernel(4, 4, 0)
    scores = psf_scores(true, 3, true, 1)
    assert scores["psf_centre_offset"] == pytest.approx(2 * math.sqrt(2), rel=1e-12)
    assert scores["psf_sigma_error"] == pytest.approx(0, abs=1e-12)
    assert scores["psf_error"] > 0.3


def test_widths_are_those_of_box_and_gaussian() -> None:
    assert sigma(np.full((6, 6), 1 / 36)) == pytest.approx(math.sqrt((6**2 - 1) / 12), rel=1e-12)
    assert sigma(np.full((1, 9), 1 / 9)) == pytest.approx(math.sqrt((9**2 - 1) / 24), rel=1e-12)
    offsets = np.arange(-20, 21)
    line = np.exp(-(offsets**2) / (2 * 2.5**2))
    gaussian = np.outer(line, line) / line.sum() ** 2
    assert sigma(gaussian) == pytest.approx(2.5, rel=1e-9)
    assert psf_scores(gaussian, 0, np.ones((1, 1)), 0)["psf_sigma_error"] == pytest.approx(2.5, rel=1e-9)


def test_kernels_without_a_centre_or_width_are_not_defined() -> None:
    assert math.isnan(sigma(np.array([[0.5, -0.5]])))
    assert math.isnan(sigma(np.array([[-1.0, 3.0, -1.0]])))
    assert math.isnan(psf_scores(np.array([[0.5, -0.5]]), 0, np.ones((1, 1)), 0)["psf_centre_offset"])


def test_the_error_of_weights_is_relative_and_that_on_the_scene_looks_through_it() -> None:
    rng = np.random.default_rng(0)
    true, own, scene = rng.random((3, 7)), rng.random((3, 7)), rng.random((7, 4, 5)).astype(np.float32)
    spectra = scene.reshape(7, -1).astype(np.float64)
    scores = srf_scores(own, true, scene)
    assert scores["srf_error"] == pytest.approx(math.sqrt(((own - true) ** 2).sum() / (true**2).sum()), rel=1e-12)
    assert scores["srf_scene_error"] == pytest.approx(
        np.linalg.norm(own @ spectra - true @ spectra) / np.linalg.norm(true @ spectra), rel=1e-9
    )
    assert srf_scores(true, true, scene) == {"srf_error": 0.0, "srf_scene_error": 0.0}


def test_weights_that_differ_where_the_scene_is_alike_do_no_harm_there() -> None:
    scene = np.random.default_rng(0).random((1, 4, 5)).repeat(4, 0)  # every band the same
    scores = srf_scores(np.array([[0.7, 0.1, 0.1, 0.1]]), np.array([[0.1, 0.1, 0.1, 0.7]]), scene)
    assert scores["srf_error"] > 1
    assert scores["srf_scene_error"] == pytest.approx(0, abs=1e-7)


def test_a_response_or_a_scene_of_zeros_has_no_relative_error() -> None:
    scene = np.zeros((2, 3, 3))
    assert math.isnan(srf_scores(np.ones((1, 2)), np.zeros((1, 2)), scene)["srf_error"])
    assert math.isnan(srf_scores(np.ones((1, 2)), np.ones((1, 2)), scene)["srf_scene_error"])
