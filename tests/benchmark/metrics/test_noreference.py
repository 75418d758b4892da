"""D_lambda, D_s and QNR: against loops over pairs, bands and blocks, closed forms, and the sizes at which they mean nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmark.metrics.noreference import block_side, consistency, d_lambda, d_s, qnr, relations

Cube = NDArray[np.float64]


def cube(bands: int, rows: int, cols: int, seed: int) -> Cube:
    rng = np.random.default_rng(seed)
    shared = rng.random((rows, cols))
    return np.stack([0.2 + 0.5 * rng.random() * shared + 0.3 * rng.random((rows, cols)) for _ in range(bands)])


def looped_quality(x: Cube, y: Cube, side: int) -> float:
    """Q from sums over the pixels of each block, the last blocks moved inside."""
    values = []
    tops = [top for top in range(0, x.shape[0], side) if top + side <= x.shape[0]]
    lefts = [left for left in range(0, x.shape[1], side) if left + side <= x.shape[1]]
    if tops[-1] + side < x.shape[0]:
        tops.append(x.shape[0] - side)
    if lefts[-1] + side < x.shape[1]:
        lefts.append(x.shape[1] - side)
    for top in tops:
        for left in lefts:
            a, b = (image[top : top + side, left : left + side].ravel() for image in (x, y))
            covariance = np.cov(a, b, bias=True)
            values.append(
                4 * covariance[0, 1] * a.mean() * b.mean() / ((covariance[0, 0] + covariance[1, 1]) * (a.mean() ** 2 + b.mean() ** 2))
            )
    return float(np.mean(values))


def test_the_relation_of_every_band_to_bands_and_channels_is_the_quality_by_loops_over_blocks() -> None:
    first, second = cube(3, 37, 50, 0), cube(2, 37, 50, 1)
    expected = [[looped_quality(x, y, 16) for y in (*first, *second)] for x in first]
    np.testing.assert_allclose(relations(first, second, 16), expected, rtol=1e-12)
    few = np.array([2, 0])
    some = [[looped_quality(first[k], y, 16) for y in (first[2], first[0], *second)] for k in few]
    np.testing.assert_allclose(relations(first, second, 16, few), some, rtol=1e-12)


def test_the_relation_of_a_band_to_itself_is_one_and_of_flat_bands_that_of_their_means() -> None:
    some = cube(2, 32, 40, 0)
    assert np.diag(relations(some, some[:0], 32)) == pytest.approx([1, 1], abs=1e-12)
    flat = np.ones((3, 32, 40)) * np.array([0.2, 0.6, 0.0])[:, None, None]
    expected = np.array([[1, 0.6, 0], [0.6, 1, 0], [0, 0, 1]])
    np.testing.assert_allclose(relations(flat, flat[:0], 32), expected, atol=1e-12)


def test_d_lambda_is_the_mean_change_over_pairs_of_bands() -> None:
    hsi, estimate = cube(4, 34, 39, 0), cube(4, 68, 78, 1)
    changes = [
        abs(looped_quality(estimate[k], estimate[m], 32) - looped_quality(hsi[k], hsi[m], 32)) for k in range(4) for m in range(4) if k != m
    ]
    assert d_lambda(hsi, estimate) == pytest.approx(np.mean(changes), rel=1e-12)


def test_d_s_is_the_mean_change_over_bands_and_channels() -> None:
    hsi, estimate = cube(4, 18, 21, 0), cube(4, 36, 42, 1)
    msi, low = cube(2, 36, 42, 2), cube(2, 18, 21, 3)
    changes = [abs(looped_quality(estimate[k], msi[c], 16) - looped_quality(hsi[k], low[c], 16)) for k in range(4) for c in range(2)]
    assert d_s(hsi, msi, low, estimate) == pytest.approx(np.mean(changes), rel=1e-12)


def test_a_periodic_estimate_that_repeats_the_hsi_has_no_distortion() -> None:
    hsi, low = cube(5, 32, 32, 0), cube(3, 32, 32, 1)
    estimate, msi = np.tile(hsi, (1, 2, 3)), np.tile(low, (1, 2, 3))
    assert d_lambda(hsi, estimate) == pytest.approx(0, abs=1e-13)
    assert d_s(hsi, msi, low, estimate) == pytest.approx(0, abs=1e-13)
    assert qnr(0.0, 0.0) == 1


def test_independent_noise_in_the_estimate_is_seen_by_both() -> None:
    hsi, low = cube(5, 32, 32, 0), cube(3, 32, 32, 1)
    msi = np.tile(low, (1, 2, 2))
    noise = 0.3 * np.random.default_rng(2).standard_normal((5, 64, 64))
    spectral = [d_lambda(hsi, np.tile(hsi, (1, 2, 2)) + share * noise) for share in (0.1, 0.5, 1.0)]
    spatial = [d_s(hsi, msi, low, np.tile(hsi, (1, 2, 2)) + share * noise) for share in (0.1, 0.5, 1.0)]
    assert 0 < spectral[0] < spectral[1] < spectral[2]
    assert 0 < spatial[0] < spatial[1] < spatial[2]
    assert qnr(spectral[2], spatial[2]) == pytest.approx((1 - spectral[2]) * (1 - spatial[2]))


@pytest.mark.parametrize(("rows", "cols", "side"), [(15, 90, None), (90, 8, None), (16, 16, 16), (31, 99, 16), (32, 32, 32), (512, 64, 32)])
def test_blocks_are_32_where_they_fit_16_on_the_edge_and_none_below(rows: int, cols: int, side: int | None) -> None:
    assert block_side(rows, cols) == side


def test_small_hsis_and_single_bands_are_not_defined() -> None:
    assert math.isnan(d_lambda(cube(3, 15, 20, 0), cube(3, 30, 40, 0)))
    assert math.isnan(d_s(cube(3, 15, 20, 0), cube(2, 30, 40, 0), cube(2, 15, 20, 0), cube(3, 30, 40, 0)))
    assert math.isnan(d_lambda(cube(1, 20, 20, 0), cube(1, 40, 40, 0)))
    assert math.isfinite(d_s(cube(1, 20, 20, 0), cube(1, 40, 40, 0), cube(1, 20, 20, 0), cube(1, 40, 40, 0)))


@pytest.mark.parametrize("level", [0.0, 0.4])
def test_bands_that_are_constant_in_the_hsi_are_left_out_with_their_pairs(level: float) -> None:
    rng = np.random.default_rng(5)
    hsi, estimate, msi, low = cube(5, 18, 21, 0), cube(5, 36, 42, 1), cube(2, 36, 42, 2), cube(2, 18, 21, 3)
    for band in (1, 3):
        hsi[band], estimate[band] = level, level + 1e-3 * rng.standard_normal((36, 42))  # the estimate's rounding, much enlarged
    live = (0, 2, 4)
    pairs = [abs(looped_quality(estimate[k], estimate[m], 16) - looped_quality(hsi[k], hsi[m], 16)) for k in live for m in live if k != m]
    assert d_lambda(hsi, estimate) == pytest.approx(np.mean(pairs), rel=1e-12)
    changes = [abs(looped_quality(estimate[k], msi[c], 16) - looped_quality(hsi[k], low[c], 16)) for k in live for c in range(2)]
    assert d_s(hsi, msi, low, estimate) == pytest.approx(np.mean(changes), rel=1e-12)


def test_an_hsi_of_constant_bands_has_no_distortion_at_all_and_one_live_band_has_no_pair() -> None:
    hsi, estimate, msi, low = np.full((3, 20, 21), 0.4), cube(3, 40, 42, 1), cube(2, 40, 42, 2), cube(2, 20, 21, 3)
    assert math.isnan(d_lambda(hsi, estimate))
    assert math.isnan(d_s(hsi, msi, low, estimate))
    hsi[1] = cube(1, 20, 21, 0)[0]
    assert math.isnan(d_lambda(hsi, estimate))
    expected = np.mean([abs(looped_quality(estimate[1], msi[c], 16) - looped_quality(hsi[1], low[c], 16)) for c in range(2)])
    assert d_s(hsi, msi, low, estimate) == pytest.approx(expected, rel=1e-12)


def test_consistency_is_the_root_mean_square_difference() -> None:
    seen = cube(3, 4, 5, 0)
    assert consistency(seen, seen + 0.25) == pytest.approx(0.25, rel=1e-12)
    assert consistency(seen, seen) == 0
