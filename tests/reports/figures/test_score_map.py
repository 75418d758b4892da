"""The map of scores: a row for each method, a cell for each scene, numbers that can be read, and marks where there is none."""

from __future__ import annotations

import re

from reports.content.summary import summarise
from reports.figures.score_map import score_map
from tests.reports.conftest import HOSTILE, fake_results


def test_each_method_is_a_row_and_each_scene_a_cell_with_its_number() -> None:
    summary = summarise(fake_results())[0]
    drawn = str(score_map(summary))
    rows = re.findall(r'<g data-method="([^"]+)" data-tier="[^"]+" class="map-row">(.*?)</g>', drawn)
    assert rows[0][0] == "R-FUSE"
    assert len(rows) == 5
    assert all(len(re.findall("<rect", inside)) == 3 for _, inside in rows)
    assert HOSTILE not in drawn
    mean = [float(text) for text in re.findall(r">(\d+\.\d+)</text>", rows[0][1])]
    assert abs(sum(mean) / 3 - max(row.values["psnr"].mean or 0 for row in summary.rows)) < 0.006


def test_numbers_stand_out_from_the_colour_of_their_cell() -> None:
    def light(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return sum(share * v for share, v in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    drawn = str(score_map(summarise(fake_results())[0]))
    pairs = re.findall(r'<rect fill="(#[0-9a-f]{6})".*?style="fill:(#[0-9a-f]{6})"', drawn)
    assert len(pairs) == 15
    for ground, ink in pairs:
        bright, dark = sorted((light(ground), light(ink)), reverse=True)
        assert (bright + 0.05) / (dark + 0.05) >= 4.5, (ground, ink)


def test_a_scene_without_a_score_is_empty_and_one_scene_has_no_map() -> None:
    drawn = str(score_map(summarise(fake_results())[1]))
    assert "HySure" not in drawn  # no score at all
    assert summarise([r for r in fake_results() if r.scene == "beads"])[0].scenes == ("beads",)
    assert score_map(summarise([r for r in fake_results() if r.scene == "beads"])[0]) == ""
