"""The first screen, the leaderboard, the folded sections and the words of the page, in a real browser: by hand, by keys, without a script."""

from __future__ import annotations

import json
import re
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
from tests.reports.conftest import HOSTILE, fake_results
from tests.reports.page.browsing import started_chromium

RFUSE = 'tr[data-method="R-FUSE"]'


@pytest.fixture(scope="module")
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


def top_of(page: Any, selector: str, place: int = 0) -> float:
    return float(page.locator(selector).nth(place).evaluate("e => e.getBoundingClientRect().top + scrollY"))


def shown(page: Any, selector: str) -> list[str]:
    script = "all => all.filter(e => e.checkVisibility()).map(e => e.textContent.replace(/\\s+/g, ' ').trim())"
    found: list[str] = page.locator(selector).evaluate_all(script)
    return found


def test_the_first_screen_has_sentences_pictures_and_the_first_rows(wide: Any) -> None:
    assert wide.locator("h1").text_content() == "5 fusion methods compared on 3 scenes"
    assert "R-FUSE is most accurate by peak signal-to-noise ratio (PSNR)" in wide.locator(".lead").text_content()
    captions = shown(wide, ".strip figcaption b")
    assert [text.partition(":")[0] for text in captions[1:]] == [
        "Blurred input",
        "Sharp input",
        "Best told nothing",
        "Best of all",
        "Truth",
    ]
    for picture in range(6):
        assert top_of(wide, ".strip img", picture) < 500
    sizes = wide.locator(".strip figure:not(.where) img").evaluate_all("all => all.map(e => [e.offsetWidth, e.offsetHeight])")
    assert len(set(map(tuple, sizes))) == 1
    assert sizes[0][0] == pytest.approx(sizes[0][1], abs=2)
    assert top_of(wide, "table.board") < 900
    line = wide.locator(".run-line").text_content()
    for part in ("52 scored", "python run_benchmark.py run plan.toml", "2025-11-21", "cpu, 2 threads"):
        assert part in line
    assert top_of(wide, "#run") > top_of(wide, "#methods")


def test_a_phone_shows_the_same_in_one_column_and_never_scrolls_sideways(narrow: Any) -> None:
    assert narrow.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert top_of(narrow, ".lead") < 300
    assert top_of(narrow, ".strip img") < 844
    assert narrow.locator("table.board").first.is_visible()


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
    assert before[1] == ["1", "2", "1", "–", "–"]
    wide.get_by_label("overall").check(force=True)
    assert shown(wide, ranks) == ["1", "2", "3", "–", "–"]
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
    assert below[0].startswith("baseline: interpolates the blurred image")
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
    wide.locator('#protocol-1 svg.map g[data-method="HySure"] rect').first.hover()
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
    assert "press Ctrl+C" in take.locator("output").text_content()


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


FIRST_USES = {  # what must stand near the first use of an abbreviation
    "PSNR": "peak signal-to-noise ratio",
    "SSIM": "structural similarity",
    "SAM": "spectral angle",
    "ERGAS": "relative global error",
    "UIQI": "universal image quality index",
    "PSF": "point spread function",
    "SRF": "spectral response function",
    "MTF": "modulation transfer function",
    "tier": "the same",
    "cells": "a method on a scene",
    "phase": "coarse pixel 0",
}


@pytest.mark.parametrize("word", FIRST_USES)
def test_an_abbreviation_is_spelled_out_where_it_is_first_used(wide: Any, word: str) -> None:
    """In the order of the page, whether folded or not; titles of papers and names of columns in menus are not uses."""
    text = wide.evaluate(
        "(() => { const copy = document.body.cloneNode(true);"
        " for (const each of copy.querySelectorAll('script, style, .filter, .paper, .contents, title')) each.remove();"
        " return copy.textContent.replace(/\\s+/g, ' '); })()"
    )
    found = re.search(rf"\b{word}\b", text)
    assert found is not None
    near = text[max(0, found.start() - 130) : found.end() + 130]
    assert FIRST_USES[word] in near, near


