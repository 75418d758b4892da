"""What the page shows of one scene under one protocol: reference, observations, and each method's estimate, errors, spectra and responses.

All pictures follow one colour recipe and one scale of errors (`reports.scene.pictures`, `reports.scene.error_maps`). The scale ends at the
limit of the ranked methods (of all methods, where none is ranked), at the size of the previews. The standard deviation of a posterior is
drawn on the same scale, so that it can be compared with the error. Of several seeds the lowest one with scores is drawn. Where something
cannot be drawn, the page gives the reason and shows the rest.

A real pair as it was taken has no reference: its HSI stands in its place, in the pictures and beside the spectra, and each method has a
zoom where others have errors.
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

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.record import Result
from datasets.cube_file import CubeFile
from reports.content.row import Row
from reports.content.summary import Summary
from reports.figures.srf_chart import srf_chart
from reports.figures.svg_chart import BOX, ChartLine, SeriesNumbers, line_chart, linear_axis, round_step
from reports.scene.detail import Detail
from reports.scene.display_channels import DisplayChannels, msi_channels
from reports.scene.error_maps import colour_bar, colour_errors, shared_limit
from reports.scene.failure import Failure
from reports.scene.pictures import Preview, block_means, displayed, false_colour, fitting_gain, webp_bytes
from reports.scene.reduced_estimates import (
    ReducedEstimate,
    SceneReference,
    read_pair_reference,
    read_scene_reference,
    read_stored_cube,
    reduce_estimate,
)
from reports.scene.scene_view import spread_between, widest_window
from reports.scene.sensor_responses import SensorResponses, kernel_pictures, true_responses
from reports.scene.spectra import pack_difference, pack_truth

MOST_SPECTRA = 6  # methods whose spectra are drawn at first; a click adds others


@dataclass(frozen=True)
class Picture:
    """A WebP preview, or the reason why it is missing."""

    title: str
    webp: bytes = b""
    width: int = 0
    height: int = 0
    missing: str = ""
    note: str = ""  # what is shown, below the title


@dataclass(frozen=True)
class MethodPictures:
    """The pictures of one method on the scene."""

    row: Row
    series: int
    result: Result | None  # the record that is drawn; None where no seed was scored
    colour: Picture
    errors: Picture | None  # None of a real pair as it was taken
    zoom: Picture | None  # only of a real pair as it was taken
    std: Picture | None  # None where the method stored no posterior
    has_spectra: bool  # whether the page has its spectra
    chosen: bool  # whether they are drawn at first


@dataclass(frozen=True)
class ResponsePictures:
    """The responses that one method estimated, or the true ones."""

    label: str
    tier: str  # empty for the truth
    psf: Picture | None
    srf: Markup
    scores: str


@dataclass(frozen=True)
class ErrorScale:
    """The legend of the error maps: hex colours at equal steps, and (position in percent, error) of each tick."""

    stops: list[str]
    ticks: list[tuple[float, str]]


@dataclass(frozen=True)
class Shown:
    """How the pictures of all methods are drawn."""

    limit: float  # where the scale of errors ends
    gain: float  # of the colours
    zoom: tuple[int, int, int] | None  # first row and column, and side, where there are zooms


@dataclass(frozen=True, eq=False)
class SpectraTable:
    """The spectra of the grid: packed for the page, as the chart of one pixel, and in 32 bits as the bytes of a .npz file."""

    grid: dict[str, Any]  # the places of the pixels
    packed: dict[str, Any]
    chart: Markup
    pixel: tuple[int, int]  # of the chart: row and column on the fine grid
    npz: bytes


@dataclass(frozen=True, eq=False)
class SceneGallery:
    """Everything that the page shows of one scene under one protocol."""

    size: str
    baseline: str  # what the methods' pictures and spectra stand beside, in one word: truth, or the HSI of a real pair
    inputs: tuple[Picture, ...]  # reference, HSI, MSI; without a reference the HSI is the first
    methods: tuple[MethodPictures, ...]
    recipe: str
    scale: ErrorScale | None  # None without error maps
    spectra: SpectraTable | None
    responses: tuple[ResponsePictures, ...]  # the true ones first; empty where no method estimated any
    failures: tuple[tuple[Row, Failure], ...]  # empty without a truth
    brightness_shares: tuple[float, ...]
    wavelengths_nm: Float[np.ndarray, " bands"] | None


def scene_gallery(run: RunFolder, summary: Summary, scene: str, series: SeriesNumbers, detail: Detail) -> SceneGallery:
    """The gallery of a scene, from the scenes, observations, responses and estimates of the run folder; missing files are reported."""
    chosen = [(row, next((r for r in row.results if r.scene == scene and r.outcome == "scored"), None)) for row in summary.rows]
    records = [result for row in summary.rows for result in row.results if result.scene == scene]
    observation = next((result.observation_digest for _, result in chosen if result is not None), "")
    has_truth = any(result.has_reference for result in records)
    if has_truth:
        reference = read_scene_reference(run.reference(min(result.scene_digest for result in records)), detail)
    else:
        reference = read_pair_reference(run.observation(observation or min(result.observation_digest for result in records)), detail)
    baseline = "truth" if has_truth else "HSI"
    if isinstance(reference, str):
        methods = tuple(_method_pictures(row, result, series, reference, None, detail.most, chosen=False) for row, result in chosen)
        lacking = Picture("Reference" if has_truth else "The pair", missing=reference)
        return SceneGallery("", baseline, (lacking,), methods, "", None, None, (), (), (), None)
    reduced = [(row, result, _reduced(run, row, result, reference)) for row, result in chosen]
    drawn = [(row, each) for row, _, each in reduced if not isinstance(each, str)]
    ranked = [each.errors for row, each in drawn if row.ranked and each.errors is not None]
    limit = shared_limit(ranked or [each.errors for _, each in drawn if each.errors is not None])
    zoomed = [each.bands for _, each in drawn if each.bands is not None]
    shown = Shown(limit, reference.recipe.gain, widest_window([spread_between(zoomed)]) if zoomed else None)
    first = [(row.label, row.tier) for row, _ in sorted(drawn, key=lambda pair: not pair[0].ranked)[:MOST_SPECTRA]]
    stops, ticks = colour_bar(limit)
    bands, rows, cols = reference.shape
    return SceneGallery(
        size=f"{rows} \N{MULTIPLICATION SIGN} {cols} pixels, {bands} bands{_range(reference)}",
        baseline=baseline,
        inputs=_inputs(run, observation, reference),
        methods=tuple(
            _method_pictures(row, result, series, each, shown, detail.most, chosen=(row.label, row.tier) in first)
            for row, result, each in reduced
        ),
        recipe=reference.recipe.text,
        scale=ErrorScale(stops, [(100 * place, text) for place, text in ticks]) if drawn and has_truth else None,
        spectra=_spectra(reference, drawn, series, first, baseline) if drawn else None,
        responses=_responses(run.responses(observation), reduced, reference),
        failures=tuple((row, each.failure) for row, each in drawn if each.failure is not None),
        brightness_shares=() if reference.classes is None else tuple(float(share) for share in reference.classes.shares),
        wavelengths_nm=reference.wavelengths_nm,
    )


def _reduced(run: RunFolder, row: Row, result: Result | None, reference: SceneReference) -> ReducedEstimate | str:
    """The estimate of one method, or the reason why there is none."""
    return f"no scores: {row.outcomes}" if result is None else reduce_estimate(run.estimate(result.key), reference)


def _method_pictures(
    row: Row,
    result: Result | None,
    series: SeriesNumbers,
    estimate: ReducedEstimate | str,
    shown: Shown | None,
    most: float,
    *,
    chosen: bool,
) -> MethodPictures:
    """The pictures of one method, of at most `most` bytes each."""
    number = series[row.label, row.tier]
    if isinstance(estimate, str) or shown is None:
        missing = estimate if isinstance(estimate, str) else "not drawn"
        return MethodPictures(row, number, result, Picture(row.label, missing=missing), None, None, None, False, False)
    std = Picture("posterior", missing=estimate.std_missing) if estimate.std_missing else None
    if estimate.std is not None:
        std = _picture("posterior", colour_errors(estimate.std, shown.limit, max(estimate.std.shape)), most)
    errors = zoom = None
    if estimate.errors is not None:
        errors = _picture("error", colour_errors(estimate.errors, shown.limit, max(estimate.errors.shape)), most)
    if estimate.bands is not None and shown.zoom is not None:
        top, left, side = shown.zoom
        zoom = _picture("zoom", displayed(estimate.bands[:, top : top + side, left : left + side], shown.gain), most)
    return MethodPictures(row, number, result, _picture(row.label, estimate.colour, most), errors, zoom, std, True, chosen)


def _range(reference: SceneReference) -> str:
    """The range of the wavelengths in words; empty where they are not known."""
    nm = reference.wavelengths_nm
    return "" if nm is None else f" from {nm[0]:.0f} to {nm[-1]:.0f} nm"


def _spectra(
    reference: SceneReference,
    drawn: Sequence[tuple[Row, ReducedEstimate]],
    series: SeriesNumbers,
    first: Sequence[tuple[str, str]],
    baseline: str,
) -> SpectraTable:
    """The spectra of the grid; the chart shows its middle pixel."""
    rows, cols = reference.grid.rows, reference.grid.cols
    row, col = len(rows) // 2, len(cols) // 2
    nm = reference.wavelengths_nm
    at = [float(value) for value in (nm if nm is not None else np.arange(1, reference.shape[0] + 1))]
    truth = reference.spectra
    lines = [
        ChartLine(r.label, series[r.label, r.tier], _points(at, each.spectra[row, col]), r.tier, (r.label, r.tier) in first)
        for r, each in drawn
    ]
    lines.append(ChartLine(baseline, -1, _points(at, truth[row, col])))
    values = [value for line in lines if line.visible for _, value in line.points if value is not None]
    low, high = min(0.0, *values), max(values)
    step = round_step((high - low or 1.0) / 4)
    chart = line_chart(
        lines,
        linear_axis(at[0], at[-1]),
        linear_axis(step * np.floor(low / step), step * np.ceil(high / step), 4),
        title=f"Spectra at row {rows[row]}, column {cols[col]}: the {baseline} and the chosen methods",
        x_label="wavelength, nm" if nm is not None else "band",
        y_label="reflectance",
    )
    grid = {
        "rows": rows.tolist(),
        "cols": cols.tolist(),
        "height": reference.shape[1],
        "width": reference.shape[2],
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
    arrays[baseline.lower()] = truth
    np.savez_compressed(stream, rows=rows, cols=cols, wavelengths_nm=np.array(at), labels=labels, **arrays)
    return SpectraTable(grid, packed, chart, (int(rows[row]), int(cols[col])), stream.getvalue())


def _points(at: Sequence[float], spectrum: Float[np.ndarray, " bands"]) -> list[tuple[float, float | None]]:
    """The points of one spectrum; without a value where it is not finite."""
    return [(place, float(value) if np.isfinite(value) else None) for place, value in zip(at, spectrum, strict=True)]


def _responses(
    file: Path, reduced: Sequence[tuple[Row, Result | None, ReducedEstimate | str]], reference: SceneReference
) -> tuple[ResponsePictures, ...]:
    """The true responses and every estimate of them; empty where no method estimated any."""
    estimated = [
        (row, result, each.responses)
        for row, result, each in reduced
        if result is not None and not isinstance(each, str) and each.responses is not None
    ]
    if not estimated:
        return ()
    true = true_responses(file)
    kernels = kernel_pictures([true or SensorResponses(), *(each for _, _, each in estimated)])
    pictures = [None if kernel is None else _picture("PSF", kernel) for kernel in kernels]
    word = "true" if reference.pair is None else "known"
    lacking = [name for name, value in (("PSF", true and true.kernel), ("SRF", true and true.weights)) if value is None] if true else []
    note = f"{' and '.join(lacking)} not known" if true else "not stored: responses"
    pairs = [ResponsePictures("Truth" if word == "true" else "Known", "", pictures[0], Markup(), note if lacking or not true else "")]
    for (row, result, each), psf in zip(estimated, pictures[1:], strict=True):
        chart = Markup() if each.weights is None else srf_chart(row.label, each.weights, true, reference.wavelengths_nm, word)
        scores = [
            f"{text} {value:.3g}"
            for name, text in (("psf_error", "PSF error"), ("srf_error", "SRF error"))
            if (value := result.metrics.get(name)) is not None
        ]
        pairs.append(ResponsePictures(row.label, row.tier, psf, chart, ", ".join(scores)))
    return tuple(pairs)


def _inputs(run: RunFolder, observation: str, reference: SceneReference) -> tuple[Picture, ...]:
    """The reference and the two images; of a real pair as it was taken the two images, the HSI by its own pixels on the fine grid."""
    recipe, detail, pair = reference.recipe, reference.detail, reference.pair
    if reference.cube is not None:
        return (
            _picture("Reference", false_colour(reference.cube, recipe, detail.longest), detail.most, recipe.channels.text),
            *_observed(run, observation, reference),
        )
    if pair is None:
        return ()
    hsi = displayed(_shrunk(pair.on_fine_grid(list(recipe.bands)), detail.longest), recipe.gain)
    shown = _shown_channels(run, observation, len(pair.msi.cube), pair.hsi.wavelengths_nm)
    channels = _shrunk(shown.of(pair.msi.cube), detail.longest)
    msi = displayed(channels, fitting_gain(channels))  # another sensor: it has a gain of its own
    return (
        _picture("HSI, as taken", hsi, detail.most, recipe.channels.text),
        _picture("MSI, as taken, with a gain of its own", msi, detail.most, shown.text),
    )


def _shown_channels(run: RunFolder, digest: str, count: int, nm: Float[np.ndarray, " bands"] | None) -> DisplayChannels:
    """The channels to show of an MSI, by the response curves that the run folder has of it."""
    known = true_responses(run.responses(digest))
    return msi_channels(count, None if known is None else known.weights, nm)


def _shrunk(bands: Float[np.ndarray, "3 H W"], longest: int) -> Float[np.ndarray, "3 h w"]:
    return np.stack([block_means(band, longest) for band in bands])


def _observed(run: RunFolder, digest: str, reference: SceneReference) -> tuple[Picture, ...]:
    """The HSI by the recipe of the scene, and the MSI by its own channels and the gain of that recipe."""
    if not digest:
        return ()
    file, recipe, longest = run.observation(digest), reference.recipe, reference.detail.longest
    hsi, msi = read_stored_cube(file, "hsi"), read_stored_cube(file, "msi")
    coarse = (
        _picture("HSI, as observed", false_colour(hsi.cube, recipe, longest), note=recipe.channels.text)
        if not isinstance(hsi, str) and len(hsi.cube) > max(recipe.bands)
        else _absent("HSI, as observed", hsi)
    )
    if isinstance(msi, str):
        return coarse, _absent("MSI, as observed", msi)
    shown = _shown_channels(run, digest, len(msi.cube), reference.wavelengths_nm)
    return coarse, _picture(
        "MSI, as observed", displayed(_shrunk(shown.of(msi.cube), longest), recipe.gain), reference.detail.most, shown.text
    )


def _absent(title: str, why: CubeFile | str) -> Picture:
    """A missing picture with the reason."""
    return Picture(title, missing=why if isinstance(why, str) else f"{len(why.cube)} bands, other than the reference's")


def _picture(title: str, image: Preview, most: float = inf, note: str = "") -> Picture:
    """The picture as a WebP file of at most `most` bytes."""
    return Picture(title, webp_bytes(image, most), image.shape[1], image.shape[0], note=note)
