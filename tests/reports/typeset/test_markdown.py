"""Markdown: text stays text, and every line of a table has the same columns."""

from __future__ import annotations

from dataclasses import replace

from benchmark.result import Result
from reports.content.summary import summarise
from reports.typeset.markdown import markdown_summary


def test_markdown_escapes_html_and_its_own_signs(results: list[Result]) -> None:
    piped = [replace(r, label="a|b `c` *d*") if r.method == "bicubic" else r for r in results]
    text = markdown_summary(summarise(piped)[0])
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    assert "a\\|b \\`c\\` \\*d\\*" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1
