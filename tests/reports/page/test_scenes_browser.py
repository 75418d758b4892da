"""The panel of scenes in a real browser: choosing, comparing, zooming, spectra, by hand and by keys; links, and the front after a filter.

One page, opened once at each width, serves all tests; each leaves it as it found it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmark.run_folder.folder import RunFolder
from reports.content.file_names import FileNames
from reports.content.summary import summarise
from reports.page.page import PageFiles, render_page
from tests.reports.conftest import HOSTILE, fake_results, truth_of
from tests.reports.page.browsing import started_chromium

WIDTHS = (1440, 390)
END = "scrollY + innerHeight >= document.documentElement.scrollHeight - 2"  # the page cannot be scrolled further


@pytest.fixture(scope="module")
def rendered(run_folder: Path) -> PageFiles:
    """The page of the fake run: two protocols, three scenes."""
    results = fake_results()
    return render_page(RunFolder(run_folder), results, summarise(results), plan=None, environment=None, names=FileNames())


@pytest.fixture(scope="module")
def pages(rendered: PageFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, Any]]:
    """The page at every width; afterwards: nothing logged, and nothing asked for but the file itself."""
    folder = tmp_path_factory.mktemp("page")
    file = folder / "index.html"
    file.write_text(rendered.html, encoding="utf-8")
    with started_chromium(folder) as browser:
        opened, logged, asked = {}, list[str](), list[str]()
        for width in WIDTHS:
            page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
            page.set_default_timeout(8000)
            page.on("console", lambda message: logged.append(message.text))
            page.on("pageerror", lambda error: logged.append(str(error)))
            page.on("request", lambda request: asked.append(request.url))
            page.goto(file.as_uri())
            opened[width] = page
        opened[0] = browser.new_context(viewport={"width": 1440, "height": 900}, java_script_enabled=False).new_page()
        opened[0].goto(file.as_uri())
        yield opened
        assert logged == []
        assert {url for url in asked if not url.startswith("data:")} == {file.as_uri()}


@pytest.fixture(params=WIDTHS)
def page(request: pytest.FixtureRequest, pages: dict[int, Any]) -> Any:
    return pages[request.param]


@pytest.fixture
def wide(pages: dict[int, Any]) -> Any:
    return pages[WIDTHS[0]]


def chosen(page: Any) -> list[str]:
    """The ids of the scenes that are shown."""
    found: list[str] = page.locator("article.scene").evaluate_all("all => all.filter(e => e.checkVisibility()).map(e => e.id)")
    return found


def until(page: Any, script: str) -> None:
    """Wait until `script` is true."""
    for _ in range(400):
        if page.evaluate(script):
            return
        page.wait_for_timeout(25)
    raise AssertionError(f"never true: {script}")


def sources(page: Any) -> list[str]:
    """What the two sides show."""
    found: list[str] = page.locator(".layer img").evaluate_all("all => all.map(e => e.src)")
    return found


def test_one_scene_is_shown_at_a_time_and_pictures_and_protocols_choose_it(page: Any) -> None:
    assert chosen(page) == ["protocol-1-scene-1"]
    assert page.locator("#scenes").evaluate("e => e.offsetHeight") < 2600  # it was 16,000 with three protocols
    page.locator('.pick-scene input[value="chart & toy"]').check(force=True)
    assert chosen(page) == ["protocol-1-scene-2"]
    page.locator('.pick-protocol input[value="noisy_x4 & <b>"]').focus()
    page.keyboard.press("Space")
    assert chosen(page) == ["protocol-2-scene-2"]
    page.evaluate("location.hash = '#protocol-1-scene-1'")
    until(page, "document.querySelector('#protocol-1-scene-1').checkVisibility()")
    assert chosen(page) == ["protocol-1-scene-1"]
    assert page.locator(".pick-protocol input:checked").get_attribute("value") == "camera-x8"
    page.evaluate("history.replaceState(null, '', location.pathname)")


def test_it_opens_with_the_best_of_those_told_nothing_and_the_best_of_all(page: Any) -> None:
    tags = page.locator(".pane .tag").all_text_contents()
    assert tags == ["A · Bicubic", "B · R-FUSE"]  # the other one that is told nothing lacks a cell
    names = page.locator("#protocol-1-scene-1 .estimates figcaption b").all_text_contents()
    assert names == ["R-FUSE", "HySure", "MossFuse (50 steps, under-trained)", HOSTILE, "Bicubic"]  # the best first
    drawn = page.locator("#protocol-1-scene-1 .here input:checked").evaluate_all("all => all.map(e => e.closest('li').dataset.method)")
    assert drawn == ["R-FUSE", "Bicubic"]


def test_each_side_shows_any_picture_by_its_list_by_a_click_and_by_a_key(wide: Any) -> None:
    scene, first = wide.locator("#protocol-1-scene-1"), sources(wide)
    options = wide.locator(".side-a option").all_text_contents()
    assert options[:3] == ["Truth", "HSI, as observed", "MSI, as observed"]
    assert {"error of R-FUSE", "angle of R-FUSE", "posterior of R-FUSE", "R-FUSE"} <= set(options)
    wide.locator(".side-a").select_option(label="error of R-FUSE")
    figure = scene.locator('.estimates figure[data-method="R-FUSE"]')
    assert sources(wide)[0] == figure.locator("img.errors").get_attribute("src")
    bar = wide.locator(".pane.a .bar")
    assert bar.is_visible()
    assert not wide.locator(".pane.b .bar").is_visible()
    ticks = bar.locator("b span").all_text_contents()
    assert ticks[0] == "0"
    assert ticks[-1].startswith("≥ ")
    assert all(len(text.lstrip("≥ 0.").replace(".", "").rstrip("0")) <= 2 for text in ticks)  # round numbers
    scene.locator('.estimates figure[data-method="HySure"] [data-to="b"]').press("Enter")
    assert wide.locator(".pane.b .tag").text_content() == "B · HySure"
    scene.locator(".inputs img").nth(2).click()
    assert sources(wide)[1] == scene.locator(".inputs img").nth(2).get_attribute("src")
    wide.locator(".side-b").select_option(label="R-FUSE")
    wide.locator(".stage").press("]")
    assert wide.locator(".pane.b .tag").text_content() == "B · HySure"
    wide.locator(".stage").press("[")
    wide.locator(".side-a").select_option(label="Bicubic")
    assert sources(wide) == first


def test_both_sides_zoom_to_the_same_place_and_show_square_pixels(wide: Any) -> None:
    stage = wide.locator(".stage")
    stage.scroll_into_view_if_needed()
    layers = "all => all.map(e => { const s = getComputedStyle(e); return [s.left, s.top, s.width].map(parseFloat); })"
    whole = wide.locator(".layer").evaluate_all(layers)
    stage.press("+")
    stage.press("+")
    near = wide.locator(".layer").evaluate_all(layers)
    assert near[0] == pytest.approx(near[1], abs=0.5)
    assert near[0][2] == pytest.approx(4 * whole[0][2], rel=0.01)
    marks = stage.evaluate(
        """e => {
          const pane = e.querySelector('.pane').getBoundingClientRect(), cross = e.querySelector('.cross').getBoundingClientRect();
          return [(cross.x + cross.width / 2 - pane.x) / pane.width, (cross.y + cross.height / 2 - pane.y) / pane.height];
        }"""
    )
    assert marks == pytest.approx([0.5, 0.5], abs=0.06)  # the chosen pixel, which it zooms to
    assert wide.locator(".layer img.squares").count() == 2
    box = stage.bounding_box()
    wide.mouse.move(box["x"] + 50, box["y"] + 60)
    wide.mouse.down()
    wide.mouse.move(box["x"] + 20, box["y"] + 40, steps=3)
    wide.mouse.up()
    moved = wide.locator(".layer").evaluate_all(layers)
    assert moved[0][:2] == pytest.approx([near[0][0] - 30, near[0][1] - 20], abs=1.5)
    assert wide.locator(".spectrum output").first.text_content() == "Row 16, column 24"  # a drag is no choice
    wide.get_by_role("button", name="whole").click()
    assert wide.locator(".layer").evaluate_all(layers) == whole


def test_the_slider_lays_one_over_the_other_and_the_magnifier_is_a_key(page: Any) -> None:
    stage, slider = page.locator(".stage"), page.locator(".slider")
    before = stage.evaluate("e => e.classList.contains('over')")
    assert before == (page.viewport_size["width"] < 500)
    page.locator('[name="stage-mode"][value="over"]').check(force=True)
    slider.scroll_into_view_if_needed()
    slider.press("Home")
    cut = "e => getComputedStyle(e).getPropertyValue('--cut')"
    assert stage.evaluate(cut) == "0%"
    for _ in range(50):
        slider.press("ArrowRight")
    box = stage.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    page.mouse.up()
    assert stage.evaluate(cut).startswith("25")
    loupe = page.locator(".use-loupe").is_checked()
    stage.press("l")
    assert page.locator(".use-loupe").is_checked() != loupe
    stage.press("l")
    slider.press("Home")
    for _ in range(50):
        slider.press("ArrowRight")
    page.locator(f'[name="stage-mode"][value="{"over" if before else "beside"}"]').check(force=True)


def curve(plot: Any, line: str) -> list[float]:
    """The values of a line as it is drawn."""
    levels = plot.locator(".levels text").evaluate_all("all => all.map(e => [Number(e.textContent), e.getAttribute('y') - 3.5])")
    (low, floor), *_, (high, ceiling) = levels
    path = plot.locator(f"g{line} path").first.get_attribute("d")
    return [low + (floor - float(point.split()[1])) / (floor - ceiling) * (high - low) for point in path[1:].split("L")]


def test_a_click_and_the_arrow_keys_choose_the_pixel_and_the_chart_shows_its_spectra(page: Any, rendered: PageFiles) -> None:
    scene = page.locator("#protocol-1-scene-1")
    stage = page.locator(".stage")
    stage.scroll_into_view_if_needed()
    box = page.locator(".pane.a").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * 0.9)
    said = "document.querySelector('#protocol-1-scene-1 .spectrum output').textContent"
    until(page, f"{said} === 'Row 28, column 5'")  # of the columns 0, 2, 3, 5, ... that nearest to 4.3
    stage.press("ArrowUp")
    stage.press("ArrowRight")
    until(page, f"{said} === 'Row 27, column 6'")
    assert "row 27, column 6" in scene.locator("svg.spectrum-chart").get_attribute("aria-label")
    truth = truth_of(0)[:, 27, 6]
    values, residuals = scene.locator(".plot.values"), scene.locator(".plot.residuals")
    assert curve(values, '[data-series="-1"]') == pytest.approx(truth.tolist(), abs=0.005)
    from io import BytesIO

    (name,) = (name for name in rendered.beside if name.endswith("protocol-1-scene-1.npz"))
    with np.load(BytesIO(rendered.beside[name])) as held:
        place = [str(label).split(" (")[0] for label in held["labels"]].index("R-FUSE")
        spectrum = held[f"method_{place + 1}"][list(held["rows"]).index(27), list(held["cols"]).index(6)]
    assert curve(values, '[data-method="R-FUSE"]') == pytest.approx(spectrum.tolist(), abs=0.005)
    assert curve(residuals, '[data-method="R-FUSE"]') == pytest.approx((spectrum - truth).tolist(), abs=0.001)
    rmse = float(np.sqrt(np.mean((spectrum.astype(np.float64) - truth) ** 2)))
    score = scene.locator('.here li[data-method="R-FUSE"] .score').text_content()
    assert float(score.removeprefix("RMSE ").partition(",")[0]) == pytest.approx(rmse, abs=2e-4)


def test_a_line_is_named_at_its_end_in_its_colour_and_a_tick_takes_both_away(wide: Any) -> None:
    scene = wide.locator("#protocol-1-scene-1")
    name, line = scene.locator('text.end[data-method="R-FUSE"]'), scene.locator('.plot.values g[data-method="R-FUSE"]')
    colours = "e => getComputedStyle(e.querySelector('.line') ?? e)[e.querySelector('.line') ? 'stroke' : 'fill']"
    assert name.evaluate(colours) == line.evaluate(colours)
    swatch = scene.locator('.estimates figure[data-method="R-FUSE"] .swatch').evaluate("e => getComputedStyle(e).color")
    bubble = wide.locator('#protocol-1 .bubble[data-method="R-FUSE"]').evaluate("e => getComputedStyle(e).color")
    assert swatch == bubble == name.evaluate(colours)
    box = scene.locator('.here li[data-method="R-FUSE"] input')
    box.press("Space")
    assert not name.is_visible()
    assert not line.is_visible()
    box.press("Space")
    until(wide, """document.querySelector('#protocol-1-scene-1 text.end[data-method="R-FUSE"]').checkVisibility()""")


def test_every_link_of_the_contents_leads_to_its_heading_below_the_filter(page: Any) -> None:
    """They stopped up to 14,921 pixels short while scenes were laid out only near the window."""
    page.evaluate("document.querySelectorAll('.contents ul ul').forEach(e => e.style.display = 'block')")
    bar = page.locator("form.filter").evaluate("e => getComputedStyle(e).position === 'sticky' ? e.offsetHeight : 0")
    for target in page.locator(".contents a").evaluate_all("all => all.map(e => e.hash)"):
        page.evaluate("scrollTo(0, 0)")
        page.locator(f'.contents a[href="{target}"]').evaluate("e => e.click()")
        until(page, f"Math.abs(document.getElementById('{target[1:]}').getBoundingClientRect().top - {bar}) < 60 || {END}")
        place, end = page.evaluate(
            """id => [document.getElementById(id).getBoundingClientRect().top,
                      scrollY + innerHeight >= document.documentElement.scrollHeight - 2]""",
            target[1:],
        )
        assert bar - 2 <= place <= bar + 60 or (end and place < 900), (target, place, bar)
    page.evaluate("document.querySelectorAll('.contents ul ul').forEach(e => e.style.display = '')")
    page.evaluate("history.replaceState(null, '', location.pathname)")


def test_nothing_shines_through_the_filter_that_stays_at_the_top(wide: Any) -> None:
    for target in ("scenes", "results", "scores", "methods"):
        wide.evaluate("id => scrollTo(0, document.getElementById(id).getBoundingClientRect().top + scrollY + 160)", target)
        ends, ground = wide.locator("form.filter").evaluate(
            """form => {
              const { left, right, top, bottom } = form.getBoundingClientRect(), main = form.parentElement.getBoundingClientRect();
              const spots = [];
              for (const y of [top + 2, (top + bottom) / 2, bottom - 3])
                for (let x = Math.max(main.left, 0) + 2; x < Math.min(main.right, innerWidth) - 2; x += 40) spots.push([x, y]);
              return [spots.filter(([x, y]) => !form.contains(document.elementFromPoint(x, y)) && x >= left && x < right).length,
                      getComputedStyle(form).backgroundColor];
            }"""
        )
        assert ends == 0, target
        assert ground.startswith("rgb("), target


def test_the_front_joins_the_methods_that_the_filter_leaves(wide: Any) -> None:
    plot = wide.locator("#protocol-1 svg.bubbles")
    whole = plot.locator(".front").get_attribute("d")
    best = plot.locator(".bubble.best").evaluate_all("all => all.map(e => e.dataset.method)")
    assert "R-FUSE" in best
    wide.get_by_label("Find a method").fill("hysure")
    until(wide, "document.querySelectorAll('#protocol-1 .bubble.best').length === 1")
    assert plot.locator(".bubble:not([hidden])").evaluate_all("all => all.map(e => e.dataset.method)") == ["HySure"]
    left = plot.locator(".front").get_attribute("d")
    spot = plot.locator('.bubble[data-method="HySure"]').evaluate("e => [e.dataset.x, e.dataset.y]")
    assert left.startswith(f"M{spot[0]} ")
    assert f"V{spot[1]}H" in left
    assert left.count("V") == 1
    wide.get_by_label("Find a method").fill("")
    until(wide, "document.querySelectorAll('#protocol-1 .bubble:not([hidden])').length > 1")
    assert plot.locator(".front").get_attribute("d") == whole
    assert plot.locator(".bubble.best").evaluate_all("all => all.map(e => e.dataset.method)") == best


def test_a_scene_that_the_filter_takes_away_is_not_the_chosen_one(wide: Any) -> None:
    wide.locator('form.filter input[name="scene"][value="beads"]').evaluate("e => e.click()")
    until(wide, "document.querySelector('#protocol-1-scene-2').checkVisibility()")
    assert chosen(wide) == ["protocol-1-scene-2"]
    assert not wide.locator('.pick-scene label[data-scene="beads"]').is_visible()
    wide.get_by_role("button", name="Show all").click()
    wide.locator('.pick-scene input[value="beads"]').check(force=True)
    assert chosen(wide) == ["protocol-1-scene-1"]


def test_the_page_and_the_readme_say_alike_how_precisely_estimates_are_kept(rendered: PageFiles) -> None:
    assert "16 bits over their own range (107 dB)" in rendered.html
    assert "16 bits over its own range, 107 dB" in (Path(__file__).parents[3] / "README.md").read_text(encoding="utf-8")
    assert "nothing is quantised" not in rendered.html


def test_one_mark_is_explained_once_a_protocol(rendered: PageFiles) -> None:
    """Each scene repeated the notes of its protocol: the same sentence eighteen times with three protocols of six scenes."""
    page = rendered.html
    assert page.count("under-trained: 50 of 10_000 steps") <= 2 * 2 + 2  # a note and a reason for each protocol, and the card
    assert "The marks are explained below" in page


def test_without_a_script_the_first_scene_is_open_and_the_others_are_folded(pages: dict[int, Any]) -> None:
    plain = pages[0]
    assert plain.locator("details.scene-fold[open]").count() == 1
    for selector in (".estimates img.colour", ".estimates img.errors", ".inputs img", "svg.spectrum-chart", ".scale"):
        assert plain.locator(f"#protocol-1-scene-1 {selector}").first.is_visible(), selector
    assert not plain.locator(".stage").is_visible()
    assert plain.locator("#scenes").evaluate("e => e.offsetHeight") < 2600
    plain.locator("#protocol-2-scene-3 .scene-fold > summary").click()
    assert plain.locator("#protocol-2-scene-3 .estimates img.colour").first.is_visible()


@pytest.mark.parametrize(
    ("chart", "named"),
    [(".spectrum", "R-FUSE"), (".failures figure", "MossFuse (50 steps, under-trained)"), (".responses figure", "wavelength")],
)
def test_a_chart_of_a_scene_is_saved_under_its_own_name_and_says_which_line_is_whose(wide: Any, chart: str, named: str) -> None:
    scene = wide.locator("#protocol-1-scene-1")
    folded = scene.locator("details.failures, details.responses")
    folded.evaluate_all("all => all.forEach(e => { e.open = true })")
    take = scene.locator(f"{chart} .take").first
    take.evaluate("e => { e.open = true }")
    with wide.expect_download() as waiting:
        take.get_by_role("button", name="SVG").click()
    content = Path(waiting.value.path()).read_text(encoding="utf-8")
    assert named in content
    size = scene.locator(f"{chart} svg.chart text").first.evaluate("e => getComputedStyle(e).fontSize")
    assert f"font-size:{size};" in content.replace(": ", ":")
    assert waiting.value.suggested_filename.startswith("beads-camera-x8-")
    take.evaluate("e => { e.open = false }")
    folded.evaluate_all("all => all.forEach(e => { e.open = false })")


@pytest.mark.parametrize("width", [1280, 390])
def test_the_ticks_of_a_colour_bar_do_not_touch_on_a_narrower_window(wide: Any, width: int) -> None:
    wide.set_viewport_size({"width": width, "height": 900})
    for select in (".side-a", ".side-b"):
        wide.locator(select).select_option(label="error of R-FUSE")
    touching = """all => all.filter(e => e.checkVisibility()).flatMap((ticks) => {
      const places = [...ticks.children].filter(e => e.checkVisibility()).map(e => e.getBoundingClientRect());
      return places.slice(1).filter((place, n) => place.left < places[n].right + 1).map(() => ticks.textContent);
    })"""
    found = wide.locator(".bar b, .ticks").evaluate_all(touching)
    wide.locator(".side-a").select_option(label="Bicubic")
    wide.locator(".side-b").select_option(label="R-FUSE")
    wide.set_viewport_size({"width": 1440, "height": 900})
    assert found == []
