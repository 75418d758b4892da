"""The words of the page, and what people need who read it with other eyes: contrast, landmarks, headings, names of controls."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

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


def test_what_differs_between_protocols_is_explained_once(wide: Any) -> None:
    words = wide.locator("#run p.reading").text_content()
    assert words.count("phase:") == 1
    assert words.count("coarse pixel 0") == 1


def test_headings_have_tooltips_and_the_glossary_is_on_the_page(wide: Any) -> None:
    titles = wide.locator("#protocol-1 .board thead th[data-column]").evaluate_all("all => all.map(e => e.title)")
    assert len(titles) == 9
    assert all(len(title) > 40 for title in titles)
    assert wide.locator("#glossary dt").count() >= 55
    assert not wide.locator("#glossary dl").is_visible()


def test_nobody_reads_the_name_of_an_error_class(wide: Any) -> None:
    assert "RefusedError" not in wide.locator("body").text_content()


CONTRAST = r"""() => {
  const parse = (text) => {
    const [r, g, b, a] = text.match(/[\d.]+/g).map(Number), unit = text.startsWith("color(") ? 255 : 1;
    return [r * unit, g * unit, b * unit, a ?? 1];
  };
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, k) => sum + v * [0.2126, 0.7152, 0.0722][k], 0);
  const ground = (e) => {
    for (let each = e; each; each = each.parentElement) {
      const colour = parse(getComputedStyle(each).backgroundColor);
      if (colour[3] > 0.9) return colour;
    }
    return [255, 255, 255, 1];
  };
  const poor = [];
  for (const e of document.querySelectorAll("body *")) {
    if (e.closest("svg, .stage, script") || !e.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
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
      levels: [...document.querySelectorAll("h1, h2, h3, h4, h5, h6")]
        .filter((e) => !e.closest("[hidden]")).map((e) => Number(e.tagName[1])),
      nameless: [...document.querySelectorAll("a, button, input, select, textarea, summary, [tabindex], [role=img], table")]
        .filter((e) => !(e.labels?.length || e.getAttribute("aria-label") || e.getAttribute("aria-labelledby")))
        .filter((e) => !(e.textContent.trim() || e.caption)).map((e) => e.outerHTML.slice(0, 80)),
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
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert facts["nameless"] == []
    assert (facts["pictures"], facts["dangling"], facts["heads"]) == (0, 0, 0)
    assert facts["doubled"] == []
    panels = wide.locator("[role=tabpanel]").evaluate_all("all => all.map(e => e.tagName)")
    assert set(panels) == {"DIV"}  # an article or a main may not have that role (ARIA in HTML)
