"""Resampling by area against sums over a grid so fine that it holds both images."""

from __future__ import annotations

import numpy as np
import pytest

from datasets.area_resampling import area_resampled, whole_ratio


@pytest.mark.parametrize(("hsi", "msi", "true", "expected"), [
    ((30, 20), (100, 67), None, (10 / 3, 3, 90, 60)),
    ((30, 20), (100, 67), 10 / 3, (10 / 3, 3, 90, 60)),
    ((6, 9), (12, 18), None, (2.0, 2, 12, 18)),
    ((6, 9), (15, 23), 2.5, (2.5, 2, 12, 18)),
    ((6, 9), (15, 40), None, None),
    ((6, 9), (13, 20), 2.5, None),
    ((6, 9), (5, 8), None, None),
])  # fmt: skip
def test_the_next_whole_ratio_and_its_sizes(
    hsi: tuple[int, int], msi: tuple[int, int], true: float | None, expected: tuple[float, int, int, int] | None
) -> None:
    found = whole_ratio(hsi, msi, true)
    assert (None if found is None else (found.true, found.ratio, found.rows, found.cols)) == (
        None if expected is None else pytest.approx(expected)
    )


def test_a_pixel_is_the_mean_over_its_area() -> None:
    """With a factor of 10/9, nine output pixels cover ten input pixels: on a grid of ninths of a pixel, both are whole."""
    image = np.random.default_rng(1).random((2, 20, 30)).astype(np.float32)
    fine = image.repeat(9, 1).repeat(9, 2)
    expected = fine.reshape(2, 18, 10, 27, 10).mean((2, 4))
    assert area_resampled(image, 18, 27, 10 / 9) == pytest.approx(expected, abs=1e-6)


def test_a_factor_of_one_changes_nothing_and_means_are_kept() -> None:
    image = np.random.default_rng(2).random((3, 8, 12)).astype(np.float32)
    assert area_resampled(image, 8, 12, 1.0) == pytest.approx(image, abs=1e-7)
    assert area_resampled(image, 5, 7, 1.6)[:, :, :].mean() == pytest.approx(image[:, :8, :].mean(), abs=0.1)
    assert area_resampled(np.full((1, 8, 12), 0.25, np.float32), 6, 9, 4 / 3) == pytest.approx(0.25)
