"""One scene of a protocol for the figures of a paper: the reference, the estimates of a few methods, and where to look, all by fixed rules.

scene    that on which the best ranked method has its median score (the lower one of two)
methods  the best ranked row of each tier, then the next best rows, `MOST` in all; of several seeds the lowest with scores
zoom     the window of a sixth of the longer side in which the methods' error maps differ most (standard deviation between them)
pixels   of a grid of 16 x 16: the brightest one, then each time the one whose spectrum is at the widest angle from those before
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from benchmark.run_folder.record import Result
from datasets.cube_file import CubeFile, CubeFileError, read_cube
from reports.images import Map, Recipe, error_map, recipe_for
from reports.responses import Responses, estimated_responses, true_responses
from reports.summary import Row, Summary

MOST = 5  # methods
PIXELS = 4
_GRID = 16

Crop = Float[np.ndarray, "3 H W"]
Curve = Float[np.ndarray, " bands"]


@dataclass(frozen=True, eq=False)
class Shown:
    """One method's estimate, reduced to what the figures need."""

    label: str
    tier: str
    colour: Crop  # the recipe's three bands
    errors: Map
    curves: tuple[Curve, ...]  # at the chosen pixels
    responses: Responses | None


@dataclass(frozen=True, eq=False)
class SceneView:
    """What the figures show of one scene."""

    protocol: str
    scene: str
    recipe: Recipe
    nm: Float[np.ndarray, " bands"] | None
    colour: Crop
    curves: tuple[Curve, ...]
    pixels: tuple[tuple[int, int], ...]  # (row, column)
    zoom: tuple[int, int, int]  # first row and column, side
    methods: tuple[Shown, ...]
    true: Responses | None


def choose(summary: Summary) -> tuple[str, list[tuple[Row, Result]]]:
    """The scene, and the methods with the record that stands for each; none where nothing is ranked."""
    lead = summary.scores[0]
    sign = -1 if lead.higher_is_better is False else 1
    ranked = sorted(
        (row for row in summary.rows if row.ranked and row.values[lead.key].mean is not None),
        key=lambda row: -sign * (row.values[lead.key].mean or 0),
    )
    if not ranked:
        return "", []
    scores = sorted((lead.of(r) or 0.0, r.scene) for r in ranked[0].results if r.seed == ranked[0].results[0].seed)
    scene = scores[(len(scores) - 1) // 2][1]
    first = [next(row for row in ranked if row.tier == tier) for tier in dict.fromkeys(row.tier for row in ranked)]
    rows = [*first, *(row for row in ranked if row not in first)][:MOST]
    rows.sort(key=ranked.index)
    return scene, [(row, min((r for r in row.results if r.scene == scene), key=lambda r: r.seed)) for row in rows]


def view_files(folder: Path, chosen: Sequence[tuple[Row, Result]]) -> list[Path]:
    """The files that a view is made from."""
    if not chosen:
        return []
    first = chosen[0][1]
    made_from = [folder / "scenes" / f"{first.scene_digest}.h5", folder / "responses" / f"{first.observation_digest}.h5"]
    return [*made_from, *(folder / "estimates" / f"{result.key}.h5" for _, result in chosen)]


def view_scene(folder: Path, summary: Summary) -> SceneView | None:
    """The view of the summary's chosen scene; None where its reference, or every estimate, is not stored or cannot be read."""
    scene, chosen = choose(summary)
    reference = _read(folder / "scenes" / f"{chosen[0][1].scene_digest}.h5") if chosen else None
    if reference is None:
        return None
    recipe, pixels = recipe_for(reference), spread_pixels(reference.cube)
    methods = []
    for row, result in chosen:  # one estimate in memory at a time
        estimate = _read(folder / "estimates" / f"{result.key}.h5")
        if estimate is not None and estimate.cube.shape == reference.cube.shape:
            errors = error_map(estimate.cube, reference.cube)
            bands = estimate.cube[list(recipe.bands)]
            methods.append(Shown(row.label, row.tier, bands, errors, _curves(estimate, pixels), estimated_responses(estimate.notes)))
    if not methods:
        return None
    return SceneView(
        protocol=summary.name,
        scene=scene,
        recipe=recipe,
        nm=reference.wavelengths_nm,
        colour=reference.cube[list(recipe.bands)],
        curves=_curves(reference, pixels),
        pixels=pixels,
        zoom=widest_window([shown.errors for shown in methods]),
        methods=tuple(methods),
        true=true_responses(folder / "responses" / f"{chosen[0][1].observation_digest}.h5"),
    )


def spread_pixels(cube: Float[np.ndarray, "bands H W"], wanted: int = PIXELS) -> tuple[tuple[int, int], ...]:
    """Pixels whose spectra differ most in angle, the brightest one first."""
    rows, cols = ((2 * np.arange(min(_GRID, size)) + 1) * size // (2 * min(_GRID, size)) for size in cube.shape[1:])
    places = [(int(row), int(col)) for row in rows for col in cols]
    spectra = np.stack([cube[:, row, col] for row, col in places]).astype(np.float64)
    sizes = np.linalg.norm(spectra, axis=1)
    bright = np.flatnonzero(sizes >= 0.05 * sizes.max()) if sizes.max() > 0 else np.arange(len(places))  # angles of dark pixels are noise
    unit = spectra / np.where(sizes > 0, sizes, 1)[:, None]
    found = [int(sizes.argmax())]
    while len(found) < min(wanted, len(bright)):
        closest = (unit[bright] @ unit[found].T).max(axis=1)
        found.append(int(bright[int(closest.argmin())]))
    return tuple(places[place] for place in dict.fromkeys(found))


def widest_window(maps: Sequence[Map]) -> tuple[int, int, int]:
    """First row, first column and side of the square window in which these maps differ most; of one map, that of the largest errors."""
    stack = np.stack(maps)
    differ = stack.std(axis=0) if len(maps) > 1 else stack[0]
    height, width = differ.shape
    side = max(1, min(height, width, max(height, width) // 6))
    sums = np.pad(differ.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    row, col = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(row), int(col), side


def _curves(content: CubeFile, pixels: Sequence[tuple[int, int]]) -> tuple[Curve, ...]:
    return tuple(content.cube[:, row, col].astype(np.float64) for row, col in pixels)


def _read(file: Path) -> CubeFile | None:
    """The cube; None where there is none that can be read, which the page says where it matters."""
    try:
        return read_cube(file)
    except CubeFileError:
        return None
