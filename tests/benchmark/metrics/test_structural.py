"""SSIM and UIQI, against scikit-image, loops over windows and closed forms."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from benchmark.metrics.structural import ssim, uiqi


def pair(seed: int = 0, shape: tuple[int, int, int] = (5, 13, 17), noise: float = 0.1) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    reference = rng.uniform(0.1, 0.9, shape)
    return reference, 0.9 * reference + noise * rng.standard_normal(shape)


def uiqi_by_loops(reference: NDArray[np.float64], estimate: NDArray[np.float64]) -> float:
    """The definition, window by window, with variances about the window's own means."""
    bands, rows, cols = reference.shape
    values = []
    for b in range(bands):
        for row in range(rows - 7):
            for col in range(cols - 7):
                x = [float(v) for v in reference[b, row : row + 8, col : col + 8].flat]
                y = [float(v) for v in estimate[b, row : row + 8, col : col + 8].flat]
                mean_x, mean_y = math.fsum(x) / 64, math.fsum(y) / 64
                var_x = math.fsum((v - mean_x) ** 2 for v in x) / 64
                var_y = math.fsum((v - mean_y) ** 2 for v in y) / 64
                cov = math.fsum((v - mean_x) * (w - mean_y) for v, w in zip(x, y, strict=True)) / 64
                values.append(4 * cov * mean_x * mean_y / ((var_x + var_y) * (mean_x**2 + mean_y**2)))
    return math.fsum(values) / len(values)


