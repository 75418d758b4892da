"""What the page shows of one scene under one protocol: reference, observations, each method's estimate, errors, spectra and responses.

All pictures share the recipe and the colour scale of `reports.images`. The scale's top is taken over the ranked methods (over all, where
none is ranked), at the size of the previews; a posterior's standard deviation is drawn on the same scale, so that it can be held against
the error. Of several seeds the lowest with scores is shown. What cannot be drawn says why, and the rest is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from math import inf
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from markupsafe import Markup

from benchmark.run_folder.record import Result
from datasets.cube_file import CubeFile
from reports.chart import BOX, Line, line_chart, linear_axis, nice
from reports.comparison import Comparison, Detail, Reference, compare, read_reference, read_stored_cube
from reports.failure import Failure
from reports.failure_charts import Series
from reports.images import Preview, Recipe, colour_bar, colour_errors, display, false_colour, shared_limit, shrink, webp
from reports.responses import Responses, draw_kernels, srf_chart, true_responses
from reports.spectra import pack_difference, pack_truth
from reports.summary import Row, Summary

CHOSEN = 6  # methods whose spectra are drawn at first; the others are one click away


@dataclass(frozen=True)
class Picture:
    """A WebP preview, or the reason why there is none."""

    title: str
    webp: bytes = b""
    width: int = 0
    height: int = 0
    missing: str = ""


@dataclass(frozen=True)
class Shown:
    """One method's pictures of the scene."""

    row: Row
    series: int
    result: Result | None  # None where no seed was scored
    colour: Picture
    errors: Picture
    std: Picture | None  # None where the method stored no posterior
    spectrum: bool  # whether its spectra are among those of the page
    chosen: bool  # whether they are drawn at first


@dataclass(frozen=True)
class ResponsePictures:
    """What one method estimated of the sensors, or the truth."""

    label: str
    tier: str  # empty for the truth
    psf: Picture | None
    srf: Markup
    scores: str


@dataclass(frozen=True)
class Bar:
    """The legend of the error maps: hex colours at equal steps; (position in percent, error) of each tick."""

    stops: list[str]
    ticks: list[tuple[float, str]]


@dataclass(frozen=True, eq=False)
class SpectraTable:
    """The spectra of the grid, packed for the page, the chart of one pixel, and the same in 32 bits as the bytes of a .npz file."""

    grid: dict[str, Any]  # where the pixels are
    packed: dict[str, Any]
    chart: Markup
    pixel: tuple[int, int]  # row and column on the fine grid
    npz: bytes


@dataclass(frozen=True, eq=False)
class Gallery:
    """Everything on one scene under one protocol."""

    size: str
    inputs: tuple[Picture, ...]  # reference, HSI, MSI
    methods: tuple[Shown, ...]
    recipe: str
    bar: Bar | None  # None without error maps
    spectra: SpectraTable | None
    responses: tuple[ResponsePictures, ...]  # the truth first; empty where no method estimated any
    failures: tuple[tuple[Row, Failure], ...]
    brightness_shares: tuple[float, ...]
    wavelengths_nm: Float[np.ndarray, " bands"] | None


