"""The table over all protocols: each number is that of its own protocol's table, in LaTeX, CSV and Markdown; and it fits the page."""

from __future__ import annotations

import re
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from benchmark.run_folder.record import Result
from reports.content.protocols_table import ProtocolsTable, protocols_caption, tabulate_protocols
from reports.content.summary import summarise
from reports.typeset.frames import protocols_frame
from reports.typeset.latex import latex_document
from reports.typeset.latex_tables import latex_protocols, latex_summary
from reports.typeset.markdown import markdown_protocols
from reports.typeset.page_fit import protocol_blocks
from tests.reports.typeset.test_latex import compiled


@pytest.fixture
def table(results: list[Result]) -> ProtocolsTable:
    found = tabulate_protocols(summarise(results))
    assert found is not None
    return found


def test_one_protocol_needs_no_such_table(results: list[Result]) -> None:
    assert tabulate_protocols(summarise(results)[:1]) is None


def test_every_number_is_its_own_protocols(table: ProtocolsTable, results: list[Result]) -> None:
    back = pd.read_csv(StringIO(protocols_frame(table).to_csv(index=False))).set_index("label")
    for protocol in ("camera-x8", "noisy_x4 & <b>"):
        values = [float(r.metrics["sam"] or 0) for r in results if r.method == "rfuse" and r.protocol["name"] == protocol]
        assert back.loc["R-FUSE", f"{protocol}: sam"] == pytest.approx(sum(values) / len(values), rel=1e-15)
    assert back.loc["HySure", "noisy_x4 & <b>: cells"] == "0/6"
    assert pd.isna(back.loc["HySure", "noisy_x4 & <b>: psnr"])


def test_the_pdf_shows_both_protocols_side_by_side_and_says_what_is_missing(table: ProtocolsTable, tmp_path: Path) -> None:
    text, log = compiled(tmp_path, latex_document([latex_protocols(table)]))
    assert "Overfull \\hbox" not in log
    line = next(line for line in text.splitlines() if line.strip().startswith("R-FUSE"))
    rows = [row for row in next(each for each in table.rows if each.label == "R-FUSE").by_protocol if row is not None]
    assert line.split()[1:] == [row.values[key].text for row in rows for key in ("psnr", "ssim", "sam")]
    missing = next(line for line in text.splitlines() if line.strip().startswith("HySure"))
    assert "skipped†" in missing.replace(" ", "")
    flat = re.sub(r"\s+", " ", text)
    assert "the protocol withholds the PSF" in flat
    assert "n = 3" in flat


def test_the_caption_says_once_what_protocols_share_and_of_each_what_it_has_of_its_own(results: list[Result]) -> None:
    base = [r for r in results if r.protocol["ratio"] == 8]
    moved = [replace(r, protocol={**r.protocol, "name": f"shift-{n}", "shift": [n, 0.0]}) for r in base for n in (0.0, 0.5)]
    table = tabulate_protocols(summarise(moved))
    assert table is not None
    shared, none, half, (_, reading) = protocols_caption(table)
    assert shared[1].startswith(": ratio \u00d78; PSF gaussian, taps 7")
    assert shared[1].endswith(
        "no noise; mean over 3 scenes, on each of them over 2 seeds \u00b1 standard deviation over the scenes (n = 3)."
    )
    assert (none, half) == (("shift-0.0", ": nothing else."), ("shift-0.5", ": HSI shifted by 0.5, 0 px (rows, columns)."))
    assert "SAM: mean over pixels of the angle" in reading
    assert "pixels with a zero reference (SAM)" in reading
    assert "ERGAS" not in reading  # no column of this table


def test_protocols_that_do_not_fit_beside_the_others_follow_below(results: list[Result], tmp_path: Path) -> None:
    many = [replace(r, protocol={**r.protocol, "name": f"p{n}", "phase": n}) for r in results if r.protocol["ratio"] == 8 for n in range(5)]
    table = tabulate_protocols(summarise(many))
    assert table is not None
    assert [len(block) for block in protocol_blocks(table)] == [2, 2, 1]  # long names leave room for two
    tex = latex_protocols(table)
    assert tex.count(r"\begin{tabular}") == 3
    assert "Overfull \\hbox" not in compiled(tmp_path, latex_document([tex]))[1]


def test_three_protocols_stand_beside_short_names(results: list[Result], tmp_path: Path) -> None:
    short = [replace(r, label=r.method) for r in results if r.protocol["ratio"] == 8]
    table = tabulate_protocols(
        summarise([replace(r, protocol={**r.protocol, "name": f"p{n}", "phase": n}) for r in short for n in range(3)])
    )
    assert table is not None
    assert [len(block) for block in protocol_blocks(table)] == [3]
    assert "Overfull \\hbox" not in compiled(tmp_path, latex_document([latex_protocols(table)]))[1]


def test_markdown_has_a_column_for_each_and_notes_below(table: ProtocolsTable) -> None:
    lines = [line for line in markdown_protocols(table).splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in lines}) == 1
    assert "**43.49**" in next(line for line in lines if line.startswith("| R-FUSE"))
    assert "† noisy" in markdown_protocols(table)


def test_a_wide_table_is_shrunk_to_the_page_where_that_is_asked_for_and_a_narrow_one_is_left_as_it_is(
    results: list[Result], tmp_path: Path
) -> None:
    metrics = ("psnr", "psnr_cube", "ssim", "sam", "ergas", "uiqi", "q2n", "rmse", "cc", "out_of_range")
    first = summarise(results, metrics)[0]
    assert "Overfull \\hbox" in compiled(tmp_path, latex_document([latex_summary(first)]))[1]
    assert "Overfull \\hbox" not in compiled(tmp_path, latex_document([latex_summary(first, resize=True)]))[1]
    narrow = summarise(results, ("psnr",))[0]
    plain, asked = (compiled(tmp_path, latex_document([latex_summary(narrow, resize=resize)])) for resize in (False, True))
    assert plain[0].split() == asked[0].split()


def test_many_methods_over_many_protocols_become_several_tables_each_on_a_page(results: list[Result], tmp_path: Path) -> None:
    base = [r for r in results if r.method == "rfuse" and r.protocol["ratio"] == 8]
    many = [
        replace(
            r, label=f"Method {number:02}", parameters={**r.parameters, "number": number}, protocol={**r.protocol, "name": f"shift-{n}"}
        )
        for r in base
        for number in range(27)
        for n in range(6)
    ]
    table = tabulate_protocols(summarise(many))
    assert table is not None
    assert len(protocol_blocks(table)) > 1
    for resize in (False, True):
        text, log = compiled(tmp_path, latex_document([latex_protocols(table, resize=resize)]))
        assert "Overfull" not in log
        assert "Float too large" not in log
        assert text.count("Method 26") == len(protocol_blocks(table))
        assert "continued" in text
    short = tabulate_protocols(summarise([r for r in many if r.label in ("Method 00", "Method 01")]))
    assert short is not None
    assert latex_protocols(short).count("begin{table*}") == 1
