"""Rows that a plan has on some scenes or protocols alone: what tables, boards, notes and the list of what was not run say of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark.run_folder.bundle import Bundle
from benchmark.run_folder.record import Result
from reports import results_pages
from reports.content.board import leaderboard
from reports.content.protocols_table import protocols_notes, tabulate_alike
from reports.content.provenance import Provenance
from reports.content.reference_rows import join_bundle, join_run
from reports.content.row_cells import planned_cells
from reports.content.standing import standing_sentences
from reports.content.summary import Summary, summarise
from reports.content.verdicts import compare_tiers, comparison_sentences
from reports.results_pages import compose_results
from reports.typeset.markdown import markdown_summary
from tests.reports.result_bundles import X32, bundle, plan_rows, row, spread, x32
from tests.reports.test_results_pages import cells

SCENES = list(X32.scenes)
OTHER = {"protocol": {**x32(), "name": "never-x2", "ratio": 16}}
FULL, FAST, SLOW = row("Full", spread(33.0)), row("Fast", spread(31.0)), row("Slow", spread(45.0, scenes=2), fuse=50.0)
EVERYWHERE = [*FULL, *row("Full", spread(30.0), **OTHER)]


def planned(*limits: dict[str, Any]) -> dict[str, Any]:
    """A plan with these rows, each with what it is limited to."""
    named = zip((FULL, FAST, SLOW), limits, strict=True)
    return {"scenes": SCENES, "methods": [{**plan_rows(records)[0], **limit} for records, limit in named]}


PLAN = planned({}, {"protocols": ["mossfuse-x32"]}, {"scenes": SCENES[:2], "protocols": ["mossfuse-x32"]})


def tables(records: list[Result], plan: dict[str, Any]) -> list[Summary]:
    return summarise(records, ["psnr"], provenance=Provenance(planned=planned_cells([plan])))


def test_a_row_of_two_scenes_is_not_ranked_and_says_that_the_plan_has_no_more() -> None:
    (summary,) = tables([*FULL, *FAST, *SLOW], PLAN)
    found = {each.label: each for each in summary.rows}
    assert (found["Slow"].scored, found["Slow"].expected, len(found["Slow"].planned)) == (2, 12, 2)
    assert not found["Slow"].ranked
    assert {each.row.label: each.within for each in leaderboard(summary).rows} == {"Full": 1, "Fast": 2, "Slow": None}
    assert [each.why for each in leaderboard(summary).below] == ["not ranked: 2 of 12 scenes, as the plan says"]
    assert [note.sentence for note in summary.shared_notes() if note.mark == "†"] == [
        "Slow: 2 of 12 scenes, as the plan says, hence not ranked"
    ]
    assert "2/12" in next(line for line in markdown_summary(summary).splitlines() if line.startswith("| Slow"))
    (told,) = [line for line in standing_sentences([summary], []) if line.startswith("Slow")]
    assert told.endswith("no place, 2 of 12 scenes, as the plan says")
    (alone,) = tables([*FULL[:2], *FAST[:2], *SLOW], planned({}, {}, {"scenes": SCENES[:2]}))
    assert all(each.ranked for each in alone.rows), "where all rows have the same scenes, a limit keeps nobody from a rank"


def test_a_row_of_two_scenes_takes_no_part_in_the_statistics_and_is_named() -> None:
    (found,) = compare_tiers(tables([*FULL, *FAST, *SLOW], PLAN))
    assert (found.statistics.names, found.statistics.failures) == (("Full", "Fast"), (0, 0))
    assert "Left out, because the plan has them on some of the scenes alone: Slow." in comparison_sentences(found)
    (without,) = compare_tiers(tables([*FULL, *FAST], PLAN))
    assert [pair.holm for pair in found.statistics.pairs] == [pair.holm for pair in without.statistics.pairs]
    (unplanned,) = compare_tiers(tables([*FULL, *SLOW], planned({}, {}, {})))
    assert unplanned.statistics.failures == (0, 10), "what the plan has and is not there is a failure"


def test_what_a_limited_row_lacks_of_its_own_scenes_is_told_apart_from_its_limit() -> None:
    lost = replace(SLOW[1], outcome="timeout", reason="took too long", metrics={}, clock=None)
    (summary,) = tables([*FULL, SLOW[0], lost], PLAN)
    (board,) = leaderboard(summary).below
    assert board.why == "not ranked, 1 of 2 cells scored: timeout, took too long; 2 of 12 scenes, as the plan says"
    (note,) = [note.text for note in summary.notes if note.mark == "†"]
    assert note.startswith(f"1 of 2 cells scored, hence not ranked: timeout on {SCENES[1]} (took too long); 2 of 12")
    (summary,) = tables([*FULL, SLOW[0]], PLAN)
    assert "not run, there is no record of it; 2 of 12 scenes" in leaderboard(summary).below[0].why
    (summary,) = tables([*FULL, *SLOW], planned({}, {}, {}))
    assert leaderboard(summary).below[0].why == "not ranked, 2 of 12 cells scored: not run, there is no record of it"


def test_a_table_over_protocols_says_under_which_ones_a_row_is_not_meant() -> None:
    (table,) = tabulate_alike(tables([*EVERYWHERE, *FAST, *SLOW], planned({}, {}, {"scenes": SCENES[:2], "protocols": ["mossfuse-x32"]})))
    texts = {text for _, text in protocols_notes(table)}
    assert {"Fast: not run under never-x2", "Slow: not meant, as the plan says, under never-x2"} <= texts


def test_rows_of_a_bundle_and_of_another_run_follow_their_own_plan() -> None:
    other = Bundle(name="ref", records=(*SLOW, *FULL), plan=planned({}, {}, {"scenes": SCENES[:2]}))
    own = [replace(record, label="Slow", method="slow", key=f"own{place}") for place, record in enumerate(FAST)]
    for join, label in (
        (join_bundle(own, Provenance(planned=planned_cells([planned({}, {}, {})])), other), "Slow [ref]"),
        (join_run(FAST, other), "Slow"),
    ):
        (summary,) = summarise(join.results, ["psnr"], provenance=join.provenance)
        shares = {each.label: each.share for each in summary.rows}
        assert shares.pop(label) == "2 of 12 scenes, as the plan says"
        assert set(shares.values()) == {""}


def test_the_pages_of_bundles_ask_for_no_more_than_the_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results_pages, "_page", lambda *_: "<p>")
    text = '[[protocol]]\nname = "mossfuse-x32"\n[[protocol]]\nname = "never-x2"\n'
    monkeypatch.setattr("tests.reports.result_bundles.PLAN", text)
    page = compose_results(bundle(tmp_path, EVERYWHERE, FAST[:5], SLOW, plan=PLAN), tmp_path).files["leaderboard.md"]
    second, _, first = page.partition("## mossfuse-x32")
    assert cells(first, "Slow †")[-2:] == ["2/12", "not ranked: 2 of 12 scenes, as the plan says"]
    assert "Slow" not in second.partition("## never-x2")[2]
    left = page.partition("## Not run")[2]
    assert "Slow" not in left, "it has all that the plan asks for"
    assert cells(left, "Fast")[:3] == ["Fast", "mossfuse-x32", "7"]
    assert "Without a record under never-x2" not in left
    few = planned({"scenes": SCENES[:3]}, {"scenes": SCENES[1:5]}, {"scenes": SCENES[:2]})
    short = compose_results(bundle(tmp_path, FULL[:3], FAST[1:3], SLOW, plan=few), tmp_path).files["leaderboard.md"]
    assert cells(short, "Full")[-1].endswith("/5"), "five scenes have a row of the plan"
