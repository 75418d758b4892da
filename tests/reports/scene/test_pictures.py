"""False colour and WebP files, against loops and by hand."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from datasets.cube_file import CubeFile
from reports.scene.error_maps import colour_errors
from reports.scene.pictures import block_means, colour_recipe, false_colour, webp_bytes

RNG = np.random.default_rng(3)
CUBE = RNG.random((9, 16, 24), dtype=np.float32)


def test_the_recipe_takes_the_bands_nearest_the_stated_wavelengths() -> None:
    nm = np.array([400.0, 452, 470, 545, 556, 600, 636, 645, 900])
    recipe = colour_recipe(CubeFile(CUBE, nm))
    assert recipe.bands == (6, 3, 1)
    assert recipe.text.startswith("red, green, blue: bands 7, 4, 2 at 636, 545, 452 nm; gain ")


def test_without_wavelengths_the_bands_are_spread_over_the_range_and_named() -> None:
    recipe = colour_recipe(CubeFile(CUBE))
    assert recipe.bands == (7, 4, 1)
    assert recipe.text.startswith("false colour: bands 8, 5, 2, centres not known; gain ")


def test_the_reference_alone_sets_the_gain() -> None:
    recipe = colour_recipe(CubeFile(CUBE, np.linspace(400, 700, 9)))
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
    dark = colour_recipe(CubeFile(np.zeros((3, 4, 5), np.float32)))
    assert dark.gain == 1
    assert false_colour(np.full((3, 4, 5), np.nan, np.float32), dark).max() == 0


def test_shrinking_averages_blocks_and_keeps_the_longer_side_in_bounds() -> None:
    image = RNG.random((70, 110))
    small = block_means(image, 32)
    assert small.shape == (18, 28)
    for row in range(18):
        for col in range(28):
            block = image[4 * row : min(4 * row + 4, 70), 4 * col : min(4 * col + 4, 110)]
            assert small[row, col] == pytest.approx(block.mean(), rel=1e-12)
    assert block_means(image, 110) is image


@pytest.mark.parametrize(("width", "exact"), [(128, True), (129, False)])
def test_webp_keeps_every_pixel_of_a_small_picture_and_nearly_all_of_a_large_one(width: int, exact: bool) -> None:
    ramp = np.add.outer(np.arange(40), np.arange(width)) % 256
    picture = np.stack([ramp, 255 - ramp, ramp // 2], -1).astype(np.uint8)
    with Image.open(BytesIO(webp_bytes(picture))) as back:
        found = np.asarray(back.convert("RGB")).astype(int)
    assert bool((found == picture).all()) == exact
    assert np.abs(found - picture).mean() < 4


@pytest.mark.parametrize(("width", "most"), [(256, 40_000), (256, 25_000), (100, 10_000)])
def test_webp_of_noise_keeps_to_the_bytes_it_is_told_and_to_no_less_quality_than_it_must(width: int, most: int) -> None:
    noise = RNG.integers(0, 256, (256, width, 3)).astype(np.uint8)
    assert most / 2 < len(webp_bytes(noise, float(most))) <= most
    flat = np.full((256, width, 3), 7, np.uint8)
    assert webp_bytes(flat, float(most)) == webp_bytes(flat)


def test_the_preview_keeps_the_longer_side_it_is_told() -> None:
    errors = RNG.random((64, 96))
    assert colour_errors(errors, 1.0, 48).shape == (32, 48, 3)
    recipe = colour_recipe(CubeFile(CUBE))
    assert false_colour(CUBE, recipe, 12).shape == (8, 12, 3)
