"""The Typst tables compile without TeX, and the numbers in the PDF are those of the records; no text of a record is markup."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from benchmark.conventions.profile_facts import FACTS
from benchmark.run_folder.record import Result
from reports.content.convention_tables import estimate_convention_table
from reports.content.protocols_table import tabulate_protocols
from reports.content.summary import summarise
from reports.content.text_table import TextTable
from reports.content.verdicts import compare_tiers, matrix_table, pair_table
from reports.typeset.bibliography import bibtex, cite_keys
from reports.typeset.page_fit import protocol_blocks
from reports.typeset.typst import literal, typst_document, typst_protocols, typst_summary, typst_text_table
from tests.reports.tex import needs, text_of
from tests.reports.typeset.test_latex import rows_show_the_means

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
        text = compiled(typst_summary(summary))
        rows_show_the_means(text, [r for r in results if r.protocol == summary.protocol])
        flat = re.sub(r"\s+", " ", text)
        assert "PSNR ↑" in flat
        assert "SAM ↓" in flat
        assert "MossFuse (50 steps, under-trained): not ranked" in flat
        assert "(n = 3)" in flat
    assert "HySure: 0 of 6 cells scored, hence not ranked: skipped on every scene (the protocol withholds the PSF)." in flat


def test_best_is_bold_second_underlined_and_a_missing_row_says_what_it_is(results: list[Result]) -> None:
    first, second = (typst_summary(summary) for summary in summarise(results))
    assert re.search(r'^ +"R-FUSE", strong\("43\.49"\) .*strong\("0\.9920"\)', first, re.MULTILINE)
    assert re.search(r'^ +"HySure", underline\("39\.97"\)', first, re.MULTILINE)
    assert '"HySure" + super("†"), table.cell(colspan: 9, align: center, "skipped" + super("†")), [0/6],' in second


def test_the_table_over_all_protocols_has_their_numbers_side_by_side(results: list[Result], compiled: Compiled) -> None:
    table = tabulate_protocols(summarise(results))
    assert table is not None
    text = compiled(typst_protocols(table))
    line = next(line for line in text.splitlines() if line.strip().startswith("R-FUSE"))
    rows = [row for row in next(each for each in table.rows if each.label == "R-FUSE").by_protocol if row is not None]
    assert line.split()[1:] == [row.values[key].text for row in rows for key in ("psnr", "ssim", "sam")]
    assert "skipped" in next(line for line in text.splitlines() if line.strip().startswith("HySure"))
    many = [replace(r, protocol={**r.protocol, "name": f"p{n}", "phase": n}) for r in results if r.protocol["ratio"] == 8 for n in range(5)]
    longer = tabulate_protocols(summarise(many))
    assert longer is not None
    assert typst_protocols(longer).count(" table(\n") == len(protocol_blocks(longer)) == 3
    assert "p4" in compiled(typst_protocols(longer))


def test_tables_of_texts_fit_the_page_with_their_signs(results: list[Result], compiled: Compiled) -> None:
    found = compare_tiers(summarise(results))[-1]
    marked = TextTable("marks", "Marks", ("Method", "PSNR"), (("a", "40.12§"),), ("§ over fewer.",))
    scored = next(result for result in results if result.outcome == "scored")
    wide = estimate_convention_table(scored, {facts.name: {rule.metric: 43.21 for rule in facts.rules} for facts in FACTS}, "x")
    flat = re.sub(r"\s+", " ", compiled(*map(typst_text_table, (matrix_table(found, "matrix"), pair_table(found, "pairs"), marked, wide))))
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
    text = compiled(*map(typst_summary, summarise(strange)))
    flat = re.sub(r"\s+", "", text)
    assert flat.count(re.sub(r"\s+", "", MARKUP)) >= 5  # the protocol, its three scenes, a row
    assert '");#panic("' in flat
    assert "\u00e9\u0141\u03c3\u00d7\u2020\\" in flat


def test_a_literal_is_one_line_in_which_quotes_and_backslashes_are_escaped() -> None:
    assert literal('a "b" \\c\n\td \x00\u202ee') == '"a \\"b\\" \\\\c d e"'
    assert literal("") == '""'


def test_citations_stand_where_the_document_has_a_bibliography_and_nowhere_else(results: list[Result], compiled: Compiled) -> None:
    cards = [replace(r, card={**r.card, "doi": "" if r.method != "rfuse" else r.card["doi"]}) for r in results]
    table = typst_summary(summarise(cards)[0], cite_keys(cards))
    assert '"R-FUSE" + cited(<rfuse2016>)' in table
    with_it, without = compiled(table, bib=bibtex(cards)), compiled(table)
    assert re.search(r"R-FUSE \[\d\]", with_it)
    assert "IEEE Signal Processing Letters" in re.sub(r"\s+", " ", with_it)
    assert not re.search(r"R-FUSE \[", without)
    assert "43.49" in without
