"""The page in a real browser: sorting, filters, links, keys alone; no error, and nothing fetched. Scenes: test_scenes_browser."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from reports.report import ReportPaths, write_report
from tests.benchmark.folders import read_records, write_record
from tests.reports.conftest import HOSTILE
from tests.reports.page.browsing import PATIENCE_MS

WIDTHS = (1280, 390)


@dataclass
class Opened:
    """An open page, what it logged and what it asked for."""

    page: Any
    logged: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def texts(self, selector: str) -> list[str]:
        """Of the visible elements, marks of notes left out."""
        script = "all => all.filter(e => e.checkVisibility()).map(e => e.textContent.replace(/[†‡§]/g, '').trim())"
        found: list[str] = self.page.locator(selector).evaluate_all(script)
        return found


def open_page(browser: Any, report: ReportPaths, width: int, **options: Any) -> Opened:
    context = browser.new_context(viewport={"width": width, "height": 900}, **options)
    opened = Opened(context.new_page())
    opened.page.set_default_timeout(PATIENCE_MS)
    opened.page.on("console", lambda message: opened.logged.append(message.text))
    opened.page.on("pageerror", lambda error: opened.logged.append(str(error)))
    opened.page.on("request", lambda request: opened.asked.append(request.url))
    opened.page.goto(report.page.as_uri())
    return opened


def unfold(page: Any) -> None:
    """Open the table of every score."""
    page.locator(".every-score").evaluate("e => { e.open = true }")


def open_filter(page: Any) -> None:
    """The filter of a phone, which is behind a button there."""
    button = page.get_by_role("button", name="Filter", exact=True)
    if button.is_visible():
        button.click()
        assert button.get_attribute("aria-expanded") == "true"


def wait_until(page: Any, script: str) -> None:
    """Wait until `script` is true; the policy of the page forbids the driver's own way of waiting, which is to evaluate text in it."""
    for _ in range(PATIENCE_MS // 100):
        if page.evaluate(script):
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"never true: {script}")


@pytest.fixture(params=WIDTHS)
def opened(request: pytest.FixtureRequest, browser: Any, report: ReportPaths) -> Iterator[Opened]:
    """The page at both widths; afterwards: nothing logged, nothing asked for but the file itself and what is inside it."""
    opened = open_page(browser, report, request.param)
    yield opened
    assert opened.logged == []
    assert [url for url in opened.asked if not url.startswith("data:")] == [report.page.as_uri()]
    opened.page.context.close()


def test_nothing_is_wider_than_the_window(opened: Opened) -> None:
    opened.page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert opened.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


@pytest.mark.parametrize("target", ["scores", "scenes", "methods"])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_link_leads_to_its_target_below_the_filter_at_once(browser: Any, report: ReportPaths, width: int, target: str) -> None:
    opened = open_page(browser, report, width)
    page, place = opened.page, f"document.getElementById('{target}').getBoundingClientRect().top"
    bar = page.locator("form.filter").evaluate("e => getComputedStyle(e).position === 'sticky' ? e.offsetHeight : 0")
    assert (bar > 0) == (width > 1000)
    page.evaluate("document.querySelectorAll('.contents ul ul').forEach(e => e.style.display = 'block')")
    page.locator(f'.contents a[href="#{target}"]').click()
    wait_until(page, f"Math.abs({place} - {bar}) < 20")
    page.goto("about:blank")
    page.goto(f"{report.page.as_uri()}#{target}")
    wait_until(page, f"Math.abs({place} - {bar}) < 20")
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_stays_while_the_rest_scrolls_hides_what_is_under_it(browser: Any, report: ReportPaths, scheme: str) -> None:
    opened = open_page(browser, report, 1280, color_scheme=scheme)
    for selector in ("form.filter", "#scores tbody th.name", "#scores thead th"):
        ground = opened.page.locator(selector).first.evaluate("e => getComputedStyle(e).backgroundColor")
        assert ground.startswith("rgb("), selector  # with a share of transparency it would be rgba( or color(
    opened.page.context.close()


