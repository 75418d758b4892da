"""The table for the terminal: its numbers are those of the records, and it fits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmark.run_folder.record import Result
from reports.content.summary import summarise
from reports.typeset.plain_text import plain_summary


def test_the_text_table_fits_the_terminal_and_is_aligned(results: list[Result]) -> None:
    for summary in summarise(results):
        lines = plain_summary(summary).splitlines()
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
    text = plain_summary(summarise(results)[0])
    values = [float(r.metrics["psnr"] or 0) for r in results if r.method == "rfuse" and r.protocol["name"] == "camera-x8"]
    assert f" {sum(values) / 6:.2f}* " in text
    assert "‡ MossFuse (50 steps, under-trained): not ranked (under-trained" in text
    assert "skipped†" in plain_summary(summarise(results)[1])


@pytest.mark.parametrize(("width", "kept"), [(60, (3, 4)), (80, (6,)), (110, (9,)), (140, (9,))])
def test_a_narrow_terminal_has_fewer_columns_and_names_those_left_out(results: list[Result], width: int, kept: tuple[int, ...]) -> None:
    for summary in summarise(results):
        text = plain_summary(summary, width)
        assert max(map(len, text.splitlines())) <= width
        head = next(line for line in text.splitlines() if "PSNR" in line)
        labels = [column.label for column in summary.columns if column.key != "gpu_bytes"]
        shown, words = [label for label in labels if label in head.split()], " ".join(text.split())
        assert len(shown) in kept
        gone = [label for label in labels if label not in shown]
        assert ("No room here for" in words) is bool(gone)
        assert all(label in words.partition("No room here for")[2].partition(":")[0] for label in gone)
        row = next(line for line in text.splitlines() if line.startswith("  R-FUSE"))
        assert row.startswith("  R-FUSE  ")
        assert row.endswith("/6")


@pytest.mark.parametrize("width", [80, 110])
def test_a_long_name_is_cut_and_keeps_its_marks(results: list[Result], width: int) -> None:
    long = [
        replace(r, label="A method with a name that no table has room for, nor should have " * 3) if r.method == "hostile" else r
        for r in results
    ]
    lines = plain_summary(summarise(long)[0], width).splitlines()
    cut = next(line for line in lines if "…" in line and line.endswith("5/6"))
    assert "… †" in cut
    assert len(cut) <= max(width, 91)  # the numbers alone need 91
