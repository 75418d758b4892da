"""False colour and error maps, against loops and by hand."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from datasets.cube_file import CubeFile
from reports.scene.pictures import colour_bar, colour_errors, error_map, false_colour, recipe_for, shared_limit, shrink, webp

RNG = np.random.default_rng(3)
CUBE = RNG.random((9, 16, 24), dtype=np.float32)


def test_the_recipe_takes_the_bands_nearest_the_stated_wavelengths() -> None:
    nm = np.array([400.0, 452, 470, 545, 556, 600, 636, 645, 900])
    recipe = recipe_for(CubeFile(CUBE, nm))
    assert recipe.bands == (6, 3, 1)
    assert recipe.nm == (636.0, 545.0, 452.0)
    assert recipe.text.startswith("636 / 545 / 452 nm as R / G / B, gain ")


def test_without_wavelengths_the_bands_are_spread_over_the_range_and_named() -> None:
    recipe = recipe_for(CubeFile(CUBE))
    assert recipe.bands == (7, 4, 1)
    assert recipe.text.startswith("bands 8 / 5 / 2 as R / G / B")


def test_the_reference_alone_sets_the_gain() -> None:
    recipe = recipe_for(CubeFile(CUBE, np.linspace(400, 700, 9)))
    bright = np.percentile(CUBE[list(recipe.bands)], 99.5)
    assert recipe.gain == pytest.approx(1 / bright, rel=1e-6)
    red, _, blue = recipe.bands
    half = false_colour(CUBE / 2, recipe)
    for row, col in ((0, 0), (15, 23), (7, 11)):
        wanted = 255 * min(CUBE[red, row, col] / 2 / bright, 1) ** (1 / 2.2)
        assert abs(float(half[row, col, 0]) - wanted) <= 0.51
    assert false_colour(CUBE, recipe)[..., 2].max() == 255
    assert blue == 2


def test_an_all_dark_reference_and_nan_are_drawn_black() -> None:
    dark = recipe_for(CubeFile(np.zeros((3, 4, 5), np.float32)))
    assert dark.gain == 1
    assert false_colour(np.full((3, 4, 5), np.nan, np.float32), dark).max() == 0


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


def test_shrinking_averages_blocks_and_keeps_the_longer_side_in_bounds() -> None:
    image = RNG.random((70, 110))
    small = shrink(image, 32)
    assert small.shape == (18, 28)
    for row in range(18):
        for col in range(28):
            block = image[4 * row : min(4 * row + 4, 70), 4 * col : min(4 * col + 4, 110)]
            assert small[row, col] == pytest.approx(block.mean(), rel=1e-12)
    assert shrink(image, 110) is image


def test_the_preview_of_an_error_map_averages_squares() -> None:
    errors = np.zeros((512, 300))
    errors[::2, ::2] = 0.2  # blocks of 2 x 2 with one such pixel: root of 0.04 / 4
    assert (colour_errors(errors, 0.5) == colour_errors(np.full((256, 150), 0.1), 0.5)).all()


@pytest.mark.parametrize(("width", "exact"), [(128, True), (129, False)])
def test_webp_keeps_every_pixel_of_a_small_picture_and_nearly_all_of_a_large_one(width: int, exact: bool) -> None:
    ramp = np.add.outer(np.arange(40), np.arange(width)) % 256
    picture = np.stack([ramp, 255 - ramp, ramp // 2], -1).astype(np.uint8)
    with Image.open(BytesIO(webp(picture))) as back:
        found = np.asarray(back.convert("RGB")).astype(int)
    assert bool((found == picture).all()) == exact
    assert np.abs(found - picture).mean() < 4


@pytest.mark.parametrize(("width", "most"), [(256, 40_000), (256, 25_000), (100, 10_000)])
def test_webp_of_noise_keeps_to_the_bytes_it_is_told_and_to_no_less_quality_than_it_must(width: int, most: int) -> None:
    noise = RNG.integers(0, 256, (256, width, 3)).astype(np.uint8)
    assert most / 2 < len(webp(noise, float(most))) <= most
    flat = np.full((256, width, 3), 7, np.uint8)
    assert webp(flat, float(most)) == webp(flat)


def test_the_preview_keeps_the_longer_side_it_is_told() -> None:
    errors = RNG.random((64, 96))
    assert colour_errors(errors, 1.0, 48).shape == (32, 48, 3)
    recipe = recipe_for(CubeFile(CUBE))
    assert false_colour(CUBE, recipe, 12).shape == (8, 12, 3)
