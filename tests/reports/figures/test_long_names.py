"""Names that begin alike stay different where they are cut: they are cut in the middle, in every chart."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reports.content.summary import summarise
from reports.figures.bubble_chart import bubble_chart
from reports.figures.looks import Looks
from reports.figures.score_map import score_map
from reports.figures.spectrum_chart import spectrum_chart
from reports.figures.svg_chart import ChartLine
from reports.style import shorten_inside
from tests.reports.conftest import fake_results

NAMES = {"rfuse": "A method of a long family name, both responses known", "hysure": "A method of a long family name, blind"}


@pytest.mark.parametrize("length", [18, 26, 29, 31])
def test_a_name_is_cut_in_its_middle_to_at_most_that_length(length: int) -> None:
    cut = {shorten_inside(name, length) for name in NAMES.values()}
    assert len(cut) == 2
    assert all(len(text) <= length and "…" in text and text.startswith("A me") for text in cut)
    assert {text[-5:] for text in cut} == {"known", "blind"}
    assert shorten_inside("x" * length, length) == "x" * length


def test_charts_of_the_page_tell_names_apart_that_begin_alike() -> None:
    results = [replace(result, label=NAMES.get(result.method, result.label)) for result in fake_results()]
    summaries = summarise(results)
    points = [(400.0, 0.1), (500.0, 0.3)]
    lines = [ChartLine(name, number, [*points], "told nothing", True) for number, name in enumerate(NAMES.values())]
    spectra = spectrum_chart(ChartLine("truth", -1, [*points]), lines, title="t", x_label="nm", baseline="truth")
    for chart in (str(score_map(summaries[0])), str(bubble_chart(summaries[0], Looks.of(summaries))), str(spectra)):
        written = re.findall(r"<text[^>]*>(A met[^<]*…[^<]*)</text>", chart)
        assert {text[-5:] for text in written} == {"known", "blind"}
