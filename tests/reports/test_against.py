"""A report against a bundle: which records join, how they are marked, whose seconds are compared, and where a new row stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import run_benchmark
from benchmark.run_folder.bundle import Bundle, bundle_of, write_bundle
from benchmark.run_folder.json_file import read_json, write_json
from benchmark.run_folder.record import Clock, Result
from reports.content.admission import whole_groups
from reports.content.choice import read_choice
from reports.content.provenance import Provenance
from reports.content.reference_rows import NothingPairedError, is_reference, join_bundle
from reports.content.standing import standing_sentences
from reports.content.summary import summarise
from reports.content.verdicts import compare_tiers
from reports.report import write_report
from tests.benchmark.folders import FIRST, run_folder

SCENES = 7
NUMBERS = {"ratio": 8, "psf": {"kind": "gaussian", "sigma": 2.0}, "hsi_snr_db": None, "msi_snr_db": 40.0}


def rows(label: str, psnr: float, *, seed: int = 0, scenes: int = SCENES, prefix: str = "file/", **facts: Any) -> list[Result]:
    """A cell for each scene, better by a third of a decibel on each next one."""
    clock = Clock(fuse=facts.pop("fuse", 1.0), fuse_low=0.9, fuse_high=1.1, rounds=3, warmed=True)
    card = {**FIRST.card, "name": label, "random": facts.pop("random", True)}
    protocol = {"name": facts.pop("named", "mine"), **NUMBERS, **facts.pop("numbers", {})}
    return [
        replace(
            FIRST,
            key=f"{label[0].lower()}{number}{seed}{facts.get('environment', 'e0')}",
            label=label,
            method=label.lower(),
            card=card,
            scene=f"{prefix}{number}",
            scene_content=f"content-{number}",
            protocol=protocol,
            seed=seed,
            metrics={"psnr": psnr + number / 3 + (0.01 if number % 2 else 0.0), "sam": 5.0},
            clock=clock,
            **facts,
        )
        for number in range(scenes)
    ]


def bundle(*records: Result, **facts: Any) -> Bundle:
    return Bundle(name="ref-2026", records=records, environments={"e9": {"processor": "elsewhere"}, "e0": {"processor": "P"}}, **facts)


def joined(own: list[Result], *others: Result) -> list[Result]:
    return list(join_bundle(own, Provenance({"e0": {"processor": "P"}}), bundle(*others)).results)


def test_records_join_by_content_numbers_and_seed_under_the_names_of_the_run() -> None:
    own = rows("Mine", 30.0, scenes=3)
    others = rows("Known", 31.0, scenes=5, prefix="cave/", named="another name", environment="e9")
    found = joined(own, *others)
    added = [record for record in found if is_reference(record)]
    assert len(found) == 3 + 3
    assert [record.scene for record in added] == ["file/0", "file/1", "file/2"]
    assert {(record.label, str(record.protocol["name"])) for record in added} == {("Known [ref-2026]", "mine")}
    assert not {record.key for record in added} & {record.key for record in own}
    told = join_bundle(own, Provenance(), bundle(*others)).sentence
    assert told == "reference ref-2026: 3 of 5 records pair with cells of this run; 2 do not (other scenes 2)"


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"seed": 3}, "other seeds 3"),
        ({"numbers": {"ratio": 4}}, "other protocols 3"),
        ({"metrics_key": "m1"}, "other metrics 3"),
    ],
)
def test_what_differs_does_not_join(facts: dict[str, Any], why: str) -> None:
    own = rows("Mine", 30.0, scenes=3)
    with pytest.raises(NothingPairedError, match=f"got none: reference ref-2026: 0 of 3 records pair .*{why}"):
        joined(own, *rows("Known", 31.0, scenes=3, **facts))


def test_a_record_on_which_the_seed_has_no_influence_joins_whatever_its_seed() -> None:
    quiet = {"numbers": {"msi_snr_db": None}}
    found = joined(rows("Mine", 30.0, seed=4, scenes=2, **quiet), *rows("Known", 31.0, scenes=2, random=False, **quiet))
    assert [record.seed for record in found if is_reference(record)] == [4, 4]


def test_seconds_are_those_of_the_run_and_of_others_where_they_were_taken_alike() -> None:
    own = rows("Mine", 30.0)
    others = [row for number in range(3) for row in rows(f"{'XYZ'[number]}far", 31.0, environment="e9")] + rows("Near", 29.0)
    result = join_bundle(own, Provenance({"e0": {"processor": "P"}}), bundle(*others))
    (summary,) = summarise(result.results, provenance=result.provenance)
    timing = {row.label: row.timing for row in summary.rows}
    assert timing["Mine"] == timing["Near [ref-2026]"] == "here"
    assert {timing[f"{letter}far [ref-2026]"] for letter in "XYZ"} == {"elsewhere"}


def told(own: list[Result], *others: Result) -> list[str]:
    summaries = summarise(joined(own, *others))
    return standing_sentences(summaries, compare_tiers(summaries))


def test_where_a_new_row_stands_is_said_in_one_sentence_with_its_confidence() -> None:
    many = {"scenes": 12}
    higher = rows("Best", 33.0, tier="told blur and colour response", **many)
    others = [*rows("Low", 29.0, **many), *rows("Near", 31.0, **many), *rows("Mid", 31.5, **many), *higher]
    (sentence,) = told(rows("Mine", 31.0, **many), *others)
    head, _, rest = sentence.partition(": ")
    inside, _, whole = rest.partition("; place")
    assert head == "Mine on mine (12 scenes)"
    assert inside.startswith("place 2 of 4 in its class (told nothing) by PSNR, 0.50 dB behind Mid [ref-2026]")
    assert "(95 % interval -0.50 to -0.50)" in inside
    assert "better than 1, worse than 1, equal to 1 of 3" in inside
    assert whole.startswith(" 3 of 5 overall by PSNR, 2.00 dB behind Best [ref-2026]")
    assert "worse than 2" in whole


def test_known_rows_are_not_told_and_few_scenes_give_no_verdict() -> None:
    own = [*rows("Mine", 31.0, scenes=3), *rows("Low", 29.0, scenes=3)]
    (sentence,) = told(own, *rows("Low", 29.0, scenes=3), *rows("Mid", 30.5, scenes=3))
    assert sentence.startswith("Mine on mine (3 scenes): place 1 of 4 in its class (told nothing) by PSNR, 0.50 dB ahead of Mid [ref-2026]")
    assert "fewer than 6 scenes: no verdict" in sentence
    again = told(rows("Low", 29.0, scenes=3), *rows("Low", 29.0, scenes=3))
    assert len(again) == 1, "a run of known rows alone is told, too"
    broken = [replace(record, outcome="timeout", metrics={}) for record in rows("Mine", 31.0, scenes=3)[:1]]
    (sentence,) = told([*broken, *rows("Mine", 31.0, scenes=3)[1:]], *rows("Mid", 30.5, scenes=3))
    assert "no place, 1 of its 3 cells have no score" in sentence


def test_the_report_has_the_rows_of_the_bundle_and_the_command_says_where_the_run_stands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = bundle_of(run_folder(tmp_path / "made", [*rows("Mid", 31.5), *rows("Low", 29.0)], processor="P"), "ref-2026")
    file = write_bundle(tmp_path / "ref-2026.json.xz", made)
    run = run_folder(tmp_path / "run", rows("Mine", 31.0))
    assert run_benchmark.main(["report", str(run), "--against", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "reference ref-2026: 14 of 14 records pair with cells of this run" in printed
    assert printed.strip().splitlines()[-1].startswith("Mine on mine (7 scenes): place 2 of 3 in its class (told nothing) by PSNR")
    page = (run / "report" / "index.html").read_text(encoding="utf-8")
    assert "Mid [ref-2026]" in page
    tables = run / "report" / "tables"
    assert "Mid [ref-2026]" in (tables / "statistics.csv").read_text(encoding="utf-8")
    assert (tables / "cells.csv").read_text(encoding="utf-8").count("Low [ref-2026]") == 7
    assert run_benchmark.main(["report", str(run), "--against", "nothing-like-it"]) == 2


@pytest.mark.usefixtures("without_figures")
def test_a_run_at_work_shows_the_scenes_that_every_row_has_reached(tmp_path: Path) -> None:
    """Two rows, three scenes; the second row has not reached the last one."""
    records = [*rows("Mine", 31.0, scenes=3), *rows("Near", 30.0, scenes=2)]
    run = run_folder(tmp_path / "run", records)
    index = read_json(run / "index.json")
    later = "c" * 20
    index["cells"][later] = {"label": "Near", "scene": "file/2", "protocol": "camera-x8", "seed": 0}
    write_json(run / "index.json", index)
    keys = {record.key for record in records}
    kept, sentence = whole_groups(records, index["cells"], keys)
    assert sorted(record.scene for record in kept) == ["file/0", "file/0", "file/1", "file/1"]
    assert sentence.startswith("The run has not ended: 5 of 6 cells have a record. Shown are the 2 of 3 observations")
    assert "1 records of others are left out" in sentence
    alone = [record for record in records if record.scene == "file/2"]
    assert whole_groups(alone, index["cells"], keys) == (alone, ""), "what is asked for is shown where nothing is whole"
    assert whole_groups(kept, index["cells"], keys) == (kept, "")
    assert whole_groups(records, {key: cell for key, cell in index["cells"].items() if key != later}, keys) == (records, "")
    write_json(run / "running.json", {"running": ["Near on file/2"]})
    paths = write_report(run)
    assert paths.notes == (sentence,)
    (summary,) = paths.summaries
    assert all(row.ranked for row in summary.rows)
    assert "Shown are the 2 of 3 observations" in paths.page.read_text(encoding="utf-8")


@pytest.mark.usefixtures("without_figures")
def test_two_runs_make_one_table_and_what_both_have_stands_once(tmp_path: Path) -> None:
    a = run_folder(tmp_path / "a", [*rows("Shared", 30.0), *rows("Mine", 31.0)])
    other = [*rows("Shared", 30.0), *rows("Theirs", 35.0, prefix="elsewhere/"), *(replace(r, key=f"z{r.key}") for r in rows("Mine", 20.0))]
    b = run_folder(tmp_path / "run b", other)
    report = write_report(a, tmp_path / "out", read_choice(rename=["Theirs=Rival"], methods="theirs,mine,shared"), beside=b)
    (summary,) = report.summaries
    means = {row.label: round(row.values["psnr"].mean or 0.0) for row in summary.rows}
    assert means == {"Shared": 31, "Mine": 32, "Rival": 36, "Mine [run-b]": 21}
    assert all(row.complete for row in summary.rows)
    assert "rows of run-b: 14 of 14 records pair with cells of this run" in report.notes
    assert "Rival" in (tmp_path / "out" / "tables" / "cells.csv").read_text()


def test_a_run_of_other_scenes_is_refused(tmp_path: Path) -> None:
    a = run_folder(tmp_path / "a", rows("Mine", 31.0))
    b = run_folder(tmp_path / "b", [replace(r, key=f"q{r.key}", scene_content=f"other-{r.scene_content}") for r in rows("Theirs", 35.0)])
    with pytest.raises(NothingPairedError, match="--with: expected scored records of b"):
        write_report(a, tmp_path / "out", beside=b)
