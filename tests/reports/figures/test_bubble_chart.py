"""The bubbles: which methods they show, and which of them are on the Pareto front."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from xml.etree import ElementTree

import pytest

from benchmark.run_folder.record import Result
from reports.content.row import Row
from reports.content.summary import summarise
from reports.figures.bubble_chart import Bubble, bubble_chart, bubble_front, bubble_size_key, ranked_bubbles
from reports.figures.looks import Looks


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def row_of(results: list[Result]) -> Row:
    return summarise(results)[0].rows[0]


def test_the_front_is_what_no_other_beats(results: list[Result]) -> None:
    row = row_of(results)
    spots = [(0.1, 20.0), (0.1, 25.0), (1.0, 24.0), (2.0, 30.0), (2.0, 29.0), (9.0, 30.0), (20.0, 31.5)]
    found = [Bubble(row, time, time, psnr, 0.0) for time, psnr in spots]
    dominated = {
        one
        for one, two in product(range(len(spots)), repeat=2)
        if spots[two] != spots[one] and spots[two][0] <= spots[one][0] and spots[two][1] >= spots[one][1]
    }
    assert [found.index(each) for each in bubble_front(found)] == [place for place in range(len(spots)) if place not in dominated]


def test_bubbles_are_the_ranked_rows_and_learning_on_the_scene_counts_for_the_front(results: list[Result]) -> None:
    summary = summarise(results)[0]
    assert [bubble.row.label for bubble in ranked_bubbles(summary)] == ["Bicubic", "R-FUSE", "HySure"]
    slow = [
        replace(r, card={**r.card, "learns": "on the scene"}, clock=replace(r.clock, fit=60.0)) if r.method == "rfuse" and r.clock else r
        for r in results
    ]
    found = ranked_bubbles(summarise(slow)[0])
    rfuse = next(bubble for bubble in found if bubble.row.label == "R-FUSE")
    assert rfuse.total == pytest.approx(rfuse.fusion + 60)
    assert [bubble.row.label for bubble in bubble_front(ranked_bubbles(summary))] == ["Bicubic", "R-FUSE"]
    assert [bubble.row.label for bubble in bubble_front(found)] == ["Bicubic", "HySure", "R-FUSE"]
    summaries = summarise(slow)
    tree = drawn(bubble_chart(summaries[0], Looks.of(summaries)))
    assert [each.attrib["data-method"] for each in tree.iterfind(".//g[@data-method]")] == ["Bicubic", "R-FUSE", "HySure"]
    assert len(tree.findall(".//circle[@class='learning']")) == 1


def test_an_infinite_psnr_has_no_bubble_and_the_chart_says_so(results: list[Result]) -> None:
    exact = [replace(r, metrics={**r.metrics, "psnr": math.inf}) if (r.method, r.scene) == ("rfuse", "beads") else r for r in results]
    summaries = summarise(exact)
    assert [bubble.row.label for bubble in ranked_bubbles(summaries[0])] == ["Bicubic", "HySure"]
    texts = [each.text for each in drawn(bubble_chart(summaries[0], Looks.of(summaries))).iter("text")]
    assert "1 of infinite PSNR, not shown" in texts
    texts = [each.text for each in drawn(bubble_chart(summarise(results)[0], Looks.of(summaries))).iter("text")]
    assert not [text for text in texts if text and "infinite" in text]


def test_without_ranked_methods_there_is_no_chart(results: list[Result]) -> None:
    summaries = summarise([replace(r, card={**r.card, "unranked": "a trial"}) for r in results])
    assert bubble_chart(summaries[0], Looks.of(summaries)) == ""
    assert "1.0 M parameters" in bubble_size_key() or "1 M parameters" in bubble_size_key()
