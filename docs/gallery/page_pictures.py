"""The pictures of docs/gallery/page.md and the first one of the README: a report's page, as a headless Chromium shows it.

    python docs/gallery/page_pictures.py RUN_DIR/report/index.html docs

Needs playwright (extra `dev`) and a Chromium of the system.
"""

from __future__ import annotations

import shutil
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
ERRORS = """document.querySelectorAll(".sides select").forEach((list) => {
  list.value = [...list.options].find((option) => option.text === "error of " + list.selectedOptions[0].text).value;
  list.dispatchEvent(new Event("input"));
})"""
PICTURES = (  # name, width of the window, colour scheme, part of the page, a script that runs before
    ("page_results", 1280, "light", "#protocol-2", ""),
    ("page_scene", 1280, "light", "#protocol-1-scene-2", ""),
    ("page_errors_dark", 1280, "dark", "#protocol-1-scene-2 .explore", ERRORS),
    (
        "page_responses",
        1280,
        "light",
        "#protocol-1-scene-2 .responses",
        "document.querySelector('#protocol-1-scene-2 .responses').open = true",
    ),
    ("page_scores_dark", 1280, "dark", "#scores", "document.querySelectorAll('#scores thead button')[5].click()"),
    ("page_narrow", 390, "light", "#protocol-1-scene-2 .explore", ""),
)


TOP, SHOWN = (1280, 2026), (948, 1500)  # pixels: the beginning of the page, and as the README shows it


def draw(page_file: Path, docs: Path) -> None:
    """Each picture as gallery/<name>.jpg in `docs`, and the beginning of the page as images/page.png."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name, width, scheme, part, script in PICTURES:
            page = browser.new_page(viewport={"width": width, "height": 1000}, color_scheme=scheme, device_scale_factor=1)
            page.goto(f"{page_file.resolve().as_uri()}#{part.split()[0].removeprefix('#')}")  # opens its tab, or chooses its scene
            page.add_style_tag(content=".filter { position: static !important }")
            target = page.locator(part).first
            target.scroll_into_view_if_needed()
            if script:
                page.evaluate(script)
            page.wait_for_timeout(300)  # for pictures to be decoded
            target.screenshot(path=docs / "gallery" / f"{name}.jpg", type="jpeg", quality=82)
            page.close()
        page = browser.new_page(viewport={"width": TOP[0], "height": TOP[1]}, color_scheme="light")
        page.goto(page_file.resolve().as_uri())
        top = Image.open(BytesIO(page.screenshot())).convert("RGB")
        browser.close()
    small = top.resize(SHOWN, Image.Resampling.LANCZOS)
    few = small.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)  # keeps the rare colours of the tiers
    few.save(docs / "images" / "page.png", optimize=True)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
