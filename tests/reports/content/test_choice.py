"""What a report shows: records, columns, conventions, digits and groups as asked for, and every typo refused with what there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from benchmark.run_folder.record import Result
from benchmark.run_folder.selection import SelectionError
from reports.content.choice import Choice, choose_records, group_summaries, read_choice, summarise_choice
from reports.content.row import Row
from reports.content.summary import Summary

NOTHING: dict[str, Any] = {}


def summaries(results: list[Result], stored: Mapping[str, Any] = NOTHING, **texts: Any) -> list[Summary]:
    choice = read_choice(**texts)
    return summarise_choice(choose_records(results, choice), choice, stored)


def row_of(summary: Summary, method: str) -> Row:
    return next(row for row in summary.rows if row.results[0].method == method)


def test_nothing_asked_for_is_everything(results: list[Result]) -> None:
    assert read_choice() == Choice(select={})
    assert choose_records(results, read_choice()) == results


def test_fields_and_patterns_select_records_and_labels_with_brackets_are_literal(results: list[Result]) -> None:
    kept = choose_records(results, read_choice(select=["scene=bea*,flowers_#1", "seed=1"]))
    assert {(r.scene, r.seed) for r in kept} == {("beads", 1), ("flowers_#1", 1)}
    assert {r.method for r in choose_records(results, read_choice(methods="rfuse,Hy*"))} == {"rfuse", "hysure"}
    assert {r.method for r in choose_records(results, read_choice(methods="A&B_100%<script>alert('x')</script>"))} == {"hostile"}
    assert {r.tier for r in choose_records(results, read_choice(select=["tier=told nothing"]))} == {"told nothing"}


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"select": ["scenes=beads"]}, r"FIELD one of scene, protocol.*got 'scenes=beads'"),
        ({"select": ["scene"]}, "expected FIELD=PATTERN"),
        ({"metrics": "psnr,sma"}, "expected one of psnr, .* got 'sma'"),
        ({"metrics": "rmse", "profile": "mosfuse"}, "expected one of textbook, mossfuse"),
        ({"metrics": "cc", "profile": "mossfuse"}, "expected one of psnr, ssim"),
        ({"group_by": "scenes"}, "expected one of protocol, scene, tier"),
        ({"best_of": "tiers"}, "expected one of tier, all"),
        ({"precision": "two"}, "0 to 12 digits"),
        ({"precision": "13"}, "0 to 12 digits"),
        ({"precision": "psrn=2"}, "got 'psrn'"),
        ({"ties": "-0.1"}, "--ties: expected a number of at least 0, in the unit of the first metric, got -0.1"),
        ({"ties": "nan"}, "got nan"),
        ({"ties": "wide"}, "got wide"),
    ],
)
def test_a_typo_is_an_error_that_names_what_there_is(texts: dict[str, Any], message: str) -> None:
    with pytest.raises(SelectionError, match=message):
        read_choice(**texts)


def test_a_pattern_without_a_match_names_what_the_run_has(results: list[Result]) -> None:
    with pytest.raises(SelectionError, match=r"expected one of beads, chart & toy, flowers_#1, got no match"):
        choose_records(results, read_choice(select=["scene=bead"]))
    with pytest.raises(SelectionError, match=r"--methods fuse: did you mean 'rfuse'\? expected one of .*R-FUSE"):
        choose_records(results, read_choice(methods="fuse"))


def test_metrics_stand_in_the_order_asked_for_in_the_digits_asked_for(results: list[Result]) -> None:
    first = summaries(results, metrics="sam,psnr", precision="psnr=1")[0]
    assert [column.key for column in first.scores] == ["sam", "psnr"]
    assert row_of(first, "rfuse").values["psnr"].text == "43.5"
    assert row_of(first, "rfuse").values["sam"].text == "0.72"
    assert row_of(summaries(results, precision="3")[0], "rfuse").values["ssim"].text == "0.992"
    with pytest.raises(SelectionError, match="got only counts"):
        summaries(results, metrics="sam_pixels_left_out")


def test_a_profile_puts_its_stored_scores_where_the_metrics_were(results: list[Result]) -> None:
    stored = {r.key: {"mossfuse": {"psnr": (r.metrics["psnr"] or 0) - 1, "sam": None}} for r in results if r.outcome == "scored"}
    first = summaries(results, stored, profile="mossfuse", metrics="psnr,sam")[0]
    plain = summaries(results)[0]
    row, textbook = row_of(first, "rfuse").values, row_of(plain, "rfuse").values["psnr"]
    assert (row["psnr"].mean or 0) == pytest.approx((textbook.mean or 0) - 1)
    assert row["sam"].mean is None
    assert "MossFuse" in first.convention
    assert plain.convention == ""
    with pytest.raises(SelectionError, match="rescore RUN_DIR --profile hysure"):
        summaries(results, stored, profile="hysure")
    with pytest.raises(SelectionError, match="expected one of its metrics, sam, ergas, rmse"):
        summaries(results, stored, profile="hysure", metrics="psnr")


def test_a_table_for_each_scene_or_tier_holds_its_records_alone(results: list[Result]) -> None:
    choice = read_choice(group_by="scene")
    tables = group_summaries(summarise_choice(results, choice, {}), choice, {})
    assert [table.name for table in tables[:3]] == ["camera-x8, beads", "camera-x8, chart & toy", "camera-x8, flowers_#1"]
    assert {r.scene for row in tables[1].rows for r in row.results} == {"chart & toy"}
    assert row_of(tables[0], "rfuse").expected == 2
    by_tier = read_choice(group_by="tier")
    names = [table.name for table in group_summaries(summarise_choice(results, by_tier, {}), by_tier, {})]
    assert names[:3] == [
        "camera-x8, told nothing",
        "camera-x8, told blur and colour response",
        "camera-x8, told nothing; learned from other scenes, without their truth",
    ]


def test_best_of_all_has_one_best_over_the_tiers(results: list[Result]) -> None:
    by_tier, of_all = (summaries(results, best_of=best)[0] for best in ("tier", "all"))

    def best(summary: Summary) -> list[str]:
        return [row.results[0].method for row in summary.rows if row.values["psnr"].place == "best"]

    assert best(by_tier) == ["rfuse"]  # the only tier with two ranked rows
    assert best(of_all) == ["rfuse"]
    places = {row.results[0].method: row.values["psnr"].place for row in of_all.rows}
    assert places["bicubic"] == ""
    ranked = [r for r in results if r.method != "hostile"]
    assert best(summaries([r for r in ranked if r.method != "hysure"], best_of="tier")[0]) == []
    assert best(summaries([r for r in ranked if r.method != "hysure"], best_of="all")[0]) == ["rfuse"]
