"""The built-in scenes: computed from formulas, with known endmembers and abundances, so that everything runs with no download.

For pixel p and band b,

    cube[b, p] = clip( light[b, p] * sum_k abundances[k, p] * endmembers[k, b] ** strength[p] * grain[b, p]  +  glint[p] * lamp[b],  0, 1 )
    light[b, p] = shading[p] * (1 - shadow[p] + shadow[p] * sky[b])

- `endmembers`: reflectance spectra (`datasets/synthetic_spectra.py`); `abundances` sum to 1 at every pixel, mixed along edges as in a
  photograph (`datasets/synthetic_layouts.py`).
- `strength`, about 1: the concentration of the colourant, by the law of Beer and Lambert. It varies from place to place, so that the
  spectra of one material lie on a curve.
- `grain`, about 1: small smooth-in-wavelength differences that no colourant explains, 1 + sum_m field_m[p] cos(m pi t[b]) / sqrt(m) with t
  from 0 to 1 over the range. With it no subspace is exact, as in measured scenes (ten dimensions explain these to 54..57 dB).
- `shadow`: the share of direct light that is blocked; a shadow is lit by the `sky`, which is bluer. `glint`: specular highlights in the
  colour of the `lamp`.

Random numbers come from numpy's Philox and the recipe's seed: the scene is the same everywhere, up to the last bits, which depend on the
mathematics library of the machine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from numpy.typing import NDArray
from torch import Tensor

from datasets.scene import Scene, SceneError
from datasets.synthetic_canvas import noise
from datasets.synthetic_layouts import LAYOUTS
from datasets.synthetic_spectra import MATERIALS


@dataclass(frozen=True)
class SyntheticRecipe:
    """Everything that defines a built-in scene."""

    name: str
    layout: str  # which picture: a key of LAYOUTS
    rows: int
    cols: int
    bands: int
    first_nm: float  # centre of the first band
    last_nm: float  # centre of the last band; the others lie evenly between
    endmembers: tuple[str, ...]  # names in MATERIALS, in the order of the abundances
    seed: int
    variability: float = 0.08  # standard deviation of `strength`
    grain: float = 0.01  # standard deviation of each field_m
    texture: float = 1.0  # contrast of the fine texture in `shading`; 0 is none


@dataclass(frozen=True, eq=False)
class Ground:
    """A built-in scene and all that it is computed from; the module docstring has the formula."""

    scene: Scene
    endmembers: Float[Tensor, "endmembers bands"]
    abundances: Float[Tensor, "endmembers H W"]
    strength: Float[Tensor, "H W"]
    grain: Float[Tensor, "bands H W"]
    shading: Float[Tensor, "H W"]
    shadow: Float[Tensor, "H W"]
    glint: Float[Tensor, "H W"]
    sky: Float[Tensor, " bands"]
    lamp: Float[Tensor, " bands"]


def generate(recipe: SyntheticRecipe) -> Ground:
    """The scene of a recipe, computed in float64 and rounded to float32.

    Raises:
        SceneError: a layout or material is unknown, or the recipe lacks a material that the layout needs.
    """
    unknown = [name for name in recipe.endmembers if name not in MATERIALS]
    if recipe.layout not in LAYOUTS or unknown:
        raise SceneError(
            f"recipe {recipe.name!r}: expected a layout among {', '.join(LAYOUTS)} and materials of datasets/synthetic_spectra.py, "
            f"got layout {recipe.layout!r} and unknown materials {unknown}"
        )
    if min(recipe.rows, recipe.cols, recipe.bands) < 2 or not recipe.first_nm < recipe.last_nm:
        raise SceneError(
            f"recipe {recipe.name!r}: expected at least 2 rows, columns and bands over a rising range, got {recipe.rows} x {recipe.cols} "
            f"x {recipe.bands} over {recipe.first_nm}..{recipe.last_nm} nm"
        )
    rng = np.random.Generator(np.random.Philox(recipe.seed))
    canvas = LAYOUTS[recipe.layout](recipe.rows, recipe.cols, recipe.endmembers, recipe.texture, rng)
    wavelengths = np.linspace(recipe.first_nm, recipe.last_nm, recipe.bands)
    endmembers = np.stack([MATERIALS[name].reflectance(wavelengths) for name in recipe.endmembers])
    strength = 1 + recipe.variability * canvas.colourant
    grain = 1 + recipe.grain * _ripples(recipe, rng)
    sky, lamp = _sky(wavelengths), _lamp(wavelengths)
    cube = np.empty((recipe.bands, recipe.rows, recipe.cols))
    for band in range(recipe.bands):
        coloured = sum(share * endmember[band] ** strength for share, endmember in zip(canvas.abundances, endmembers, strict=True))
        light = canvas.shading * (1 - canvas.shadow + canvas.shadow * sky[band])
        cube[band] = np.clip(light * coloured * grain[band] + canvas.glint * lamp[band], 0, 1)
    scene = Scene(recipe.name, _tensor(cube), _tensor(wavelengths), f"analytic scene, layout {recipe.layout}, seed {recipe.seed}")
    return Ground(
        scene=scene,
        endmembers=_tensor(endmembers),
        abundances=_tensor(canvas.abundances),
        strength=_tensor(strength),
        grain=_tensor(grain),
        shading=_tensor(canvas.shading),
        shadow=_tensor(canvas.shadow),
        glint=_tensor(canvas.glint),
        sky=_tensor(sky),
        lamp=_tensor(lamp),
    )


def _ripples(recipe: SyntheticRecipe, rng: np.random.Generator) -> NDArray[np.float64]:
    """(bands, rows, cols): the sum over m = 1..20 of field_m[p] cos(m pi t[b]) / sqrt(m), each field of standard deviation 1."""
    orders = np.arange(1, 21)
    waves = np.cos(np.pi * np.outer(np.linspace(0, 1, recipe.bands), orders)) / np.sqrt(orders)
    maps = np.stack([noise(rng, recipe.rows, recipe.cols, 0.05, 1.0) for _ in orders])
    return np.asarray(np.tensordot(waves, maps, 1))


def _sky(wavelengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Skylight in a shadow, relative to direct light: Rayleigh scattering over a grey part."""
    return 0.14 + 0.16 * (450.0 / wavelengths) ** 4


