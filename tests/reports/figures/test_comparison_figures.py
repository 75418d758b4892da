"""The figures of a comparison: the critical-difference diagram, the ranks, and the heat map."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from benchmark.run_folder.record import Result
from reports.content.summary import summarise
from reports.content.verdicts import ALL, TierComparison, compare_tiers, tiered_names
from reports.figures.critical_differences import critical_difference_diagram
from reports.figures.figure_files import save_figure
from reports.figures.heat_map import heat_map
from reports.figures.labels import name_lines
from reports.figures.rank_dots import rank_figure
from reports.style import ONE_COLUMN, SMALL
from tests.reports.conftest import many_scenes


def all_tiers(results: list[Result]) -> TierComparison:
    """The comparison over all tiers, on eight scenes."""
    return next(each for each in compare_tiers(summarise(many_scenes(results))) if each.tier == ALL)


LONG = "Nonlinear unmixing of everything, with a very long name"


def shown(figure: Figure) -> list[str]:
    """The texts of the panel of a figure, with a line each."""
    return [text.get_text() for text in figure.axes[0].texts]


def test_the_diagram_has_every_name_and_tier_whole_inside_one_column_and_joins_what_is_not_told_apart(results: list[Result]) -> None:
    found = all_tiers([replace(r, label=LONG) if r.method == "hostile" else r for r in results])
    figure = critical_difference_diagram(found.statistics, "a title", tiered_names(found))
    figure.canvas.draw()
    width, height = figure.get_size_inches() * figure.dpi
    assert figure.get_size_inches()[0] == ONE_COLUMN
    for text in figure.axes[0].texts:
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= width
        assert box.y0 >= 0
        assert box.y1 <= height
        assert text.get_fontsize() >= SMALL
    together = " ".join(shown(figure))
    assert LONG in together
    assert "[told blur + colour]" in together
    assert "…" not in together
    boxes = sorted((text.get_window_extent() for text in figure.axes[0].texts), key=lambda box: box.y0)
    assert not any(one.overlaps(other) and one is not other for one in boxes for other in boxes)
    thick = [line for line in figure.axes[0].lines if line.get_linewidth() > 2]
    assert len(thick) == len(found.statistics.groups) > 0


def test_the_diagram_has_each_mean_rank_at_its_height_best_on_top(results: list[Result]) -> None:
    found = all_tiers(results)
    figure = critical_difference_diagram(found.statistics, "t", tiered_names(found))
    heights = [line.get_ydata()[0] for line in figure.axes[0].lines if len(line.get_xdata()) == 3]
    means = sorted(found.statistics.mean_ranks)
    scale = (heights[0] - heights[-1]) / (means[-1] - means[0])
    assert scale > 0
    assert [heights[0] - height for height in heights] == pytest.approx([scale * (mean - means[0]) for mean in means])


def test_the_figure_of_ranks_has_the_mean_of_each_method_best_on_top_and_its_whole_tier(results: list[Result]) -> None:
    found = all_tiers(results)
    panel = rank_figure(found.statistics, "t", tiered_names(found)).axes[0]
    assert panel.get_yticklabels()[0].get_text() == "R-FUSE\n[told blur + colour]"
    assert panel.yaxis_inverted()
    means = [line.get_xdata()[0] for line in panel.lines if line.get_xdata()[0] == line.get_xdata()[1] and line.get_linewidth() > 1.3]
    assert means == sorted(found.statistics.mean_ranks)


def test_a_name_and_its_tier_stand_on_lines_of_their_own() -> None:
    tier = "told nothing; learned without truth"
    assert name_lines(("MossFuse, our weights", tier), 27) == ["MossFuse, our weights", "[told nothing; learned", "without truth]"]
    assert name_lines(("GSA", ""), 27) == ["GSA"]
    assert name_lines(("a " * 40, ""), 10) == ["a a a a a", "a a a a a…"]


def test_the_heat_map_has_the_scores_and_hatches_what_is_missing(results: list[Result], tmp_path: Path) -> None:
    second = summarise(results)[1]
    figure = heat_map(second, second.scores[0])
    panel = figure.axes[0]
    labels = [text.get_text() for text in panel.get_yticklabels()]
    scores = np.ma.filled(panel.images[0].get_array(), np.nan)
    own = [r.metrics["psnr"] for r in results if r.method == "rfuse" and r.protocol == second.protocol and r.scene == "beads"]
    assert scores[labels.index("R-FUSE"), 0] == pytest.approx(np.mean([float(value or 0) for value in own]))
    assert np.isnan(scores[labels.index("HySure")]).all()
    assert len(panel.patches) == 3  # HySure's cells; Bicubic has the other seed of its scene
    assert "hatched: not scored" in panel.get_title(loc="left")
    assert figure.get_size_inches()[0] == ONE_COLUMN
    assert [path.suffix for path in save_figure(figure, tmp_path / "heat")] == [".pdf", ".png", ".svg"]
