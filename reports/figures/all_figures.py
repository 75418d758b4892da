"""Every figure of a report, each in the size of one or two columns, drawn only when what it shows has changed.

<metric>_seconds[_<protocol>]   accuracy, time and parameters: all protocols over two columns, each alone in one
scenes_<protocol>               heat map of methods by scenes
sweep_<number>                  curves over ratio, noise or mismatch
ranks_*, cd_*                   ranks and critical differences
errors_*, spectra_*, responses_*   of one scene of each protocol (`reports.scene.scene_view`): error maps, spectra, estimated PSF and SRF
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from matplotlib.figure import Figure

from reports.content.sections import Section
from reports.content.summary import Row, Summary
from reports.content.sweeps import draw_sweep, find_sweeps
from reports.content.verdicts import Compared
from reports.figures.accuracy_seconds import psnr_seconds
from reports.figures.critical_differences import heat_map
from reports.figures.drawing_cache import Drawings
from reports.figures.error_figure import error_figure, responses_figure, spectra_figure
from reports.scene.scene_view import SceneView, choose, view_files, view_scene
from reports.style import identity, slug

MOST_PANELS = 6  # protocols in one figure
MOST_PROTOCOLS = 12  # with figures of their own
MOST_SCENES = 4  # protocols of which a scene is drawn


def draw_all(
    run_folder: Path, folder: Path, summaries: Sequence[Summary], compared: Sequence[Compared], sections: Sequence[Section]
) -> tuple[Path, ...]:
    """The figures' files; `sections` hold the drawn diagrams of `compared`, in its order."""
    drawings = Drawings(folder)
    lead = summaries[0].scores[0]
    paths: list[Path] = []
    inputs = {summary.name: told(summary) for summary in summaries}
    for start in range(0, len(summaries), MOST_PANELS):
        part = list(summaries[start : start + MOST_PANELS])
        stem = f"{lead.key}_seconds" + (f"_part{start // MOST_PANELS + 1}" if start else "")
        paths += drawings.figure(stem, [inputs[summary.name] for summary in part], lambda part=part: psnr_seconds(part))  # type: ignore[misc]
    stems = _unique([slug(summary.name) for summary in summaries])
    for summary, stem in list(zip(summaries, stems, strict=True))[:MOST_PROTOCOLS]:
        key = inputs[summary.name]
        if len(summaries) > 1:
            paths += drawings.figure(f"{lead.key}_seconds_{stem}", key, lambda summary=summary: psnr_seconds([summary]))  # type: ignore[misc]
        if len(summary.scenes) > 1:
            paths += drawings.figure(f"scenes_{stem}", key, lambda summary=summary: heat_map(summary, summary.scores[0]))  # type: ignore[misc]
    for summary, stem in list(zip(summaries, stems, strict=True))[:MOST_SCENES]:
        paths += _scene(run_folder, summary, stem, drawings)
    sweeps = find_sweeps(summaries)
    for sweep, stem in zip(sweeps, _unique([f"sweep_{slug(sweep.number)}" for sweep in sweeps]), strict=True):
        points = [sweep.number, sweep.with_it, *((number, inputs[summary.name]) for number, summary in sweep.points)]
        paths += drawings.figure(stem, points, lambda sweep=sweep: draw_sweep(sweep))  # type: ignore[misc]
    stems = _unique([each.stem.removeprefix("statistics_") for each in compared])
    for each, section, stem in zip(compared, sections, stems, strict=True):
        ranks = [each.protocol, each.tier, each.found.names, each.found.ranks.tolist(), each.found.failures, each.found.practical]
        for kind, (_, figure) in zip(("cd", "ranks"), section.figures, strict=True):
            paths += drawings.figure(f"{kind}_{stem}", ranks, lambda figure=figure: figure)  # type: ignore[misc]
    drawings.close()
    return tuple(paths)


def _scene(run_folder: Path, summary: Summary, stem: str, drawings: Drawings) -> list[Path]:
    """The three figures of a protocol's chosen scene; its cubes are read only where one of them must be drawn."""
    scene, chosen = choose(summary)
    files = view_files(run_folder, chosen)
    marks = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) if file.is_file() else (file.name, 0, 0) for file in files]
    inputs = [summary.name, scene, [(row.label, row.tier) for row, _ in chosen], marks]

    @cache
    def view() -> SceneView | None:
        return view_scene(run_folder, summary)

    def drawn(draw: Callable[[SceneView], Figure | None]) -> Callable[[], Figure | None]:
        return lambda: None if view() is None else draw(view())  # type: ignore[arg-type]

    kinds = {"errors": error_figure, "spectra": spectra_figure, "responses": responses_figure}
    return [path for kind, draw in kinds.items() for path in drawings.figure(f"{kind}_{stem}", inputs, drawn(draw))]


def told(summary: Summary) -> str:
    """Everything of a summary that a figure of it shows."""
    rows = [(row.label, row.tier, row.expected, row.marks, row.outcomes, _cells(row, summary)) for row in summary.rows]
    costs = [[row.values[column.key].mean for column in summary.columns] for row in summary.rows]
    return identity([summary.name, [column.key for column in summary.columns], summary.scenes, rows, costs, summary.best_of])


def _cells(row: Row, summary: Summary) -> list[tuple[str, int, str, list[float | None]]]:
    """The scores of a row, cell by cell."""
    return [(r.scene, r.seed, r.outcome, [column.of(r) for column in summary.scores]) for r in row.results]


def _unique(stems: Sequence[str]) -> list[str]:
    """The stems, numbered where several are equal."""
    return [f"{stem}_{stems[: place + 1].count(stem)}" if stems.count(stem) > 1 else stem for place, stem in enumerate(stems)]
