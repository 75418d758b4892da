"""Every figure of a report, each as wide as one or two columns, drawn only when what it shows has changed.

<metric>_seconds[_<protocol>]      accuracy, time and parameters: all protocols over two columns, each one alone over one column
scenes_<protocol>                  heat map of methods by scenes
sweep_<number>                     curves over ratio, noise or mismatch
ranks_*, cd_*                      ranks and critical differences
errors_*, spectra_*, responses_*   one scene of each protocol (`reports.scene.scene_view`): error maps, spectra, estimated PSF and SRF
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from matplotlib.figure import Figure

from benchmark.run_folder.folder import RunFolder
from reports.content.file_names import FileNames
from reports.content.row import Row
from reports.content.summary import Summary
from reports.content.sweeps import find_sweeps
from reports.content.verdicts import TierComparison, tiered_names
from reports.figures.accuracy_seconds import accuracy_figure
from reports.figures.critical_differences import critical_difference_diagram
from reports.figures.drawing_cache import DrawingCache
from reports.figures.error_figure import error_figure
from reports.figures.heat_map import heat_map
from reports.figures.looks import Looks
from reports.figures.pair_figure import pair_figure
from reports.figures.rank_dots import rank_figure
from reports.figures.responses_figure import responses_figure
from reports.figures.spectra_figure import spectra_figure
from reports.figures.sweep_curves import sweep_figure
from reports.scene.scene_view import SceneView, choose_scene, view_files, view_scene
from reports.style import identity

MOST_PANELS = 6  # protocols in one figure
MOST_PROTOCOLS = 12  # protocols with figures of their own
MOST_SCENES = 4  # protocols of which one scene is drawn

FIGURE_PARTS = ("accuracy and seconds", "heat maps", "pictures and spectra", "curves", "ranks")  # in the order in which they are drawn

CaptionedFigure = tuple[str, Figure]  # the caption, and the figure


def comparison_figures(each: TierComparison) -> tuple[CaptionedFigure, CaptionedFigure]:
    """The critical-difference diagram of a comparison, and the ranks on its scenes."""
    names = tiered_names(each)
    return (
        (f"Critical-difference diagram, {each.title}", critical_difference_diagram(each.statistics, each.title, names)),
        (f"Ranks on each scene, {each.title}", rank_figure(each.statistics, each.title, names)),
    )


def draw_figures(
    run: RunFolder,
    folder: Path,
    summaries: Sequence[Summary],
    comparisons: Sequence[TierComparison],
    diagrams: Sequence[tuple[CaptionedFigure, CaptionedFigure]],
    names: FileNames,
    begin: Callable[[str], None] = lambda _: None,
) -> tuple[Path, ...]:
    """The files of the figures; `diagrams` are the `comparison_figures` of `comparisons`, in the same order.

    `begin` is called with the name of each of `FIGURE_PARTS` before it is drawn.
    """
    accuracy, maps, scenes, curves, ranking = FIGURE_PARTS
    begin(accuracy)
    cached = DrawingCache(folder)
    paths: list[Path] = []
    looks = Looks.of(summaries)
    inputs = {summary.name: figure_inputs(summary) + repr([looks.number(row) for row in summary.rows]) for summary in summaries}
    for lead in dict.fromkeys(summary.scores[0].key for summary in summaries):
        alike = [summary for summary in summaries if summary.scores[0].key == lead]
        for start in range(0, len(alike), MOST_PANELS):
            part = alike[start : start + MOST_PANELS]
            stem = names.stem(f"{lead}_seconds" + (f"_part{start // MOST_PANELS + 1}" if start else ""))
            paths += cached.figure(stem, [inputs[summary.name] for summary in part], lambda part=part: accuracy_figure(part, looks))  # type: ignore[misc]
    begin(maps)
    for summary in summaries[:MOST_PROTOCOLS]:
        key = inputs[summary.name]
        if len(summaries) > 1:
            stem = names.stem(f"{summary.scores[0].key}_seconds", summary.name)
            paths += cached.figure(stem, key, lambda summary=summary: accuracy_figure([summary], looks))  # type: ignore[misc]
        if len(summary.scenes) > 1:
            stem = names.stem("scenes", summary.name)
            paths += cached.figure(stem, key, lambda summary=summary: heat_map(summary, summary.scores[0]))  # type: ignore[misc]
    begin(scenes)
    for summary in summaries[:MOST_SCENES]:
        paths += _scene_figures(run, summary, names, cached, looks)
    begin(curves)
    for sweep in find_sweeps(summaries):
        points = [sweep.number, sweep.belonging, *((number, inputs[summary.name]) for number, summary in sweep.points)]
        paths += cached.figure(names.stem("sweep", sweep.number), points, lambda sweep=sweep: sweep_figure(sweep, looks=looks))  # type: ignore[misc]
    begin(ranking)
    for each, figures in zip(comparisons, diagrams, strict=True):
        statistics = each.statistics
        ranks = [each.protocol, each.tier, statistics.names, statistics.ranks.tolist(), statistics.failures, statistics.practical]
        for kind, (_, figure) in zip(("cd", "ranks"), figures, strict=True):
            paths += cached.figure(names.stem(kind, each.protocol, each.tier), ranks, lambda figure=figure: figure)  # type: ignore[misc]
    cached.close()
    return tuple(paths)


def figure_inputs(summary: Summary) -> str:
    """Everything in a summary that a figure of it shows, as one text."""
    rows = [(row.label, row.tier, row.expected, row.marks, row.outcomes, row.timing, _cells(row, summary)) for row in summary.rows]
    costs = [[row.values[column.key].mean for column in summary.columns] for row in summary.rows]
    return identity([summary.name, [column.key for column in summary.columns], summary.scenes, rows, costs, summary.best_of])


def _scene_figures(run: RunFolder, summary: Summary, names: FileNames, cached: DrawingCache, looks: Looks) -> list[Path]:
    """The three figures of the chosen scene of a protocol; its cubes are read only where one of the figures must be drawn."""
    scene, chosen = choose_scene(summary)
    files = view_files(run, chosen)
    marks = [(file.name, file.stat().st_size, file.stat().st_mtime_ns) if file.is_file() else (file.name, 0, 0) for file in files]
    inputs = [summary.name, scene, [(row.label, row.tier, looks.number(row)) for row, _ in chosen], marks]

    @cache
    def view() -> SceneView | None:
        return view_scene(run, summary, looks.series)

    def drawing(draw: Callable[[SceneView], Figure | None]) -> Callable[[], Figure | None]:
        return lambda: None if view() is None else draw(view())  # type: ignore[arg-type]

    has_truth = not chosen or chosen[0][1].has_reference
    first = {"errors": error_figure} if has_truth else {"pictures": pair_figure}
    kinds = {**first, "spectra": spectra_figure, "responses": responses_figure}
    return [path for kind, draw in kinds.items() for path in cached.figure(names.stem(kind, summary.name), inputs, drawing(draw))]


def _cells(row: Row, summary: Summary) -> list[tuple[str, int, str, list[float | None]]]:
    """The scores of a row, cell by cell."""
    return [(r.scene, r.seed, r.outcome, [column.of(r) for column in summary.scores]) for r in row.results]
