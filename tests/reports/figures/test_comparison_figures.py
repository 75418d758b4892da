"""The figures of a comparison: the critical-difference diagram, the ranks, and the heat map."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.run_folder.record import Result
from reports.content.statistics import MethodComparison
from reports.content.summary import summarise
from reports.content.verdicts import ALL, compare_tiers
from reports.figures.critical_differences import critical_difference_diagram
from reports.figures.figure_files import save_figure
from reports.figures.heat_map import heat_map
from reports.figures.rank_dots import rank_figure
from reports.style import ONE_COLUMN, TWO_COLUMNS
from tests.reports.conftest import many_scenes


def all_tiers(results: list[Result]) -> MethodComparison:
    """The comparison over all tiers, on eight scenes."""
    return next(each for each in compare_tiers(summarise(many_scenes(results))) if each.tier == ALL).statistics


def test_the_diagram_places_every_name_inside_its_edges_and_joins_what_is_not_told_apart(results: list[Result]) -> None:
    found = all_tiers(results)
    figure = critical_difference_diagram(found, "a title")
    figure.canvas.draw()
    width, height = figure.get_size_inches() * figure.dpi
    assert figure.get_size_inches()[0] == TWO_COLUMNS  # long names
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y0 >= 0
        assert box.y1 <= height
    thick = [line for line in figure.axes[0].lines if line.get_linewidth() > 2]
    assert len(thick) == len(found.groups) > 0


def test_the_figure_of_ranks_has_the_mean_of_each_method_best_on_top(results: list[Result]) -> None:
    found = all_tiers(results)
    panel = rank_figure(found, "t").axes[0]
    assert panel.get_yticklabels()[0].get_text() == "R-FUSE [told blur + colour]"
    assert panel.yaxis_inverted()
    means = [line.get_xdata()[0] for line in panel.lines if line.get_xdata()[0] == line.get_xdata()[1] and line.get_linewidth() > 1.3]
    assert means == sorted(found.mean_ranks)


def test_the_heat_map_has_the_scores_and_hatches_what_is_missing(results: list[Result], tmp_path: Path) -> None:
    second = summarise(results)[1]
    figure = heat_map(second, second.scores[0])
    panel = figure.axes[0]
    labels = [text.get_text() for text in panel.get_yticklabels()]
    shown = np.ma.filled(panel.images[0].get_array(), np.nan)
    own = [r.metrics["psnr"] for r in results if r.method == "rfuse" and r.protocol == second.protocol and r.scene == "beads"]
    assert shown[labels.index("R-FUSE"), 0] == pytest.approx(np.mean([float(value or 0) for value in own]))
    assert np.isnan(shown[labels.index("HySure")]).all()
    assert len(panel.patches) == 3  # HySure's cells; Bicubic has the other seed of its scene
    assert "hatched: not scored" in panel.get_title(loc="left")
    assert figure.get_size_inches()[0] == ONE_COLUMN
    assert [path.suffix for path in save_figure(figure, tmp_path / "heat")] == [".pdf", ".png", ".svg"]
