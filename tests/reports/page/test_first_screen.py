"""The first screen, the leaderboard, what is folded and the words of the page, in a real browser: by hand, by keys, without a script."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmark.run_folder.folder import RunFolder
from reports.content.file_names import FileNames
from reports.content.summary import summarise
from reports.page.page import render_page
from reports.style import DASH
from tests.reports.conftest import HOSTILE, fake_results
from tests.reports.page.browsing import shown

RFUSE = 'tr[data-method="R-FUSE"]'


def top_of(page: Any, selector: str, place: int = 0) -> float:
    return float(page.locator(selector).nth(place).evaluate("e => e.getBoundingClientRect().top + scrollY"))


def test_the_first_screen_has_sentences_pictures_and_the_first_rows(wide: Any) -> None:
    assert wide.locator("h1").text_content() == "5 fusion methods compared on 3 scenes"
    assert "R-FUSE is most accurate by peak signal-to-noise ratio (PSNR)" in wide.locator(".lead").text_content()
    captions = shown(wide, ".strip figcaption b")
    assert [text.partition(":")[0] for text in captions[1:]] == [
        "Blurred input",
        "Sharp input",
        "Best of those told nothing",
        "Best of all",
        "Truth",
    ]
    for picture in range(6):
        assert top_of(wide, ".strip img", picture) < 500
    sizes = wide.locator(".strip figure:not(.where) img").evaluate_all("all => all.map(e => [e.offsetWidth, e.offsetHeight])")
    assert len(set(map(tuple, sizes))) == 1
    assert sizes[0][0] == pytest.approx(sizes[0][1], abs=2)
    assert top_of(wide, "#protocol-1 .board tbody tr:not(.tier)", 4) < 900  # the fifth row is on the screen
    line = wide.locator(".run-line").text_content()
    for part in ("52 scored", "python run_benchmark.py run plan.toml", "2025-11-21", "cpu, 2 threads"):
        assert part in line
    assert top_of(wide, "#run") > top_of(wide, "#methods")


def test_a_phone_shows_the_same_in_one_column_and_never_scrolls_sideways(narrow: Any) -> None:
    assert narrow.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert top_of(narrow, ".lead") < 300
    assert top_of(narrow, ".strip img") < 844
    assert narrow.locator("table.board").first.is_visible()


def test_a_phone_has_contents_and_protocols_on_one_line_each_and_the_filter_behind_a_button(narrow: Any) -> None:
    """They stood above the first table with 15 lines, so that it was two screens away."""
    assert narrow.locator(".contents > ul").evaluate("e => e.offsetHeight") < 60
    assert narrow.locator(".tabs").evaluate("e => e.offsetHeight") < 60
    touching = "all => all.slice(1).filter((e, n) => e.offsetLeft < all[n].offsetLeft + all[n].querySelector('a').offsetWidth).length"
    assert narrow.locator(".tabs li").evaluate_all(touching) == 0
    field, button = narrow.get_by_label("Find a method"), narrow.get_by_role("button", name="Filter", exact=True)
    assert (field.is_visible(), button.get_attribute("aria-expanded")) == (False, "false")
    assert top_of(narrow, "#results") < 1000
    button.press("Enter")
    assert (field.is_visible(), button.get_attribute("aria-expanded")) == (True, "true")
    button.press("Enter")
    assert not field.is_visible()


def test_a_wide_window_has_the_filter_without_a_button(wide: Any) -> None:
    assert wide.get_by_label("Find a method").is_visible()
    assert wide.locator(".unfold").is_hidden()


def test_names_stand_out_in_the_first_sentences(wide: Any) -> None:
    assert wide.locator(".lead b").first.text_content() == "R-FUSE"


def test_of_more_than_four_protocols_three_stand_beside_the_pictures_and_the_others_are_folded(browser: Any, tmp_path: Path) -> None:
    """Six pushed the first table to the bottom of the first screen."""
    base = [result for result in fake_results() if result.protocol["name"] == "camera-x8"]
    results = [
        replace(result, key=f"{result.key}{number}", protocol={**result.protocol, "name": f"p{number}", "ratio": 2 + number})
        for number in range(6)
        for result in base
    ]
    files = render_page(RunFolder(tmp_path), results, summarise(results), plan=None, environment=None, names=FileNames(), pictures=False)
    file = tmp_path / "six.html"
    file.write_text(files.html, encoding="utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    assert [text for text in shown(page, ".conditions dt") if text.startswith("p")] == ["p0", "p1", "p2"]
    page.get_by_text("and 3 more protocols").click()
    assert [text for text in shown(page, ".conditions dt") if text.startswith("p")] == [f"p{number}" for number in range(6)]
    page.close()


def test_tabs_are_worked_by_keys_and_a_link_opens_the_tab_of_its_target(wide: Any) -> None:
    tabs = wide.get_by_role("tab")
    assert tabs.count() == 2
    panels = [wide.locator("#protocol-1"), wide.locator("#protocol-2")]
    assert [panel.is_visible() for panel in panels] == [True, False]
    tabs.nth(0).focus()
    wide.keyboard.press("ArrowRight")
    assert [panel.is_visible() for panel in panels] == [False, True]
    assert tabs.nth(1).get_attribute("aria-selected") == "true"
    assert wide.evaluate("document.activeElement.id") == "protocol-2-tab"
    assert panels[1].get_attribute("aria-labelledby") == "protocol-2-tab"
    wide.keyboard.press("Home")
    assert [panel.is_visible() for panel in panels] == [True, False]
    wide.locator('.contents a[href="#protocol-2"]').click()
    assert [panel.is_visible() for panel in panels] == [False, True]
    tabs.nth(0).click()
    assert [panel.is_visible() for panel in panels] == [True, False]


def test_ranks_are_switched_between_what_methods_are_told_and_overall(wide: Any) -> None:
    names, ranks = "#protocol-1 .board tbody th.name a", "#protocol-1 .board tbody td.rank"
    before = (shown(wide, names), shown(wide, ranks))
    assert before[0] == ["R-FUSE", "HySure", "Bicubic", HOSTILE, "MossFuse (50 steps, under-trained)"]
    assert before[1] == ["1", "2", "1", DASH, DASH]
    wide.get_by_label("overall").check(force=True)
    assert shown(wide, ranks) == ["1", "2", "3", DASH, DASH]
    assert shown(wide, "#protocol-1 .board tr.tier") == ["Baselines, and methods that are not ranked"]
    wide.get_by_label("within what they are told").check(force=True)
    assert (shown(wide, names), shown(wide, ranks)) == before


def test_best_of_all_and_best_of_those_told_the_same_differ_by_more_than_colour(wide: Any) -> None:
    rfuse = wide.locator(f"#protocol-1 .board {RFUSE} td.lead-score")
    assert "★" in rfuse.text_content()
    assert "best of all" in rfuse.text_content()
    assert rfuse.locator(".value").evaluate("e => Number(getComputedStyle(e).fontWeight)") >= 700
    other = wide.locator('#protocol-1 .board tr[data-method="HySure"] td.lead-score')
    assert "★" not in other.text_content()
    assert "underline" in other.locator(".value").evaluate("e => getComputedStyle(e).textDecorationLine")


def test_rows_below_the_rule_say_why_and_link_to_their_cards(wide: Any) -> None:
    below = shown(wide, "#protocol-1 .below .why")
    assert below[0].startswith("baseline: uses the blurred image alone")
    assert below[-1] == "not ranked: under-trained: 50 of 10_000 steps"
    href = wide.locator(f"#protocol-1 .board {RFUSE} th a").get_attribute("href")
    assert wide.locator(f"{href} h3").text_content() == "R-FUSE"


def test_more_columns_are_a_button_away(wide: Any) -> None:
    heads = "#protocol-1 .board thead th > *"
    assert not any(text.startswith("UIQI") for text in shown(wide, heads))
    wide.get_by_role("button", name="More columns").click()
    assert any(text.startswith("UIQI") for text in shown(wide, heads))
    wide.get_by_role("button", name="Fewer columns").click()
    assert not any(text.startswith("UIQI") for text in shown(wide, heads))


def test_pointing_at_a_method_marks_it_in_table_map_and_plot_both_ways(wide: Any) -> None:
    lit = "#protocol-1 tr.lit, #protocol-1 svg.map .lit, #protocol-1 svg.bubbles .lit"
    wide.locator(f"#protocol-1 .board {RFUSE} th").hover()
    marked = wide.locator(lit).evaluate_all("all => all.map(e => [e.tagName, e.dataset.method])")
    assert {method for _, method in marked} == {"R-FUSE"}
    assert len([tag for tag, _ in marked if tag == "g"]) == 2  # on the map and on the plot
    wide.locator('#protocol-1 svg.map g[data-method="HySure"] text.y').hover()
    assert wide.locator('#protocol-1 .board tr.lit[data-method="HySure"]').count() == 1
    wide.mouse.move(2, 2)


def test_a_table_is_copied_as_csv_latex_and_markdown_also_where_there_is_no_clipboard(wide: Any) -> None:
    wide.evaluate("navigator.clipboard.writeText = async (text) => { window.copied = text; }")
    take = wide.locator("#protocol-1 .take").first
    take.locator("summary").click()
    copied = {}
    for kind in ("CSV", "LaTeX", "Markdown"):
        take.get_by_role("button", name=kind).click()
        wide.wait_for_timeout(50)
        copied[kind] = wide.evaluate("window.copied")
    lines = copied["CSV"].splitlines()
    assert lines[0] == "Rank,Method,Is told,PSNR (dB),SSIM,SAM (deg),ERGAS,Fusion,Learning"
    assert lines[1].startswith("1,R-FUSE,told blur and colour response,43.")
    assert len(lines) == 6
    assert f"{HOSTILE}" in copied["CSV"]
    assert "A\\&B\\_100\\%<script>" in copied["LaTeX"]
    assert copied["LaTeX"].startswith("\\begin{tabular}{lllllllll}\n\\toprule\n")
    assert copied["Markdown"].splitlines()[1] == "|" + " --- |" * 9
    assert "A&B\\_100%\\<script\\>" in copied["Markdown"]
    wide.evaluate("navigator.clipboard.writeText = async () => { throw new Error('no'); }; document.execCommand = () => false")
    take.get_by_role("button", name="CSV").click()
    wide.wait_for_timeout(50)
    assert take.locator("textarea").input_value() == copied["CSV"]
    assert "press Ctrl+C" in take.get_by_role("status").text_content()


@pytest.mark.parametrize("kind", ["SVG", "PNG"])
def test_a_chart_is_saved_as_a_file(wide: Any, kind: str) -> None:
    take = wide.locator("#protocol-1 figure .take").first
    take.evaluate("e => { e.open = true }")
    with wide.expect_download() as waiting:
        take.get_by_role("button", name=kind).click()
    content = Path(waiting.value.path()).read_bytes()
    assert waiting.value.suggested_filename.endswith(f".{kind.lower()}")
    assert content.startswith(b"<svg" if kind == "SVG" else b"\x89PNG")
    assert kind == "PNG" or b"R-FUSE" in content


def test_three_scenes_have_one_sentence_of_statistics_and_no_table(wide: Any) -> None:
    assert wide.locator("#statistics table").count() == 0
    assert wide.locator("section[id^=statistics]").count() == 1
    assert shown(wide, "#statistics p")[0].startswith("Three scenes cannot tell which method is better")


def test_printing_leaves_folded_what_is_folded_and_shows_every_protocol(wide: Any) -> None:
    wide.emulate_media(media="print")
    folded = "all => all.filter(e => !e.open && [...e.children].some(c => c.tagName !== 'SUMMARY' && c.checkVisibility())).length"
    assert wide.locator("main details").evaluate_all(folded) == 0
    assert wide.locator("#protocol-2 table.board").is_visible()
    assert not wide.locator(".tabs").is_visible()
    wide.emulate_media(media="screen")


def test_without_a_script_all_protocols_stand_one_below_the_other(browser: Any, written: Path) -> None:
    page = browser.new_context(java_script_enabled=False, viewport={"width": 1440, "height": 900}).new_page()
    page.goto(written.as_uri())
    assert page.locator("#protocol-1 table.board").is_visible()
    assert page.locator("#protocol-2 table.board").is_visible()
    assert page.locator(".tabs a").count() == 2
    assert any(text.startswith("UIQI") for text in shown(page, "#protocol-1 .board thead th > *"))
    assert page.locator("button:visible, input:visible").count() == 0
    page.context.close()


@pytest.mark.parametrize("width", [1440, 1280, 1100])
def test_the_leaderboard_has_its_columns_without_scrolling_sideways(wide: Any, width: int) -> None:
    wide.set_viewport_size({"width": width, "height": 900})
    over = wide.locator("#protocol-1 .scroll").first.evaluate("e => e.scrollWidth - e.clientWidth")
    wide.set_viewport_size({"width": 1440, "height": 900})
    assert over == 0
