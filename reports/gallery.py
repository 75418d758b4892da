"""The pictures of one scene under one protocol: reference, both observations, and each method's estimate with its error map.

All share the recipe and the colour scale of `reports.images`. The scale's top is taken over the ranked methods (over all, where none is
ranked). Of several seeds the lowest with scores is shown. A picture that cannot be drawn says why, and the others are drawn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.result import Result
from datasets.cube_file import CubeFile, CubeFileError, read_cube
from reports.images import (
    Cube,
    Map,
    Preview,
    Recipe,
    colour_bar,
    colour_errors,
    display,
    error_map,
    false_colour,
    png,
    recipe_for,
    shared_limit,
    shrink,
)
from reports.summary import Row, Summary


@dataclass(frozen=True)
class Picture:
    """A PNG preview, or the reason why there is none."""

    title: str
    png: bytes = b""
    width: int = 0
    height: int = 0
    missing: str = ""


@dataclass(frozen=True)
class Shown:
    """One method's pictures of the scene."""

    row: Row
    result: Result | None  # None where no seed was scored
    colour: Picture
    errors: Picture


@dataclass(frozen=True)
class Bar:
    """The legend of the error maps: hex colours at equal steps; (position in percent, error) of each tick."""

    stops: list[str]
    ticks: list[tuple[float, str]]


@dataclass(frozen=True)
class Gallery:
    """All pictures of one scene under one protocol."""

    inputs: tuple[Picture, ...]  # reference, HSI, MSI
    methods: tuple[Shown, ...]
    recipe: str
    bar: Bar | None  # None without error maps


def gallery(folder: Path, summary: Summary, scene: str) -> Gallery:
    """The pictures of `scene`, read from the run folder's scenes, observations and estimates; absent files are said to be absent."""
    chosen = [(row, next((r for r in row.results if r.scene == scene and r.outcome == "scored"), None)) for row in summary.rows]
    digests = {result.scene_digest for row in summary.rows for result in row.results if result.scene == scene}
    reference = _read(folder / "scenes" / f"{sorted(digests)[0]}.h5")
    if isinstance(reference, str):
        missing = tuple(
            Shown(row, result, Picture(row.label, missing=reference), Picture("error", missing=reference)) for row, result in chosen
        )
        return Gallery((Picture("Reference", missing=reference),), missing, "", None)
    recipe = recipe_for(reference)
    colours: list[Picture] = []
    maps: list[Map | str] = []
    for row, result in chosen:  # one estimate in memory at a time; their maps are small
        picture, errors = _estimate(folder, row, result, reference, recipe)
        colours.append(picture)
        maps.append(errors)
    limit = _limit([row for row, _ in chosen], maps)
    methods = tuple(
        Shown(row, result, colour, _error_picture(errors, limit))
        for (row, result), colour, errors in zip(chosen, colours, maps, strict=True)
    )
    seen = next((result.observation_digest for _, result in chosen if result is not None), "")
    inputs = (_picture("Reference", lambda: false_colour(reference.cube, recipe)), *_observed(folder, seen, recipe))
    stops, ticks = colour_bar(limit)
    bar = Bar(stops, [(100 * place, text) for place, text in ticks]) if any(not isinstance(errors, str) for errors in maps) else None
    return Gallery(inputs, methods, recipe.text, bar)


def _estimate(folder: Path, row: Row, result: Result | None, reference: CubeFile, recipe: Recipe) -> tuple[Picture, Map | str]:
    """The false colour of one estimate and its error map, or why there are none."""
    if result is None:
        why = f"no scores: {row.outcomes}"
        return Picture(row.label, missing=why), why
    estimate = _read(folder / "estimates" / f"{result.key}.h5")
    if isinstance(estimate, str):
        return Picture(row.label, missing=estimate), estimate
    try:
        errors = error_map(estimate.cube, reference.cube)
    except ValueError as error:
        return Picture(row.label, missing=str(error)), str(error)
    return _picture(row.label, lambda: false_colour(estimate.cube, recipe)), errors


def _limit(rows: list[Row], maps: list[Map | str]) -> float:
    """The top of the scale that all error maps share."""
    drawn = [(row, errors) for row, errors in zip(rows, maps, strict=True) if not isinstance(errors, str)]
    ranked = [errors for row, errors in drawn if row.ranked]
    return shared_limit(ranked or [errors for _, errors in drawn])


def _error_picture(errors: Map | str, limit: float) -> Picture:
    return Picture("error", missing=errors) if isinstance(errors, str) else _picture("error", lambda: colour_errors(errors, limit))


def _observed(folder: Path, digest: str, recipe: Recipe) -> tuple[Picture, ...]:
    """The HSI by the scene's recipe; the MSI's first three channels as stored, the last of them as blue."""
    if not digest:
        return ()
    file = folder / "observations" / f"{digest}.h5"
    hsi, msi = _read(file, "hsi"), _read(file, "msi")
    fits = not isinstance(hsi, str) and len(hsi.cube) > max(recipe.bands)
    pictures = [_picture("HSI, as observed", lambda: false_colour(hsi.cube, recipe)) if fits else _absent("HSI, as observed", hsi)]  # type: ignore[union-attr]
    pictures.append(
        _absent("MSI, as observed", msi) if isinstance(msi, str) else _picture("MSI, as observed", lambda: _channels(msi.cube, recipe.gain))
    )
    return tuple(pictures)


def _channels(msi: Cube, gain: float) -> Preview:
    """Channels 1, 2, 3 as red, green, blue; fewer of them as grey."""
    return display(np.stack([shrink(msi[channel if len(msi) >= 3 else 0]) for channel in range(3)]), gain)


def _absent(title: str, why: CubeFile | str) -> Picture:
    return Picture(title, missing=why if isinstance(why, str) else f"{len(why.cube)} bands, other than the reference's")


def _picture(title: str, draw: Callable[[], Preview]) -> Picture:
    image = draw()
    return Picture(title, png(image), image.shape[1], image.shape[0])


def _read(file: Path, group: str = "") -> CubeFile | str:
    """The cube, or why it cannot be shown."""
    if not file.is_file():
        return f"not stored: {file.parent.name}/{file.name}"
    try:
        return read_cube(file, group)
    except CubeFileError as error:
        return f"cannot be read: {error}".replace(str(file), f"{file.parent.name}/{file.name}")
