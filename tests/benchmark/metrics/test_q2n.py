"""Q2n, against hypercomplex arithmetic written out, UIQI by blocks at one band, and sewar."""

from __future__ import annotations

import math

import numpy as np
import pytest
import sewar
from numpy.typing import NDArray

from benchmark.metrics.q2n import cayley_dickson_signs, q2n

Number = list[float]


def pair(shape: tuple[int, int, int], seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rng = np.random.default_rng(seed)
    reference = rng.uniform(0.1, 0.9, shape)
    return reference, 0.9 * reference + 0.05 + 0.1 * rng.standard_normal(shape)


def conjugate(a: Number) -> Number:
    return [a[0], *(-v for v in a[1:])]


def plus(a: Number, b: Number) -> Number:
    return [v + w for v, w in zip(a, b, strict=True)]


def times(p: Number, q: Number) -> Number:
    """(a, b)(c, d) = (a c - d' b, d a + b c'), by recursion down to real numbers."""
    if len(p) == 1:
        return [p[0] * q[0]]
    half = len(p) // 2
    a, b, c, d = p[:half], p[half:], q[:half], q[half:]
    return plus(times(a, c), [-v for v in times(conjugate(d), b)]) + plus(times(d, a), times(b, conjugate(c)))


def by_loops(reference: NDArray[np.float64], estimate: NDArray[np.float64], order: int) -> float:
    """The paper's equation on whole blocks, pixel by pixel, with sample statistics as it has them."""
    bands, rows, cols = reference.shape
    values = []
    for top in range(0, rows, 32):
        for left in range(0, cols, 32):
            z, w = (
                [[*map(float, cube[:, r, c]), *[0.0] * (order - bands)] for r in range(top, top + 32) for c in range(left, left + 32)]
                for cube in (reference, estimate)
            )
            mean_z, mean_w = ([math.fsum(column) / 1024 for column in zip(*block, strict=True)] for block in (z, w))
            product = [
                math.fsum(column) / 1024 for column in zip(*(times(p, conjugate(q)) for p, q in zip(z, w, strict=True)), strict=True)
            ]
            factor = 1024 / 1023
            cov = [factor * (v - m) for v, m in zip(product, times(mean_z, conjugate(mean_w)), strict=True)]
            var_z, var_w = (
                factor * (math.fsum(v * v for p in block for v in p) / 1024 - math.hypot(*mean) ** 2)
                for block, mean in ((z, mean_z), (w, mean_w))
            )
            a, b = math.hypot(*mean_z), math.hypot(*mean_w)
            spread = math.sqrt(var_z * var_w)
            values.append(math.hypot(*cov) / spread * 2 * spread / (var_z + var_w) * 2 * a * b / (a * a + b * b))
    return math.fsum(values) / len(values)


def test_no_band_is_left_out_and_a_dead_last_one_that_is_met_is_the_padding() -> None:
    reference, estimate = pair((3, 32, 32), seed=5)
    dead_reference, dead_estimate = (np.concatenate([cube, np.zeros((1, 32, 32))]) for cube in (reference, estimate))
    assert q2n(dead_reference, dead_estimate) == pytest.approx(by_loops(reference, estimate, 4), abs=1e-12)
    dead_estimate[3] += 0.1 * np.random.default_rng(6).standard_normal((32, 32))
    missed = q2n(dead_reference, dead_estimate)
    assert missed == pytest.approx(by_loops(dead_reference, dead_estimate, 4), abs=1e-12)
    assert missed < q2n(reference, estimate) - 0.01


def test_the_table_of_order_4_is_hamiltons() -> None:
    one, i, j, k = range(4)
    signs = cayley_dickson_signs(4)
    assert signs[i, i] == signs[j, j] == signs[k, k] == -1
    assert signs[i, j] == signs[j, k] == signs[k, i] == 1
    assert signs[j, i] == signs[k, j] == signs[i, k] == -1
    assert (signs[one] == 1).all()
    assert (signs[:, one] == 1).all()


@pytest.mark.parametrize("order", [1, 2, 8, 32])
def test_the_table_multiplies_like_the_recursion(order: int) -> None:
    rng = np.random.default_rng(order)
    x, y = rng.standard_normal((2, order))
    signs = cayley_dickson_signs(order)
    product = np.zeros(order)
    for i in range(order):
        for j in range(order):
            product[i ^ j] += signs[i, j] * x[i] * y[j]
    np.testing.assert_allclose(product, times(list(map(float, x)), list(map(float, y))), atol=1e-13)


def test_from_16_components_on_a_product_can_outgrow_its_factors() -> None:
    x, y = np.zeros((2, 16))
    x[[3, 10]] = 1
    y[[6, 15]] = 1
    lengths = [
        math.hypot(*times(list(map(float, x)), list(map(float, y * sign))))
        for sign in (np.ones(16), np.where(np.arange(16) == 15, -1.0, 1.0))
    ]
    assert sorted(lengths) == pytest.approx([0, math.sqrt(2) * math.hypot(*x) * math.hypot(*y)], abs=1e-14)


@pytest.mark.parametrize(("bands", "order"), [(2, 2), (3, 4), (7, 8)])
def test_q2n_equals_the_loop_written_definition(bands: int, order: int) -> None:
    reference, estimate = pair((bands, 32, 64), bands)
    assert q2n(reference, estimate) == pytest.approx(by_loops(reference, estimate, order), abs=1e-12)


def test_31_bands_are_numbers_of_32_components() -> None:
    reference, estimate = pair((31, 32, 32), 1)
    padded = [np.pad(cube, ((0, 1), (0, 0), (0, 0))) for cube in (reference, estimate)]
    assert q2n(reference, estimate) == pytest.approx(q2n(*padded), abs=1e-13)
    assert q2n(reference, estimate) == pytest.approx(by_loops(reference, estimate, 32), abs=1e-12)


def test_at_one_band_it_is_the_quality_index_of_each_block() -> None:
    reference, estimate = pair((1, 96, 64), 2)
    values = []
    for top in range(0, 96, 32):
        for left in range(0, 64, 32):
            x, y = (cube[0, top : top + 32, left : left + 32].ravel() for cube in (reference, estimate))
            (var_x, cov), (_, var_y) = np.cov(x, y)
            values.append(4 * cov * x.mean() * y.mean() / ((var_x + var_y) * (x.mean() ** 2 + y.mean() ** 2)))
    assert q2n(reference, estimate) == pytest.approx(np.mean(values), abs=1e-13)


@pytest.mark.parametrize("shape", [(3, 32, 64), (7, 40, 71), (31, 33, 32), (4, 63, 95)])
def test_standardised_and_mirrored_it_agrees_with_sewar(shape: tuple[int, int, int]) -> None:
    reference, estimate = pair(shape, 3)
    channels_last = [np.ascontiguousarray(cube.transpose(1, 2, 0)) for cube in (reference, estimate)]
    assert q2n(reference, estimate, standardise=True) == pytest.approx(sewar.q2n(*channels_last), abs=1e-12)


def test_an_exact_gain_has_the_closed_form() -> None:
    reference = pair((5, 32, 32), 4)[0]
    assert q2n(reference, 1.7 * reference) == pytest.approx((2 * 1.7 / (1 + 1.7**2)) ** 2, abs=1e-12)


def test_a_permutation_of_the_spectrum_is_seen() -> None:
    reference = pair((5, 32, 64), 5)[0]
    assert q2n(reference, reference[::-1]) < 0.9


def test_identical_flat_and_black_cubes_score_one() -> None:
    reference = pair((5, 40, 35), 6)[0]
    assert q2n(reference, reference.copy()) == pytest.approx(1, abs=1e-13)
    flat = np.full((5, 40, 35), 0.1)
    assert q2n(flat, flat.copy()) == pytest.approx(1, abs=1e-13)
    assert q2n(np.zeros_like(flat), np.zeros_like(flat)) == 1


def test_flat_blocks_are_judged_by_their_means() -> None:
    flat = np.full((3, 33, 32), 0.1)
    assert q2n(flat, 3 * flat) == pytest.approx(2 * 3 / (1 + 9), abs=1e-12)


def test_images_smaller_than_a_block_have_no_score() -> None:
    assert math.isnan(q2n(*pair((3, 31, 64))))
    assert math.isnan(q2n(*pair((3, 64, 31))))
