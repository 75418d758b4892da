"""Tables of the conventions: their numbers are those stored, what is missing is shown as missing, they compile."""

from __future__ import annotations

import csv
from dataclasses import replace
from io import StringIO
from pathlib import Path
from statistics import fmean

import pandas as pd
import pytest

from benchmark.conventions.profile_facts import FACTS
from benchmark.conventions.profile_scores import ProfileScores, write_profile_scores
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.record import Result
from reports.content.convention_tables import (
    convention_tables,
    estimate_convention_table,
    method_convention_table,
    read_stored_scores,
    shared_defects,
)
from reports.content.file_names import FileNames
from reports.content.summary import summarise
from reports.report import write_report
from reports.style import DASH, short_tier
from reports.typeset.frames import convention_frame, csv_text_table
from reports.typeset.latex import latex_document
from reports.typeset.latex_tables import latex_text_table
from reports.typeset.plain_text import plain_text_table
from tests.benchmark.folders import read_records, write_record
from tests.reports.tex import tex

SHIFTS = {facts.name: 0.5 * place for place, facts in enumerate(FACTS)}


def scores_of(result: Result) -> dict[str, dict[str, float | None]]:
    """Every profile's every metric: the record's PSNR less a shift of the profile's own, SAM undefined for one of them."""
    psnr = result.metrics["psnr"]
    assert psnr is not None
    return {
        facts.name: {
            rule.metric: None if (facts.name, rule.metric) == ("torchmetrics", "sam") else psnr - SHIFTS[facts.name] for rule in facts.rules
        }
        for facts in FACTS
    }


@pytest.fixture
def stored(results: list[Result]) -> dict[str, dict[str, dict[str, float | None]]]:
    return {result.key: scores_of(result) for result in results if result.outcome == "scored"}


def test_one_row_a_method_with_the_mean_under_each_profile_and_the_widest_difference(results: list[Result], stored: dict) -> None:  # type: ignore[type-arg]
    summary = summarise(results)[0]
    table = method_convention_table(summary, stored, "m")
    with_psnr = [facts for facts in FACTS if facts.rule("psnr")]
    assert table.heads == ("Method", *(facts.label for facts in with_psnr), "Range")
    assert len(table.rows) == len(summary.rows)
    for row, texts in zip(summary.rows, table.rows, strict=True):
        assert texts[0] == f"{row.label} [{short_tier(row.tier)}]"
        scored = [result for result in row.results if result.outcome == "scored"]
        scenes = [[result.metrics["psnr"] or 0 for result in scored if result.scene == scene] for scene in summary.scenes]
        mean = fmean(fmean(values) for values in scenes)
        assert [float(text) for text in texts[1:-1]] == pytest.approx([mean - SHIFTS[facts.name] for facts in with_psnr], abs=0.006)
        shifts = [SHIFTS[facts.name] for facts in with_psnr]
        assert float(texts[-1]) == pytest.approx(max(shifts) - min(shifts), abs=0.006)


def test_means_over_fewer_cells_are_marked_and_absent_ones_are_dashes(results: list[Result], stored: dict) -> None:  # type: ignore[type-arg]
    summary = summarise(results)[0]
    row = next(row for row in summary.rows if row.results[0].method == "rfuse")
    fewer = {key: value for key, value in stored.items() if key != row.results[0].key}
    table = method_convention_table(summary, fewer, "m")
    texts = next(texts for texts in table.rows if texts[0].startswith(row.label))
    assert all(text.endswith("§") for text in texts[1:-1])
    assert any(note.startswith("§") for note in table.notes)
    none = {key: value for key, value in stored.items() if key not in {result.key for result in row.results}}
    texts = next(texts for texts in method_convention_table(summary, none, "m").rows if texts[0].startswith(row.label))
    assert set(texts[1:]) == {DASH}


def test_one_estimate_has_a_row_a_profile_in_its_own_unit(results: list[Result], stored: dict) -> None:  # type: ignore[type-arg]
    result = next(result for result in results if result.key in stored)
    table = estimate_convention_table(result, stored[result.key], "x")
    rows = {texts[0]: dict(zip(table.heads, texts, strict=True)) for texts in table.rows}
    assert list(rows) == [facts.label for facts in FACTS]
    assert rows["sewar"]["SAM (deg)"].endswith(" rad")
    assert rows["torchmetrics"]["SAM (deg)"] == "undefined"
    assert rows["HIFtool"]["SAM (deg)"] == DASH
    assert float(rows["Textbook"]["PSNR (dB)"]) == pytest.approx(result.metrics["psnr"], abs=0.006)
    assert result.label in table.title
    assert result.scene in table.title


