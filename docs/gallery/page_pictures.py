"""The pictures of docs/gallery/page.md, and the first picture and the animation of the README: a report's page in a headless Chromium.

    python docs/gallery/page_pictures.py RUN_DIR/report/index.html docs

Needs playwright (extra `dev`) and a Chromium of the system. Writes gallery/page_*.jpg, images/page.png and images/page_slider.webp.
"""

from __future__ import annotations

import shutil
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-component-update"]
SCENE = "#protocol-1-scene-1"
ERRORS = """document.querySelectorAll(".sides select").forEach((list) => {
  list.value = [...list.options].find((option) => option.text === "error of " + list.selectedOptions[0].text).value;
  list.dispatchEvent(new Event("input"));
})"""
RESPONSES = f"document.querySelector('{SCENE} .responses').open = true"
SCORES = "document.querySelector('#scores details').open = true; document.querySelectorAll('#scores thead button')[5].click()"
PICTURES = (  # name, width of the window, colour scheme, part of the page, a script that runs before
    ("page_results", 1280, "light", "#results", ""),
    ("page_scene", 1280, "light", "#scenes", ""),
    ("page_errors_dark", 1280, "dark", f"{SCENE} .explore", ERRORS),
    ("page_responses", 1280, "light", f"{SCENE} .responses", RESPONSES),
    ("page_scores_dark", 1280, "dark", "#scores", SCORES),
    ("page_narrow", 390, "light", f"{SCENE} .explore", ""),
)

TOP = (1440, 900)  # pixels: the first screen
MOVIE = (1080, 700)  # pixels of the window in which the animation is taken
EDGE = 8  # pixels around what is filmed
PAUSE, STEP = 900, 90  # milliseconds that a frame stays: at a turning point, and between
SWEEP = (50, 42, 34, 26, 18, 10, 18, 26, 34, 42, 50, 58, 66, 74, 82, 90, 82, 74, 66, 58, 50)  # percent: where the slider stands
WALK = ("ArrowRight", "ArrowDown") * 7  # the way of the pixel whose spectrum is shown


def draw(page_file: Path, docs: Path) -> None:
    """Each picture as gallery/<name>.jpg in `docs`, the first screen as images/page.png, and the slider as images/page_slider.webp."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for name, width, scheme, part, script in PICTURES:
            page = browser.new_page(viewport={"width": width, "height": 1000}, color_scheme=scheme, device_scale_factor=1)
            _open(page, page_file, part.split()[0])  # opens its tab, or chooses its scene
            page.add_style_tag(content=".filter { position: static !important }")
            if script:
                page.evaluate(script)
            target = page.locator(part).first
            target.scroll_into_view_if_needed()
            page.wait_for_timeout(500)  # for pictures to be decoded
            target.screenshot(path=docs / "gallery" / f"{name}.jpg", type="jpeg", quality=82)
            page.close()
        page = browser.new_page(viewport={"width": TOP[0], "height": TOP[1]}, color_scheme="light")
        _open(page, page_file, "")
        page.screenshot(path=docs / "images" / "page.png")
        page.close()
        _film(browser, page_file, docs / "images" / "page_slider.webp")
        browser.close()


def _open(page: Any, page_file: Path, part: str) -> None:
    page.goto(f"{page_file.resolve().as_uri()}{part}")
    page.add_style_tag(content="html { scroll-behavior: auto !important }")
    page.wait_for_timeout(500)


def _film(browser: Any, page_file: Path, out: Path) -> None:
    """The slider moves between the two pictures; then the pixel moves, and its spectra with it."""
    page = browser.new_page(viewport={"width": MOVIE[0], "height": MOVIE[1]}, color_scheme="light", device_scale_factor=1)
    _open(page, page_file, SCENE)
    page.locator('[value="over"]').check(force=True)
    page.locator('[data-zoom="in"]').click()
    page.add_style_tag(content=".filter, .loupe { display: none !important }")
    stage, slider = page.locator(".stage-box"), page.locator(".slider")
    page.evaluate("edge => scrollBy(0, document.querySelector('.stage-box').getBoundingClientRect().top - edge)", 2 * EDGE)
    chart = page.locator(f"{SCENE} .spectrum")
    boxes = [stage.bounding_box(), chart.bounding_box()]
    left, top = min(box["x"] for box in boxes) - EDGE, min(box["y"] for box in boxes) - EDGE
    right = max(box["x"] + box["width"] for box in boxes) + EDGE
    clip = {"x": left, "y": top, "width": right - left, "height": min(boxes[0]["height"] + 2 * EDGE, MOVIE[1] - top)}

    def frame() -> Image.Image:
        page.wait_for_timeout(60)
        return Image.open(BytesIO(page.screenshot(clip=clip))).convert("RGB")

    frames, times = [], []
    for place in SWEEP:
        slider.evaluate("(e, value) => { e.value = value; e.dispatchEvent(new Event('input', { bubbles: true })); }", place)
        frames.append(frame())
        times.append(PAUSE if place in {min(SWEEP), max(SWEEP)} else STEP)
    page.locator(".stage").focus()
    for key in WALK:
        page.keyboard.press(key)
        frames.append(frame())
        times.append(2 * STEP)
    times[-1] = PAUSE
    frames[0].save(out, save_all=True, append_images=frames[1:], duration=times, loop=0, quality=72, method=6)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
