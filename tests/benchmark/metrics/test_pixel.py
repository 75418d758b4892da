"""PSNR, RMSE, correlation and the share outside 0..1, against closed forms, loops and other libraries."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sewar
from numpy.typing import NDArray
from skimage.metrics import peak_signal_noise_ratio

from benchmark.metrics.pixel import cc, out_of_range, psnr, psnr_cube, rmse


def pair(seed: int = 0, shape: tuple[int, int, int] = (5, 13, 17)) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A reference in 0.1..0.9 and an estimate whose error grows from band to band."""
    rng = np.random.default_rng(seed)
    reference = rng.uniform(0.1, 0.9, shape)
    return reference, reference + rng.standard_normal(shape) * np.linspace(0.01, 0.2, shape[0])[:, None, None]


def test_an_error_of_one_tenth_everywhere_is_20_db_and_rmse_one_tenth() -> None:
    reference = pair()[0]
    estimate = reference + 0.1
    assert psnr(reference, estimate) == pytest.approx(20, abs=1e-12)
    assert psnr_cube(reference, estimate) == pytest.approx(20, abs=1e-12)
    assert rmse(reference, estimate) == pytest.approx(0.1, abs=1e-14)


def test_psnr_is_the_mean_of_bands_and_psnr_cube_pools_the_errors() -> None:
    reference = pair(shape=(2, 3, 4))[0]
    estimate = reference + np.array([0.1, 0.001])[:, None, None]  # 20 dB and 60 dB
    assert psnr(reference, estimate) == pytest.approx(40, abs=1e-9)
    assert psnr_cube(reference, estimate) == pytest.approx(-10 * math.log10((0.01 + 0.000001) / 2), abs=1e-9)


def test_psnr_agrees_with_scikit_image_and_sewar() -> None:
    reference, estimate = pair()
    by_band = [peak_signal_noise_ratio(true, guess, data_range=1) for true, guess in zip(reference, estimate, strict=True)]
    assert psnr(reference, estimate) == pytest.approx(np.mean(by_band), abs=1e-12)
    assert psnr_cube(reference, estimate) == pytest.approx(peak_signal_noise_ratio(reference, estimate, data_range=1), abs=1e-12)
    assert psnr_cube(reference, estimate) == pytest.approx(sewar.psnr(reference.T, estimate.T, MAX=1.0), abs=1e-12)


def test_rmse_agrees_with_sewar() -> None:
    reference, estimate = pair(1)
    assert rmse(reference, estimate) == pytest.approx(sewar.rmse(reference.T, estimate.T), abs=1e-14)


def test_psnr_is_infinite_once_one_band_is_met_and_psnr_cube_once_all_are() -> None:
    reference, estimate = pair()
    estimate[3] = reference[3]
    assert psnr(reference, estimate) == math.inf
    assert math.isfinite(psnr_cube(reference, estimate))
    assert psnr_cube(reference, reference.copy()) == math.inf


def test_cc_equals_the_loop_written_definition() -> None:
    reference, estimate = pair(2)
    bands = []
    for b in range(5):
        r = [float(v) for v in reference[b].flat]
        e = [float(v) for v in estimate[b].flat]
        mean_r, mean_e = math.fsum(r) / len(r), math.fsum(e) / len(e)
        product = math.fsum((x - mean_r) * (y - mean_e) for x, y in zip(r, e, strict=True))
        bands.append(product / math.sqrt(math.fsum((x - mean_r) ** 2 for x in r) * math.fsum((y - mean_e) ** 2 for y in e)))
    assert cc(reference, estimate) == pytest.approx(math.fsum(bands) / 5, abs=1e-13)


def test_cc_does_not_see_gain_and_offset_but_sees_the_sign() -> None:
    reference = pair()[0]
    assert cc(reference, 3 * reference - 1) == pytest.approx(1, abs=1e-14)
    gains = np.array([1, 1, -1, 1, 1])[:, None, None]
    assert cc(reference, gains * reference) == pytest.approx(3 / 5, abs=1e-14)


def test_cc_of_a_constant_estimate_is_not_a_number() -> None:
    reference, estimate = pair()
    estimate[2] = 0.1
    assert math.isnan(cc(reference, estimate))


def test_values_of_0_and_1_are_in_range_and_those_beyond_are_counted() -> None:
    estimate = np.array([0.0, 1.0, -1e-9, 1 + 1e-9, 0.5, 2.0]).reshape(2, 1, 3)
    assert out_of_range(estimate) == pytest.approx(3 / 6)


def test_errors_beyond_the_range_are_not_clipped() -> None:
    reference = 0.5 + pair(shape=(3, 4, 5))[0]
    assert rmse(reference, reference + 2) == pytest.approx(2)
    assert psnr(reference, reference + 10) == pytest.approx(-20)


def test_float32_cubes_are_scored_in_float64() -> None:
    reference, estimate = (cube.astype(np.float32) for cube in pair(3))
    for metric in (psnr, cc):
        assert metric(reference, estimate) == pytest.approx(metric(reference.astype(np.float64), estimate.astype(np.float64)), rel=1e-12)
