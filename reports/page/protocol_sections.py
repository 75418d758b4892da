"""The sections of the page on one protocol and on each of its scenes: tables, charts and pictures, ready for the templates."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

from markupsafe import Markup

from benchmark.metrics.metric_facts import NO_REFERENCE, RESPONSES, UNCERTAINTY
from benchmark.run_folder.folder import RunFolder
from reports.content.board import Board, leaderboard
from reports.content.captions import has_spread, machine_sentence, over_sentence
from reports.content.columns import INFINITE
from reports.content.protocol_facts import protocol_facts
from reports.content.protocol_words import Chip, protocol_chips
from reports.content.row import UNDEFINED, Row
from reports.content.summary import Summary, summarise_protocol, timed_elsewhere
from reports.figures.bubble_chart import bubble_chart
from reports.figures.failure_charts import FailureChart, failure_charts
from reports.figures.looks import Looks
from reports.figures.score_map import score_map
from reports.figures.svg_chart import SeriesNumbers
from reports.page.gallery import SceneGallery, scene_gallery
from reports.scene.detail import DetailPlan
from reports.scene.failure import NO_BANDS, Failure

FURTHER = (  # tables that only some runs have
    ("Scores that need no truth", NO_REFERENCE),
    ("Estimated responses against the true ones", RESPONSES),
    ("Stated standard deviations against the errors", UNCERTAINTY),
)


@dataclass(frozen=True)
class SceneSection:
    """One scene under one protocol: its table, its pictures and its charts."""

    id: str
    name: str
    summary: Summary
    gallery: SceneGallery | None  # None where the page has no room for it
    charts: list[FailureChart]
    legend: list[tuple[Row, int]]  # of the charts: rows with the numbers of their lines


@dataclass(frozen=True)
class ProtocolSection:
    """One protocol: its numbers, its summary, its charts and its scenes."""

    id: str
    summary: Summary
    board: Board
    chips: list[Chip]
    facts: list[tuple[str, str]]
    over: str  # what the numbers are means of
    spread: bool  # whether some of them have a standard deviation
    machine: str  # where the seconds were taken
    bubbles: Markup
    map: Markup  # the scores by scenes; empty where there is one scene
    elsewhere: str  # the methods that the bubbles leave out, because their seconds cannot be compared
    charts: list[FailureChart]  # where methods fail, over all scenes
    legend: list[tuple[Row, int]]  # of the charts
    scenes: list[SceneSection]
    further: list[tuple[str, Summary]]  # the tables of `FURTHER`


def protocol_section(
    run: RunFolder, summary: Summary, looks: Looks, series: SeriesNumbers, plan: DetailPlan, number: int
) -> ProtocolSection:
    """The section of the protocol with this number (from 1), as detailed as the plan says."""
    name = f"protocol-{number}"
    scenes = []
    for place, scene in enumerate(summary.scenes, 1):
        inside = _of_scene(summary, scene)
        gallery = scene_gallery(run, summary, scene, series, plan.detail) if plan.has_room(place) else None
        charts = failure_charts(gallery.failures, series, gallery.wavelengths_nm, f"on {scene}") if gallery else []
        legend = [(row, series[row.label, row.tier]) for row, _ in gallery.failures] if gallery else []
        scenes.append(SceneSection(f"{name}-scene-{place}", scene, inside, gallery, charts, legend))
    pooled = _pooled(scenes)
    nm = scenes[0].gallery.wavelengths_nm if scenes[0].gallery else None
    return ProtocolSection(
        id=name,
        summary=summary,
        board=leaderboard(summary),
        chips=protocol_chips(summary),
        facts=protocol_facts(summary.protocol),
        over=over_sentence(summary),
        spread=has_spread(summary),
        machine=machine_sentence(summary),
        bubbles=bubble_chart(summary, looks),
        map=score_map(summary),
        elsewhere=", ".join(timed_elsewhere(summary)),
        charts=failure_charts(pooled, series, nm, "over all scenes"),
        legend=[(row, series[row.label, row.tier]) for row, _ in pooled],
        scenes=scenes,
        further=_further(summary),
    )


def _of_scene(summary: Summary, scene: str) -> Summary:
    """The summary of one scene; its notes stand below the table of the protocol, once, as its marks are the same."""
    results = [result for row in summary.rows for result in row.results if result.scene == scene]
    inside = summarise_protocol(results, summary.name, provenance=summary.provenance)
    told = {(note.mark, note.label) for note in summary.notes}
    return replace(inside, notes=tuple(note for note in inside.notes if note.mark and (note.mark, note.label) not in told), remarks=())


def _pooled(scenes: Sequence[SceneSection]) -> list[tuple[Row, Failure]]:
    """The errors over all scenes, of the methods with an estimate of each scene; empty where there is one scene.

    There are errors by band only where all scenes have the same bands.
    """
    galleries = [scene.gallery for scene in scenes if scene.gallery is not None]
    grids = {None if each.wavelengths_nm is None else tuple(each.wavelengths_nm) for each in galleries}
    if len(galleries) < 2 or len(galleries) < len(scenes):
        return []
    by_method: dict[tuple[str, str], list[tuple[Row, Failure]]] = {}
    for each in galleries:
        for row, failure in each.failures:
            kept = failure if len(grids) == 1 else replace(failure, wavelength=NO_BANDS)
            by_method.setdefault((row.label, row.tier), []).append((row, kept))
    complete = [inside for inside in by_method.values() if len(inside) == len(galleries)]
    return [(inside[0][0], reduce(add, [failure for _, failure in inside])) for inside in complete]


def _further(summary: Summary) -> list[tuple[str, Summary]]:
    """One table per group of `FURTHER` of which a score is defined, with the methods that have one."""
    tables = []
    for title, facts in FURTHER:
        names = [fact.name for fact in facts]
        rows = [[r for r in row.results if r.outcome == "scored"] for row in summary.rows]
        with_any = [results for results in rows if any(r.metrics.get(name) is not None for r in results for name in names)]
        used = [name for name in names if any(r.metrics.get(name) is not None for results in with_any for r in results)]
        if used:
            table = summarise_protocol([r for own in with_any for r in own], summary.name, used, provenance=summary.provenance)
            notes = tuple(note for note in table.notes if note.mark in (UNDEFINED, INFINITE))
            tables.append((title, replace(table, columns=table.columns[: len(used)], notes=notes, remarks=())))
    return tables
