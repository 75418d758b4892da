"""The statistics of a run as tables, sentences and figures: who takes part, what is said of failures, and of too few scenes."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.run_folder.record import Result
from reports.content.choice import read_choice
from reports.content.summary import summarise
from reports.content.verdicts import ALL, TierComparison, compare_tiers, comparison_section, matrix_table, pair_table
from reports.figures.critical_differences import critical_difference_diagram
from reports.figures.heat_map import heat_map
from reports.typeset.frames import pairs_frame
from reports.typeset.latex import latex_document
from reports.typeset.latex_tables import latex_text_table
from tests.reports.conftest import many_scenes
from tests.reports.typeset.test_latex import compiled


def of_tier(found: list[TierComparison], tier: str) -> TierComparison:
    return next(each for each in found if each.tier == tier)


def test_methods_are_compared_inside_their_tier_and_once_over_all(results: list[Result]) -> None:
    found = compare_tiers(summarise(many_scenes(results)))
    assert [each.tier for each in found] == ["told nothing", "told blur and colour response", ALL]
    assert of_tier(found, ALL).statistics.names == (
        "Bicubic [told nothing]",
        "A&B_100%<script>alert('x')</script> [told nothing]",
        "R-FUSE [told blur + colour]",
        "HySure [told blur + colour]",
    )
    assert of_tier(found, ALL).unranked == ("MossFuse (50 steps, under-trained)",)
    assert "Left out, because they are not ranked: MossFuse" in " ".join(comparison_section(of_tier(found, ALL), 1, "s").sentences)
    assert "know different things" in " ".join(comparison_section(of_tier(found, ALL), 1, "s").sentences)


def test_infinite_differences_are_written_by_their_sign_and_the_heat_map_shows_the_cells(results: list[Result]) -> None:
    exact = [
        replace(r, metrics={**r.metrics, "psnr": math.inf}) if (r.method, r.scene) == ("hysure", "s3") else r for r in many_scenes(results)
    ]
    summary = summarise(exact)[0]
    known = of_tier(compare_tiers([summary]), "told blur and colour response")
    (row,) = pair_table(known, "pairs").rows
    difference = f"{20 * np.log10(0.012 / 0.008):.2f}"
    assert row[:3] == ("HySure against R-FUSE", "∞", f"-{difference}")
    assert row[3] == f"-{difference} to ∞"
    assert row[6:] == ("1/0/7", "open")
    assert json.loads(pairs_frame([known]).iloc[0]["differences"])["s3"] in ("inf", "-inf")
    few = [r for r in exact if r.scene in ("s2", "s3")]
    (row,) = pair_table(of_tier(compare_tiers(summarise(few)), "told blur and colour response"), "pairs").rows
    assert row[3] == f"-{difference}, ∞"
    both = [replace(r, metrics={**r.metrics, "psnr": math.inf}) if (r.method, r.scene) == ("rfuse", "s4") else r for r in exact]
    opposite = pair_table(of_tier(compare_tiers(summarise(both)), "told blur and colour response"), "pairs")
    assert opposite.rows[0][1] == "\N{EN DASH}"
    assert "∞" in opposite.rows[0][3]
    assert any("infinite differences of both signs has no mean" in note for note in opposite.notes)
    panel = heat_map(summary, summary.scores[0]).axes[0]
    assert [text.get_text() for text in panel.texts].count("∞") == 1
    assert "∞: infinite" in panel.get_title(loc="left")
    assert "∞" not in heat_map(summarise(many_scenes(results))[0], summary.scores[0]).axes[0].get_title(loc="left")


def test_the_pair_table_says_by_how_much_and_the_better_one_stands_first(results: list[Result]) -> None:
    known = of_tier(compare_tiers(summarise(many_scenes(results))), "told blur and colour response")
    (row,) = pair_table(known, "pairs").rows
    difference = 20 * np.log10(0.012 / 0.008)
    assert row[0] == "R-FUSE against HySure"
    assert row[1:4] == (f"{difference:.2f}", f"{difference:.2f}", f"{difference:.2f} to {difference:.2f}")
    assert row[4:] == ("0.0078", "0.0078", "8/0/0", "better")
    matrix = matrix_table(known, "matrix")
    assert matrix.rows[0] == ("1. R-FUSE", "1.00", "0", "\N{EN DASH}", "8/0/0 ▲")
    assert matrix.rows[1] == ("2. HySure", "2.00", "0", "0/0/8 ▼", "\N{EN DASH}")


def test_the_region_of_practical_equivalence_is_the_readers(results: list[Result]) -> None:
    summaries = summarise(many_scenes(results))
    difference = 20 * np.log10(0.012 / 0.008)
    for ties, verdict in (("", "better"), ("0", "better"), (f"{difference + 0.01:.2f}", "equal")):
        known = of_tier(compare_tiers(summaries, read_choice(ties=ties).practical), "told blur and colour response")
        assert pair_table(known, "pairs").rows[0][-2:] == ("0/8/0" if verdict == "equal" else "8/0/0", verdict)
        assert known.statistics.practical == float(ties or 0.2)


def test_three_scenes_cannot_tell_and_say_so_everywhere(results: list[Result]) -> None:
    known = of_tier(compare_tiers(summarise(results)), "told blur and colour response")
    (row,) = pair_table(known, "pairs").rows
    assert row[-1] == "cannot tell"
    assert row[4:6] == ("\N{EN DASH}", "\N{EN DASH}")
    assert "fewer than 6 scenes the statistics cannot tell" in " ".join(comparison_section(known, 1, "s").sentences)
    assert not any("Friedman" in note for note in matrix_table(known, "matrix").notes)
    texts = [text.get_text() for text in critical_difference_diagram(known.statistics, "t").axes[0].texts]
    assert any("fewer than 6 cannot tell" in text for text in texts)


def test_fewer_than_six_scenes_have_their_differences_in_the_place_of_the_interval(results: list[Result]) -> None:
    few = [r for r in results if r.method in ("rfuse", "hysure") and r.protocol["ratio"] == 8]
    ahead = {"beads": 0.0, "chart & toy": 1.25, "flowers_#1": 2.5}
    raised = [
        replace(r, metrics={**r.metrics, "psnr": (r.metrics["psnr"] or 0) + ahead[r.scene]}) if r.method == "rfuse" else r for r in few
    ]
    known = of_tier(compare_tiers(summarise(raised)), "told blur and colour response")
    table, base = pair_table(known, "pairs"), 20 * np.log10(0.012 / 0.008)
    assert table.heads[3] == "On each scene"
    assert table.rows[0][3] == ", ".join(f"{base + each:.2f}" for each in ahead.values())
    assert "Scenes, in this order: beads, chart & toy, flowers_#1." in table.notes[0]
    assert not any("95 %" in text or "draws" in text for text in (*table.heads, *table.notes))
    row = pairs_frame([known]).iloc[0]
    assert np.isnan([row["low"], row["high"]]).all()
    assert json.loads(row["differences"]) == pytest.approx({scene: base + each for scene, each in ahead.items()})
    lost = [replace(r, outcome="failed", metrics={}) if (r.method, r.scene) == ("hysure", "beads") else r for r in raised]
    (row,) = pair_table(of_tier(compare_tiers(summarise(lost)), "told blur and colour response"), "pairs").rows
    assert row[3] == f"\N{EN DASH}, {base + 1.25:.2f}, {base + 2.5:.2f}"


def test_a_pair_with_few_common_scenes_has_its_differences_among_the_intervals_of_the_others(results: list[Result]) -> None:
    failed = [
        replace(r, outcome="timeout", metrics={}) if r.method == "hysure" and r.scene in ("s0", "s1", "s2") else r
        for r in many_scenes(results)
    ]
    table = pair_table(of_tier(compare_tiers(summarise(failed)), ALL), "pairs")
    cells = {row[0]: row[3] for row in table.rows}
    difference = f"{20 * np.log10(0.012 / 0.008):.2f}"
    assert table.heads[3] == "95 % interval"
    assert cells["R-FUSE [told blur + colour] against HySure [told blur + colour]"] == ", ".join([difference] * 5)
    assert " to " in cells["R-FUSE [told blur + colour] against Bicubic [told nothing]"]
    assert any("fewer than 6 common scenes has no interval" in note for note in table.notes)


def test_a_failed_cell_is_flagged_in_the_sentences_the_matrix_and_the_diagram(results: list[Result]) -> None:
    failed = [
        replace(r, outcome="timeout", metrics={}) if r.method == "rfuse" and r.scene == "s2" and r.seed == 1 else r
        for r in many_scenes(results)
    ]
    known = of_tier(compare_tiers(summarise(failed)), "told blur and colour response")
    assert "R-FUSE 1" in " ".join(comparison_section(known, 1, "s").sentences)
    assert matrix_table(known, "matrix").rows[0][:3] == ("1. R-FUSE", "1.12", "1")
    texts = [text.get_text() for text in critical_difference_diagram(known.statistics, "t").axes[0].texts]
    assert any("R-FUSE (1 failed)" in text for text in texts)
    assert pair_table(known, "pairs").rows[0][-1] == "open"


def test_a_method_without_any_score_is_left_out_and_named(results: list[Result]) -> None:
    lost = [replace(r, outcome="skipped", metrics={}) if r.method == "bicubic" else r for r in many_scenes(results)]
    found = compare_tiers(summarise(lost))
    assert [each.tier for each in found] == ["told blur and colour response", ALL]
    assert of_tier(found, ALL).left_out == ("Bicubic",)


def test_the_frame_has_every_pair_unrounded(results: list[Result]) -> None:
    found = compare_tiers(summarise(many_scenes(results)))
    table = pairs_frame(found)
    assert len(table) == 1 + 1 + 6
    row = table[(table["tier"] == "told blur and colour response")].iloc[0]
    assert abs(row["mean"]) == pytest.approx(20 * np.log10(0.012 / 0.008), rel=1e-12)


def test_the_differences_on_five_scenes_fit_the_page(results: list[Result], tmp_path: Path) -> None:
    known = of_tier(compare_tiers(summarise(many_scenes(results, 5))), ALL)
    text, log = compiled(tmp_path, latex_document([latex_text_table(pair_table(known, "pairs"))]))
    assert "On each scene" in text
    assert "Overfull \\hbox" not in log


def test_the_tables_compile_with_their_signs(results: list[Result], tmp_path: Path) -> None:
    known = of_tier(compare_tiers(summarise(many_scenes(results))), ALL)
    text, log = compiled(tmp_path, latex_document([latex_text_table(table) for table in comparison_section(known, 1, "s").tables]))
    assert "8/0/0" in text
    assert "U+25B2" not in text
    assert "Overfull \\hbox" not in log


def test_one_seed_of_a_row_that_does_not_depend_on_it_stands_for_every_seed(results: list[Result]) -> None:
    marked = [replace(r, card={**r.card, "random": r.method != "rfuse"}) for r in many_scenes(results)]
    one_seed = [r for r in marked if r.card["random"] or r.seed == 1]
    known = of_tier(compare_tiers(summarise(one_seed)), "told blur and colour response")
    (row,) = pair_table(known, "pairs").rows
    assert known.statistics.failures == (0, 0)
    by_seed = 20 * np.log10(0.012 / 0.008) + np.array([-0.3, 0.0])  # R-FUSE's second seed against both of HySure's
    assert row[0] == "R-FUSE against HySure"
    assert row[1] == f"{by_seed.mean():.2f}"
    assert row[-2:] == ("8/0/0", "better")
    lost = [replace(r, outcome="failed", metrics={}) if (r.method, r.scene) == ("rfuse", "s2") else r for r in one_seed]
    known = of_tier(compare_tiers(summarise(lost)), "told blur and colour response")
    assert dict(zip(known.statistics.names, known.statistics.failures, strict=True)) == {"R-FUSE": 1, "HySure": 0}
    lacking = [r for r in marked if (r.method, r.seed) != ("hysure", 1)]
    known = of_tier(compare_tiers(summarise(lacking)), "told blur and colour response")
    assert dict(zip(known.statistics.names, known.statistics.failures, strict=True)) == {"R-FUSE": 0, "HySure": 8}
