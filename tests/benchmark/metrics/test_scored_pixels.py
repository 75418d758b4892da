"""Scores under a mask: against the formulas at the scored pixels, and windows looked at one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from skimage.metrics import structural_similarity

from benchmark.metrics.q2n import q2n
from benchmark.metrics.scored_pixels import ATTRIBUTE, packed_mask, scored_pixels, whole_windows
from benchmark.metrics.structural import ssim, uiqi
from benchmark.metrics.textbook import score
from datasets.cube_file import CubeFile, read_cube, write_cube

BANDS, ROWS, COLS = 4, 37, 71


@pytest.fixture
def pair() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(5)
    reference = rng.random((BANDS, ROWS, COLS)).astype(np.float32)
    estimate = (reference + 0.05 * rng.standard_normal(reference.shape)).astype(np.float32)
    mask = np.ones((ROWS, COLS), bool)
    mask[3, 50], mask[20:25, 60:64], mask[36, 0] = False, False, False
    return reference, estimate, mask


def windows(mask: np.ndarray, side: int) -> list[tuple[int, int]]:
    places = [(row, col) for row in range(ROWS - side + 1) for col in range(COLS - side + 1)]
    return [(row, col) for row, col in places if mask[row : row + side, col : col + side].all()]


def test_what_lies_under_the_mask_changes_no_score_and_all_else_does(pair: tuple[np.ndarray, ...]) -> None:
    reference, estimate, mask = pair
    clean = score(reference, estimate, 4, mask)
    spoilt, wild = reference.copy(), estimate.copy()
    spoilt[:, ~mask], wild[:, ~mask] = 7.0, -3.0
    assert score(spoilt, wild, 4, mask) == pytest.approx(clean, rel=1e-9)
    wild[:, 3, 49] += 1
    changed = score(spoilt, wild, 4, mask)
    assert all(changed[name] != clean[name] for name in ("psnr", "psnr_cube", "ssim", "sam", "ergas", "uiqi", "rmse", "cc", "out_of_range"))
    assert clean["pixels_left_out"] == 22
    assert score(reference, estimate, 4)["pixels_left_out"] == 0


def test_metrics_of_pixels_are_the_formulas_at_the_scored_pixels(pair: tuple[np.ndarray, ...]) -> None:
    reference, estimate, mask = pair
    x, y = (cube.astype(np.float64)[:, mask] for cube in (reference, estimate))
    scores = score(reference, estimate, 4, mask)
    mse = ((x - y) ** 2).mean(axis=1)
    assert scores["psnr"] == pytest.approx(np.mean(-10 * np.log10(mse)))
    assert scores["rmse"] == pytest.approx(np.sqrt(mse.mean()))
    assert scores["ergas"] == pytest.approx(25 * np.sqrt(np.mean(mse / x.mean(axis=1) ** 2)))
    cosine = (x * y).sum(0) / np.linalg.norm(x, axis=0) / np.linalg.norm(y, axis=0)
    assert scores["sam"] == pytest.approx(np.degrees(np.arccos(cosine)).mean())
    assert scores["cc"] == pytest.approx(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(x, y, strict=True)]))


def test_windows_that_hold_a_left_out_pixel_do_not_count(pair: tuple[np.ndarray, ...]) -> None:
    reference, estimate, mask = pair
    for side in (8, 11):
        assert np.argwhere(whole_windows(mask, side)).tolist() == [list(place) for place in windows(mask, side)]
    maps = [
        structural_similarity(
            a.astype(float), b.astype(float), gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1.0, full=True
        )[1]
        for a, b in zip(reference, estimate, strict=True)
    ]
    expected = np.mean([band[row + 5, col + 5] for band in maps for row, col in windows(mask, 11)])
    assert ssim(reference, estimate, mask) == pytest.approx(expected, abs=1e-6)
    values = []
    for a, b in zip(reference.astype(float), estimate.astype(float), strict=True):
        for row, col in windows(mask, 8):
            x, y = a[row : row + 8, col : col + 8].ravel(), b[row : row + 8, col : col + 8].ravel()
            covariance = np.cov(x, y, bias=True)
            level = 2 * x.mean() * y.mean() / (x.mean() ** 2 + y.mean() ** 2)
            values.append(level * 2 * covariance[0, 1] / (covariance[0, 0] + covariance[1, 1]))
    assert uiqi(reference, estimate, mask) == pytest.approx(np.mean(values), abs=1e-9)


def test_blocks_that_hold_a_left_out_pixel_do_not_count() -> None:
    rng = np.random.default_rng(6)
    reference = rng.random((3, 64, 96))
    estimate = reference + 0.1 * rng.random(reference.shape)
    mask = np.ones((64, 96), bool)
    mask[40, 5] = mask[63, 31] = False  # both in the block of rows 32..63 and columns 0..31
    others = [(0, 0), (0, 32), (0, 64), (32, 32), (32, 64)]
    expected = np.mean([q2n(reference[:, r : r + 32, c : c + 32], estimate[:, r : r + 32, c : c + 32]) for r, c in others])
    assert q2n(reference, estimate, mask=mask) == pytest.approx(expected)


def test_where_no_window_is_whole_nothing_is_made_up(pair: tuple[np.ndarray, ...]) -> None:
    reference, estimate, _ = pair
    mask = np.zeros((ROWS, COLS), bool)
    mask[::2, 5] = True
    scores = score(reference, estimate, 4, mask)
    assert {name for name, value in scores.items() if value is None} == {"ssim", "uiqi", "q2n"}


def test_a_band_that_is_constant_at_the_scored_pixels_is_left_out(pair: tuple[np.ndarray, ...]) -> None:
    reference, estimate, mask = pair
    reference[2] = 0.25
    reference[2, ~mask] = 0.9
    scores = score(reference, estimate, 4, mask)
    assert scores["bands_left_out"] == 1
    rest = [0, 1, 3]
    assert scores["ssim"] == pytest.approx(ssim(reference[rest], estimate[rest], mask))
    assert scores["uiqi"] == pytest.approx(uiqi(reference[rest], estimate[rest], mask))


def test_a_mask_survives_the_file_of_the_reference(pair: tuple[np.ndarray, ...], tmp_path: Path) -> None:
    reference, _, mask = pair
    write_cube(tmp_path / "a.h5", CubeFile(reference, None, "a", {ATTRIBUTE: packed_mask(mask)}))
    back = scored_pixels(read_cube(tmp_path / "a.h5"))
    assert back is not None
    assert np.array_equal(back, mask)
    assert scored_pixels(CubeFile(reference)) is None
    with pytest.raises(ValueError, match="one bit for each of 37 x 71 pixels"):
        scored_pixels(CubeFile(reference, notes={ATTRIBUTE: packed_mask(mask)[:-1]}))
