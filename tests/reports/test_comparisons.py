"""The statistics of a run as tables, sentences and figures: who takes part, what is said of failures, and of too few scenes."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.run_folder.record import Result
from reports.choice import read_choice
from reports.comparisons import ALL, Compared, comparison_section, comparisons, comparisons_frame, matrix_table, pair_table
from reports.figures import save
from reports.latex import latex_document
from reports.profiles import profile_latex
from reports.rank_figures import critical_difference_diagram, heat_map, rank_figure
from reports.style import ONE_COLUMN, TWO_COLUMNS
from reports.summary import summarise
from tests.reports.test_latex import compiled


def many_scenes(results: list[Result], count: int = 8) -> list[Result]:
    """The first protocol on more scenes; on each the PSNR is a little further up."""
    base = [r for r in results if r.protocol["ratio"] == 8 and r.scene == "beads"]
    return [
        replace(r, key=f"{r.key}{n}", scene=f"s{n}", metrics={**r.metrics, "psnr": (r.metrics["psnr"] or 0) + 0.3 * n} if r.metrics else {})
        for r in base
        for n in range(count)
    ]


def of_tier(found: list[Compared], tier: str) -> Compared:
    return next(each for each in found if each.tier == tier)


def test_methods_are_compared_inside_their_tier_and_once_over_all(results: list[Result]) -> None:
    found = comparisons(summarise(many_scenes(results)))
    assert [each.tier for each in found] == ["told nothing", "told blur and colour response", ALL]
    assert of_tier(found, ALL).found.names == (
        "Bicubic [told nothing]",
        "A&B_100%<script>alert('x')</script> [told nothing]",
        "R-FUSE [told blur + colour]",
        "HySure [told blur + colour]",
    )
    assert of_tier(found, ALL).unranked == ("MossFuse (50 steps, under-trained)",)
    assert "Left out, not ranked: MossFuse" in " ".join(comparison_section(of_tier(found, ALL), 1).sentences)
    assert "know different things" in " ".join(comparison_section(of_tier(found, ALL), 1).sentences)


def test_infinite_differences_are_written_by_their_sign_and_the_heat_map_shows_the_cells(results: list[Result]) -> None:
    exact = [
        replace(r, metrics={**r.metrics, "psnr": math.inf}) if (r.method, r.scene) == ("hysure", "s3") else r for r in many_scenes(results)
    ]
    summary = summarise(exact)[0]
    known = of_tier(comparisons([summary]), "told blur and colour response")
    (row,) = pair_table(known).rows
    difference = f"{20 * np.log10(0.012 / 0.008):.2f}"
    assert row[:3] == ("HySure against R-FUSE", "∞", f"-{difference}")
    assert row[3] == f"-{difference} to ∞"
    assert row[6:] == ("1/0/7", "open")
    panel = heat_map(summary, summary.scores[0]).axes[0]
    assert [text.get_text() for text in panel.texts].count("∞") == 1
    assert "∞: infinite" in panel.get_title(loc="left")
    assert "∞" not in heat_map(summarise(many_scenes(results))[0], summary.scores[0]).axes[0].get_title(loc="left")


def test_the_pair_table_says_by_how_much_and_the_better_one_stands_first(results: list[Result]) -> None:
    known = of_tier(comparisons(summarise(many_scenes(results))), "told blur and colour response")
    (row,) = pair_table(known).rows
    difference = 20 * np.log10(0.012 / 0.008)
    assert row[0] == "R-FUSE against HySure"
    assert row[1:4] == (f"{difference:.2f}", f"{difference:.2f}", f"{difference:.2f} to {difference:.2f}")
    assert row[4:] == ("0.0078", "0.0078", "8/0/0", "better")
    matrix = matrix_table(known)
    assert matrix.rows[0] == ("1. R-FUSE", "1.00", "0", "\N{EN DASH}", "8/0/0 ▲")
    assert matrix.rows[1] == ("2. HySure", "2.00", "0", "0/0/8 ▼", "\N{EN DASH}")


def test_the_region_of_practical_equivalence_is_the_readers(results: list[Result]) -> None:
    summaries = summarise(many_scenes(results))
    difference = 20 * np.log10(0.012 / 0.008)
    for ties, verdict in (("", "better"), ("0", "better"), (f"{difference + 0.01:.2f}", "equal")):
        known = of_tier(comparisons(summaries, read_choice(ties=ties).practical), "told blur and colour response")
        assert pair_table(known).rows[0][-2:] == ("0/8/0" if verdict == "equal" else "8/0/0", verdict)
        assert known.found.practical == float(ties or 0.2)


def test_three_scenes_cannot_tell_and_say_so_everywhere(results: list[Result]) -> None:
    known = of_tier(comparisons(summarise(results)), "told blur and colour response")
    (row,) = pair_table(known).rows
    assert row[-1] == "cannot tell"
    assert row[4:6] == ("\N{EN DASH}", "\N{EN DASH}")
    assert "fewer than 6 scenes the statistics cannot tell" in " ".join(comparison_section(known, 1).sentences)
    assert not any("Friedman" in note for note in matrix_table(known).notes)
    texts = [text.get_text() for text in critical_difference_diagram(known.found, "t").axes[0].texts]
    assert any("fewer than 6 cannot tell" in text for text in texts)


def test_a_failed_cell_is_flagged_in_the_sentences_the_matrix_and_the_diagram(results: list[Result]) -> None:
    failed = [
        replace(r, outcome="timeout", metrics={}) if r.method == "rfuse" and r.scene == "s2" and r.seed == 1 else r
        for r in many_scenes(results)
    ]
    known = of_tier(comparisons(summarise(failed)), "told blur and colour response")
    assert "R-FUSE 1" in " ".join(comparison_section(known, 1).sentences)
    assert matrix_table(known).rows[0][:3] == ("1. R-FUSE", "1.12", "1")
    texts = [text.get_text() for text in critical_difference_diagram(known.found, "t").axes[0].texts]
    assert any("R-FUSE (1 failed)" in text for text in texts)
    assert pair_table(known).rows[0][-1] == "open"


def test_a_method_without_any_score_is_left_out_and_named(results: list[Result]) -> None:
    lost = [replace(r, outcome="skipped", metrics={}) if r.method == "bicubic" else r for r in many_scenes(results)]
    found = comparisons(summarise(lost))
    assert [each.tier for each in found] == ["told blur and colour response", ALL]
    assert of_tier(found, ALL).left_out == ("Bicubic",)


def test_the_frame_has_every_pair_unrounded(results: list[Result]) -> None:
    found = comparisons(summarise(many_scenes(results)))
    table = comparisons_frame(found)
    assert len(table) == 1 + 1 + 6
    row = table[(table["tier"] == "told blur and colour response")].iloc[0]
    assert abs(row["mean"]) == pytest.approx(20 * np.log10(0.012 / 0.008), rel=1e-12)


def test_the_tables_compile_with_their_signs(results: list[Result], tmp_path: Path) -> None:
    known = of_tier(comparisons(summarise(many_scenes(results))), ALL)
    text, log = compiled(tmp_path, latex_document([profile_latex(table) for table in (matrix_table(known), pair_table(known))]))
    assert "8/0/0" in text
    assert "U+25B2" not in text
    assert "Overfull \\hbox" not in log


def test_the_diagram_places_every_name_inside_its_edges_and_joins_what_is_not_told_apart(results: list[Result]) -> None:
    found = of_tier(comparisons(summarise(many_scenes(results))), ALL).found
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
    found = of_tier(comparisons(summarise(many_scenes(results))), ALL).found
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
    assert [path.suffix for path in save(figure, tmp_path / "heat")] == [".pdf", ".png", ".svg"]