def test_a_table_that_goes_on_beyond_its_box_shows_it_and_tiers_wrap(opened: Opened) -> None:
    unfold(opened.page)
    box = opened.page.locator("#scores .scroll")
    classes = "e => ['more', 'scrolled'].filter(name => e.classList.contains(name))"
    box.scroll_into_view_if_needed()
    assert box.evaluate("e => e.scrollWidth > e.clientWidth")
    assert box.evaluate(classes) == ["more"]
    box.evaluate("e => { e.scrollLeft = 40 }")
    wait_until(opened.page, "document.querySelector('#scores .scroll').classList.contains('scrolled')")
    assert box.evaluate(classes) == ["more", "scrolled"]
    box.evaluate("e => { e.scrollLeft = e.scrollWidth }")
    wait_until(opened.page, "!document.querySelector('#scores .scroll').classList.contains('more')")
    assert box.evaluate(classes) == ["scrolled"]
    widest = opened.page.locator("#scores .tier-cell").evaluate_all("all => Math.max(...all.map(e => e.offsetWidth))")
    assert widest <= 13 * 16


def test_tables_sort_inside_tiers_by_click_and_by_key(opened: Opened) -> None:
    rows = '#protocol-1 table.scores >> nth=0 >> tbody[data-tier="told blur and colour response"] tr:not(.tier) th a'
    heads = opened.page.locator("#protocol-1 table.scores >> nth=0 >> thead th")
    assert opened.texts(rows) == ["R-FUSE", "HySure"]
    psnr = heads.nth(3).locator("button")
    psnr.click()  # best first
    assert heads.nth(3).get_attribute("aria-sort") == "descending"
    assert opened.texts(rows) == ["R-FUSE", "HySure"]
    psnr.press("Enter")
    assert heads.nth(3).get_attribute("aria-sort") == "ascending"
    assert opened.texts(rows) == ["HySure", "R-FUSE"]
    heads.nth(8).locator("button").press("Space")  # seconds of fusion
    assert heads.nth(3).get_attribute("aria-sort") is None
    assert opened.texts(rows) == ["R-FUSE", "HySure"]


def test_an_infinite_score_sorts_before_every_number(browser: Any, small_run: Path) -> None:
    for record in read_records(small_run):
        write_record(small_run, replace(record, metrics={**record.metrics, "psnr": math.inf if record.method == "bicubic" else 40.0}))
    opened = open_page(browser, write_report(small_run), WIDTHS[0])
    unfold(opened.page)
    button = opened.page.locator("#scores thead button").nth(5)
    button.click()
    assert opened.texts("#scores tbody td:nth-child(6)")[0] == "∞"
    button.click()
    assert opened.texts("#scores tbody td:nth-child(6)")[-1] == "∞"
    opened.page.context.close()


def test_the_table_of_every_score_sorts_across_tiers_and_puts_what_is_missing_last(opened: Opened) -> None:
    unfold(opened.page)
    opened.page.locator("#scores thead button").nth(5).press("Enter")  # under load a click may miss, as scenes above are laid out meanwhile
    values = opened.texts("#scores tbody td:nth-child(6)")
    numbers = [float(value) for value in values if value.replace(".", "").isdigit()]
    assert len(values) == 2 * 3 * 5
    assert numbers == sorted(numbers, reverse=True)
    assert values[len(numbers) :] == ["skipped"] * 3
    opened.page.locator("#scores thead button").first.press("Enter")
    names = opened.texts("#scores tbody th")
    assert names == sorted(names, key=str.lower)


