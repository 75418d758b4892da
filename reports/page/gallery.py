"""What the page shows of one scene under one protocol: inputs, truth, and each method's estimate, error, spectral angle and spectra.

All pictures follow one colour recipe (`reports.scene.pictures`), all maps of one kind one scale (`reports.scene.error_maps`), which follows
from the ranked methods (from all, where none is ranked), at the size of the previews. The standard deviation of a posterior is drawn on the
scale of the errors, so that it can be compared with them. Methods stand in the order of their scores on the scene. Of several seeds the
lowest one with scores is drawn. Where something cannot be drawn, the page gives the reason and shows the rest.

A real pair as it was taken has no reference: its HSI stands in its place, in the pictures and beside the spectra, and each method has a
zoom where others have errors.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.record import Result
from reports.content.row import Row
from reports.content.summary import Summary
from reports.figures.svg_chart import SeriesNumbers
from reports.page.drawn_picture import Picture, drawn_picture
from reports.page.gallery_inputs import input_pictures
from reports.page.gallery_responses import ResponsePictures, response_pictures
from reports.page.gallery_spectra import SpectraTable, spectra_table
from reports.scene.detail import Detail
from reports.scene.error_maps import ANGLE_MAP, ANGLE_PERCENTILE, ColourScale, clipped_share, colour_errors, colour_scale, shared_limit
from reports.scene.failure import Failure, darkness_note
from reports.scene.pictures import displayed
from reports.scene.reduced_estimates import (
    ReducedEstimate,
    SceneReference,
    read_pair_reference,
    read_scene_reference,
    reduce_estimate,
)
from reports.scene.scene_view import spread_between, widest_window

MOST_SPECTRA = 6  # methods whose spectra are drawn at first; a click adds others


@dataclass(frozen=True)
class MethodPictures:
    """The pictures of one method on the scene."""

    row: Row
    series: int
    result: Result | None  # the record that is drawn; None where no seed was scored
    colour: Picture
    errors: Picture | None = None  # None of a real pair as it was taken
    angles: Picture | None = None  # likewise
    zoom: Picture | None = None  # only of a real pair as it was taken
    std: Picture | None = None  # None where the method stored no posterior
    has_spectra: bool = False  # whether the page has its spectra
    chosen: bool = False  # whether they are drawn at first
    clipped: float = 0.0  # the share of the pixels whose error lies beyond the scale


@dataclass(frozen=True)
class Shown:
    """How the pictures of all methods are drawn."""

    limit: float  # where the scale of errors ends
    angle: float  # where that of spectral angles ends, degrees
    gain: float  # of the colours
    zoom: tuple[int, int, int] | None  # first row and column, and side, where there are zooms


@dataclass(frozen=True, eq=False)
class SceneGallery:
    """Everything that the page shows of one scene under one protocol."""

    size: str
    baseline: str  # what the methods' pictures and spectra stand beside, in one word: truth, or the HSI of a real pair
    inputs: tuple[Picture, ...]  # truth, HSI, MSI; without a truth the HSI is the first
    methods: tuple[MethodPictures, ...]  # the best on the scene first
    recipe: str = ""
    scale: ColourScale | None = None  # of the errors; None without error maps
    angle_scale: ColourScale | None = None
    spectra: SpectraTable | None = None
    responses: tuple[ResponsePictures, ...] = ()  # the true ones first; empty where no method estimated any
    failures: tuple[tuple[Row, Failure], ...] = ()  # empty without a truth
    brightness_shares: tuple[float, ...] = ()
    darkness: str = ""  # a sentence, where many pixels of the scene are nearly black
    wavelengths_nm: Float[np.ndarray, " bands"] | None = None
    first: tuple[str, str] = ("input-0", "input-0")  # what the two sides of the stage show at first
    step: int = 1  # pixels of the scene along each side of a pixel of a picture


def scene_gallery(run: RunFolder, summary: Summary, scene: str, series: SeriesNumbers, detail: Detail) -> SceneGallery:
    """The gallery of a scene, from the scenes, observations, responses and estimates of the run folder; missing files are reported."""
    chosen = _by_score(summary, scene)
    records = [result for row in summary.rows for result in row.results if result.scene == scene]
    observation = next((result.observation_digest for _, result in chosen if result is not None), "")
    has_truth = any(result.has_reference for result in records)
    if has_truth:
        reference = read_scene_reference(run.reference(min(result.scene_digest for result in records)), detail)
    else:
        reference = read_pair_reference(run.observation(observation or min(result.observation_digest for result in records)), detail)
    baseline = "truth" if has_truth else "HSI"
    if isinstance(reference, str):
        missing = tuple(MethodPictures(row, series[row.label, row.tier], r, Picture(row.label, missing=reference)) for row, r in chosen)
        return SceneGallery("", baseline, (Picture("Truth" if has_truth else "The pair", missing=reference),), missing)
    reduced = [(row, result, _reduced(run, row, result, reference)) for row, result in chosen]
    drawn = [(row, each) for row, _, each in reduced if not isinstance(each, str)]
    shown = _shown(reference, drawn)
    best = class_leaders(summary, [row for row, _ in drawn])
    first = {(row.label, row.tier) for row in best[:MOST_SPECTRA]}
    bands, rows, cols = reference.shape
    shares = () if reference.classes is None else tuple(float(share) for share in reference.classes.shares)
    return SceneGallery(
        size=f"{rows} \N{MULTIPLICATION SIGN} {cols} pixels, {bands} bands{_range(reference)}",
        baseline=baseline,
        inputs=input_pictures(run, observation, reference),
        methods=tuple(_method_pictures(row, result, series, each, shown, detail.most, first) for row, result, each in reduced),
        recipe=reference.recipe.text,
        scale=colour_scale(shown.limit) if drawn and has_truth else None,
        angle_scale=colour_scale(shown.angle, ANGLE_MAP) if drawn and has_truth else None,
        spectra=spectra_table(reference, drawn, series, first, baseline) if drawn else None,
        responses=response_pictures(run.responses(observation), reduced, reference),
        failures=tuple((row, each.failure) for row, each in drawn if each.failure is not None),
        brightness_shares=shares,
        darkness=darkness_note(shares),
        wavelengths_nm=reference.wavelengths_nm,
        first=_first_sides(summary, best, series),
        step=-(-max(rows, cols) // detail.longest),
    )


def class_leaders(summary: Summary, drawn: Sequence[Row]) -> list[Row]:
    """Of the rows that are drawn, the best one of each class of knowledge, in the order of classes; of a class without a ranked one none.

    Where nothing is ranked, they are the first rows that are drawn.
    """
    lead = summary.scores[0]
    sign = -1 if lead.higher_is_better is False else 1
    leaders = []
    for _, rows in summary.tiers:
        known = [row for row in rows if row in drawn and row.ranked and row.values[lead.key].mean is not None]
        leaders += sorted(known, key=lambda row: -sign * (row.values[lead.key].mean or 0.0))[:1]
    return leaders or list(drawn[:MOST_SPECTRA])


def _by_score(summary: Summary, scene: str) -> list[tuple[Row, Result | None]]:
    """Each row with the record that is drawn, the best one on the scene first, those without a score last."""
    lead = summary.scores[0]
    sign = -1 if lead.higher_is_better is False else 1
    chosen = [(row, next((r for r in row.results if r.scene == scene and r.outcome == "scored"), None)) for row in summary.rows]

    def key(pair: tuple[Row, Result | None]) -> tuple[bool, float]:
        value = None if pair[1] is None else lead.of(pair[1])
        return value is None, 0.0 if value is None else -sign * value

    return sorted(chosen, key=key)


def _first_sides(summary: Summary, best: Sequence[Row], series: SeriesNumbers) -> tuple[str, str]:
    """The best method of the first class, and the best one of all; beside a single one stands the first input."""
    if not best:
        return "input-0", "input-0"
    lead = summary.scores[0]
    sign = -1 if lead.higher_is_better is False else 1
    top = max(best, key=lambda row: sign * (row.values[lead.key].mean or 0.0))
    left, right = (f"colour-{series[row.label, row.tier]}" for row in (best[0], top))
    return ("input-0" if left == right else left), right


def _reduced(run: RunFolder, row: Row, result: Result | None, reference: SceneReference) -> ReducedEstimate | str:
    """The estimate of one method, or the reason why there is none."""
    return f"no scores: {row.outcomes}" if result is None else reduce_estimate(run.estimate(result.key), reference)


def _shown(reference: SceneReference, drawn: Sequence[tuple[Row, ReducedEstimate]]) -> Shown:
    """The scales, the gain and the zoom, from the ranked methods where there are any."""
    leading = [each for row, each in drawn if row.ranked] or [each for _, each in drawn]
    limit = shared_limit([each.errors for each in leading if each.errors is not None])
    angle = shared_limit([each.angles for each in leading if each.angles is not None], ANGLE_PERCENTILE)
    zoomed = [each.bands for _, each in drawn if each.bands is not None]
    return Shown(limit, angle, reference.recipe.gain, widest_window([spread_between(zoomed)]) if zoomed else None)


def _method_pictures(
    row: Row,
    result: Result | None,
    series: SeriesNumbers,
    estimate: ReducedEstimate | str,
    shown: Shown,
    most: float,
    first: Collection[tuple[str, str]],
) -> MethodPictures:
    """The pictures of one method, of at most `most` bytes each."""
    number = series[row.label, row.tier]
    if isinstance(estimate, str):
        return MethodPictures(row, number, result, Picture(row.label, missing=estimate))
    std = Picture("posterior", missing=estimate.std_missing) if estimate.std_missing else None
    if estimate.std is not None:
        std = drawn_picture("posterior", colour_errors(estimate.std, shown.limit, max(estimate.std.shape)), most)
    errors = angles = zoom = None
    if estimate.errors is not None:
        errors = drawn_picture("error", colour_errors(estimate.errors, shown.limit, max(estimate.errors.shape)), most)
    if estimate.angles is not None:
        angles = drawn_picture("angle", colour_errors(estimate.angles, shown.angle, max(estimate.angles.shape), ANGLE_MAP), most)
    if estimate.bands is not None and shown.zoom is not None:
        top, left, side = shown.zoom
        zoom = drawn_picture("zoom", displayed(estimate.bands[:, top : top + side, left : left + side], shown.gain), most)
    clipped = 0.0 if estimate.errors is None else clipped_share(estimate.errors, shown.limit)
    colour = drawn_picture(row.label, estimate.colour, most)
    return MethodPictures(row, number, result, colour, errors, angles, zoom, std, True, (row.label, row.tier) in first, clipped)


def _range(reference: SceneReference) -> str:
    """The range of the wavelengths in words; empty where they are not known."""
    nm = reference.wavelengths_nm
    return "" if nm is None else f" from {nm[0]:.0f} to {nm[-1]:.0f} nm"