def _lamp(wavelengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colour of a highlight: nearly white, a little warm."""
    return 0.90 + 0.10 / (1 + np.exp(-(wavelengths - 540.0) / 60.0))


def _tensor(values: NDArray[np.float64]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


BUILTIN: Mapping[str, SyntheticRecipe] = {
    recipe.name: recipe
    for recipe in (
        SyntheticRecipe(
            name="builtin/still_life",
            layout="still_life",
            rows=128,
            cols=128,
            bands=31,
            first_nm=400.0,
            last_nm=700.0,
            endmembers=(
                *("black velvet", "grey cloth", "wood", "white ceramic", "black paint", "red dye", "red lacquer", "orange peel"),
                *("yellow peel", "green leaf", "green paint", "blue glaze", "cyan paint", "violet dye", "pink dye"),
            ),
            seed=20251,
        ),
        SyntheticRecipe(
            name="builtin/fields",
            layout="fields",
            rows=96,
            cols=128,
            bands=101,
            first_nm=390.0,
            last_nm=1050.0,
            endmembers=(
                *(
                    "crop",
                    "beet",
                    "rape",
                    "meadow",
                    "wheat",
                    "forest",
                    "bright soil",
                    "dark soil",
                    "water",
                    "asphalt",
                    "roof tile",
                    "metal roof",
                ),
            ),
            seed=20252,
        ),
        SyntheticRecipe(
            name="builtin/textiles",
            layout="textiles",
            rows=96,
            cols=96,
            bands=31,
            first_nm=400.0,
            last_nm=700.0,
            endmembers=(
                *("cream wool", "brown wool", "indigo", "red dye", "olive", "pink dye", "violet dye", "black paint", "white ceramic"),
                *("turquoise twin a", "turquoise twin b", "beige twin a", "beige twin b", "yellow peel", "green paint"),
            ),
            seed=20253,
        ),
    )
}
