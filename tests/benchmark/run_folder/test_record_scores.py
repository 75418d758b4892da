"""Scores in records and in profiles' files: infinity is the text "inf" in JSON and a float here, null is what is not defined."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from benchmark.conventions.profile_scores import ProfileScores, read_profile_scores, write_profile_scores
from benchmark.run_folder.json_file import RecordError
from benchmark.run_folder.record import Memory, read_record
from tests.benchmark.folders import variant, write_record

SCORES = {"psnr": math.inf, "psnr_cube": 47.25, "q2n": None, "sam": 0.0}


def strict(text: str) -> Any:
    """JSON as the standard has it: no Infinity, no NaN."""

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_an_infinite_score_is_a_text_in_the_file_and_a_float_in_memory(tmp_path: Path) -> None:
    record = variant("b", metrics=SCORES)
    file = write_record(tmp_path, record)
    assert strict(file.read_text())["metrics"] == {"psnr": "inf", "psnr_cube": 47.25, "q2n": None, "sam": 0.0}
    back = read_record(file)
    assert back == record
    assert type(back.metrics["psnr"]) is float
    assert back.metrics["q2n"] is None


def test_an_oracles_curve_keeps_its_infinity_and_its_gaps(tmp_path: Path) -> None:
    record = variant("c", oracle={"count": 3, "best": 2, "psnr": [30.0, math.inf, None]})
    file = write_record(tmp_path, record)
    assert strict(file.read_text())["oracle"] == {"count": 3, "best": 2, "psnr": [30.0, "inf", None]}
    assert read_record(file) == record


@pytest.mark.parametrize("bad", [math.nan, -math.inf])
def test_what_is_no_number_and_minus_infinity_are_never_stored(tmp_path: Path, bad: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        write_record(tmp_path, variant("d", metrics={"psnr": bad}))
    with pytest.raises(ValueError, match="JSON"):
        write_profile_scores(tmp_path, ProfileScores("k", "p", {"sewar": {"psnr": bad}}))
    assert not list(tmp_path.rglob("*.json"))


@pytest.mark.parametrize("bad", ["-inf", "infinite", "30.0", True, [30.0], float("nan"), float("inf")])
def test_another_text_or_a_number_that_json_does_not_know_is_a_broken_record(tmp_path: Path, bad: object) -> None:
    file = write_record(tmp_path, variant("e"))
    file.write_text(json.dumps({**json.loads(file.read_text()), "metrics": {"psnr": bad}}))
    with pytest.raises(
        RecordError, match=r'is not a record: .*(where a finite number, null or "inf" was expected|which is no JSON); move it away'
    ):
        read_record(file)


def test_profiles_keep_infinity_likewise(tmp_path: Path) -> None:
    scores = ProfileScores("k", "p", {"sewar": {"psnr": math.inf, "ergas": 1.5}, "mossfuse": {"sam": None}})
    file = write_profile_scores(tmp_path, scores)
    assert strict(file.read_text())["profiles"] == {"sewar": {"psnr": "inf", "ergas": 1.5}, "mossfuse": {"sam": None}}
    assert read_profile_scores(tmp_path, "k") == scores
    file.write_text(file.read_text().replace('"inf"', '"a lot"'))
    with pytest.raises(RecordError, match=r"'a lot' where a finite number"):
        read_profile_scores(tmp_path, "k")


def test_the_memory_of_the_main_process_is_read_under_its_earlier_name(tmp_path: Path) -> None:
    file = write_record(tmp_path, variant("m", memory=Memory(peak=300, base=100, main_process=200)))
    table = json.loads(file.read_text())
    table["memory"]["own"] = table["memory"].pop("main_process")
    file.write_text(json.dumps(table))
    memory = read_record(file).memory
    assert memory is not None
    assert (memory.peak, memory.base, memory.main_process) == (300, 100, 200)