@pytest.mark.parametrize("shape", [(5, 13, 17), (1, 11, 11), (2, 12, 90), (3, 75, 42), (2, 43, 1050)])
def test_ssim_agrees_with_scikit_image_whatever_the_size(shape: tuple[int, int, int]) -> None:
    reference, estimate = pair(1, shape)
    by_band = [
        structural_similarity(true, guess, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
        for true, guess in zip(reference, estimate, strict=True)
    ]
    assert ssim(reference, estimate) == pytest.approx(np.mean(by_band), abs=1e-13)


def test_ssim_of_flat_windows_is_their_luminance_term() -> None:
    reference, estimate = np.full((2, 14, 60), 0.2), np.full((2, 14, 60), 0.6)
    reference[:, :, 0] = 0.1  # the first of 50 windows along a row sees it
    flat = (2 * 0.2 * 0.6 + 0.0001) / (0.2**2 + 0.6**2 + 0.0001)
    first = ssim(reference[:, :, :11], estimate[:, :, :11])
    assert ssim(reference, estimate) == pytest.approx((49 * flat + first) / 50, abs=1e-12)


def test_uiqi_equals_the_loop_written_definition() -> None:
    reference, estimate = pair(2, (3, 13, 17))
    assert uiqi(reference, estimate) == pytest.approx(uiqi_by_loops(reference, estimate), abs=1e-13)


@pytest.mark.parametrize("shape", [(1, 75, 9), (1, 8, 1050)])
def test_uiqi_equals_the_loop_written_definition_over_several_tiles_and_a_rest(shape: tuple[int, int, int]) -> None:
    reference, estimate = pair(3, shape)
    assert uiqi(reference, estimate) == pytest.approx(uiqi_by_loops(reference, estimate), abs=1e-13)


def test_uiqi_of_an_exact_gain_is_the_closed_form() -> None:
    reference = pair(4)[0]
    gain = 1.7
    assert uiqi(reference, gain * reference) == pytest.approx((2 * gain / (1 + gain**2)) ** 2, abs=1e-12)


def test_uiqi_of_an_inverted_contrast_about_the_same_mean_is_minus_one() -> None:
    board = (np.indices((16, 24)).sum(0) % 2).astype(np.float64)[None]
    assert uiqi(0.5 + 0.1 * board, 0.6 - 0.1 * board) == pytest.approx(-1, abs=1e-12)


def test_uiqi_of_unrelated_noise_is_near_zero() -> None:
    rng = np.random.default_rng(5)
    assert abs(uiqi(rng.random((4, 64, 96)), rng.random((4, 64, 96)))) < 0.02


def test_uiqi_does_not_see_a_common_scale() -> None:
    reference, estimate = pair(6)
    assert uiqi(1e-4 * reference, 1e-4 * estimate) == pytest.approx(uiqi(reference, estimate), abs=1e-12)


@pytest.mark.parametrize("level", [0.0, 0.4])
def test_bands_that_are_constant_in_the_reference_are_left_out_of_both(level: float) -> None:
    reference, estimate = pair(11, (4, 12, 15))
    reference[0] = reference[2] = estimate[2] = level
    live = [1, 3]
    assert uiqi(reference, estimate) == pytest.approx(uiqi_by_loops(reference[live], estimate[live]), abs=1e-13)
    by_band = [
        structural_similarity(reference[b], estimate[b], data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
        for b in live
    ]
    assert ssim(reference, estimate) == pytest.approx(np.mean(by_band), abs=1e-13)
    assert math.isnan(ssim(reference[[0, 2]], estimate[[0, 2]]))
    assert math.isnan(uiqi(reference[[0, 2]], estimate[[0, 2]]))


def test_a_constant_estimate_of_a_live_band_counts() -> None:
    reference, estimate = pair(12, (2, 12, 15))
    estimate[0] = 0.5
    assert uiqi(reference, estimate) == pytest.approx(uiqi_by_loops(reference, estimate), abs=1e-13)


def test_flat_windows_are_judged_by_their_means() -> None:
    reference = np.full((2, 10, 14), 0.1)
    reference[:, :, 0] = 0.2  # the first of 7 windows along a row sees it
    assert uiqi(reference, reference.copy()) == pytest.approx(1, abs=1e-14)
    gain = 2 * 3 / (1 + 9)
    assert uiqi(reference, 3 * reference) == pytest.approx((6 * gain + gain**2) / 7, abs=1e-12)
    black = np.zeros((2, 10, 14))
    black[:, :, 0] = 0.2
    assert uiqi(black, black.copy()) == pytest.approx(1, abs=1e-14)
    assert uiqi(black, np.full_like(black, 0.1)) == pytest.approx(0, abs=1e-14)


def test_the_rounding_of_float32_on_a_flat_scene_is_no_structure() -> None:
    rng = np.random.default_rng(7)
    flat = np.full((1, 20, 31), 0.7)
    flat[0, 0, 0] = 0.8  # a constant band would not count
    estimate = (flat * (1 + 1e-7 * rng.standard_normal(flat.shape))).astype(np.float32)
    assert uiqi(flat.astype(np.float32), estimate) == pytest.approx(1, abs=1e-9)


def test_a_contrast_of_one_in_a_hundred_thousand_is_structure() -> None:
    board = (np.indices((16, 24)).sum(0) % 2).astype(np.float64)[None]
    assert uiqi(0.5 + 1e-5 * board, 0.5 + 1e-5 - 1e-5 * board) == pytest.approx(-1, abs=1e-4)


def test_a_flat_estimate_of_a_structured_scene_scores_zero() -> None:
    reference = pair(8)[0]
    assert uiqi(reference, np.full_like(reference, 0.5)) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("metric", [ssim, uiqi])
def test_identical_cubes_score_one(metric: Callable[..., float]) -> None:
    reference = pair(9)[0]
    assert metric(reference, reference.copy()) == pytest.approx(1, abs=1e-14)


def test_images_smaller_than_the_window_have_no_score() -> None:
    assert math.isnan(ssim(*pair(shape=(2, 10, 30))))
    assert math.isnan(ssim(*pair(shape=(2, 30, 10))))
    assert math.isnan(uiqi(*pair(shape=(2, 7, 30))))
    assert math.isfinite(uiqi(*pair(shape=(2, 8, 8))))


def test_values_beyond_0_and_1_are_not_clipped() -> None:
    reference, estimate = pair(10)
    estimate[0, 6, 6] = 40.0
    clipped = np.clip(estimate, 0, 1)
    assert ssim(reference, estimate) < ssim(reference, clipped) - 0.01
    assert uiqi(reference, estimate) < uiqi(reference, clipped) - 0.01