def test_filters_by_name_tier_family_protocol_scene_and_column(opened: Opened) -> None:
    page = opened.page
    unfold(page)
    cards, scores, answer = ".card h3", "#scores tbody tr", page.locator(".filter output")
    open_filter(page)
    page.get_by_label("Find a method").fill("fuse")
    assert opened.texts(cards) == ["R-FUSE", "MossFuse (50 steps, under-trained)"]
    assert answer.text_content() == "2 of 5 methods"
    assert opened.texts('#protocol-1 tbody[data-tier="told nothing"]') == []
    page.get_by_label("Find a method").fill("")

    def untick(menu: str, label: str) -> None:
        page.locator(".menu summary", has_text=menu).press("Enter")
        page.locator(".menu[open]").get_by_label(label, exact=True).press("Space")
        page.keyboard.press("Escape")
        assert page.locator(".menu[open]").count() == 0

    untick("Is told", "told nothing")
    assert opened.texts(cards) == ["R-FUSE", "HySure"]
    page.get_by_role("button", name="Show all").click()
    assert len(opened.texts(cards)) == 5
    untick("Family", "bayesian & <co>")
    assert opened.texts(cards) == ["Bicubic"]
    page.get_by_role("button", name="Show all").press("Enter")
    untick("Protocol", "noisy_x4 & <b>")
    assert len(opened.texts(scores)) == 15
    assert not page.locator("#protocol-2").is_visible()
    untick("Scene", "chart & toy")
    assert len(opened.texts(scores)) == 10
    assert page.locator("#protocol-1-scene-1").is_visible()
    assert not page.locator("#protocol-1-scene-2").is_visible()
    untick("Column", "SSIM")
    assert "SSIM↑" not in opened.texts("#scores thead th")
    assert any(text.startswith("PSNR") for text in opened.texts("#scores thead th"))
    page.get_by_role("button", name="Show all").click()
    assert len(opened.texts(scores)) == 30


def test_every_control_has_a_name_and_the_keyboard_reaches_the_results_first(opened: Opened) -> None:
    nameless = opened.page.evaluate(
        "[...document.querySelectorAll('input, select, button, [tabindex]')]"
        ".filter(e => !(e.labels?.length || e.getAttribute('aria-label') || e.textContent.trim())).map(e => e.outerHTML)"
    )
    assert nameless == []
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.textContent") == "Skip to the results"


def test_a_hostile_name_stays_text(opened: Opened) -> None:
    assert HOSTILE in opened.texts(".card h3")
    assert HOSTILE in opened.texts("#protocol-1 tbody th a")
    assert opened.page.evaluate("document.querySelectorAll('main script:not([type])').length") == 0
    assert opened.page.locator("img[onerror]").count() == 0


def test_without_javascript_the_page_shows_tables_pictures_and_charts_and_no_dead_control(browser: Any, report: ReportPaths) -> None:
    opened = open_page(browser, report, 1280, java_script_enabled=False)
    page = opened.page
    assert not page.locator("form.filter").is_visible()
    assert not page.locator(".stage").first.is_visible()
    assert page.locator("#protocol-1 table.scores").first.is_visible()
    page.locator("#protocol-1-scene-1 .spectrum").scroll_into_view_if_needed()
    for selector in (".spectrum svg", ".estimates img.colour", ".estimates img.errors", ".estimates img.angles", ".inputs img"):
        assert page.locator(f"#protocol-1-scene-1 {selector}").first.is_visible(), selector
    assert page.locator("input:visible, select:visible, button:visible").count() == 0
    page.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground_in_both_schemes(browser: Any, report: ReportPaths, scheme: str) -> None:
    opened = open_page(browser, report, 1280, color_scheme=scheme)
    script = """() => {
      const style = getComputedStyle(document.documentElement);
      const light = (name) => {
        const hex = style.getPropertyValue(name).trim().slice(1);
        const values = [0, 2, 4].map((k) => parseInt(hex.slice(k, k + 2), 16) / 255);
        const [r, g, b] = values.map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
      return [["--ink", 7], ["--muted", 4.5], ["--accent", 4.5], ...Array.from({length: 8}, (_, k) => [`--s${k}`, 3])]
        .map(([name, least]) => [name, ratio(name, "--paper"), least]);
    }"""  # WCAG 2: 4.5 for text, 3 for graphics
    for name, ratio, least in opened.page.evaluate(script):
        assert ratio >= least, name
    opened.page.context.close()