def test_every_defect_is_noted_once_with_all_who_share_it() -> None:
    shared = shared_defects(FACTS)
    assert {defect for facts in FACTS for defect in facts.defects} == set(shared)
    uiqi = next(labels for defect, labels in shared.items() if defect.startswith("UIQI puts window means"))
    assert uiqi == ["MossFuse", "M2U-Net", "DAEM", "HyperBench", "sewar"]


def test_csv_has_what_is_shown_and_the_frame_every_number_with_its_source(results: list[Result], stored: dict) -> None:  # type: ignore[type-arg]
    summaries = summarise(results)
    table = method_convention_table(summaries[0], stored, "m")
    assert list(csv.reader(StringIO(csv_text_table(table)))) == [list(table.heads), *map(list, table.rows)]
    frame = convention_frame(summaries, stored)
    assert len(frame) == len(stored) * sum(len(facts.rules) for facts in FACTS)
    row = frame[(frame["profile"] == "mossfuse") & (frame["metric"] == "ergas")].iloc[0]
    assert row["source"] == "MossFuse: utils.py:127,139-142,170,175"
    assert row["value"] == pytest.approx(stored[row["key"]]["mossfuse"]["ergas"])


def test_the_terminal_gets_lines_that_fit_and_every_column(results: list[Result], stored: dict) -> None:  # type: ignore[type-arg]
    for table in convention_tables(summarise(results), stored, FileNames()):
        text = plain_text_table(table, 100)
        assert max(map(len, text.splitlines())) <= 100
        assert all(head in text for head in table.heads)


def test_nothing_stored_makes_no_table(results: list[Result]) -> None:
    assert convention_tables(summarise(results), {}, FileNames()) == []


@pytest.mark.usefixtures("without_figures")
def test_a_report_has_the_tables_where_scores_are_stored(small_run: Path) -> None:
    assert write_report(small_run).conventions == ()
    for record in read_records(small_run):
        if record.outcome == "scored":
            write_profile_scores(small_run, ProfileScores(record.key, "k", scores_of(record)))
    assert read_stored_scores(RunFolder(small_run), read_records(small_run))[0]
    report = write_report(small_run)
    names = {path.name for path in report.tables if path.name.startswith("profiles_")}
    stems = ("profiles_psnr_camera-x8", "profiles_estimate_camera-x8")
    assert names == {"profiles_cells.csv", *(f"{stem}.{suffix}" for stem in stems for suffix in ("tex", "typ", "csv", "md", "txt"))}
    assert len(pd.read_csv(report.folder / "tables" / "profiles_cells.csv")) > 0
    page = report.page.read_text(encoding="utf-8")
    assert 'id="conventions"' in page
    assert "alert('x')" not in page.split('id="conventions"')[1].replace("alert(&#39;x&#39;)", "")


def test_the_tables_compile_and_fit_the_page(results: list[Result], stored: dict, tmp_path: Path) -> None:  # type: ignore[type-arg]
    tables = convention_tables(summarise(results), stored, FileNames())
    assert "Overfull" not in tex(tmp_path, latex_document([latex_text_table(table) for table in tables]))


@pytest.mark.usefixtures("without_figures")
def test_the_page_has_the_scores_without_truth_of_estimated_responses_and_of_stated_deviations_where_there_are_any(small_run: Path) -> None:
    before = write_report(small_run).page.read_text(encoding="utf-8")
    assert 'class="further"' not in before
    for record in read_records(small_run):
        blind = {"psf_error": 0.1234, "srf_error": None} if record.method == "hostile" else {}
        stated = {"std_within_1": 0.7071, "std_rms_z": 1.25, "std_crps": 0.00345} if record.method == "rfuse" else {}
        metrics = {**record.metrics, "d_lambda": None, "consistency_hsi": 0.04321, **blind, **stated}
        write_record(small_run, replace(record, metrics=metrics))
    page = write_report(small_run).page.read_text(encoding="utf-8")
    first, second = page.split("<summary>Scores that need no truth</summary>")[1].split("<summary>Estimated responses")
    second, third = second.split("<summary>Stated standard deviations against the errors</summary>")
    second, third = second.split("</details>")[0], third.split("</details>")[0]
    assert "HSI residual" in first
    assert "0.04321" in first
    assert "D_lambda" not in first
    assert "PSF error" in second
    assert "0.1234" in second
    assert "SRF error" not in second
    assert "R-FUSE" in first
    assert "R-FUSE" not in second
    for text in ("R-FUSE", "Within 1 std", ">0.707<", "Error over std", ">1.250<", "CRPS", ">0.00345<"):
        assert text in third
    assert "Within 2 std" not in third
    assert "Bicubic" not in third
    assert page.count("<dd>continuous ranked probability score") == 1  # its definition, among those of the metrics shown
