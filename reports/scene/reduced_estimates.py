"""The reference of one scene, and each estimate compared with it, reduced to what the page shows.

That is: previews, errors by class, and the spectra of a grid.
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
from reports.scene.pictures import ColourRecipe, Preview, block_means, colour_recipe, false_colour
from reports.scene.sensor_responses import SensorResponses, estimated_responses
from reports.scene.spectra import PixelGrid, Spectra, pixel_grid


@dataclass(frozen=True, eq=False)
class SceneReference:
    """The truth of a scene, and everything that follows from it for all estimates."""

    cube: Float[np.ndarray, "bands H W"]
    wavelengths_nm: Float[np.ndarray, " bands"] | None
    recipe: ColourRecipe
    classes: PixelClasses
    grid: PixelGrid
    spectra: Spectra
    detail: Detail


@dataclass(frozen=True, eq=False)
class ReducedEstimate:
    """One estimate, compared with the reference."""

    colour: Preview
    errors: Float[np.ndarray, "h w"]  # root mean square over the bands and over each pixel of the preview
    std: Float[np.ndarray, "h w"] | None  # the standard deviation of the posterior, by the same mean
    std_missing: str  # the reason why a stored standard deviation cannot be shown
    failure: Failure
    spectra: Spectra
    responses: SensorResponses | None  # None where the method estimated neither


def read_scene_reference(file: Path, detail: Detail) -> SceneReference | str:
    """The reference, or the reason why it cannot be shown."""
    content = read_stored_cube(file)
    if isinstance(content, str):
        return content
    grid = pixel_grid(content.cube.shape[1], content.cube.shape[2], detail.grid)
    classes = pixel_classes(content.cube)
    return SceneReference(content.cube, content.wavelengths_nm, colour_recipe(content), classes, grid, grid.take(content.cube), detail)


def reduce_estimate(file: Path, reference: SceneReference) -> ReducedEstimate | str:
    """The estimate in `file` compared with the reference, or the reason why it cannot be shown."""
    estimate = read_stored_cube(file)
    if isinstance(estimate, str):
        return estimate
    truth = reference.cube
    if estimate.cube.shape != truth.shape:
        ours, wanted = (" x ".join(str(size) for size in cube.shape) for cube in (estimate.cube, truth))
        return f"expected an estimate of {wanted}, got {ours}; run the cell again"
    pixels, bands = np.zeros(truth.shape[1:], dtype=np.float64), np.zeros(len(truth))
    for band, (ours, true) in enumerate(zip(estimate.cube, truth, strict=True)):  # one band fits into the cache of the processor
        square = (ours.astype(np.float64) - true) ** 2
        pixels += square
        bands[band] = square.sum()
    detail = reference.detail
    std = _std(std_file(file), truth, detail)
    return ReducedEstimate(
        colour=false_colour(estimate.cube, reference.recipe, detail.longest),
        errors=shrink_errors(np.sqrt(pixels / len(truth)), detail.longest),
        std=None if isinstance(std, str) else std,
        std_missing=std if isinstance(std, str) else "",
        failure=measure_failure(bands, pixels, reference.classes),
        spectra=reference.grid.take(estimate.cube),
        responses=estimated_responses(estimate.notes),
    )


def read_stored_cube(file: Path, group: str = "") -> CubeFile | str:
    """The cube, or the reason why it cannot be shown."""
    if not file.is_file():
        return f"not stored: {file.parent.name}/{file.name}"
    try:
        return read_cube(file, group)
    except CubeFileError as error:
        return f"cannot be read: {error}".replace(str(file), f"{file.parent.name}/{file.name}")


def _std(file: Path, truth: Float[np.ndarray, "bands H W"], detail: Detail) -> Float[np.ndarray, "h w"] | str | None:
    """The standard deviation of the posterior, as root mean square over the bands; None where none is stored, or why it is unusable."""
    if not file.is_file():
        return None
    content = read_stored_cube(file)
    if isinstance(content, str):
        return content
    if content.cube.shape != truth.shape:
        return f"expected {truth.shape[0]} bands of {truth.shape[1]} x {truth.shape[2]} pixels in {file.name}, got {content.cube.shape}"
    return np.asarray(np.sqrt(block_means(np.mean(content.cube.astype(np.float64) ** 2, axis=0), detail.longest)))
