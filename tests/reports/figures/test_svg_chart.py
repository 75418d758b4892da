"""Line charts: places read back from the drawn paths."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from reports.figures.svg_chart import BOX, Axis, ChartLine, line_chart, line_look, linear_axis, log_axis, named_axis, round_step
from tests.reports.conftest import HOSTILE


def drawn(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def test_points_stand_where_the_axes_say() -> None:
    line = ChartLine("A", 0, [(400.0, 0.01), (550.0, 0.1), (700.0, 1.0)], "told nothing")
    tree = drawn(line_chart([line], linear_axis(400.0, 700.0), log_axis([0.01, 1.0]), title="t", x_label="x", y_label="y"))
    path = tree.find(".//g[@data-method]/g/path")
    assert path is not None
    points = [tuple(map(float, pair.split())) for pair in path.attrib["d"][1:].split("L")]
    left, right, floor, top = BOX.left, BOX.width - BOX.right, BOX.height - BOX.bottom, BOX.top
    assert points == [(left, floor), ((left + right) / 2, (floor + top) / 2), (right, top)]


def test_a_gap_interrupts_the_line_and_what_has_no_logarithm_is_a_gap() -> None:
    line = ChartLine("A", 0, [(0.0, 1.0), (1.0, None), (2.0, 2.0), (3.0, 0.0), (4.0, 3.0), (5.0, 3.0)])
    svg = line_chart([line], linear_axis(0.0, 5.0), log_axis([1.0, 3.0]), title="t", x_label="x", y_label="y")
    path = re.search(r'<g class="line s0"><path d="([^"]*)"', svg)
    assert path is not None
    assert (path[1].count("M"), path[1].count("L")) == (3, 1)


def test_a_hostile_label_stays_text() -> None:
    svg = line_chart(
        [ChartLine(HOSTILE, 1, [(0.0, 1.0), (1.0, 1.0)], HOSTILE)],
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
    assert len({line_look(series) for series in range(32)}) == 32


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
    for values in ([1.7e-4, 0.43], [2e-3, 0.9], [3e-7, 0.2]):
        axis = log_axis(values)  # ticks at whole powers of ten, and at ends that are far enough from them
        places = [axis.share(value) for value, _ in axis.ticks]
        assert min(b - a for a, b in pairwise(places)) >= 0.085
        assert axis.ticks[-1][0] == pytest.approx(axis.high) or axis.share(axis.ticks[-1][0]) > 0.9
    assert [text for _, text in log_axis([1.7e-4, 0.43]).ticks] == ["0.0001", "0.001", "0.01", "0.1", "0.5"]
    assert (round_step(0.12), round_step(0.2), round_step(3.0), round_step(7.0)) == (pytest.approx(0.2), pytest.approx(0.2), 5, 10)
    assert Axis(1.0, 100.0, [], log=True).share(10.0) == pytest.approx(0.5)
