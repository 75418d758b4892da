"""Error maps and their colours, against loops and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import colormaps

from reports.scene.error_maps import colour_bar, colour_errors, error_map, shared_limit

RNG = np.random.default_rng(3)
CUBE = RNG.random((9, 16, 24), dtype=np.float32)


def test_the_error_map_is_the_rmse_over_bands_of_each_pixel() -> None:
    other = RNG.random(CUBE.shape, dtype=np.float32)
    errors = error_map(other, CUBE)
    for row in range(16):
        for col in range(24):
            total = sum((float(other[band, row, col]) - float(CUBE[band, row, col])) ** 2 for band in range(9))
            assert errors[row, col] == pytest.approx((total / 9) ** 0.5, rel=1e-12)


def test_an_estimate_of_another_shape_is_refused_with_both_shapes() -> None:
    with pytest.raises(ValueError, match="expected an estimate of 9 x 16 x 24, got 9 x 16 x 20"):
        error_map(CUBE[:, :, :20], CUBE)


def test_the_limit_is_the_99th_percentile_of_all_maps_together() -> None:
    maps = [np.full((10, 10), 0.1), np.arange(100.0).reshape(10, 10)]
    assert shared_limit(maps) == pytest.approx(np.percentile([*([0.1] * 100), *range(100)], 99))
    assert shared_limit([]) == 1
    assert shared_limit([np.zeros((4, 4))]) == 1


def test_one_error_has_one_colour_whatever_the_map_and_the_bar_says_which() -> None:
    limit = 0.08
    stops, ticks = colour_bar(limit)
    table = colormaps["magma"]
    for place, text in ticks:
        assert float(text) == pytest.approx(limit * place**2, rel=0.05, abs=1e-9)
        pixel = colour_errors(np.full((2, 3), limit * place**2), limit)[1, 2]
        assert tuple(pixel) == tuple(np.array(table(place, bytes=True))[:3])
    assert len(stops) == 24
    assert tuple(colour_errors(np.full((1, 1), 9.0), limit)[0, 0]) == tuple(int(stops[-1][k : k + 2], 16) for k in (1, 3, 5))


def test_the_preview_of_an_error_map_averages_squares() -> None:
    errors = np.zeros((512, 300))
    errors[::2, ::2] = 0.2  # blocks of 2 x 2 with one such pixel: root of 0.04 / 4
    assert (colour_errors(errors, 0.5) == colour_errors(np.full((256, 150), 0.1), 0.5)).all()
