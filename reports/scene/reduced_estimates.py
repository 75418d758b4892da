"""The reference of one scene, and each estimate compared with it, reduced to what the page shows.

That is: previews, errors by class, and the spectra of a grid. A real pair as it was taken has no reference: its HSI gives the colours, and
the spectra that those of the estimates are compared with, and there are no errors.
An estimate is read once, and only one of them is in memory at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from benchmark.run_folder.record import std_file
from datasets.cube_file import CubeFile, CubeFileError, read_cube
from reports.scene.detail import Detail
from reports.scene.error_maps import shrink_errors
from reports.scene.failure import Failure, PixelClasses, measure_failure, pixel_classes
from reports.scene.pair_inputs import PairInputs, read_pair_inputs
from reports.scene.pictures import ColourRecipe, Preview, block_means, colour_recipe, false_colour
from reports.scene.sensor_responses import SensorResponses, estimated_responses
from reports.scene.spectra import PixelGrid, Spectra, pixel_grid


@dataclass(frozen=True, eq=False)
class SceneReference:
    """The truth of a scene, and everything that follows from it for all estimates."""

    cube: Float[np.ndarray, "bands H W"] | None  # None: a real pair as it was taken
    shape: tuple[int, int, int]  # bands, rows and columns of an estimate
    wavelengths_nm: Float[np.ndarray, " bands"] | None
    recipe: ColourRecipe
    classes: PixelClasses | None
    grid: PixelGrid
    spectra: Spectra  # of the truth; of a real pair those of the coarse pixels that cover the grid's
    detail: Detail
    pair: PairInputs | None = None


@dataclass(frozen=True, eq=False)
class ReducedEstimate:
    """One estimate, compared with the reference."""

    colour: Preview
    bands: Float[np.ndarray, "3 H W"] | None  # of the recipe, for a zoom; None where there are errors
    errors: Float[np.ndarray, "h w"] | None  # root mean square over the bands and over each pixel of the preview; None without a truth
    angles: Float[np.ndarray, "h w"] | None  # degrees, the mean over each pixel of the preview; None without a truth
    std: Float[np.ndarray, "h w"] | None  # the standard deviation of the posterior, by the same mean
    std_missing: str  # the reason why a stored standard deviation cannot be shown
    failure: Failure | None  # None without a truth
    spectra: Spectra
    responses: SensorResponses | None  # None where the method estimated neither


def read_scene_reference(file: Path, detail: Detail) -> SceneReference | str:
    """The reference, or the reason why it cannot be shown."""
    content = read_stored_cube(file)
    if isinstance(content, str):
        return content
    grid = pixel_grid(content.cube.shape[1], content.cube.shape[2], detail.grid)
    classes = pixel_classes(content.cube)
    shape, recipe = content.cube.shape, colour_recipe(content)
    return SceneReference(content.cube, shape, content.wavelengths_nm, recipe, classes, grid, grid.take(content.cube), detail)


def read_pair_reference(file: Path, detail: Detail) -> SceneReference | str:
    """What stands in for the reference of a real pair as it was taken, from the file of its observation, or the reason why it cannot."""
    pair = read_pair_inputs(file)
    if isinstance(pair, str):
        return pair
    grid = pixel_grid(*pair.shape[1:], detail.grid)
    below = PixelGrid(pair.covering(0, grid.rows), pair.covering(1, grid.cols))
    recipe = colour_recipe(pair.hsi)
    return SceneReference(None, pair.shape, pair.hsi.wavelengths_nm, recipe, None, grid, below.take(pair.hsi.cube), detail, pair)


def reduce_estimate(file: Path, reference: SceneReference) -> ReducedEstimate | str:
    """The estimate in `file` compared with the reference, or the reason why it cannot be shown."""
    estimate = read_stored_cube(file)
    if isinstance(estimate, str):
        return estimate
    if estimate.cube.shape != reference.shape:
        ours, wanted = (" x ".join(str(size) for size in shape) for shape in (estimate.cube.shape, reference.shape))
        return f"expected an estimate of {wanted}, got {ours}; run the cell again"
    detail = reference.detail
    std = _std(std_file(file), reference.shape, detail)
    errors, angles, failure = _compared(estimate.cube, reference)
    return ReducedEstimate(
        colour=false_colour(estimate.cube, reference.recipe, detail.longest),
        bands=estimate.cube[list(reference.recipe.bands)] if reference.cube is None else None,
        errors=errors,
        angles=angles,
        std=None if isinstance(std, str) else std,
        std_missing=std if isinstance(std, str) else "",
        failure=failure,
        spectra=reference.grid.take(estimate.cube),
        responses=estimated_responses(estimate.notes),
    )


def _compared(
    estimate: Float[np.ndarray, "bands H W"], reference: SceneReference
) -> tuple[Float[np.ndarray, "h w"] | None, Float[np.ndarray, "h w"] | None, Failure | None]:
    """The errors and the spectral angles of the preview, and the errors by class; None without a truth."""
    truth, classes = reference.cube, reference.classes
    if truth is None or classes is None:
        return None, None, None
    pixels, product, ours2, true2 = (np.zeros(truth.shape[1:], dtype=np.float64) for _ in range(4))
    bands = np.zeros(len(truth))
    for band, (ours, true) in enumerate(zip(estimate, truth, strict=True)):  # one band fits into the cache of the processor
        mine, right = ours.astype(np.float64), true.astype(np.float64)
        square = (mine - right) ** 2
        pixels += square
        bands[band] = square.sum()
        product += mine * right
        ours2 += mine**2
        true2 += right**2
    longest, sizes = reference.detail.longest, np.sqrt(ours2 * true2)
    cosine = np.divide(product, sizes, out=np.ones_like(product), where=sizes > 0)
    angles = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    errors = shrink_errors(np.sqrt(pixels / len(truth)), longest)
    return errors, np.asarray(block_means(angles, longest)), measure_failure(bands, pixels, classes)


def read_stored_cube(file: Path, group: str = "") -> CubeFile | str:
    """The cube, or the reason why it cannot be shown."""
    if not file.is_file():
        return f"not stored: {file.parent.name}/{file.name}"
    try:
        return read_cube(file, group)
    except CubeFileError as error:
        return f"cannot be read: {error}".replace(str(file), f"{file.parent.name}/{file.name}")


def _std(file: Path, shape: tuple[int, int, int], detail: Detail) -> Float[np.ndarray, "h w"] | str | None:
    """The standard deviation of the posterior, as root mean square over the bands; None where none is stored, or why it is unusable."""
    if not file.is_file():
        return None
    content = read_stored_cube(file)
    if isinstance(content, str):
        return content
    if content.cube.shape != shape:
        return f"expected {shape[0]} bands of {shape[1]} x {shape[2]} pixels in {file.name}, got {content.cube.shape}"
    return np.asarray(np.sqrt(block_means(np.mean(content.cube.astype(np.float64) ** 2, axis=0), detail.longest)))
