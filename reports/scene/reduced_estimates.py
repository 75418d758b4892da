"""One scene's reference, and each estimate against it, reduced to what the page shows: previews, errors by class, spectra of a grid.

An estimate is read once, and no two are in memory together.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np
from jaxtyping import Float

from datasets.cube_file import CubeFile, CubeFileError, read_cube
from reports.scene.failure import Failure, PixelClasses, measure_failure, pixel_classes
from reports.scene.pictures import LONGEST, Preview, Recipe, false_colour, recipe_for, shrink, shrink_errors
from reports.scene.sensor_responses import Responses, estimated_responses
from reports.scene.spectra import GRID, PixelGrid, Spectra, pixel_grid


@dataclass(frozen=True)
class Detail:
    """How much of each estimate the page holds."""

    longest: int = LONGEST  # pixels, the longer side of a preview
    grid: int = GRID  # pixels along each side of the grid of spectra
    most: float = inf  # bytes a picture


@dataclass(frozen=True, eq=False)
class Reference:
    """The truth of a scene, with what is fixed by it."""

    cube: Float[np.ndarray, "bands H W"]
    wavelengths_nm: Float[np.ndarray, " bands"] | None
    recipe: Recipe
    classes: PixelClasses
    grid: PixelGrid
    spectra: Spectra
    detail: Detail


@dataclass(frozen=True, eq=False)
class Comparison:
    """One estimate against the reference."""

    colour: Preview
    errors: Float[np.ndarray, "h w"]  # root mean square over bands and over a preview's pixel
    std: Float[np.ndarray, "h w"] | None  # the posterior's standard deviation, likewise
    std_missing: str  # why a stored one cannot be shown
    failure: Failure
    spectra: Spectra
    responses: Responses | None  # None where the method estimated neither


def read_reference(file: Path, detail: Detail) -> Reference | str:
    """The reference, or why it cannot be shown."""
    content = read_stored_cube(file)
    if isinstance(content, str):
        return content
    grid = pixel_grid(content.cube.shape[1], content.cube.shape[2], detail.grid)
    classes = pixel_classes(content.cube)
    return Reference(content.cube, content.wavelengths_nm, recipe_for(content), classes, grid, grid.take(content.cube), detail)


def compare(file: Path, reference: Reference) -> Comparison | str:
    """The estimate in `file` against the reference, or why it cannot be shown."""
    estimate = read_stored_cube(file)
    if isinstance(estimate, str):
        return estimate
    truth = reference.cube
    if estimate.cube.shape != truth.shape:
        ours, wanted = (" x ".join(str(size) for size in cube.shape) for cube in (estimate.cube, truth))
        return f"expected an estimate of {wanted}, got {ours}; run the cell again"
    pixels, bands = np.zeros(truth.shape[1:], dtype=np.float64), np.zeros(len(truth))
    for band, (ours, true) in enumerate(zip(estimate.cube, truth, strict=True)):  # a band fits in the processor's cache
        square = (ours.astype(np.float64) - true) ** 2
        pixels += square
        bands[band] = square.sum()
    detail = reference.detail
    std = _std(file.with_name(f"{file.stem}_std.h5"), truth, detail)
    return Comparison(
        colour=false_colour(estimate.cube, reference.recipe, detail.longest),
        errors=shrink_errors(np.sqrt(pixels / len(truth)), detail.longest),
        std=None if isinstance(std, str) else std,
        std_missing=std if isinstance(std, str) else "",
        failure=measure_failure(bands, pixels, reference.classes),
        spectra=reference.grid.take(estimate.cube),
        responses=estimated_responses(estimate.notes),
    )


def read_stored_cube(file: Path, group: str = "") -> CubeFile | str:
    """The cube, or why it cannot be shown."""
    if not file.is_file():
        return f"not stored: {file.parent.name}/{file.name}"
    try:
        return read_cube(file, group)
    except CubeFileError as error:
        return f"cannot be read: {error}".replace(str(file), f"{file.parent.name}/{file.name}")


def _std(file: Path, truth: Float[np.ndarray, "bands H W"], detail: Detail) -> Float[np.ndarray, "h w"] | str | None:
    """The posterior's standard deviation, root mean square over bands; None where none is stored."""
    if not file.is_file():
        return None
    content = read_stored_cube(file)
    if isinstance(content, str):
        return content
    if content.cube.shape != truth.shape:
        return f"expected {truth.shape[0]} bands of {truth.shape[1]} x {truth.shape[2]} pixels in {file.name}, got {content.cube.shape}"
    return np.asarray(np.sqrt(shrink(np.mean(content.cube.astype(np.float64) ** 2, axis=0), detail.longest)))
