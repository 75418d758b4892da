"""Line charts and bubbles: places read back from the drawn paths."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import product
from xml.etree import ElementTree

import pytest

from benchmark.run_folder.record import Result
from reports.chart import BOX, Axis, Line, line_chart, linear_axis, log_axis, look, named_axis, nice
from reports.figures import look_of
from reports.scatter import Bubble, bubbles, pareto_front, scatter, size_key
from reports.summary import Row, summarise
from tests.reports.conftest import HOSTILE


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def test_points_stand_where_the_axes_say() -> None:
    line = Line("A", 0, [(400.0, 0.01), (550.0, 0.1), (700.0, 1.0)], "told nothing")
    tree = drawn(line_chart([line], linear_axis(400.0, 700.0), log_axis([0.01, 1.0]), title="t", x_label="x", y_label="y"))
    path = tree.find(".//g[@data-method]/g/path")
    assert path is not None
    points = [tuple(map(float, pair.split())) for pair in path.attrib["d"][1:].split("L")]
    left, right, floor, top = BOX.left, BOX.width - BOX.right, BOX.height - BOX.bottom, BOX.top
    assert points == [(left, floor), ((left + right) / 2, (floor + top) / 2), (right, top)]


def test_a_gap_interrupts_the_line_and_what_has_no_logarithm_is_a_gap() -> None:
    line = Line("A", 0, [(0.0, 1.0), (1.0, None), (2.0, 2.0), (3.0, 0.0), (4.0, 3.0), (5.0, 3.0)])
    svg = line_chart([line], linear_axis(0.0, 5.0), log_axis([1.0, 3.0]), title="t", x_label="x", y_label="y")
    path = re.search(r'<g class="line s0"><path d="([^"]*)"', svg)
    assert path is not None
    assert (path[1].count("M"), path[1].count("L")) == (3, 1)


def test_a_hostile_label_stays_text() -> None:
    svg = line_chart(
        [Line(HOSTILE, 1, [(0.0, 1.0), (1.0, 1.0)], HOSTILE)],
        named_axis([HOSTILE, "b"]),
        linear_axis(0.0, 1.0),
        title=HOSTILE,
        x_label="x",
        y_label="y",
    )
    tree = drawn(svg)
    assert not [each for each in tree.iter() if each.tag.endswith("script")]
    assert tree.attrib["aria-label"] == HOSTILE
    assert tree.find(".//g[@data-method]").attrib["data-tier"] == HOSTILE  # type: ignore[union-attr]


def test_no_two_of_32_lines_look_alike() -> None:
    assert len({look(series) for series in range(32)}) == 32


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-0.37, 0.22), (400.0, 1000.0), (3.0, 3.0)])
def test_linear_ticks_are_round_and_inside(low: float, high: float) -> None:
    axis = linear_axis(low, high)
    assert 2 <= len(axis.ticks) <= 11
    for place, text in axis.ticks:
        assert axis.low - 1e-9 <= place <= axis.high + 1e-9
        assert float(text) == pytest.approx(place, abs=1e-9)


def test_log_axes_hold_every_value_between_round_ends() -> None:
    for values in ([0.0031, 0.22], [1e-6, 3.0], [0.5], [], [0.0, -1.0, 0.02]):
        axis = log_axis(values)
        assert all(axis.low <= value <= axis.high for value in values if value > 0)
        assert 1 <= len(axis.ticks) <= 10
    deep = log_axis([1e-17, 3e-5, 0.02])  # the error in a dead band is rounding: it is drawn at the low end
    assert deep.low == pytest.approx(2e-9, rel=1e-6)
    assert deep.high == pytest.approx(0.02, rel=1e-6)
    assert 1 <= len(deep.ticks) <= 10
    assert (nice(0.12), nice(0.2), nice(3.0), nice(7.0)) == (pytest.approx(0.2), pytest.approx(0.2), 5, 10)
    assert Axis(1.0, 100.0, [], log=True).share(10.0) == pytest.approx(0.5)


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
    assert [found.index(each) for each in pareto_front(found)] == [place for place in range(len(spots)) if place not in dominated]


def test_bubbles_are_the_ranked_rows_and_learning_on_the_scene_counts_for_the_front(results: list[Result]) -> None:
    summary = summarise(results)[0]
    assert [bubble.row.label for bubble in bubbles(summary)] == ["Bicubic", "R-FUSE", "HySure"]
    slow = [
        replace(r, card={**r.card, "learns": "on the scene"}, clock=replace(r.clock, fit=60.0)) if r.method == "rfuse" and r.clock else r
        for r in results
    ]
    found = bubbles(summarise(slow)[0])
    rfuse = next(bubble for bubble in found if bubble.row.label == "R-FUSE")
    assert rfuse.total == pytest.approx(rfuse.fusion + 60)
    assert [bubble.row.label for bubble in pareto_front(bubbles(summary))] == ["Bicubic", "R-FUSE"]
    assert [bubble.row.label for bubble in pareto_front(found)] == ["Bicubic", "HySure", "R-FUSE"]
    summaries = summarise(slow)
    tree = drawn(scatter(summaries[0], look_of(summaries)))
    assert [each.attrib["data-method"] for each in tree.iterfind(".//g[@data-method]")] == ["Bicubic", "R-FUSE", "HySure"]
    assert len(tree.findall(".//circle[@class='learning']")) == 1


def test_an_infinite_psnr_has_no_bubble_and_the_chart_says_so(results: list[Result]) -> None:
    exact = [replace(r, metrics={**r.metrics, "psnr": math.inf}) if (r.method, r.scene) == ("rfuse", "beads") else r for r in results]
    summaries = summarise(exact)
    assert [bubble.row.label for bubble in bubbles(summaries[0])] == ["Bicubic", "HySure"]
    texts = [each.text for each in drawn(scatter(summaries[0], look_of(summaries))).iter("text")]
    assert "1 of infinite PSNR, not shown" in texts
    texts = [each.text for each in drawn(scatter(summarise(results)[0], look_of(summaries))).iter("text")]
    assert not [text for text in texts if text and "infinite" in text]


def test_without_ranked_methods_there_is_no_chart(results: list[Result]) -> None:
    summaries = summarise([replace(r, card={**r.card, "unranked": "a trial"}) for r in results])
    assert scatter(summaries[0], look_of(summaries)) == ""
    assert "1.0 M parameters" in size_key() or "1 M parameters" in size_key()
