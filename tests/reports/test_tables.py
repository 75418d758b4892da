"""Text, CSV and Markdown: what is printed is what was recorded."""

from __future__ import annotations

import json
from dataclasses import replace
from io import StringIO

import pandas as pd
import pytest

from benchmark.run_folder.record import Result
from reports.summary import summarise
from reports.tables import frame, markdown_table, summary_frame, text_table


def test_the_frame_has_every_cell_and_every_number(results: list[Result]) -> None:
    table = frame(results).set_index("key")
    assert len(table) == 60
    for result in results:
        row = table.loc[result.key]
        assert row["outcome"] == result.outcome
        if result.clock and result.memory:
            assert row["clock.fuse"] == result.clock.fuse
            assert row["memory.peak"] == result.memory.peak
            assert row["metric.psnr"] == result.metrics["psnr"]
        else:
            assert pd.isna(row["metric.psnr"])
        assert json.loads(row["protocol.psf"]) == result.protocol["psf"]


def test_the_frame_survives_csv_with_hostile_text_in_it(results: list[Result]) -> None:
    back = pd.read_csv(StringIO(frame(results).to_csv(index=False)), keep_default_na=False)
    assert list(back["reason"]) == [result.reason for result in results]
    assert list(back["label"]) == [result.label for result in results]


def test_the_text_table_fits_the_terminal_and_is_aligned(results: list[Result]) -> None:
    for summary in summarise(results):
        lines = text_table(summary).splitlines()
        assert max(map(len, lines)) <= 110
        rows = [line for line in lines if line.endswith("/6")]
        assert len(rows) == 5
        assert len({len(line) for line in rows}) == 1
        assert [line.split(" ─")[0] for line in lines if "──" in line] == [
            "told nothing",
            "told blur and colour response",
            "told nothing; learned from other scenes, without their truth",
        ]


def test_the_text_table_prints_the_means_with_their_places(results: list[Result]) -> None:
    text = text_table(summarise(results)[0])
    values = [float(r.metrics["psnr"] or 0) for r in results if r.method == "rfuse" and r.protocol["name"] == "camera-x8"]
    assert f" {sum(values) / 6:.2f}* " in text
    assert "‡ MossFuse (50 steps, under-trained): not ranked: under-trained" in text
    assert "skipped†" in text_table(summarise(results)[1])


@pytest.mark.parametrize("width", [80, 110])
def test_a_long_name_is_cut_and_keeps_its_marks(results: list[Result], width: int) -> None:
    long = [
        replace(r, label="A method with a name that no table has room for, nor should have " * 3) if r.method == "hostile" else r
        for r in results
    ]
    lines = text_table(summarise(long)[0], width).splitlines()
    cut = next(line for line in lines if "…" in line and line.endswith("5/6"))
    assert "… †" in cut
    assert len(cut) <= max(width, 91)  # the numbers alone need 91


def test_the_summary_as_csv_has_unrounded_means(results: list[Result]) -> None:
    summary = summarise(results)[0]
    back = pd.read_csv(StringIO(summary_frame(summary).to_csv(index=False))).set_index("method")
    for row in summary.rows:
        assert back.loc[row.results[0].method, "psnr"] == pytest.approx(row.values["psnr"].mean, rel=1e-15)
    assert back.loc["rfuse", "sam_place"] == "best"
    assert not back.loc["mossfuse", "ranked"]


def test_markdown_escapes_html_and_its_own_signs(results: list[Result]) -> None:
    piped = [replace(r, label="a|b `c` *d*") if r.method == "bicubic" else r for r in results]
    text = markdown_table(summarise(piped)[0])
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "a\\|b \\`c\\` \\*d\\*" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1
