"""SAM and ERGAS, against known angles and gains, the arc cosine in high precision, and sewar."""

from __future__ import annotations

import math
from decimal import Decimal, getcontext

import numpy as np
import pytest
import sewar
from numpy.typing import NDArray

from benchmark.metrics.spectral import ergas, ergas_bands_left_out, sam, sam_pixels_left_out


def pair(seed: int = 0, shape: tuple[int, int, int] = (5, 13, 17)) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    reference = rng.uniform(0.1, 0.9, shape)
    return reference, reference + 0.1 * rng.standard_normal(shape)


def plane(degrees: float, length: float, shape: tuple[int, int] = (3, 4)) -> NDArray[np.float64]:
    """A two-band cube whose spectra all lie at that angle from the first band's axis."""
    axis = [math.cos(math.radians(degrees)), math.sin(math.radians(degrees))]
    return np.broadcast_to(length * np.array(axis)[:, None, None], (2, *shape)).copy()


@pytest.mark.parametrize("angle", [1e-9, 1e-4, 0.5, 30, 90, 150, 179.9999])
def test_sam_of_a_known_angle_is_that_angle_whatever_the_lengths(angle: float) -> None:
    assert sam(plane(20, 0.3), plane(20 + angle, 0.7)) == pytest.approx(angle, rel=1e-12, abs=1e-13)


def test_sam_of_identical_cubes_is_exactly_zero() -> None:
    reference = pair()[0].astype(np.float32)
    assert sam(reference, reference.copy()) == 0


def test_sam_equals_the_mean_arc_cosine() -> None:
    reference, estimate = pair(1)
    angles = [_angle(reference[:, row, col], estimate[:, row, col]) for row in range(13) for col in range(17)]
    assert sam(reference, estimate) == pytest.approx(math.fsum(angles) / len(angles), abs=1e-12)


def test_sam_agrees_with_sewar_over_many_blocks_of_rows() -> None:
    reference, estimate = pair(2, (7, 90, 101))
    assert sam(reference, estimate) == pytest.approx(math.degrees(sewar.sam(reference.T, estimate.T)), abs=1e-12)


def test_sam_does_not_see_the_brightness_of_a_pixel_but_sees_a_gain_by_band() -> None:
    reference = pair(3)[0]
    by_pixel = np.random.default_rng(4).uniform(0.2, 3, (1, 13, 17))
    assert sam(reference, by_pixel * reference) == pytest.approx(0, abs=1e-6)
    assert sam(plane(45, 1), np.array([1, math.sqrt(3)])[:, None, None] * plane(45, 1)) == pytest.approx(15, abs=1e-12)


def test_pixels_with_a_zero_reference_are_left_out_and_counted() -> None:
    reference, estimate = plane(0, 1), plane(60, 1)
    reference[:, 0, :2] = 0
    estimate[:, 0, :2] = 5
    assert sam(reference, estimate) == pytest.approx(60, abs=1e-12)
    assert sam_pixels_left_out(reference) == 2
    assert sam_pixels_left_out(estimate) == 0


def test_a_zero_estimate_of_a_lit_pixel_is_a_right_angle() -> None:
    reference, estimate = plane(10, 1), plane(10, 1)
    estimate[:, 1, 1] = 0
    assert sam(reference, estimate) == pytest.approx(90 / 12, abs=1e-12)
    assert sam(reference, np.zeros_like(reference)) == 90


def test_sam_without_any_lit_reference_is_not_a_number() -> None:
    reference, estimate = pair()
    assert math.isnan(sam(np.zeros_like(reference), estimate))


@pytest.mark.parametrize("ratio", [1, 4, 32])
def test_ergas_of_a_gain_is_100_over_ratio_times_the_quadratic_mean_of_its_error_on_constant_bands(ratio: int) -> None:
    reference = np.broadcast_to(np.array([0.1, 0.5, 0.9])[:, None, None], (3, 4, 6)).copy()
    gains = np.array([1.1, 0.8, 1.0])[:, None, None]
    assert ergas(reference, gains * reference, ratio) == pytest.approx(100 / ratio * math.sqrt((0.01 + 0.04) / 3), rel=1e-12)


