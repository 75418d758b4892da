"""The facts on a program in a record: kept, checked and carried over when a cell is only scored again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.program_facts import ProgramFacts
from benchmark.run_folder.record import read_record, write_record_file
from benchmark.runner.outcomes import measurement
from tests.benchmark.folders import FIRST

FACTS = ProgramFacts(wall_seconds=2.5, empty_start_seconds=0.25, empty_start="octave --eval", self_timed_fusing=1.5, version="Octave 7\x1b")


def test_a_record_keeps_them_and_one_of_another_method_has_none(tmp_path: Path) -> None:
    kept = read_record(write_record_file(tmp_path / "cells" / "a.json", replace(FIRST, program=FACTS)))
    assert kept.program == FACTS
    assert FACTS.version == "Octave 7\\x1b"
    plain = write_record_file(tmp_path / "cells" / "b.json", FIRST)
    assert "program" not in json.loads(plain.read_text())
    assert read_record(plain).program is None


def test_they_outlive_a_cell_that_is_only_scored_again() -> None:
    assert measurement(replace(FIRST, program=FACTS))["program"]["self_timed_fusing"] == 1.5
    assert "program" not in measurement(FIRST)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"wall_seconds": -1.0}, "wall_seconds: -1 where a number >= 0"),
        ({"wall_seconds": "long"}, "wall_seconds"),
        ({"wall_seconds": 1.0, "other": 2}, "other"),
        ({"empty_start": "x"}, "no field 'wall_seconds'"),
        (3, "where a table was expected"),
    ],
)
def test_what_does_not_fit_is_no_record(table: object, says: str, tmp_path: Path) -> None:
    file = write_record_file(tmp_path / "cells" / "a.json", FIRST)
    file.write_text(json.dumps({**json.loads(file.read_text()), "program": table}))
    with pytest.raises(RecordError, match=says):
        read_record(file)


def test_the_words_say_what_was_taken_off_and_what_nobody_has_checked() -> None:
    assert FACTS.subtracted.endswith("less an empty start of its interpreter")
    assert FACTS.self_timed == "self-timed: fusing 1.5 s"
    unknown = ProgramFacts(wall_seconds=1.0, empty_start_problem="no empty start of x is known: nothing is subtracted")
    assert unknown.subtracted.endswith("no empty start of x is known: nothing is subtracted")
    assert unknown.self_timed == ""
