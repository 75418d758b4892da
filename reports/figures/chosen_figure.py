"""A figure of the scenes, methods, window and pixels that a person has chosen (`figure errors`, `figure spectra`)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.selection import SelectionError
from reports.content.admission import admit
from reports.content.figure_request import FigureRequest
from reports.content.paper_style import renamed_records
from reports.content.summary import summarise
from reports.figures.error_figure import errors_of_scenes
from reports.figures.figure_files import save_figure
from reports.figures.looks import Looks
from reports.figures.pair_figure import pair_figure
from reports.figures.spectra_figure import spectra_of_scenes
from reports.scene.chosen_views import chosen_views
from reports.scene.scene_view import SceneView
from reports.style import ONE_COLUMN, TWO_COLUMNS


@dataclass(frozen=True)
class ChosenFigure:
    """The files of a figure, and what it shows, so that the next one can be made alike."""

    files: tuple[Path, ...]
    shows: tuple[str, ...]


def write_chosen_figure(run_folder: Path, request: FigureRequest, stem: Path | None = None) -> ChosenFigure:
    """The figure as PDF, PNG and SVG with this path without a suffix; by default in the figures of the run's report.

    Raises:
        RecordError: no run folder, or no records in it that can be read.
        SelectionError: something is asked for that this run does not have.
    """
    run = RunFolder(run_folder)
    found = run.find_current()
    if not found.records:
        raise RecordError(f"expected at least one record in {run.part('cells')}, got none; run the plan first")
    results = renamed_records(admit(found.records, run.index().metrics_key), request.rename)
    summaries = summarise(results)
    views = chosen_views(run, summaries, request, Looks.of(summaries).series)
    width = ONE_COLUMN if request.single_column else TWO_COLUMNS
    if request.kind == "spectra":
        figure = spectra_of_scenes(views, width)
    else:
        drawn = errors_of_scenes(views, width) if all(view.msi is None for view in views) else pair_figure(views[0])
        if drawn is None or (len(views) > 1 and any(view.msi is not None for view in views)):
            raise SelectionError("figure errors: expected scenes with a truth, or one real pair, got several of which some have none")
        figure = drawn
    files = save_figure(figure, stem or run.report / "figures" / f"chosen_{request.kind}")
    return ChosenFigure(files, tuple(line for view in views for line in _shows(view, request)))


def _shows(view: SceneView, request: FigureRequest) -> list[str]:
    """What the figure shows of a scene, in the words of the options that would show it again."""
    methods = ", ".join(each.label for each in view.methods)
    if request.kind == "spectra":
        more = " ".join(f"--pixel {row},{col}" for row, col in view.pixels)
    else:
        more = f"--zoom {','.join(map(str, view.zoom))} --bands {','.join(str(band + 1) for band in view.recipe.bands)}"
    return [f"{view.scene}, {view.protocol}: {methods}; {more}"]
