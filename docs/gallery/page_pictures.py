"""The pictures of docs/gallery/page.md: parts of a report's page, as a headless Chromium shows them.

    python docs/gallery/page_pictures.py RUN_DIR/report/index.html docs/gallery

Needs playwright (extra `dev`) and a Chromium of the system.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
PICTURES = (  # name, width of the window, colour scheme, part of the page, what to do before
    ("page_results", 1280, "light", "#protocol-2", ""),
    ("page_scene", 1280, "light", "#protocol-1-scene-2", ""),
    ("page_errors_dark", 1280, "dark", "#protocol-1-scene-2 .explore", "[value=errors]"),
    ("page_responses", 1280, "light", "#protocol-1-scene-2 .responses", "#protocol-1-scene-2 .responses summary"),
    ("page_scores_dark", 1280, "dark", "#scores", "#scores thead button >> nth=5"),
    ("page_narrow", 390, "light", "#protocol-1-scene-2 .explore", ""),
)


def draw(page_file: Path, folder: Path) -> None:
    """Each picture as <name>.jpg in `folder`."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name, width, scheme, part, click in PICTURES:
            page = browser.new_page(viewport={"width": width, "height": 1000}, color_scheme=scheme, device_scale_factor=1)
            page.goto(page_file.resolve().as_uri())
            page.add_style_tag(content=".filter { position: static !important }")
            target = page.locator(part).first
            target.scroll_into_view_if_needed()
            if click:
                page.locator(f"{part} {click}" if click.startswith("[") else click).first.click()
            page.wait_for_timeout(300)  # for pictures to be decoded
            target.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=82)
            page.close()
        browser.close()


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
