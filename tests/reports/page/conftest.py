"""The page of the fake run in headless Chromium, drawn once and shared by the tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark.run_folder.folder import RunFolder
from reports.content.file_names import FileNames
from reports.content.summary import summarise
from reports.content.verdicts import compare_tiers
from reports.page.page import render_page
from tests.reports.conftest import fake_results
from tests.reports.page.browsing import started_chromium


@pytest.fixture(scope="session")
def written(run_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the fake run alone, without the figures beside it; Bicubic is a baseline, and one row has a note on the PSF."""
    results = [replace(r, card={**r.card, "family": "interpolation"}) if r.method == "bicubic" else r for r in fake_results()]
    summaries = summarise(results)
    plan = {"command": "python run_benchmark.py run plan.toml", "plan": {"seeds": [0, 1]}}
    page = render_page(
        RunFolder(run_folder),
        results,
        summaries,
        plan=plan,
        environment={"cores": 2},
        names=FileNames(),
        comparisons=compare_tiers(summaries),
    )
    file = tmp_path_factory.mktemp("page") / "index.html"
    file.write_text(page.html, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with started_chromium(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture(scope="module")
def wide(browser: Any, written: Path) -> Iterator[Any]:
    """The page at 1440 x 900; tests leave it as they found it."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True).new_page()
    page.goto(written.as_uri())
    yield page
    page.context.close()


@pytest.fixture(scope="module")
def narrow(browser: Any, written: Path) -> Iterator[Any]:
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    page.goto(written.as_uri())
    yield page
    page.context.close()
