from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from datasets.scene import SceneError
from datasets.synthetic import BUILTIN, Ground, generate
from datasets.synthetic_canvas import Canvas, noise
from datasets.synthetic_spectra import MATERIALS
from tests.rounding import apart, near

GROUNDS = {name: generate(recipe) for name, recipe in BUILTIN.items()}


@pytest.fixture(params=sorted(BUILTIN))
def ground(request: pytest.FixtureRequest) -> Ground:
    return GROUNDS[request.param]


def test_the_three_scenes_have_the_sizes_that_the_catalog_promises() -> None:
    shapes = {name: tuple(ground.scene.cube.shape) for name, ground in GROUNDS.items()}
    assert shapes == {"builtin/still_life": (31, 128, 128), "builtin/fields": (101, 96, 128), "builtin/textiles": (31, 96, 96)}
    assert all(side % 32 == 0 for shape in shapes.values() for side in shape[1:])


def test_each_pixel_is_the_formula_of_the_module_written_as_a_loop(ground: Ground) -> None:
    rng = np.random.default_rng(5)
    bands, rows, cols = ground.scene.cube.shape
    for _ in range(200):
        b, i, j = int(rng.integers(bands)), int(rng.integers(rows)), int(rng.integers(cols))
        reflected = 0.0
        for k in range(len(ground.endmembers)):
            reflected += float(ground.abundances[k, i, j]) * float(ground.endmembers[k, b]) ** float(ground.strength[i, j])
        shadow = float(ground.shadow[i, j])
        light = float(ground.shading[i, j]) * (1 - shadow + shadow * float(ground.sky[b]))
        value = light * reflected * float(ground.grain[b, i, j]) + float(ground.glint[i, j]) * float(ground.lamp[b])
        assert float(ground.scene.cube[b, i, j]) == pytest.approx(min(max(value, 0.0), 1.0), abs=2e-6)


def test_abundances_are_shares_that_sum_to_one(ground: Ground) -> None:
    assert float(ground.abundances.min()) >= 0
    assert (ground.abundances.double().sum(0) - 1).abs().max() < 1e-6


def test_every_endmember_is_seen_somewhere(ground: Ground) -> None:
    assert float(ground.abundances.amax((1, 2)).min()) > 0.5


def test_values_lie_in_0_to_1_and_few_are_saturated(ground: Ground) -> None:
    cube = ground.scene.cube
    assert float(cube.min()) > 0
    assert float(cube.max()) <= 1
    assert float((cube >= 1).float().mean()) < 0.01
    assert 0.05 < float(cube.mean()) < 0.4


def test_no_five_dimensional_subspace_is_exact_and_fifteen_dimensions_nearly_are(ground: Ground) -> None:
    energy = torch.linalg.svdvals(ground.scene.cube.double().flatten(1)) ** 2
    psnr = [float(-10 * torch.log10(energy[rank:].sum() / ground.scene.cube.numel())) for rank in (5, 15)]
    assert 35 < psnr[0] < 55
    assert 55 < psnr[1] < 70


def test_mixed_pixels_lie_on_outlines_and_most_objects_are_pure() -> None:
    largest = GROUNDS["builtin/still_life"].abundances.amax(0)
    assert 0.3 < float((largest > 0.999).float().mean()) < 0.98


def test_the_still_life_has_highlights_shadows_and_a_dark_background() -> None:
    ground = GROUNDS["builtin/still_life"]
    assert float(ground.glint.max()) > 0.5
    assert float(ground.shadow.max()) > 0.5
    assert float(ground.scene.cube.mean(0).quantile(0.2)) < 0.02


def test_crops_have_a_red_edge_and_water_has_none() -> None:
    ground = GROUNDS["builtin/fields"]
    names = BUILTIN["builtin/fields"].endmembers
    centres = ground.scene.wavelengths
    red, near_infrared = int((centres - 670).abs().argmin()), int((centres - 800).abs().argmin())
    crop, water = (ground.endmembers[names.index(name)] for name in ("crop", "water"))
    assert float(crop[near_infrared] / crop[red]) > 5
    assert float(water[near_infrared] / water[red]) < 1


def test_twins_look_alike_to_three_receptors_and_differ_in_spectrum() -> None:
    wavelengths = np.linspace(400.0, 700.0, 31)
    a, b = (MATERIALS[f"turquoise twin {letter}"].reflectance(wavelengths) for letter in "ab")
    receptors = np.exp(-(((wavelengths - np.array([[450.0], [545.0], [600.0]])) / 38.0) ** 2) / 2)
    seen = receptors @ (a - b) / receptors.sum(1)
    assert np.abs(seen).max() < 1e-3
    assert np.abs(a - b).max() > 0.05


@pytest.mark.parametrize("name", sorted(MATERIALS))
def test_spectra_are_smooth_and_physical(name: str) -> None:
    spectrum = MATERIALS[name].reflectance(np.arange(380.0, 1100.0, 1.0))
    assert spectrum.min() > 0
    assert spectrum.max() < 1
    assert np.abs(np.diff(spectrum)).max() < 0.03  # per nm


def test_the_same_recipe_gives_the_same_scene_and_another_seed_another() -> None:
    recipe = replace(BUILTIN["builtin/fields"], rows=32, cols=64, bands=7)
    again, other = generate(recipe), generate(replace(recipe, seed=recipe.seed + 1))
    near(generate(recipe).scene.cube, again.scene.cube)
    assert apart(other.scene.cube, again.scene.cube) > 0.1


def test_a_recipe_without_variability_is_a_linear_mixture() -> None:
    recipe = replace(BUILTIN["builtin/still_life"], rows=40, cols=24, variability=0.0, grain=0.0)
    ground = generate(recipe)
    light = ground.shading * (1 - ground.shadow + ground.shadow * ground.sky[:, None, None])
    mixture = torch.einsum("kb,khw->bhw", ground.endmembers, ground.abundances)
    expected = (light * mixture + ground.glint * ground.lamp[:, None, None]).clamp(0, 1)
    assert torch.allclose(ground.scene.cube, expected, atol=2e-6)


def test_painting_keeps_the_sum_of_abundances_at_one_and_covers_by_area() -> None:
    canvas = Canvas(16, 24, ("wood", "indigo"), "wood")
    cover = canvas.cover(np.abs(canvas.x - 0.5) * 24 / 16 - 0.25)  # a vertical bar of half the height's width: 8 of 24 columns
    canvas.paint("indigo", cover)
    assert canvas.abundances.sum(0) == pytest.approx(np.ones((16, 24)))
    assert canvas.abundances[1].sum() == pytest.approx(16 * 8)


def test_noise_has_mean_zero_and_deviation_one() -> None:
    field = noise(np.random.default_rng(1), 18, 30, 0.2)
    assert field.mean() == pytest.approx(0, abs=1e-12)
    assert field.std() == pytest.approx(1)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"layout": "seascape"}, "still_life"),
        ({"endmembers": ("wood", "kryptonite")}, "kryptonite"),
        ({"endmembers": ("wood",)}, "black velvet"),
        ({"rows": 1}, "at least 2"),
        ({"last_nm": 300.0}, "rising"),
    ],
)
def test_a_wrong_recipe_is_an_error_that_names_what_is_wrong(change: dict[str, Any], text: str) -> None:
    recipe = replace(BUILTIN["builtin/still_life"], **change)
    with pytest.raises(SceneError, match=text):
        generate(recipe)
