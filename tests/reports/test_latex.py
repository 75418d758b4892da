"""The LaTeX tables compile, and the numbers in the PDF are those of the records."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from benchmark.run_folder.record import Result
from reports.latex import escape, latex_document, latex_table
from reports.style import protocol_sentence
from reports.summary import summarise
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
            mean = sum(float(r.metrics[metric] or 0) for r in cells) / len(cells)
            assert f"{mean:.{digits}f}" in line.split(), (metric, line)
        assert f"{len(cells)}/6" in line.split()


def test_the_pdf_shows_the_means_of_the_records_in_their_rows(results: list[Result], tmp_path: Path) -> None:
    summaries = summarise(results)
    text, log = compiled(tmp_path, latex_document([latex_table(summary) for summary in summaries]))
    assert "Overfull \\hbox" not in log
    pages = text.split("\f")
    for summary, page in zip(summaries, pages, strict=False):
        rows_show_the_means(page, [r for r in results if r.protocol == summary.protocol])
        assert "MossFuse (50 steps, under-" in page
        assert "hence not ranked" in re.sub(r"\s+", " ", page)


def test_best_is_bold_second_underlined_and_a_missing_row_says_what_it_is(results: list[Result]) -> None:
    first, second = (latex_table(summary) for summary in summarise(results))
    assert re.search(r"^R-\{\}FUSE & \\textbf\{43\.49\} & \\textbf\{0\.9920\}", first, re.MULTILINE)
    assert re.search(r"^HySure & \\underline\{39\.97\}", first, re.MULTILINE)
    assert re.search(r"^HySure\$\^\{\\dagger\}\$ & \\multicolumn\{9\}\{c\}\{skipped\$\^\{\\dagger\}\$\} & 0/6", second, re.MULTILINE)
    assert r"PSNR\,$\uparrow$" in first
    assert r"SAM\,$\downarrow$" in first


def test_the_caption_states_protocol_conventions_and_scenes(results: list[Result]) -> None:
    caption = next(line for line in latex_table(summarise(results)[1]).splitlines() if line.startswith(r"\caption"))
    for fact in (
        r"ratio $\times$4",
        "taps 16",
        "SRF worldview2",
        "HSI SNR 35 dB",
        "MSI SNR 40 dB",
        "peak 1",
        "sigma 1.5",
        "3 scenes and 2 seeds",
    ):
        assert fact in caption
    assert r"\pm$ standard deviation" in caption


def test_the_caption_says_what_methods_are_told_wrongly_and_nothing_of_it_where_all_is_true(results: list[Result]) -> None:
    true = {"given_psf": None, "given_phase": None, "given_srf_shift_nm": 0.0, "msi_gain": 1.0, "shift": [0.0, 0.0], "rotation_deg": 0.0}
    wrong = {"given_psf": {"kind": "gaussian", "sigma": 1.5}, "given_phase": 4, "given_srf_shift_nm": -5.0, "given_hsi_noise_db": 3.0}
    wrong |= {"msi_gain": 1.1, "shift": [0.25, 0.0], "rotation_deg": 0.5}
    base = [r for r in results if r.protocol["ratio"] == 8]
    plain, right, told = (
        protocol_sentence(summarise([replace(r, protocol={**r.protocol, **change}) for r in base])[0].protocol)
        for change in ({}, true, true | wrong)
    )
    assert right == plain
    assert told.removeprefix(plain) == (
        "; methods are told the PSF gaussian, sigma 1.5; methods are told phase 4 px; methods are told an SRF -5 nm too high; methods are "
        "told an HSI noise 3 dB too high; MSI gain 1.1; HSI shifted by 0.25, 0 px (rows, columns); HSI rotated by 0.5 deg"
    )
    assert "HSI shifted by 0.25, 0 px" in latex_table(summarise([replace(r, protocol={**r.protocol, **wrong}) for r in base])[0])


def test_any_text_compiles_and_is_shown_as_it_is(results: list[Result], tmp_path: Path) -> None:
    strange = [replace(r, protocol={**r.protocol, "name": ASCII}, scene=f"{r.scene} {UNICODE}") for r in results]
    labels = {"rfuse": f"{ASCII} {UNICODE}", "hysure": "[z]* \\input{x}", "bicubic": "*"}
    strange = [replace(r, label=labels.get(r.method, r.label)) for r in strange]
    text, _ = compiled(tmp_path, latex_document([latex_table(summary) for summary in summarise(strange)]))
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
