"""The LaTeX tables compile, and the numbers in the PDF are those of the records."""

from __future__ import annotations

import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from benchmark.run_folder.record import Memory, Result
from methods.catalog import find
from reports.content.protocols_table import tabulate_protocols
from reports.content.summary import Summary, summarise
from reports.typeset.latex import escape, latex_document
from reports.typeset.latex_tables import latex_protocols, latex_summary
from reports.typeset.page_fit import FURTHER
from tests.reports.tex import needs, tex, text_of

ASCII = "".join(chr(code) for code in range(32, 127))
UNICODE = (
    "\u00d7 \u00b1 \u00b5 \u00b0 \u00e9 \u0141 \u03c3 \u03bb \u03c9 \u2013 \u2014 \u2026 \u2019 \u2192 \u4e2d \U0001f642 \x07 ``x'' \\\\"
)


def compiled(tmp_path: Path, document: str) -> tuple[str, str]:
    """The PDF's text and TeX's log."""
    needs("pdftotext")
    log = tex(tmp_path, document)
    return text_of(tmp_path / "table.pdf"), log


def rows_show_the_means(page: str, results: list[Result]) -> None:
    """Two rows of a PDF's text against the records of its protocol."""
    for method, name in (("rfuse", "R-FUSE"), ("bicubic", "Bicubic")):
        cells = [r for r in results if r.method == method and r.outcome == "scored"]
        line = next(line for line in page.splitlines() if line.strip().startswith(name) and ":" not in line)
        for metric, digits in (("psnr", 2), ("ssim", 4), ("sam", 2), ("ergas", 3), ("uiqi", 4)):
            scenes = {r.scene: [float(each.metrics[metric] or 0) for each in cells if each.scene == r.scene] for r in cells}
            mean = sum(sum(values) / len(values) for values in scenes.values()) / len(scenes)
            assert f"{mean:.{digits}f}" in line.split(), (metric, line)
        assert f"{len(cells)}/6" in line.split()


def test_the_pdf_shows_the_means_of_the_records_in_their_rows(results: list[Result], tmp_path: Path) -> None:
    summaries = summarise(results)
    text, log = compiled(tmp_path, latex_document([latex_summary(summary) for summary in summaries]))
    assert "Overfull \\hbox" not in log
    pages = text.split("\f")
    for summary, page in zip(summaries, pages, strict=False):
        rows_show_the_means(page, [r for r in results if r.protocol == summary.protocol])
        assert "MossFuse (50 steps, under-" in page
        assert "hence not ranked" in re.sub(r"\s+", " ", page)


def test_best_is_bold_second_underlined_and_a_missing_row_says_what_it_is(results: list[Result]) -> None:
    first, second = (latex_summary(summary) for summary in summarise(results))
    assert re.search(r"^R-\{\}FUSE & \\textbf\{43\.49\} & \\textbf\{0\.9920\}", first, re.MULTILINE)
    assert re.search(r"^HySure & \\underline\{39\.97\}", first, re.MULTILINE)
    assert re.search(r"^HySure\$\^\{\\dagger\}\$ & \\multicolumn\{9\}\{c\}\{skipped\$\^\{\\dagger\}\$\} & 0/6", second, re.MULTILINE)
    assert r"PSNR\,$\uparrow$" in first
    assert r"SAM\,$\downarrow$" in first


def test_the_caption_states_protocol_conventions_and_scenes(results: list[Result]) -> None:
    caption = next(line for line in latex_summary(summarise(results)[1]).splitlines() if line.startswith(r"\caption"))
    for fact in (
        r"ratio $\times$4",
        "taps 16",
        "SRF worldview2",
        "HSI SNR 35 dB",
        "MSI SNR 40 dB",
        "peak 1",
        "sigma 1.5",
        "Mean over 3 scenes, on each of them over 2 seeds",
    ):
        assert fact in caption
    assert r"\pm$ standard deviation" in caption


def test_any_text_compiles_and_is_shown_as_it_is(results: list[Result], tmp_path: Path) -> None:
    strange = [replace(r, protocol={**r.protocol, "name": ASCII}, scene=f"{r.scene} {UNICODE}") for r in results]
    labels = {"rfuse": f"{ASCII} {UNICODE}", "hysure": "[z]* \\input{x}", "bicubic": "*"}
    strange = [replace(r, label=labels.get(r.method, r.label)) for r in strange]
    text, _ = compiled(tmp_path, latex_document([latex_summary(summary) for summary in summarise(strange)]))
    flat = re.sub(r"\s+", "", text)
    assert "!''#$%&'()*+,-./0123456789:;<=>?@ABC" in flat
    assert "XYZ[\\]^_`abc" in flat
    assert "xyz{|}~" in flat
    assert "U+4E2D" in flat
    assert "[z]*\\input{x}" in flat


def test_escape_leaves_no_active_character_and_no_line_break() -> None:
    text = escape("a\n%b\\c{d}\t\x00$e_f^g~h&i#j")
    assert "\n" not in text
    assert text == r"a \%b\textbackslash{}c\{d\} \$e\_f\textasciicircum{}g\textasciitilde{}h\&i\#j"


def catalog_rows(results: list[Result], count: int) -> Summary:
    """So many methods of the catalog with their own cards, each with a long first call; every fifth one with processes of its own."""
    base = [r for r in results if r.method == "rfuse" and r.protocol["ratio"] == 8 and r.seed == 0]
    records = []
    for place, (name, entry) in enumerate(list(find().items())[:count]):
        card = entry.load().card
        facts = {"method": name, "label": card.name, "card": asdict(card), "tier": card.tier, "uncovered": ("the module x.py",)}
        memory = Memory(peak=900_000_000, base=1, main_process=900_000_000 - 10_000_000 * (place % 5 == 0))
        for r in base:
            assert r.clock is not None
            clock = replace(r.clock, first=3 * r.clock.fuse + place / 50)
            records.append(replace(r, key=f"{name}{r.key}", clock=clock, memory=memory, **facts))
    (summary,) = summarise(records)
    return summary


@pytest.mark.parametrize("count", [12, 22, 26])
def test_tables_over_protocols_of_many_methods_fit_the_page(results: list[Result], tmp_path: Path, count: int) -> None:
    records = [r for row in catalog_rows(results, count).rows for r in row.results]
    noisy = [replace(r, key=f"{r.key}n", protocol={**r.protocol, "name": "noisy", "hsi_snr_db": 30.0}) for r in records]
    table = tabulate_protocols(summarise([*records, *noisy]))
    assert table is not None
    assert "too large for page" not in tex(tmp_path, latex_document([latex_protocols(table)]))


@pytest.mark.parametrize(("count", "resize"), [(8, False), (18, False), (20, False), (22, False), (35, True)])
def test_tables_of_many_methods_fit_the_page_with_the_notes_for_which_there_is_room(
    results: list[Result], tmp_path: Path, count: int, resize: bool
) -> None:
    summary = catalog_rows(results, count)
    table = latex_summary(summary, resize=resize)
    log = tex(tmp_path, latex_document([table]))
    assert "too large for page" not in log
    assert "Overfull \\hbox" not in log or resize
    marked = [note for note in summary.shared_notes() if note.mark]
    assert all(escape(note.sentence) in table for note in marked)
    assert (FURTHER in table.replace("-{}", "-")) == (count > 8)
    assert r"All methods: the key does not cover the module x.py" in table or count > 8