def test_ergas_agrees_with_sewar_given_the_inverse_ratio() -> None:
    reference, estimate = pair(5)
    assert ergas(reference, estimate, 8) == pytest.approx(sewar.ergas(reference.T, estimate.T, r=1 / 8), rel=1e-13)


def test_ergas_divides_by_the_mean_of_the_reference_not_of_the_estimate() -> None:
    reference = np.full((2, 3, 4), 0.5)
    assert ergas(reference, np.ones_like(reference), 2) == pytest.approx(50, rel=1e-13)
    assert ergas(np.ones_like(reference), reference, 2) == pytest.approx(25, rel=1e-13)


def ergas_by_loops(reference: NDArray[np.float64], estimate: NDArray[np.float64], bands: list[int], ratio: int) -> float:
    """The definition over these bands, pixel by pixel."""
    shares = []
    for b in bands:
        mean = math.fsum(reference[b].flat) / reference[b].size
        mse = math.fsum((e - r) ** 2 for r, e in zip(reference[b].flat, estimate[b].flat, strict=True)) / reference[b].size
        shares.append(mse / mean**2)
    return 100 / ratio * math.sqrt(math.fsum(shares) / len(shares))


def test_ergas_leaves_out_a_dead_band_and_one_whose_values_cancel_and_counts_both() -> None:
    reference, estimate = pair()
    reference[1] = 0
    reference[3] -= reference[3].mean()
    assert ergas(reference, estimate, 4) == pytest.approx(ergas_by_loops(reference, estimate, [0, 2, 4], 4), rel=1e-12)
    assert ergas_bands_left_out(reference) == 2
    stored = reference.astype(np.float32)  # its mean is rounding, not zero
    assert stored[3].mean(dtype=np.float64) != 0
    assert ergas_bands_left_out(stored) == 2
    assert ergas(stored, estimate, 4) == pytest.approx(ergas_by_loops(reference, estimate, [0, 2, 4], 4), rel=1e-6)


@pytest.mark.parametrize(("share", "left_out"), [(2e-6, 0), (5e-7, 1)])
def test_a_mean_counts_as_zero_up_to_a_millionth_of_the_root_mean_square(share: float, left_out: int) -> None:
    reference, estimate = pair()
    board = (np.indices((13, 17)).sum(0) % 2 - 110 / 221).astype(np.float64)  # of 221 pixels 110 are odd: the mean is 0
    for sign in (1, -1):
        reference[2] = 0.3 * board + sign * share * 0.3 * math.sqrt(float((board**2).mean()))
        assert ergas_bands_left_out(reference) == left_out
        bands = [0, 1, 3, 4] if left_out else [0, 1, 2, 3, 4]
        assert ergas(reference, estimate, 2) == pytest.approx(ergas_by_loops(reference, estimate, bands, 2), rel=1e-6)


def test_a_negative_mean_is_a_mean_and_a_constant_band_of_another_level_than_zero_stays_in_ergas() -> None:
    reference, estimate = pair()
    reference[0], reference[4] = -reference[0], 0.25
    assert ergas(reference, estimate, 8) == pytest.approx(ergas_by_loops(reference, estimate, [0, 1, 2, 3, 4], 8), rel=1e-12)
    assert ergas_bands_left_out(reference) == 0


def test_ergas_without_any_band_that_has_a_mean_is_not_a_number() -> None:
    reference, estimate = pair()
    assert math.isnan(ergas(np.zeros_like(reference), estimate, 4))
    assert ergas_bands_left_out(np.zeros_like(reference)) == 5


def _angle(u: NDArray[np.float64], v: NDArray[np.float64]) -> float:
    """Degrees between two spectra, their products summed exactly to 40 digits."""
    getcontext().prec = 40
    a, b = [Decimal(float(x)) for x in u], [Decimal(float(x)) for x in v]
    dot = sum((x * y for x, y in zip(a, b, strict=True)), Decimal(0))
    length = (sum((x * x for x in a), Decimal(0)) * sum((y * y for y in b), Decimal(0))).sqrt()
    return math.degrees(math.acos(float(dot / length)))
