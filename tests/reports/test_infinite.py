"""An infinite PSNR on its way through every product: tables of all kinds, the page, the conventions, the claims; and a dead band."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmark.conventions.profile_facts import FACTS
from benchmark.conventions.profile_scores import ProfileScores, write_profile_scores
from benchmark.run_folder.record import Result
from datasets.cube_file import CubeFile, read_cube, write_cube
from reports.content.choice import read_choice
from reports.content.convention_tables import estimate_convention_table, method_convention_table
from reports.content.ledger import read_claims
from reports.content.protocols_table import tabulate_protocols
from reports.content.reproduction import claims_table, judge_claims
from reports.content.summary import summarise
from reports.report import write_report
from reports.style import DASH
from reports.typeset.frames import record_frame, summary_frame
from reports.typeset.latex import latex_document
from reports.typeset.latex_tables import latex_protocols, latex_summary
from reports.typeset.markdown import markdown_summary
from reports.typeset.plain_text import plain_summary
from reports.typeset.typst import typst_document, typst_summary
from tests.benchmark.folders import read_records, write_record
from tests.reports.content.test_reproduction import run_of, stored_of
from tests.reports.test_report import Page
from tests.reports.typeset.test_latex import compiled

NOTE = "infinite: PSNR in 1 of 6 scored cells; the PSNR of the mean squared error, over all values of these cells, is 40.00 dB"


@pytest.fixture
def exact(results: list[Result]) -> list[Result]:
    """R-FUSE meets one scene exactly under the first protocol; every cell has an error of 0.01."""
    return [
        replace(r, metrics={**r.metrics, "rmse": 0.01, "psnr": math.inf if r.key == "0rfuse00" else r.metrics["psnr"]}) if r.metrics else r
        for r in results
    ]


def test_text_and_markdown_show_the_sign_the_count_and_the_note(exact: list[Result]) -> None:
    summary = summarise(exact)[0]
    text = plain_summary(summary)
    assert "∞ (1 of 3)*" in text
    assert f"∞ R-FUSE: {NOTE}" in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 110
    markdown = markdown_summary(summary)
    assert "**∞ (1 of 3)** |" in markdown
    assert f"∞ R-FUSE: {NOTE}" in markdown


def test_csv_has_an_infinity_that_pandas_reads(exact: list[Result], tmp_path: Path) -> None:
    summary_frame(summarise(exact)[0]).to_csv(tmp_path / "s.csv", index=False)
    row = pd.read_csv(tmp_path / "s.csv").set_index("method").loc["rfuse"]
    assert (row["psnr"], row["psnr_n"], row["psnr_place"]) == (math.inf, 3, "best")
    assert math.isnan(row["psnr_std"])
    oracle = [replace(r, oracle={"count": 2, "best": 1, "psnr": [math.inf, None]}) for r in exact[:1]]
    record_frame([*oracle, *exact[1:]]).to_csv(tmp_path / "c.csv", index=False)
    cells = pd.read_csv(tmp_path / "c.csv").set_index("key")
    assert cells.loc["0rfuse00", "metric.psnr"] == math.inf
    assert cells.loc[exact[0].key, "oracle.psnr"] == '["inf", null]'


def test_latex_compiles_and_the_pdf_shows_the_sign(exact: list[Result], tmp_path: Path) -> None:
    summaries = summarise(exact)
    over_protocols = tabulate_protocols(summaries)
    assert over_protocols is not None
    table = latex_summary(summaries[0])
    assert r"\textbf{$\infty$ (1 of 3)}" in table
    assert r"$^{\infty}$ R-{}FUSE: infinite" in table
    page, log = compiled(tmp_path, latex_document([table, latex_protocols(over_protocols)]))
    assert "∞ (1 of 3)" in page
    assert "Overfull" not in log


def test_typst_compiles(exact: list[Result], tmp_path: Path) -> None:
    typst = pytest.importorskip("typst", reason="needs typst")
    table = typst_summary(summarise(exact)[0])
    assert 'strong("∞ (1 of 3)")' in table
    (tmp_path / "t.typ").write_text(typst_document([table]), encoding="utf-8")
    typst.compile(str(tmp_path / "t.typ"), output=str(tmp_path / "t.pdf"), ignore_system_fonts=True)
    assert (tmp_path / "t.pdf").stat().st_size > 0


@pytest.mark.usefixtures("without_figures")
def test_the_page_shows_the_sign_in_tables_and_pictures_and_sorts_by_infinity(small_run: Path) -> None:
    for record in read_records(small_run):
        exact = record.method == "rfuse"
        write_record(small_run, replace(record, metrics={**record.metrics, "rmse": 0.0, "psnr": math.inf} if exact else record.metrics))
    report = write_report(small_run)
    page = Page(report.page.read_text(encoding="utf-8"))
    assert page.open == []
    assert "∞ dB" in page.text
    assert "inf dB" not in page.text
    assert "every value is met exactly" in page.text
    assert "1 of infinite PSNR, not shown" in page.text
    assert [attributes.get("data-value") for _, attributes in page.elements if attributes.get("data-column") == "psnr"].count("inf") == 3
    assert any(path.name == "summary_camera-x8.tex" and r"$\infty$" in path.read_text() for path in report.tables)


def test_the_conventions_show_an_infinite_mean_with_a_note_and_no_range(results: list[Result]) -> None:
    stored = {r.key: {facts.name: {rule.metric: 30.0 for rule in facts.rules} for facts in FACTS} for r in results if r.outcome == "scored"}
    stored["0rfuse00"]["sewar"] |= {"psnr": math.inf, "ergas": math.inf}
    table = method_convention_table(summarise(results)[0], stored, "profiles")
    texts = next(dict(zip(table.heads, row, strict=True)) for row in table.rows if row[0].startswith("R-FUSE"))
    assert (texts["sewar"], texts["MossFuse"], texts["Range"]) == ("∞", "30.00", DASH)
    assert "∞ infinite in some cells, and so is the mean." in table.notes
    shown = estimate_convention_table(next(r for r in results if r.key == "0rfuse00"), stored["0rfuse00"], "x")
    row = next(dict(zip(shown.heads, row, strict=True)) for row in shown.rows if row[0] == "sewar")
    assert (row["PSNR (dB)"], row["ERGAS"], row["SSIM"]) == ("∞", "∞", "30.0000")


@pytest.mark.usefixtures("without_figures")
def test_a_profile_as_the_tables_convention_takes_infinity_too(small_run: Path) -> None:
    for record in read_records(small_run):
        if record.outcome == "scored":
            scores = {"mossfuse": {"psnr": math.inf if record.method == "bicubic" else 30.0, "sam": None}}
            write_profile_scores(small_run, ProfileScores(record.key, "k", scores))
    report = write_report(small_run, choice=read_choice(profile="mossfuse", metrics="psnr"))
    text = (report.folder / "tables" / "summary_camera-x8.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith("| Bicubic"))
    assert "∞" in row
    assert "inf" not in row


def test_a_published_figure_beside_an_infinite_one_is_not_reproduced(results: list[Result]) -> None:
    records = run_of(results, 43.35)
    stored = stored_of(records)
    stored[records[0].key]["mossfuse"]["psnr"] = math.inf
    found = [e for e in judge_claims(read_claims(), records, stored) if (e.claim.source.id, e.claim.metric) == ("mossfuse-code", "psnr")]
    entry = next(each for each in found if each.claim.label == "MossFuse")
    assert entry.reason == "not reproducible"
    (row,) = claims_table([entry]).rows
    assert row[3:5] == ("∞", "+∞")


def test_a_scene_with_a_band_that_is_met_to_rounding_has_a_report(small_run: Path) -> None:
    """The error by wavelength then spans more powers of ten than an axis can show."""
    for file in (*(small_run / "scenes").glob("*.h5"), *(small_run / "estimates").glob("*.h5")):
        if not file.stem.endswith("_std"):
            content = read_cube(file)
            content.cube[2] = 0 if file.parent.name == "scenes" else 1e-17
            write_cube(file, CubeFile(content.cube.astype(np.float32), content.wavelengths_nm, "x", content.notes))
    page = Page(write_report(small_run).page.read_text(encoding="utf-8"))
    assert page.open == []
    assert re.search(r"Error by wavelength", page.source)
