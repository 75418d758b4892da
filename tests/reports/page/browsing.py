"""Headless Chromium for tests of the page: started once a module, skipped where it is not to be had."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
PATIENCE_MS = 120_000  # for what takes a moment on an idle machine


@contextmanager
def started_chromium(folder: Path) -> Iterator[Any]:
    """Chromium, closed at the end; the test is skipped where it does not start, or reads no file of this folder (as a snap's)."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if binary is None:
        pytest.skip("needs Chromium")
    with sync_api.sync_playwright() as driver:
        file = folder / "plain.html"
        file.write_text("<title>read</title>", encoding="utf-8")
        try:
            opened = driver.chromium.launch(executable_path=binary, args=FLAGS, timeout=PATIENCE_MS)
            page = opened.new_page()
            page.goto(file.as_uri(), timeout=PATIENCE_MS)
            page.close()
        except sync_api.Error as error:
            pytest.skip(f"needs a Chromium that starts and reads {file}: {error.message.splitlines()[0]}")
        yield opened
        opened.close()


def shown(page: Any, selector: str) -> list[str]:
    script = "all => all.filter(e => e.checkVisibility()).map(e => e.textContent.replace(/\\s+/g, ' ').trim())"
    found: list[str] = page.locator(selector).evaluate_all(script)
    return found