def gallery(folder: Path, summary: Summary, scene: str, series: Series, detail: Detail) -> Gallery:
    """The scene from the run folder's scenes, observations, responses and estimates; absent files are said to be absent."""
    chosen = [(row, next((r for r in row.results if r.scene == scene and r.outcome == "scored"), None)) for row in summary.rows]
    digests = {result.scene_digest for row in summary.rows for result in row.results if result.scene == scene}
    reference = read_reference(folder / "scenes" / f"{sorted(digests)[0]}.h5", detail)
    if isinstance(reference, str):
        methods = tuple(_shown(row, result, series, reference, 1.0, detail.most, chosen=False) for row, result in chosen)
        return Gallery("", (Picture("Reference", missing=reference),), methods, "", None, None, (), (), (), None)
    found = [(row, result, _compared(folder, row, result, reference)) for row, result in chosen]
    drawn = [(row, each) for row, _, each in found if not isinstance(each, str)]
    ranked = [each.errors for row, each in drawn if row.ranked]
    limit = shared_limit(ranked or [each.errors for _, each in drawn])
    first = [(row.label, row.tier) for row, _ in sorted(drawn, key=lambda pair: not pair[0].ranked)[:CHOSEN]]
    stops, ticks = colour_bar(limit)
    seen = next((result.observation_digest for _, result, _ in found if result is not None), "")
    bands, rows, cols = reference.cube.shape
    return Gallery(
        size=f"{rows} \N{MULTIPLICATION SIGN} {cols} pixels, {bands} bands{_range(reference)}",
        inputs=(
            _picture("Reference", false_colour(reference.cube, reference.recipe, detail.longest), detail.most),
            *_observed(folder, seen, reference),
        ),
        methods=tuple(
            _shown(row, result, series, each, limit, detail.most, chosen=(row.label, row.tier) in first) for row, result, each in found
        ),
        recipe=reference.recipe.text,
        bar=Bar(stops, [(100 * place, text) for place, text in ticks]) if drawn else None,
        spectra=_spectra(reference, drawn, series, first) if drawn else None,
        responses=_responses(folder / "responses" / f"{seen}.h5", found, reference),
        failures=tuple((row, each.failure) for row, each in drawn),
        brightness_shares=tuple(float(share) for share in reference.classes.shares),
        wavelengths_nm=reference.wavelengths_nm,
    )


def _compared(folder: Path, row: Row, result: Result | None, reference: Reference) -> Comparison | str:
    return f"no scores: {row.outcomes}" if result is None else compare(folder / "estimates" / f"{result.key}.h5", reference)


def _shown(row: Row, result: Result | None, series: Series, found: Comparison | str, limit: float, most: float, *, chosen: bool) -> Shown:
    number = series[row.label, row.tier]
    if isinstance(found, str):
        return Shown(row, number, result, Picture(row.label, missing=found), Picture("error", missing=found), None, False, False)
    std = Picture("posterior", missing=found.std_missing) if found.std_missing else None
    if found.std is not None:
        std = _picture("posterior", colour_errors(found.std, limit, max(found.std.shape)), most)
    errors = _picture("error", colour_errors(found.errors, limit, max(found.errors.shape)), most)
    return Shown(row, number, result, _picture(row.label, found.colour, most), errors, std, True, chosen)


def _range(reference: Reference) -> str:
    nm = reference.wavelengths_nm
    return "" if nm is None else f" from {nm[0]:.0f} to {nm[-1]:.0f} nm"


def _spectra(
    reference: Reference, drawn: Sequence[tuple[Row, Comparison]], series: Series, first: Sequence[tuple[str, str]]
) -> SpectraTable:
    """The grid's spectra; the chart shows its middle pixel."""
    rows, cols = reference.grid.rows, reference.grid.cols
    row, col = len(rows) // 2, len(cols) // 2
    nm = reference.wavelengths_nm
    at = [float(value) for value in (nm if nm is not None else np.arange(1, len(reference.cube) + 1))]
    truth = reference.spectra
    lines = [
        Line(r.label, series[r.label, r.tier], _points(at, each.spectra[row, col]), r.tier, (r.label, r.tier) in first) for r, each in drawn
    ]
    lines.append(Line("truth", -1, _points(at, truth[row, col])))
    values = [value for line in lines if line.shown for _, value in line.points if value is not None]
    low, high = min(0.0, *values), max(values)
    step = nice((high - low or 1.0) / 4)
    chart = line_chart(
        lines,
        linear_axis(at[0], at[-1]),
        linear_axis(step * np.floor(low / step), step * np.ceil(high / step), 4),
        title=f"Spectra at row {rows[row]}, column {cols[col]}: the truth and the chosen methods",
        x_label="wavelength, nm" if nm is not None else "band",
        y_label="reflectance",
    )
    grid = {
        "rows": rows.tolist(),
        "cols": cols.tolist(),
        "height": reference.cube.shape[1],
        "width": reference.cube.shape[2],
        "at": [round(value, 3) for value in at],
        "box": [BOX.width, BOX.height, BOX.left, BOX.right, BOX.top, BOX.bottom],
    }
    packed = {
        "truth": pack_truth(truth),
        "methods": [{"series": series[r.label, r.tier], **pack_difference(each.spectra, truth)} for r, each in drawn],
    }
    stream = BytesIO()
    arrays: dict[str, Any] = {f"method_{place + 1}": each.spectra for place, (_, each) in enumerate(drawn)}
    labels = np.array([f"{r.label} ({r.tier})" for r, _ in drawn])
    np.savez_compressed(stream, truth=truth, rows=rows, cols=cols, wavelengths_nm=np.array(at), labels=labels, **arrays)
    return SpectraTable(grid, packed, chart, (int(rows[row]), int(cols[col])), stream.getvalue())


