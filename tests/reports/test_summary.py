"""The content of the tables: means, spreads, places and notes, against numpy and by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from benchmark.run_folder.record import Result
from reports.summary import Row, Summary, summarise


def row_of(summary: Summary, method: str) -> Row:
    return next(row for row in summary.rows if row.results[0].method == method)


def with_metric(results: list[Result], name: str, values: dict[str, float | None]) -> list[Result]:
    """The records with this metric of these methods changed."""
    return [
        replace(r, metrics={**r.metrics, name: values[r.method]}) if r.method in values and r.outcome == "scored" else r for r in results
    ]


def test_means_and_spreads_are_numpys_over_the_scored_cells(results: list[Result]) -> None:
    first, second = summarise(results)
    for summary in (first, second):
        for row in summary.rows:
            cells = [r for r in results if r.method == row.results[0].method and r.protocol == summary.protocol and r.outcome == "scored"]
            for name in ("psnr", "ssim", "sam", "ergas", "uiqi"):
                values = [float(r.metrics[name] or 0) for r in cells]
                assert row.values[name].n == len(values)
                if values:
                    assert row.values[name].mean == pytest.approx(np.mean(values), rel=1e-12)
                    assert row.values[name].spread == pytest.approx(np.std(values, ddof=1), rel=1e-9, abs=1e-12)


def test_tiers_go_from_told_nothing_to_learned_from_others_and_rows_from_best_to_worst(results: list[Result]) -> None:
    first = summarise(results)[0]
    assert [tier for tier, _ in first.tiers] == [
        "told nothing",
        "told blur and colour response",
        "told nothing; learned from other scenes, without their truth",
    ]
    assert [row.label for row in first.tiers[1][1]] == ["R-FUSE", "HySure"]


def test_best_and_second_follow_each_metrics_direction(results: list[Result]) -> None:
    first = summarise(results)[0]
    for name in ("psnr", "ssim", "sam", "ergas", "uiqi"):
        assert row_of(first, "rfuse").values[name].place == "best"
        assert row_of(first, "hysure").values[name].place == "second"
    assert all(row.values["seconds"].place == "" for row in first.rows)


def test_values_that_print_alike_are_both_best_and_the_next_is_second(results: list[Result]) -> None:
    ranked = [
        replace(r, tier="told nothing", card={**r.card, "unranked": ""}) for r in results if r.method in ("rfuse", "hysure", "mossfuse")
    ]
    tied = with_metric(ranked, "sam", {"rfuse": 0.7249, "hysure": 0.7151, "mossfuse": 0.73})
    first = summarise(tied)[0]
    assert [row_of(first, name).values["sam"].text for name in ("rfuse", "hysure", "mossfuse")] == ["0.72", "0.72", "0.73"]
    assert [row_of(first, name).values["sam"].place for name in ("rfuse", "hysure", "mossfuse")] == ["best", "best", "second"]


def test_a_row_that_misses_a_cell_is_not_ranked_and_its_note_has_the_reason(results: list[Result]) -> None:
    better = with_metric(results, "psnr", {"hostile": 99.0})  # the best of its tier, were it complete
    first = summarise(better)[0]
    row = row_of(first, "hostile")
    assert (row.scored, row.expected, row.ranked, row.marks) == (5, 6, False, "†")
    assert all(value.place == "" for value in row.values.values())
    note = next(note for note in first.notes if note.label == row.label)
    assert note.text.startswith("5 of 6 cells scored, hence not ranked: failed on beads (seed 1) (ValueError: x < 0 & y > 1")


def test_a_cell_without_a_record_counts_as_not_run(results: list[Result]) -> None:
    kept = [r for r in results if (r.method, r.scene, r.seed) != ("rfuse", "beads", 0)]
    first = summarise(kept)[0]
    assert not row_of(first, "rfuse").ranked
    assert any("not run on beads (seed 0) (there is no record of it)" in note.text for note in first.notes)
    assert row_of(first, "hysure").values["psnr"].place == ""  # alone among the ranked: nothing to be better than


def test_an_unranked_configuration_takes_no_place_however_good(results: list[Result]) -> None:
    good = [
        replace(r, tier="told blur and colour response") if r.method == "mossfuse" else r
        for r in with_metric(results, "psnr", {"mossfuse": 99.0})
    ]
    first = summarise(good)[0]
    row = row_of(first, "mossfuse")
    assert (row.marks, row.values["psnr"].place, row.values["psnr"].text) == ("‡", "", "99.00")
    assert row_of(first, "rfuse").values["psnr"].place == "best"
    assert any(note.mark == "‡" and "under-trained: 50 of 10_000 steps" in note.text for note in first.notes)


def test_a_tier_with_one_ranked_row_marks_nothing(results: list[Result]) -> None:
    second = summarise(results)[1]  # HySure was skipped there
    assert row_of(second, "rfuse").ranked
    assert all(value.place == "" for value in row_of(second, "rfuse").values.values())


def test_a_metric_that_is_undefined_somewhere_is_not_compared(results: list[Result]) -> None:
    holes = [
        replace(r, metrics={**r.metrics, "ergas": None}) if (r.method, r.scene) == ("rfuse", "beads") and r.metrics else r for r in results
    ]
    first = summarise(holes)[0]
    value = row_of(first, "rfuse").values["ergas"]
    assert (value.n, value.place) == (4, "")
    assert row_of(first, "rfuse").values["psnr"].place == "best"
    assert any(note.mark == "§" and note.text == "ERGAS is defined in 4 of 6 scored cells, hence not compared" for note in first.notes)


def exact_on(results: list[Result], method: str, cells: set[tuple[str, int]]) -> list[Result]:
    """The records with an infinite PSNR of this method on these scenes and seeds, and the error of every cell."""
    return [
        replace(
            r,
            metrics={
                **r.metrics,
                "rmse": 0.001 * (1 + r.seed),
                "psnr": math.inf if r.method == method and (r.scene, r.seed) in cells else r.metrics["psnr"],
            },
        )
        if r.outcome == "scored"
        else r
        for r in results
    ]


def test_an_infinite_value_makes_its_mean_infinite_and_best_and_the_note_says_what_the_error_is(results: list[Result]) -> None:
    first = summarise(exact_on(results, "hysure", {("beads", 0), ("chart & toy", 1)}))[0]
    row = row_of(first, "hysure")
    value = row.values["psnr"]
    assert (value.mean, value.text, value.spread, value.spread_text) == (math.inf, "∞ (2 of 6)", None, "")
    assert (value.place, row_of(first, "rfuse").values["psnr"].place) == ("best", "second")
    assert [each.label for each in first.tiers[1][1]] == ["HySure", "R-FUSE"]
    pooled = -10 * math.log10((3 * 0.001**2 + 3 * 0.002**2) / 6)  # three scenes, two seeds
    expected = (
        f"infinite: PSNR in 2 of 6 scored cells; the PSNR of the mean squared error, over all values of these cells, is {pooled:.2f} dB"
    )
    assert [note.text for note in first.notes if note.mark == "∞"] == [expected]
    assert row.values["ssim"].spread is not None


def test_two_infinite_means_tie_however_many_of_their_values_are_infinite(results: list[Result]) -> None:
    exact = exact_on(exact_on(results, "hysure", {("beads", 0)}), "rfuse", {("beads", 0), ("beads", 1)})
    first = summarise(exact)[0]
    assert {row_of(first, name).values["psnr"].place for name in ("hysure", "rfuse")} == {"best"}


def test_a_single_exact_cell_is_infinite_without_a_count(results: list[Result]) -> None:
    one = [r for r in exact_on(results, "rfuse", {("beads", 0)}) if (r.scene, r.seed) == ("beads", 0)]
    nothing_left = [replace(r, metrics={**r.metrics, "rmse": 0.0}) if r.method == "rfuse" else r for r in one]
    first = summarise(nothing_left)[0]
    assert row_of(first, "rfuse").values["psnr"].text == "∞"
    assert any("every value is met exactly" in note.text for note in first.notes)


def test_an_infinite_value_is_the_worst_where_lower_is_better(results: list[Result]) -> None:
    first = summarise(with_metric(results, "ergas", {"rfuse": math.inf}), ["ergas", "psnr"])[0]
    assert [each.label for each in first.tiers[1][1]] == ["HySure", "R-FUSE"]
    assert (row_of(first, "hysure").values["ergas"].place, row_of(first, "rfuse").values["ergas"].place) == ("best", "second")
    assert [note.text for note in first.notes if note.mark == "∞"] == ["infinite: ERGAS in 6 of 6 scored cells"]


def test_protocols_of_one_name_and_other_numbers_stay_apart(results: list[Result]) -> None:
    other = [replace(r, protocol={**r.protocol, "ratio": 16}, key=f"x{r.key}") for r in results if r.protocol["name"] == "camera-x8"]
    assert [(s.name, s.protocol["ratio"]) for s in summarise([*results, *other])][:2] == [("camera-x8 (1)", 16), ("camera-x8 (2)", 8)]


def test_configurations_that_share_a_label_show_the_parameters_that_differ(results: list[Result]) -> None:
    other = [replace(r, parameters={"rank": 10}, key=f"x{r.key}") for r in results if r.method == "rfuse"]
    labels = {row.label for row in summarise([*results, *other])[0].rows}
    assert {"R-FUSE (rank=15)", "R-FUSE (rank=10)", "HySure"} <= labels


def test_memory_is_the_largest_peak_and_gpu_memory_appears_only_where_used(results: list[Result]) -> None:
    first = summarise(results)[0]
    assert "gpu_bytes" not in {column.key for column in first.columns}
    assert row_of(first, "mossfuse").values["peak_bytes"].text == "413"
    cuda = [replace(r, memory=replace(r.memory, cuda_peak=(1 + r.seed) * 10**9)) if r.memory else r for r in results]
    assert row_of(summarise(cuda)[0], "rfuse").values["gpu_bytes"].text == "2000"
