"""What tables say of a program in another language: what its seconds are made of, and its own figures."""

from __future__ import annotations

from benchmark.run_folder.program_facts import ProgramFacts
from benchmark.run_folder.record import Result
from reports.typeset.frames import record_frame
from tests.reports.content.test_notes import changed, first_of, texts_of


def test_seconds_and_the_programs_own_figures_are_notes_and_columns(results: list[Result]) -> None:
    facts = ProgramFacts(wall_seconds=2.5, empty_start_seconds=0.25, self_timed_learning=0.5, self_timed_fusing=1.25)
    rows = changed(results, "rfuse", program=facts)
    told = texts_of(first_of(rows))
    assert ("", "seconds are the wall time of a program less an empty start of its interpreter") in told
    own = next(text for _, text in told if "self-timed" in text)
    assert own.endswith("learning 0.5 s, fusing 1.25 s: self-timed: seconds by the program's own clock, which nobody has checked")
    row = record_frame(rows).set_index("key").loc["0rfuse00"]
    assert row["program.self_timed_fusing"] == 1.25
    assert row["program.empty_start_seconds"] == 0.25


def test_what_could_not_be_taken_off_is_said(results: list[Result]) -> None:
    facts = ProgramFacts(wall_seconds=2.5, empty_start_problem="no empty start of fusion is known: nothing is subtracted")
    told = texts_of(first_of(changed(results, "rfuse", program=facts)))
    assert told == [("", "seconds are the wall time of a program; no empty start of fusion is known: nothing is subtracted")]
