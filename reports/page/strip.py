"""The strip of pictures on the first screen: one small window of one scene, as the two inputs, two estimates and the truth show it.

scene    the one on which the best ranked method of the first protocol has its median score (`choose_scene`)
methods  the best ranked row of those that are told nothing, and the best of all
window   a square, two fifths of the shorter side wide, in which the blurred input differs most from the truth as both are drawn

All pictures but the sharp input have one recipe and one gain. A pair without a truth, and a run whose files are not there, have no strip.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.record import Result
from datasets.cube_file import CubeFile
from reports.content.opening import NOTHING, best_rows
from reports.content.row import Row
from reports.content.summary import Summary
from reports.page.drawn_picture import Picture
from reports.scene.pictures import Rgb, block_means, colour_recipe, displayed, webp_bytes
from reports.scene.reduced_estimates import read_stored_cube
from reports.scene.scene_view import choose_scene
from reports.scene.sensor_responses import shown_channels

_LONGEST = 192  # pixels: of the picture that shows where the window is, and of the window
_MOST = 60e3  # bytes per picture


@dataclass(frozen=True)
class StripPicture:
    """One picture of the strip, with the words below it."""

    picture: Picture
    title: str
    score: str  # of a method


@dataclass(frozen=True)
class Strip:
    """The pictures, and where their window lies in the scene."""

    scene: str
    protocol: str
    whole: Picture
    box: tuple[float, float, float, float]  # left, top, width and height in percent of the whole picture
    pictures: tuple[StripPicture, ...]


def first_strip(run: RunFolder, summary: Summary) -> Strip | None:
    """The strip of a protocol; None where there is no truth, no ranked method, or not one of the files."""
    scene, chosen = choose_scene(summary)
    if not chosen or not chosen[0][1].has_reference:
        return None
    shown = _shown_methods(summary, scene)
    first = chosen[0][1]
    reference = read_stored_cube(run.reference(first.scene_digest))
    seen = run.observation(first.observation_digest)
    hsi, msi = read_stored_cube(seen, "hsi"), read_stored_cube(seen, "msi")
    if isinstance(reference, str) or isinstance(hsi, str) or isinstance(msi, str):
        return None
    recipe = colour_recipe(reference)
    bands, gain = list(recipe.bands), recipe.gain
    if len(hsi.cube) <= max(bands) or msi.cube.shape[1:] != reference.cube.shape[1:]:
        return None
    sharp = shown_channels(run.responses(first.observation_digest), len(msi.cube), reference.wavelengths_nm)
    truth = displayed(reference.cube[bands], gain)
    blurred = displayed(_on_fine_grid(hsi.cube[bands], reference.cube.shape[1:], summary.protocol), gain)
    row, col, side = _window(truth, blurred)

    def crop(image: Rgb, title: str, score: str = "") -> StripPicture:
        return StripPicture(_small(image[row : row + side, col : col + side], title), title, score)

    pictures = [crop(blurred, "Blurred input"), crop(displayed(sharp.of(msi.cube), gain), "Sharp input")]
    for words, each, result in shown:
        estimate = read_stored_cube(run.estimate(result.key))
        if isinstance(estimate, CubeFile) and estimate.cube.shape == reference.cube.shape:
            pictures.append(crop(displayed(estimate.cube[bands], gain), f"{words}: {each.label}", _score(summary, result)))
    height, width = truth.shape[:2]
    box = (100 * col / width, 100 * row / height, 100 * side / width, 100 * side / height)
    return Strip(scene, summary.name, _small(truth, f"The scene {scene}"), box, (*pictures, crop(truth, "Truth")))


def _shown_methods(summary: Summary, scene: str) -> list[tuple[str, Row, Result]]:
    """The best of those told nothing and the best of all, once where they are one, each with its record on the scene."""
    found = [("Best of those told nothing", row) for row in best_rows(summary, NOTHING)[:1]]
    found += [("Best of all", row) for row in best_rows(summary)[:1] if row not in [each for _, each in found]]
    if len(found) == 1:
        found = [("Best of all", found[0][1])]
    return [(words, row, min((r for r in row.results if r.scene == scene), key=lambda r: r.seed)) for words, row in found]


def _score(summary: Summary, result: Result) -> str:
    lead = summary.scores[0]
    value = lead.of(result)
    return "" if value is None else f"{lead.text(value)} {lead.unit or lead.label}"


def _on_fine_grid(bands: Float[np.ndarray, "3 h w"], shape: tuple[int, ...], protocol: Mapping[str, Any]) -> Float[np.ndarray, "3 H W"]:
    """Each fine pixel with the coarse one whose centre is nearest."""
    ratio = int(protocol.get("ratio") or 1)
    phase, psf = protocol.get("phase"), protocol.get("psf")
    even = isinstance(psf, Mapping) and isinstance(psf.get("taps"), int) and psf["taps"] % 2 == 0
    centre = phase + 0.5 * even if isinstance(phase, int | float) else (ratio - 1) / 2
    rows, cols = (_nearest(size, count, centre, ratio) for size, count in zip(shape, bands.shape[1:], strict=True))
    return np.asarray(bands[:, rows][:, :, cols])


def _nearest(size: int, count: int, centre: float, ratio: int) -> Int[np.ndarray, " size"]:
    return np.asarray(np.clip(np.rint((np.arange(size) - centre) / ratio), 0, count - 1), dtype=int)


def _window(truth: Rgb, blurred: Rgb) -> tuple[int, int, int]:
    """First row, first column and side of the square in which the two pictures differ most."""
    differ = np.abs(truth.astype(np.float64) - blurred).mean(axis=2)
    side = max(1, 2 * min(differ.shape) // 5)
    sums = np.pad(differ.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    row, col = np.unravel_index(int(inside.argmax()), inside.shape)
    return int(row), int(col), side


def _small(image: Rgb, title: str) -> Picture:
    """The picture at most `_LONGEST` pixels wide and high."""
    small = np.stack([block_means(image[:, :, band].astype(np.float64), _LONGEST) for band in range(3)], axis=2)
    drawn = np.ascontiguousarray(np.rint(small).astype(np.uint8))
    return Picture(title, webp_bytes(drawn, _MOST), drawn.shape[1], drawn.shape[0])
