"""Families of methods have words on the page, and not the names of folders; the filter keeps the names as values."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from benchmark.run_folder.folder import RunFolder
from reports.content.file_names import FileNames
from reports.content.summary import summarise
from reports.page.page import render_page
from tests.reports.conftest import fake_results


def test_cards_menus_and_tables_have_the_words_of_a_family(tmp_path: Path) -> None:
    results = [replace(r, card={**r.card, "family": "lowrank"}) if r.method == "rfuse" else r for r in fake_results()]
    page = render_page(
        RunFolder(tmp_path), results, summarise(results), plan=None, environment=None, names=FileNames(), pictures=False
    ).html
    for text in ("· low-rank</p>", 'value="lowrank" checked>low-rank</label>', "<td>low-rank</td>", 'data-family="lowrank"'):
        assert text in page, text
    assert "· lowrank" not in page
