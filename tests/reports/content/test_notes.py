"""What is said of a row beside its numbers: whose steps were timed, on what it was trained and tuned, what the figures do not hold."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmark.run_folder.record import COUNTED_BEFORE, Clock, Memory, Result
from methods.contract import Card
from reports.content.cards import MethodCard, lost_cells, method_cards, uncovered_keys
from reports.content.notes import Note, share_notes
from reports.content.protocols_table import protocols_notes, tabulate_protocols
from reports.content.summary import Summary, summarise
from reports.report import write_report
from reports.typeset.frames import record_frame, summary_frame
from reports.typeset.latex import latex_document
from reports.typeset.latex_tables import latex_protocols, latex_summary
from reports.typeset.markdown import markdown_protocols, markdown_summary
from reports.typeset.plain_text import plain_summary
from reports.typeset.typst import typst_protocols, typst_summary
from tests.benchmark.folders import read_records, write_record
from tests.reports.typeset.test_latex import compiled


def with_card(results: list[Result], method: str, **facts: Any) -> list[Result]:
    return [replace(r, card={**r.card, **facts}) if r.method == method else r for r in results]


def changed(results: list[Result], method: str, **facts: Any) -> list[Result]:
    return [replace(r, **facts) if r.method == method and r.outcome == "scored" else r for r in results]


def first_of(results: list[Result]) -> Summary:
    return summarise(results)[0]


def texts_of(summary: Summary, label: str = "R-FUSE") -> list[tuple[str, str]]:
    return [(note.mark, note.sentence) for note in summary.notes if note.label == label]


@pytest.mark.parametrize(
    ("implementation", "text"),
    [
        ("optimised, same output", "timed with optimised steps, same output"),
        ("optimised, another output", "timed with optimised steps, which give another output"),
        ("the authors' own", "timed with the program of the authors"),
    ],
)
def test_steps_that_are_not_as_described_are_marked(results: list[Result], implementation: str, text: str) -> None:
    summary = first_of(with_card(results, "rfuse", implementation=implementation))
    assert texts_of(summary) == [("‖", text)]
    assert next(row for row in summary.rows if row.label == "R-FUSE").ranked
    assert re.search(r"^  R-FUSE ‖ .*6/6$", plain_summary(summary), re.MULTILINE)
    assert f"‖ R-FUSE: {text}" in plain_summary(summary)
    assert "| R-FUSE ‖ |" in markdown_summary(summary)
    assert r"R-{}FUSE$^{\|}$" in latex_summary(summary)
    assert '"R-FUSE" + super("‖")' in typst_summary(summary)


def test_the_table_over_protocols_marks_steps_once_at_the_name(results: list[Result], tmp_path: Path) -> None:
    table = tabulate_protocols(summarise(with_card(results, "rfuse", implementation="optimised, same output")))
    assert table is not None
    assert ("‖", "R-FUSE: timed with optimised steps, same output") in protocols_notes(table)
    line = next(line for line in latex_protocols(table).splitlines() if line.startswith(r"R-{}FUSE"))
    assert line.count(r"$^{\|}$") == 1
    assert typst_protocols(table).count('super("‖")') == 2  # at the name, and at its note
    assert "| R-FUSE ‖ |" in markdown_protocols(table)
    text, _ = compiled(tmp_path, latex_document([latex_protocols(table)]))
    assert "R-FUSE" in text


@pytest.mark.parametrize("implementation", ["as described", None])
def test_steps_as_described_and_records_that_do_not_say_have_no_mark(results: list[Result], implementation: str | None) -> None:
    card = {} if implementation is None else {"implementation": implementation}
    assert texts_of(first_of(with_card(results, "rfuse", **card))) == []


def test_training_and_tuning_sets_are_notes_without_a_mark_and_shared_by_those_who_have_them(results: list[Result]) -> None:
    tuned = with_card(with_card(results, "rfuse", tuned_on="CAVE, 3 scenes"), "hysure", tuned_on="CAVE, 3 scenes", trained_on="Harvard")
    summary = first_of(tuned)
    assert texts_of(summary) == [("", "its defaults were tuned on CAVE, 3 scenes")]
    assert texts_of(summary, "HySure") == [("", "trained on Harvard"), ("", "its defaults were tuned on CAVE, 3 scenes")]
    for text in (plain_summary(summary), markdown_summary(summary), latex_summary(summary).replace("-{}", "-"), typst_summary(summary)):
        assert text.count("R-FUSE, HySure: its defaults were tuned on CAVE, 3 scenes") == 1
    notes = summary_frame(summary).set_index("label")["notes"]
    assert notes["HySure"] == "trained on Harvard; its defaults were tuned on CAVE, 3 scenes"


def test_notes_with_marks_come_first_and_each_text_once() -> None:
    notes = [
        Note("", "A", "fact"),
        Note("‡", "A", "not"),
        Note("†", "A", "gone"),
        Note("", "B", "fact"),
        Note("", "B", "count", "operations"),
    ]
    assert [(note.mark, note.sentence) for note in share_notes(notes)] == [("†", "A: gone"), ("‡", "A: not"), ("", "A, B: fact")]
    figures = [Note("", "A, by us", "slow", figure="2 s"), Note("", "B", "slow", figure="3 s")]
    assert [note.sentence for note in share_notes(figures)] == ["A, by us (2 s); B (3 s): slow"]
    assert [note.sentence for note in share_notes(notes, ["operations"])] == ["B: count"]


def clock(first: float | None, warmed: bool = True) -> Clock:
    return Clock(fuse=0.5, fuse_low=0.4, fuse_high=0.6, rounds=3, warmed=warmed, first=first)


def test_a_long_first_call_is_a_note_and_a_number_in_the_csv(results: list[Result]) -> None:
    one = changed([r for r in results if (r.method, r.scene, r.seed) != ("rfuse", "beads", 1)], "rfuse", clock=clock(1.2))
    beads = [r for r in one if r.scene == "beads"]
    assert ("", "first call 1.2 s: set-up is not part of the seconds") in texts_of(first_of(beads))
    assert ("", "first call up to 1.2 s: set-up is not part of the seconds") in texts_of(first_of(one))
    cells = record_frame(one).set_index("key")
    assert cells.loc["0rfuse00", ["clock.first", "clock.set_up"]].tolist() == [1.2, pytest.approx(0.7)]
    for quiet in (clock(0.99), clock(None), clock(1.2, warmed=False)):
        assert not texts_of(first_of(changed(results, "rfuse", clock=quiet)))
    tiny = Clock(fuse=0.001, fuse_low=0.001, fuse_high=0.002, rounds=9, first=0.03, warmed=True)
    assert tiny.set_up > 0
    assert not texts_of(first_of(changed(results, "rfuse", clock=tiny))), "a cold cache is no set-up"


def test_seconds_of_the_first_call_alone_are_said_to_be_so(results: list[Result]) -> None:
    trouble = "a round ended in ValueError: once is enough"
    alone = changed(results, "rfuse", clock=replace(clock(0.5, warmed=False), round_notes=(trouble,)))
    assert texts_of(first_of(alone)) == [("", f"seconds of the first call alone: {trouble}")]
    slower = "2 of 9 rounds took up to 1.8 times as long as the first call"
    assert not texts_of(first_of(changed(results, "rfuse", clock=replace(clock(0.5), round_notes=(slower,)))))


def test_time_in_no_column_is_said_where_it_is_long(results: list[Result]) -> None:
    text = "time of its process that is in no column (import, construction, description)"
    for nowhere, processor, figure in ((1.9, 0.1, "1.9 s"), (0.1, 0.3, "0.30 s")):
        long = changed(results, "rfuse", clock=replace(clock(0.5), nowhere=nowhere, nowhere_processor=processor))
        assert texts_of(first_of(long)) == [("", f"up to {figure}: {text}")]
        assert record_frame(long).set_index("key").loc["0rfuse00", "clock.unaccounted"] == max(nowhere, processor)
    for short in (replace(clock(0.5), nowhere=0.7, nowhere_processor=0.15), replace(clock(20.0, warmed=False), nowhere=1.9)):
        assert not texts_of(first_of(changed(results, "rfuse", clock=short)))


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (
            {"rounds_apart": 0.7, "replay_apart": 0.46},
            "later calls give another cube than the first one, which is scored (46% of its root mean square away)",
        ),
        ({"inside": 0.5, "outside": 9.0}, "its process took 9.0 s by the supervisor's clock and 0.50 s by its own"),
    ],
)
def test_seconds_that_may_be_wrong_are_marked_and_not_compared(results: list[Result], facts: dict[str, float], text: str) -> None:
    doubtful = changed(results, "rfuse", clock=replace(clock(0.5), **facts))
    summary = first_of(doubtful)
    assert ("¶", f"{text}: seconds not compared with those of other rows") in texts_of(summary)
    row = next(row for row in summary.rows if row.label == "R-FUSE")
    assert (row.timing, row.ranked) == ("doubtful", True)
    assert row.values["seconds"].mean == pytest.approx(0.5)
    assert record_frame(doubtful).set_index("key").loc["0rfuse00", "clock.doubtful"]
    quiet = {"rounds_apart": 0.7, "replay_apart": 0.001, "inside": 9.0, "outside": 9.5}
    assert first_of(changed(results, "rfuse", clock=replace(clock(0.5), **quiet))).rows[0].timing == "here"


def test_operations_that_were_not_counted_are_said_where_there_is_room(results: list[Result]) -> None:
    reason = "the first call took more than 2 % of the time limit"
    summary = first_of(changed(results, "rfuse", flops_reason=reason))
    text = f"operations were not counted: {reason}"
    assert ("", text) in texts_of(summary)
    assert text in " ".join(plain_summary(summary).split())
    assert text in summary_frame(summary).set_index("label")["notes"]["R-FUSE"]
    assert "operations" not in latex_summary(summary)  # print has no column of them
    assert "operations" not in typst_summary(summary)
    assert record_frame(changed(results, "rfuse", flops_reason=reason)).set_index("key").loc["0rfuse00", "flops_reason"] == reason


def test_what_the_key_does_not_cover_is_a_note(results: list[Result]) -> None:
    phrases = ("environment variables that method.py reads", "the file table.bin, which the method reads")
    summary = first_of(changed(results, "rfuse", uncovered=phrases))
    assert texts_of(summary) == [("", f"the key does not cover {phrases[0]} and {phrases[1]}")]


def test_what_was_converted_and_seeds_of_the_methods_own_are_notes_and_many_are_counted(results: list[Result]) -> None:
    phrases = ("its cube came in float64, where the pair has float32", "it set a global generator to a seed of its own: random.seed(3)")
    assert texts_of(first_of(changed(results, "rfuse", remarks=phrases))) == [("", phrases[0]), ("", phrases[1])]
    many = tuple(f"remark {number}" for number in range(5))
    texts = [text for _, text in texts_of(first_of(changed(results, "rfuse", remarks=many)))]
    assert texts == ["remark 0", "remark 1", "remark 2", "2 other remarks in the records"]


def test_memory_of_several_processes_is_said_to_be_so(results: list[Result]) -> None:
    summary = first_of(changed(results, "rfuse", memory=Memory(peak=900_000_000, base=1, main_process=412_000_000)))
    expected = "its own process 412 MB: memory is of all processes that the method started"
    assert texts_of(summary) == [("", expected)]
    alone = Memory(peak=412_000_000, base=1, main_process=412_000_000)
    assert texts_of(first_of(changed(results, "rfuse", memory=alone))) == []


@pytest.mark.usefixtures("without_figures")
def test_the_page_has_every_note_once_a_protocol_and_a_list_of_what_keys_do_not_cover(small_run: Path) -> None:
    for record in read_records(small_run):
        if record.method == "rfuse":
            card = {**record.card, "implementation": "optimised, same output", "tuned_on": "CAVE & <more>"}
            write_record(small_run, replace(record, card=card, uncovered=("the clock of the machine",), flops_reason="no time left"))
    page = write_report(small_run).page.read_text(encoding="utf-8")
    results, rest = page.split('<section id="scenes">')
    assert results.count("its defaults were tuned on CAVE &amp; &lt;more&gt;") == 1
    assert "operations were not counted: no time left" in results
    assert "its defaults were tuned on" not in rest.split('<section id="methods">')[0]  # scenes do not repeat it
    assert results.count("timed with optimised steps, same output") == 1
    listed = rest.split("<h3>What keys do not cover</h3>")[1].split("</section>")[0]
    assert re.sub(r"<[^>]*>", " ", listed).split()[-10:] == ["R-FUSE", "camera-x8", "1", "of", "1", "the", "clock", "of", "the", "machine"]


def facts_of(cards: list[MethodCard], label: str = "R-FUSE") -> dict[str, str]:
    return dict(next(card.facts for card in cards if card.row.label == label))


def test_the_methods_cards_have_every_fact_of_the_card(results: list[Result]) -> None:
    card = Card(
        name="R-FUSE",
        paper="a test",
        doi="",
        year=2026,
        needs_psf=True,
        needs_srf=True,
        needs_noise=True,
        learns="beforehand",
        supervision="truth",
        random=False,
        implementation="optimised, same output",
        trained_on="Harvard",
        tuned_on="CAVE",
        unranked="a trial",
        fidelity="by hand",
    )
    counted = changed(with_card(results, "rfuse", **asdict(card)), "rfuse", flops=12_340_000_000, flops_uncounted=("fft",))
    plan = {"plan": {"methods": [{"label": "R-FUSE", "files": {"weights": "0123456789abcdef" * 4}}]}}
    assert facts_of(method_cards(summarise(counted), plan)) == {
        "Told": "the PSF, the SRF and the noise level",
        "Learns": "beforehand (Harvard), from truth",
        "Defaults tuned on": "CAVE",
        "Random": "no: every seed gives the same result",
        "Steps": "optimised, same output",
        "Parameters": "none learned",
        "Operations": "at least 12.3\N{MULTIPLICATION SIGN}10⁹ of one fusion",
        "Files": "weights (sha256 0123456789ab)",
        "Checked": "by hand",
        "Not ranked": "a trial",
    }
    scenes = {result.scene for result in results if result.method == "rfuse"}
    assert len(scenes) > 1
    once = [replace(each, flops=None, flops_reason=COUNTED_BEFORE) if each.scene == min(scenes) else each for each in counted]
    assert facts_of(method_cards(summarise(once), plan))["Operations"] == "at least 12.3\N{MULTIPLICATION SIGN}10⁹ of one fusion"
    plain = facts_of(method_cards(summarise(results)))
    assert plain["Random"] == plain["Steps"] == "not stated"  # an earlier version's card
    assert "Files" not in plain
    assert "Operations" not in plain


@pytest.mark.parametrize(
    ("counts", "text"),
    [((7_710_000, 79_400_000), "7.71 to 79.4\u00d710⁶"), ((12_340,), "0.0123\u00d710⁶"), ((2_000_000_000_000,), "2.00\u00d710¹²")],
)
def test_operations_are_written_in_a_unit_that_can_be_read(results: list[Result], counts: tuple[int, ...], text: str) -> None:
    known = [r for r in results if r.method == "rfuse"]
    counted = [replace(r, flops=counts[place % len(counts)]) for place, r in enumerate(known)]
    assert facts_of(method_cards(summarise(counted)))["Operations"] == f"{text} of one fusion"


def test_what_keys_do_not_cover_is_listed_once_a_method_with_its_protocols(results: list[Result]) -> None:
    partly = [replace(r, uncovered=("a",)) if r.method == "rfuse" and r.seed == 0 else r for r in results]
    (each,) = uncovered_keys(summarise(partly))
    assert (each.row.label, each.protocols, each.cells, each.what) == ("R-FUSE", ("camera-x8", "noisy_x4 & <b>"), "6 of 12", "a")


def test_the_year_stands_once_beside_the_paper(results: list[Result]) -> None:
    for paper, shown in (("Some Journal", "Some Journal, 2016"), ("Some Journal 2016", "Some Journal 2016")):
        cards = method_cards(summarise(with_card(results, "rfuse", paper=paper)))
        assert next(card.paper for card in cards if card.row.label == "R-FUSE") == shown


@pytest.mark.usefixtures("without_figures")
def test_files_and_facts_reach_the_page(small_run: Path) -> None:
    plan = json.loads((small_run / "plan.json").read_text())
    plan["plan"]["methods"] = [{"label": "R-FUSE", "files": {"weights": "feedbeef" * 8}}]
    (small_run / "plan.json").write_text(json.dumps(plan))
    page = write_report(small_run).page.read_text(encoding="utf-8")
    cards = page.split('<section id="methods">')[1]
    assert "<dt>Files</dt><dd>weights (sha256 feedbeeffeed)</dd>" in cards
    assert "<dt>Random</dt>" in cards


def test_the_csv_of_cells_says_what_records_say(results: list[Result]) -> None:
    facts = {"flops": 5, "flops_uncounted": ("fft", "svd"), "uncovered": ("a", "b"), "clock_key": "k", "environment": "e", "attempts": 2}
    row = record_frame(changed(results, "rfuse", **facts)).set_index("key").loc["0rfuse00"]
    assert (row["flops"], row["flops_uncounted"], row["uncovered"]) == (5, "fft; svd", "a; b")
    assert (row["clock_key"], row["environment"]) == ("k", "e")
    assert (row["attempts"], row["schema"]) == (2, 2)
    assert isinstance(record_frame(results), pd.DataFrame)


def test_a_refusal_is_told_by_its_sentence_alone_and_a_reason_against_a_rank_stands_in_brackets(results: list[Result]) -> None:
    refused = changed(results, "hysure", outcome="skipped", reason="RefusedError: HySure takes 31 bands, got 7", metrics={}, clock=None)
    summary = summarise(refused)[0]
    texts = [note.text for note in summary.notes]
    assert "0 of 6 cells scored, hence not ranked: skipped on every scene (needs 31 bands, the scene has 7)" in texts
    assert "not ranked (under-trained: 50 of 10_000 steps)" in texts
    assert [lost.reason for lost in lost_cells(summary) if lost.row.label == "HySure"] == ["needs 31 bands, the scene has 7"]
    (card,) = [card for card in method_cards([summary]) if card.row.label == "HySure"]
    assert dict(card.facts)["Defaults tuned on"] == "not stated"
