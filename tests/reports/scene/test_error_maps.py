"""Error maps and their colours, against loops and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib import colormaps

from reports.scene.error_maps import clipped_share, colour_errors, colour_scale, error_map, round_up, shared_limit

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


def test_one_method_that_is_far_off_does_not_make_the_other_maps_uniform() -> None:
    """Seven maps near 0.01 beside one near 0.5: nearly all pixels of the seven use the scale, and the last one is clipped."""
    good = [RNG.random((40, 50)) * 0.01 * (1 + place / 10) for place in range(7)]
    bad = 0.3 + 0.4 * RNG.random((40, 50))
    limit = shared_limit([*good, bad])
    assert 0.01 <= limit <= 0.02
    assert all(np.ptp(colour_errors(each, limit).astype(int).sum(axis=2)) > 200 for each in good)
    assert clipped_share(bad, limit) == 1
    assert max(clipped_share(each, limit) for each in good) < 0.1
    assert shared_limit([]) == 1
    assert shared_limit([np.zeros((4, 4))]) == 1


def test_the_limit_is_a_median_of_percentiles_rounded_up() -> None:
    maps = [np.full((3, 5), value) for value in (0.0021, 0.03, 0.9)]
    assert shared_limit(maps) == 0.03
    assert shared_limit(maps[:2]) == 0.008  # of two the geometric mean, 0.00794
    ramp = np.arange(100.0).reshape(10, 10)
    assert shared_limit([ramp]) == 100
    assert shared_limit([ramp], 50.0) == 50


@pytest.mark.parametrize("value", [0.0097, 0.0388, 0.15, 1.0, 7.3, 83.0])
def test_ends_and_ticks_are_round_numbers(value: float) -> None:
    limit = round_up(value)
    assert value <= limit <= 1.3 * value
    scale = colour_scale(limit)
    assert scale.ticks[0] == (0.0, "0")
    assert scale.ticks[-1] == (1.0, f"{limit:g}")
    for place, text in scale.ticks:
        assert float(text) == pytest.approx(limit * place**2, abs=1e-12)
        assert len(text.lstrip("0.").replace(".", "").rstrip("0")) <= 2
    assert all(float(text) == 0 or f"{float(text):e}"[0] in "125" for _, text in scale.ticks[:-1])
    assert len(scale.ticks) >= 4
    places = [place for place, _ in scale.ticks]
    assert min(np.diff(places)) > 0.12


def test_one_error_has_one_colour_whatever_the_map_and_the_bar_says_which() -> None:
    scale = colour_scale(0.08)
    table = colormaps["magma"]
    for place, _ in scale.ticks:
        pixel = colour_errors(np.full((2, 3), 0.08 * place**2), 0.08)[1, 2]
        near = np.array(table(round(place * 63) / 63, bytes=True))[:3]
        assert np.abs(pixel.astype(int) - near).max() == 0
    assert len(scale.stops) == 24
    assert tuple(colour_errors(np.full((1, 1), 9.0), 0.08)[0, 0]) == tuple(int(scale.stops[-1][k : k + 2], 16) for k in (1, 3, 5))


def test_the_preview_of_an_error_map_averages_squares() -> None:
    errors = np.zeros((512, 300))
    errors[::2, ::2] = 0.2  # blocks of 2 x 2 with one such pixel: root of 0.04 / 4
    assert (colour_errors(errors, 0.5) == colour_errors(np.full((256, 150), 0.1), 0.5)).all()
