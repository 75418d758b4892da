"""Markdown: text stays text, and every line of a table has the same columns."""

from __future__ import annotations

from dataclasses import replace

from benchmark.run_folder.record import Result
from reports.content.summary import summarise
from reports.content.text_table import TextTable
from reports.typeset.markdown import markdown_summary, markdown_text_table


def test_markdown_escapes_html_and_its_own_signs(results: list[Result]) -> None:
    piped = [replace(r, label="a|b `c` *d*") if r.method == "bicubic" else r for r in results]
    text = markdown_summary(summarise(piped)[0])
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "a\\|b \\`c\\` \\*d\\*" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1


def test_a_table_of_texts_has_its_title_its_texts_and_its_notes_with_nothing_read_as_markup() -> None:
    rows = (("a|b", "1_2_3", "<i>"), ("c", "\N{EN DASH}", "40.12§"))
    text = markdown_text_table(TextTable("stem", "A *title*", ("Method", "x_y", "z"), rows, ("§ over fewer.", "one_more")))
    title, _, heads, rule, *lines = text.splitlines()
    assert title == "**A \\*title\\***"
    assert (heads, rule) == ("| Method | x\\_y | z |", "| --- | ---: | ---: |")
    assert lines[:2] == ["| a\\|b | 1\\_2\\_3 | &lt;i&gt; |", "| c | \N{EN DASH} | 40.12§ |"]
    assert [line for line in lines[2:] if line] == ["§ over fewer.", "one\\_more"]
