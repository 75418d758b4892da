"""One scene of a protocol for the figures of a paper: the reference, the estimates of a few methods, and where to look; all by fixed rules.

scene    the one on which the best ranked method has its median score (the lower one of two)
methods  the best ranked row of each tier, then the next best rows, `MOST_METHODS` in all; of several seeds the lowest with scores
zoom     the window, a sixth of the longer side wide, in which the error maps of the methods differ most (standard deviation between them)
pixels   on a grid of 16 x 16: the brightest pixel, and then, again and again, the one whose spectrum has the widest angle to those before

A real pair as it was taken has no reference: its HSI stands in for it, each fine pixel with the coarse one that covers it; there are no
error maps, and the zoom is where the estimates' three bands of the recipe differ most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.record import Result
from datasets.cube_file import CubeFile, CubeFileError, read_cube
from reports.content.method_series import series_numbers
from reports.content.row import Row
from reports.content.summary import Summary
from reports.scene.display_channels import DisplayChannels, msi_channels
from reports.scene.error_maps import ErrorMap, error_map
from reports.scene.pair_inputs import read_pair_inputs
from reports.scene.pictures import ColourRecipe, colour_recipe
from reports.scene.sensor_responses import SensorResponses, estimated_responses, true_responses

MOST_METHODS = 5
PIXELS = 4
_GRID = 16

Bands = Float[np.ndarray, "3 H W"]
Curve = Float[np.ndarray, " bands"]


@dataclass(frozen=True)
class Wish:
    """What a person wants to see of a scene, in the place of what the rules choose."""

    zoom: tuple[int, int, int] | None = None  # first row and column, side
    pixels: tuple[tuple[int, int], ...] = ()  # (row, column)
    bands: tuple[int, int, int] | None = None  # shown as red, green and blue, counted from 0


_RULES = Wish()


@dataclass(frozen=True, eq=False)
class ViewedEstimate:
    """The estimate of one method, reduced to what the figures need."""

    label: str
    tier: str
    series: int  # decides its colour and dash
    colour: Bands  # the three bands of the recipe
    errors: ErrorMap | None  # None without a truth
    curves: tuple[Curve, ...]  # at the chosen pixels
    responses: SensorResponses | None


@dataclass(frozen=True, eq=False)
class SceneView:
    """What the figures show of one scene."""

    protocol: str
    scene: str
    recipe: ColourRecipe
    nm: Float[np.ndarray, " bands"] | None
    colour: Bands  # of the reference; of a real pair, of its HSI
    curves: tuple[Curve, ...]
    pixels: tuple[tuple[int, int], ...]  # (row, column)
    zoom: tuple[int, int, int]  # first row and column, side
    methods: tuple[ViewedEstimate, ...]
    true: SensorResponses | None
    msi: Bands | None = None  # only of a real pair as it was taken
    msi_channels: DisplayChannels | None = None  # those of `msi`
    zoom_asked: bool = False  # whether a person has chosen the window

    @property
    def baseline(self) -> str:
        """What the estimates are compared with, in one word."""
        return "truth" if self.msi is None else "HSI"


def choose_scene(summary: Summary) -> tuple[str, list[tuple[Row, Result]]]:
    """The scene, and the methods with the one record that is drawn for each; empty where nothing is ranked."""
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
    rows = [*first, *(row for row in ranked if row not in first)][:MOST_METHODS]
    rows.sort(key=ranked.index)
    return scene, [(row, min((r for r in row.results if r.scene == scene), key=lambda r: r.seed)) for row in rows]


def view_files(run: RunFolder, chosen: Sequence[tuple[Row, Result]]) -> list[Path]:
    """The files from which a view is made."""
    if not chosen:
        return []
    first = chosen[0][1]
    compared = run.reference(first.scene_digest) if first.has_reference else run.observation(first.observation_digest)
    shared = [compared, run.responses(first.observation_digest)]
    return [*shared, *(run.estimate(result.key) for _, result in chosen)]


def view_scene(run: RunFolder, summary: Summary, series: Mapping[tuple[str, str], int] | None = None) -> SceneView | None:
    """The view of the chosen scene; None where its reference (or its pair), or every estimate, is missing or cannot be read.

    `series` are the numbers of the rows in the whole report.
    """
    scene, chosen = choose_scene(summary)
    return view_chosen(run, summary.name, scene, chosen, series or series_numbers([summary]))


def view_chosen(
    run: RunFolder,
    protocol: str,
    scene: str,
    chosen: Sequence[tuple[Row, Result]],
    series: Mapping[tuple[str, str], int],
    wish: Wish = _RULES,
) -> SceneView | None:
    """The view of a scene with these methods and the record of each; what `wish` leaves open follows the rules above."""
    if chosen and not chosen[0][1].has_reference:
        return _view_pair(run, protocol, scene, chosen, series, wish)
    reference = _read(run.reference(chosen[0][1].scene_digest)) if chosen else None
    if reference is None:
        return None
    recipe, pixels = colour_recipe(reference, wish.bands), wish.pixels or spread_pixels(reference.cube)
    methods = []
    for row, result in chosen:  # only one estimate is in memory at a time
        estimate = _read(run.estimate(result.key))
        if estimate is not None and estimate.cube.shape == reference.cube.shape:
            errors = error_map(estimate.cube, reference.cube)
            bands = estimate.cube[list(recipe.bands)]
            methods.append(_viewed(row, series, bands, errors, _curves(estimate, pixels), estimate))
    if not methods:
        return None
    return SceneView(
        protocol=protocol,
        scene=scene,
        recipe=recipe,
        nm=reference.wavelengths_nm,
        colour=reference.cube[list(recipe.bands)],
        curves=_curves(reference, pixels),
        pixels=pixels,
        zoom=wish.zoom or widest_window([each.errors for each in methods if each.errors is not None]),
        methods=tuple(methods),
        zoom_asked=wish.zoom is not None,
        true=true_responses(run.responses(chosen[0][1].observation_digest)),
    )


def _viewed(
    row: Row, series: Mapping[tuple[str, str], int], bands: Bands, errors: ErrorMap | None, curves: tuple[Curve, ...], content: CubeFile
) -> ViewedEstimate:
    return ViewedEstimate(row.label, row.tier, series[row.label, row.tier], bands, errors, curves, estimated_responses(content.notes))


def _view_pair(
    run: RunFolder,
    protocol: str,
    scene: str,
    chosen: Sequence[tuple[Row, Result]],
    series: Mapping[tuple[str, str], int],
    wish: Wish = _RULES,
) -> SceneView | None:
    """The view of a real pair as it was taken; the pixels are those in the middle of chosen coarse pixels."""
    pair = read_pair_inputs(run.observation(chosen[0][1].observation_digest))
    if isinstance(pair, str):
        return None
    recipe = colour_recipe(pair.hsi, wish.bands)
    coarse = tuple(map(pair.coarse, wish.pixels)) or spread_pixels(pair.hsi.cube)
    pixels = wish.pixels or tuple(pair.middle(row, col) for row, col in coarse)
    methods = []
    for row, result in chosen:  # only one estimate is in memory at a time
        estimate = _read(run.estimate(result.key))
        if estimate is not None and estimate.cube.shape == pair.shape:
            bands = estimate.cube[list(recipe.bands)]
            methods.append(_viewed(row, series, bands, None, _curves(estimate, pixels), estimate))
    if not methods:
        return None
    known = true_responses(run.responses(chosen[0][1].observation_digest))
    channels = msi_channels(len(pair.msi.cube), None if known is None else known.weights, pair.hsi.wavelengths_nm)
    return SceneView(
        protocol=protocol,
        scene=scene,
        recipe=recipe,
        nm=pair.hsi.wavelengths_nm,
        colour=pair.on_fine_grid(list(recipe.bands)),
        curves=_curves(pair.hsi, coarse),
        pixels=pixels,
        zoom=wish.zoom or widest_window([spread_between([each.colour for each in methods])]),
        methods=tuple(methods),
        zoom_asked=wish.zoom is not None,
        true=known,
        msi=channels.of(pair.msi.cube),
        msi_channels=channels,
    )


def spread_between(colours: Sequence[Bands]) -> ErrorMap:
    """How far estimates differ at each pixel: the standard deviation between them, root mean square over the three bands.

    Of a single estimate it is the distance from its mean colour.
    """
    stack = np.stack(colours).astype(np.float64)
    axis = 0 if len(colours) > 1 else (2, 3)
    return np.asarray(np.sqrt(((stack - stack.mean(axis=axis, keepdims=True)) ** 2).mean(axis=(0, 1))))


def spread_pixels(cube: Float[np.ndarray, "bands H W"], wanted: int = PIXELS) -> tuple[tuple[int, int], ...]:
    """The (row, column) of pixels whose spectra differ most in angle, the brightest pixel first."""
    rows, cols = ((2 * np.arange(min(_GRID, size)) + 1) * size // (2 * min(_GRID, size)) for size in cube.shape[1:])
    places = [(int(row), int(col)) for row in rows for col in cols]
    spectra = np.stack([cube[:, row, col] for row, col in places]).astype(np.float64)
    sizes = np.linalg.norm(spectra, axis=1)
    bright = (
        np.flatnonzero(sizes >= 0.05 * sizes.max()) if sizes.max() > 0 else np.arange(len(places))
    )  # the angles of dark pixels are mostly noise
    unit = spectra / np.where(sizes > 0, sizes, 1)[:, None]
    taken = [int(sizes.argmax())]
    while len(taken) < min(wanted, len(bright)):
        closest = (unit[bright] @ unit[taken].T).max(axis=1)
        taken.append(int(bright[int(closest.argmin())]))
    return tuple(places[place] for place in dict.fromkeys(taken))


def widest_window(maps: Sequence[ErrorMap]) -> tuple[int, int, int]:
    """The first row, first column and side of the square window in which these maps differ most, or where a single map is largest."""
    stack = np.stack(maps)
    differ = stack.std(axis=0) if len(maps) > 1 else stack[0]
    height, width = differ.shape
    side = max(1, min(height, width, max(height, width) // 6))
    sums = np.pad(differ.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    row, col = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(row), int(col), side


def _curves(content: CubeFile, pixels: Sequence[tuple[int, int]]) -> tuple[Curve, ...]:
    """The spectra at these pixels."""
    return tuple(content.cube[:, row, col].astype(np.float64) for row, col in pixels)


def _read(file: Path) -> CubeFile | None:
    """The cube; None where the file is missing or cannot be read, which the page reports."""
    try:
        return read_cube(file)
    except CubeFileError:
        return None
