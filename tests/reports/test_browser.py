"""The page in a real browser: its script runs under its own policy, sorts and filters, and nothing is logged as an error."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest

from reports.report import ReportPaths

PROBE = """
const report = {}, wait = (text) => text.map((cell) => cell.textContent.replace(/[†‡§]/g, "").trim());
const names = (table, tier) => wait([...table.querySelectorAll(`tbody[data-tier="${tier}"] tr:not(.tier):not([hidden]) th`)]);
const table = document.querySelector("#results table.scores"), tier = "psf+srf known";
report.start = names(table, tier);
table.querySelectorAll("thead button")[6].click();  // seconds of fusion: ascending first
report.fastest = names(table, tier);
report.sorted = table.querySelectorAll("thead th")[6].ariaSort;
table.querySelectorAll("thead button")[1].click();
report.best = names(table, tier);
table.querySelectorAll("thead button")[1].click();
report.worst = names(table, tier);
const form = document.querySelector("form.filter");
form.elements.method.value = "fuse";
form.dispatchEvent(new Event("input"));
report.found = [...new Set(wait([...document.querySelectorAll(".card:not([hidden]) h3")]))];
report.count = form.querySelector("output").textContent;
report.emptied = document.querySelector('#results tbody[data-tier="blind"]').hidden;
form.elements.method.value = "";
form.querySelector('input[value="blind"]').click();
report.sighted = [...new Set(wait([...document.querySelectorAll(".card:not([hidden]) h3")]))];
report.overflow = document.documentElement.scrollWidth - document.documentElement.clientWidth;
document.body.dataset.report = JSON.stringify(report);
"""


def dom_of(page: Path, profile: Path, width: int) -> tuple[str, str]:
    """The page's elements after its script ran, and what the browser logged; the test is skipped where there is no Chromium."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs Chromium")
    quiet = ("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync")
    run = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", *quiet, f"--user-data-dir={profile}", "--enable-logging=stderr"),
            *(f"--window-size={width},900", "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return run.stdout, "\n".join(line for line in run.stderr.splitlines() if "CONSOLE" in line)


def test_the_script_runs_under_the_pages_own_policy(report: ReportPaths, tmp_path: Path) -> None:
    dom, logged = dom_of(report.page, tmp_path / "profile", 1280)
    assert logged == ""
    assert re.search(r'<form class="filter">', dom)  # shown by the script
    assert dom.count("<button type=") > 20


@pytest.mark.parametrize("width", [1280, 500])  # 500 is the narrowest window that headless Chromium opens
def test_tables_sort_inside_tiers_and_filters_hide_what_does_not_match(report: ReportPaths, tmp_path: Path, width: int) -> None:
    source = re.sub(r"<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "", report.page.read_text(encoding="utf-8"))
    probed = tmp_path / "page.html"
    probed.write_text(source.replace("</body>", f"<script>{{{PROBE}}}</script></body>"), encoding="utf-8")
    dom, logged = dom_of(probed, tmp_path / "profile", width)
    assert logged == ""
    found = re.search(r'data-report="([^"]*)"', dom)
    assert found is not None
    seen = json.loads(unescape(found[1]))
    assert seen["start"] == seen["fastest"] == seen["best"] == ["R-FUSE", "HySure"]
    assert seen["sorted"] == "ascending"
    assert seen["worst"] == ["HySure", "R-FUSE"]
    assert seen["found"] == ["R-FUSE", "MossFuse (50 steps, under-trained)"]
    assert (seen["count"], seen["emptied"]) == ("2 of 5 methods", True)
    assert seen["sighted"] == ["R-FUSE", "HySure", "MossFuse (50 steps, under-trained)"]
    assert seen["overflow"] == 0