def test_headings_have_tooltips_and_the_glossary_is_on_the_page(wide: Any) -> None:
    for key in ("psnr", "ssim", "sam", "ergas"):
        title = wide.locator(f"#protocol-1 .board thead th[data-column={key}]").get_attribute("title")
        assert len(title) > 40
    assert wide.locator("#glossary dt").count() >= 55
    assert not wide.locator("#glossary dl").is_visible()


def test_nobody_reads_the_name_of_an_error_class(wide: Any) -> None:
    assert "RefusedError" not in wide.locator("body").text_content()


CONTRAST = r"""() => {
  const parse = (text) => { const n = text.match(/[\d.]+/g).map(Number); return text.startsWith("color(") ? [n[0] * 255, n[1] * 255, n[2] * 255, n[3] ?? 1] : [n[0], n[1], n[2], n[3] ?? 1]; };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const ground = (e) => { for (let each = e; each; each = each.parentElement) { const c = parse(getComputedStyle(each).backgroundColor); if (c[3] > 0.9) return c; } return [255, 255, 255, 1]; };
  const poor = [];
  for (const e of document.querySelectorAll("body *")) {
    if (e.closest("svg, .stage, script, .scene") || !e.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    const own = [...e.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || e.closest(".visually-hidden, .skip") || e.matches("legend.visually-hidden *")) continue;
    const style = getComputedStyle(e), a = light(parse(style.color)), b = light(ground(e));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700);
    if (ratio < (large ? 3 : 4.5)) poor.push(`${e.tagName}.${e.className}: ${ratio.toFixed(2)} ${e.textContent.trim().slice(0, 30)}`);
  }
  return [...new Set(poor)];
}"""  # WCAG 2.1, success criterion 1.4.3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(browser: Any, written: Path, scheme: str) -> None:
    page = browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme=scheme).new_page()
    page.goto(written.as_uri())
    page.locator("main details:not(.menu)").evaluate_all("all => all.forEach((each) => { each.open = true; })")
    assert page.evaluate(CONTRAST) == []
    page.context.close()


def test_landmarks_headings_and_names_are_as_a_screen_reader_needs_them(wide: Any) -> None:
    facts = json.loads(
        wide.evaluate(
            r"""JSON.stringify({
      landmarks: ["header", "nav", "main", "footer"].map((name) => document.querySelectorAll(`body > ${name}`).length),
      lang: document.documentElement.lang,
      levels: [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")].filter((e) => !e.closest("[hidden]")).map((e) => Number(e.tagName[1])),
      nameless: [...document.querySelectorAll("a, button, input, select, textarea, summary, [tabindex], [role=img], table")].filter((e) =>
        !(e.labels?.length || e.getAttribute("aria-label") || e.getAttribute("aria-labelledby") || e.textContent.trim() || e.caption)).map((e) => e.outerHTML.slice(0, 80)),
      pictures: [...document.querySelectorAll("img")].filter((e) => !e.hasAttribute("alt")).length,
      doubled: [...document.querySelectorAll("[id]")].map((e) => e.id).filter((id, place, all) => all.indexOf(id) !== place),
      dangling: [...document.querySelectorAll("[aria-controls], [aria-labelledby]")].filter((e) =>
        ["aria-controls", "aria-labelledby"].some((name) => e.hasAttribute(name) && !document.getElementById(e.getAttribute(name)))).length,
      heads: [...document.querySelectorAll("table")].filter((e) => !e.querySelector("th[scope]")).length,
    })"""
        )
    )
    assert facts["landmarks"] == [1, 1, 1, 1]
    assert facts["lang"] == "en"
    levels = facts["levels"]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    assert facts["nameless"] == []
    assert (facts["pictures"], facts["dangling"], facts["heads"]) == (0, 0, 0)
    assert facts["doubled"] == []
