"""The Typst tables compile without TeX, and the numbers in the PDF are those of the records; no text of a record is markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.conventions.profile_facts import FACTS
from benchmark.run_folder.record import Result
from reports.bibliography import bibtex, cite_keys
from reports.comparisons import comparisons, matrix_table, pair_table
from reports.profiles import ProfileTable, estimate_table
from reports.spanning import span
from reports.summary import summarise
from reports.typst import literal, typst_document, typst_profile, typst_spanning, typst_table
from tests.reports.test_latex import rows_show_the_means
from tests.reports.tex import needs, text_of

PAGE, MARGIN = 595.28, 14.5 / 25.4 * 72  # points, across
MARKUP = (
    r"""# $x$ *b* _i_ `raw` ~ @key <label> [c] {d} = h - l + n / t \ "q" 'q' ... -- // c /* c */ #panic() \u{41} https://x.org 1. ]) )"""
)
Compiled = Callable[..., str]


@pytest.fixture
def compiled(tmp_path: Path) -> Compiled:
    """The text of the PDF of these tables, every word of which stands inside the margins; skipped where the tools are absent."""
    typst = pytest.importorskip("typst", reason="needs typst")
    needs("pdftotext")

    def typeset(*tables: str, bib: str = "") -> str:
        (tmp_path / "methods.bib").write_text(bib, encoding="utf-8")
        (tmp_path / "t.typ").write_text(typst_document(tables, "methods" if bib else ""), encoding="utf-8")
        typst.compile(str(tmp_path / "t.typ"), output=str(tmp_path / "t.pdf"), ignore_system_fonts=True)
        boxes, text = (text_of(tmp_path / "t.pdf", kind) for kind in ("-bbox", "-layout"))
        edges = [float(edge) for edge in re.findall(r'<word xMin="[\d.]+" yMin="[\d.]+" xMax="([\d.]+)"', boxes)]
        assert max(edges) <= PAGE - MARGIN + 3  # punctuation hangs over
        return text

    return typeset


def test_the_pdf_shows_the_means_of_the_records_in_their_rows(results: list[Result], compiled: Compiled) -> None:
    summaries = summarise(results)
    for summary in summaries:
        text = compiled(typst_table(summary))
        rows_show_the_means(text, [r for r in results if r.protocol == summary.protocol])
        flat = re.sub(r"\s+", " ", text)
        assert "PSNR ↑" in flat
        assert "SAM ↓" in flat
        assert "MossFuse (50 steps, under-trained): not ranked" in flat
        assert "(n = 6)" in flat
    assert "HySure: 0 of 6 cells scored, hence not ranked: skipped on every scene (the protocol withholds the PSF)." in flat


def test_best_is_bold_second_underlined_and_a_missing_row_says_what_it_is(results: list[Result]) -> None:
    first, second = (typst_table(summary) for summary in summarise(results))
    assert re.search(r'^ +"R-FUSE", strong\("43\.49"\) .*strong\("0\.9920"\)', first, re.MULTILINE)
    assert re.search(r'^ +"HySure", underline\("39\.97"\)', first, re.MULTILINE)
    assert '"HySure" + super("†"), table.cell(colspan: 9, align: center, "skipped" + super("†")), [0/6],' in second


def test_the_table_over_all_protocols_has_their_numbers_side_by_side(results: list[Result], compiled: Compiled) -> None:
    table = span(summarise(results))
    assert table is not None
    text = compiled(typst_spanning(table))
    line = next(line for line in text.splitlines() if line.strip().startswith("R-FUSE"))
    rows = [row for row in next(each for each in table.lines if each.label == "R-FUSE").rows if row is not None]
    assert line.split()[1:] == [row.values[key].text for row in rows for key in ("psnr", "ssim", "sam")]
    assert "skipped" in next(line for line in text.splitlines() if line.strip().startswith("HySure"))
    many = [replace(r, protocol={**r.protocol, "name": f"p{n}", "phase": n}) for r in results if r.protocol["ratio"] == 8 for n in range(5)]
    longer = span(summarise(many))
    assert longer is not None
    assert typst_spanning(longer).count(" table(\n") == len(longer.blocks) == 3
    assert "p4" in compiled(typst_spanning(longer))


def test_tables_of_texts_fit_the_page_with_their_signs(results: list[Result], compiled: Compiled) -> None:
    found = comparisons(summarise(results))[-1]
    marked = ProfileTable("marks", "Marks", ("Method", "PSNR"), (("a", "40.12§"),), ("§ over fewer.",))
    scored = next(result for result in results if result.outcome == "scored")
    wide = estimate_table(scored, {facts.name: {rule.metric: 43.21 for rule in facts.rules} for facts in FACTS}, "x")
    flat = re.sub(r"\s+", " ", compiled(*map(typst_profile, (matrix_table(found), pair_table(found), marked, wide))))
    assert "3/0/0" in flat
    assert "a 40.12§" in flat
    assert "§ over fewer." in flat
    assert "UIQI puts window means where the formula has window sums" in flat


def test_no_text_is_markup_and_all_of_it_is_shown(results: list[Result], compiled: Compiled) -> None:
    labels = {"rfuse": MARKUP, "hysure": '"); #panic("', "bicubic": "\u00e9 \u0141 \u03c3 \u00d7 \u2020 \\"}
    strange = [
        replace(r, protocol={**r.protocol, "name": f"{MARKUP} p"}, scene=f"{r.scene} {MARKUP}", label=labels.get(r.method, r.label))
        for r in results
        if r.protocol["ratio"] == 8
    ]
    text = compiled(*map(typst_table, summarise(strange)))
    flat = re.sub(r"\s+", "", text)
    assert flat.count(re.sub(r"\s+", "", MARKUP)) >= 5  # the protocol, its three scenes, a row
    assert '");#panic("' in flat
    assert "\u00e9\u0141\u03c3\u00d7\u2020\\" in flat


def test_a_literal_is_one_line_in_which_quotes_and_backslashes_are_escaped() -> None:
    assert literal('a "b" \\c\n\td \x00\u202ee') == '"a \\"b\\" \\\\c d e"'
    assert literal("") == '""'


def test_citations_stand_where_the_document_has_a_bibliography_and_nowhere_else(results: list[Result], compiled: Compiled) -> None:
    cards = [replace(r, card={**r.card, "doi": "" if r.method != "rfuse" else r.card["doi"]}) for r in results]
    table = typst_table(summarise(cards)[0], cite_keys(cards))
    assert '"R-FUSE" + cited(<rfuse2016>)' in table
    with_it, without = compiled(table, bib=bibtex(cards)), compiled(table)
    assert re.search(r"R-FUSE \[\d\]", with_it)
    assert "IEEE Signal Processing Letters" in re.sub(r"\s+", " ", with_it)
    assert not re.search(r"R-FUSE \[", without)
    assert "43.49" in without