def _points(at: Sequence[float], spectrum: Float[np.ndarray, " bands"]) -> list[tuple[float, float | None]]:
    return [(place, float(value) if np.isfinite(value) else None) for place, value in zip(at, spectrum, strict=True)]


def _responses(
    file: Path, found: Sequence[tuple[Row, Result | None, Comparison | str]], reference: Reference
) -> tuple[ResponsePictures, ...]:
    """The true responses and every estimate of them; nothing where no method estimated any."""
    estimated = [
        (row, result, each.responses)
        for row, result, each in found
        if result is not None and not isinstance(each, str) and each.responses is not None
    ]
    if not estimated:
        return ()
    true = true_responses(file)
    kernels = draw_kernels([true or Responses(), *(each for _, _, each in estimated)])
    pictures = [None if kernel is None else _picture("PSF", kernel) for kernel in kernels]
    shown = [ResponsePictures("Truth", "", pictures[0], Markup(), "" if true else "not stored: responses")]
    for (row, result, each), psf in zip(estimated, pictures[1:], strict=True):
        chart = Markup() if each.weights is None else srf_chart(row.label, each.weights, true, reference.wavelengths_nm)
        scores = [
            f"{text} {value:.3g}"
            for name, text in (("psf_error", "PSF error"), ("srf_error", "SRF error"))
            if (value := result.metrics.get(name)) is not None
        ]
        shown.append(ResponsePictures(row.label, row.tier, psf, chart, ", ".join(scores)))
    return tuple(shown)


def _observed(folder: Path, digest: str, reference: Reference) -> tuple[Picture, ...]:
    """The HSI by the scene's recipe; the MSI's first three channels as stored, the last of them as blue."""
    if not digest:
        return ()
    file, recipe, longest = folder / "observations" / f"{digest}.h5", reference.recipe, reference.detail.longest
    hsi, msi = read_stored_cube(file, "hsi"), read_stored_cube(file, "msi")
    coarse = (
        _picture("HSI, as observed", false_colour(hsi.cube, recipe, longest))
        if not isinstance(hsi, str) and len(hsi.cube) > max(recipe.bands)
        else _absent("HSI, as observed", hsi)
    )
    if isinstance(msi, str):
        return coarse, _absent("MSI, as observed", msi)
    return coarse, _picture("MSI, as observed", _channels(msi, recipe, longest), reference.detail.most)


def _channels(msi: CubeFile, recipe: Recipe, longest: int) -> Preview:
    """Channels 1, 2, 3 as red, green, blue; fewer of them as grey."""
    return display(np.stack([shrink(msi.cube[channel if len(msi.cube) >= 3 else 0], longest) for channel in range(3)]), recipe.gain)


def _absent(title: str, why: CubeFile | str) -> Picture:
    return Picture(title, missing=why if isinstance(why, str) else f"{len(why.cube)} bands, other than the reference's")


def _picture(title: str, image: Preview, most: float = inf) -> Picture:
    return Picture(title, webp(image, most), image.shape[1], image.shape[0])
