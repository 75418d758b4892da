"""The figure of PSNR against seconds: what it shows, what it leaves out, and that it leaves nothing behind."""

from __future__ import annotations

import math
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib._pylab_helpers import Gcf
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from benchmark.run_folder.record import Result
from reports.content.summary import summarise
from reports.figures.accuracy_seconds import accuracy_figure
from reports.figures.figure_files import inline_svg, save_figure
from reports.figures.labels import place_labels
from reports.figures.looks import Looks


def texts_of(svg: str) -> list[str]:
    return ["".join(node.itertext()).strip() for node in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def test_each_ranked_method_stands_at_its_seconds_and_psnr(results: list[Result]) -> None:
    first = summarise(results)[0]
    panel = accuracy_figure([first]).axes[0]
    shown = sorted(tuple(point) for dots in panel.collections for point in np.asarray(dots.get_offsets()))
    expected = sorted((row.values["seconds"].mean, row.values["psnr"].mean) for row in first.rows if row.ranked)
    np.testing.assert_allclose(shown, expected, rtol=1e-12)
    assert panel.get_xscale() == "log"


def test_rows_that_are_not_ranked_stay_out_and_are_counted(results: list[Result]) -> None:
    texts = texts_of(inline_svg(accuracy_figure(summarise(results)[:1]), "a"))
    assert "Bicubic" in texts
    assert not any("MossFuse" in text or "A&B" in text for text in texts)
    assert "2 not ranked, not shown" in texts


def test_marker_area_grows_with_the_parameters(results: list[Result]) -> None:
    sizes = {"bicubic": 0, "hysure": 10_000, "rfuse": 1_000_000}
    first = summarise([replace(r, parameters_total=sizes.get(r.method), tier=r.method) for r in results])[0]
    panel = accuracy_figure([first]).axes[0]
    dots = sorted(
        panel.collections, key=lambda each: float(np.asarray(each.get_offsets())[0, 0])
    )  # Bicubic, R-FUSE, HySure; the others are not ranked
    areas = [float(np.asarray(each.get_sizes())[0]) for each in dots]
    assert areas[0] < areas[2] < areas[1]


def test_learning_on_the_scene_has_a_line_to_the_sum_and_loading_weights_has_none(results: list[Result]) -> None:
    learning = [
        replace(r, clock=replace(r.clock, fit=7.0), card={**r.card, "learns": {"rfuse": "on the scene", "hysure": "beforehand"}[r.method]})
        if r.clock and r.method in ("rfuse", "hysure")
        else r
        for r in results
    ]
    panel = accuracy_figure(summarise(learning)[:1]).axes[0]
    ends = [max(np.asarray(line.get_xdata(), dtype=float)) for line in panel.lines]
    assert sorted(ends)[-2:] == pytest.approx([7.35, 7.35])  # the line, and its hollow end
    assert len(ends) <= 3  # and the Pareto front


def test_the_saved_figure_has_its_fonts_inside_and_is_the_same_each_time(results: list[Result], tmp_path: Path) -> None:
    summaries = summarise(results)[:1]
    paths = save_figure(accuracy_figure(summaries), tmp_path / "a" / "figure")
    again = save_figure(accuracy_figure(summaries), tmp_path / "b" / "figure")
    assert [path.name for path in paths] == ["figure.pdf", "figure.png", "figure.svg"]
    assert [one.read_bytes() == other.read_bytes() for one, other in zip(paths, again, strict=True)] == [True, True, True]
    with Image.open(paths[1]) as image:
        assert image.width == 1038  # 3.46 inches: one column, 300 dots per inch
    if shutil.which("pdffonts") is None:
        pytest.skip("needs pdffonts")
    fonts = subprocess.run(["pdffonts", paths[0]], capture_output=True, text=True, timeout=280, check=True).stdout.splitlines()[2:]
    assert fonts
    assert all(re.search(r"TrueType\s+\S+\s+yes", font) for font in fonts)


def test_the_inline_svg_is_plain_text_in_the_pages_colours_and_refers_to_nothing(results: list[Result]) -> None:
    dollars = [replace(r, label="$x^2$ <b>") if r.method == "rfuse" else r for r in results]
    svg = inline_svg(accuracy_figure(summarise(dollars)[:1]), "a")
    assert "$x^2$ <b>" in texts_of(svg)
    assert "<b>" not in svg
    assert "currentColor" in svg
    assert "<style" not in svg
    assert not re.search(r"(?:href|src)\s*=\s*[\"'](?!#)", svg)


def test_a_run_without_scores_still_gives_a_figure_that_says_so(results: list[Result]) -> None:
    lost = [replace(r, outcome="timeout", metrics={}, clock=None, memory=None, parameters_total=None) for r in results]
    texts = texts_of(inline_svg(accuracy_figure(summarise(lost)), "a"))
    assert texts.count("no ranked method with a PSNR") == 2


def test_an_infinite_score_has_no_marker_and_the_panel_says_so(results: list[Result]) -> None:
    exact = [replace(r, metrics={**r.metrics, "psnr": math.inf}) if r.method == "rfuse" and r.metrics else r for r in results]
    texts = texts_of(inline_svg(accuracy_figure(summarise(exact)[:1]), "a"))
    assert "R-FUSE" not in texts
    assert "2 not ranked, 1 of infinite PSNR, not shown" in texts
    alone = [r for r in exact if r.method == "rfuse"]
    texts = texts_of(inline_svg(accuracy_figure(summarise(alone)[:1]), "a"))
    assert "1 of infinite PSNR, not shown" in texts


def test_drawing_changes_no_setting_and_keeps_no_figure(results: list[Result], tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    figure = accuracy_figure(summarise(results))
    save_figure(figure, tmp_path / "figure")
    inline_svg(figure, "a")
    assert dict(mpl.rcParams) == before
    assert not Gcf.get_all_fig_managers()


def test_each_tier_keeps_its_look_and_no_two_share_one(results: list[Result]) -> None:
    tiers = ["told nothing", "told the colour response", "told blur and colour response", "told the noise level", "trained on A"]
    many = [replace(r, tier=tiers[place % 5]) for place, r in enumerate(results)]
    look = Looks.of(summarise(many))
    assert len({look.markers[tier] for tier in tiers}) == 5
    assert look.markers["told nothing"] == Looks.of(summarise(results)).markers["told nothing"]


def test_labels_meet_neither_each_other_nor_markers_nor_the_edge() -> None:
    figure = Figure(figsize=(4.6, 3.5))
    canvas = FigureCanvasAgg(figure)
    panel = figure.subplots()
    panel.set_xlim(0, 1)
    panel.set_ylim(0, 1)
    points = [(0.5, 0.5), (0.54, 0.51), (0.97, 0.5), (0.97, 0.56), (0.03, 0.02), (0.5, 0.97)]
    place_labels(panel, points, [f"method {place}" for place in range(len(points))], [3.0] * len(points))
    canvas.draw()
    boxes = [text.get_window_extent() for text in panel.texts]
    frame = panel.get_window_extent()
    spots = panel.transData.transform(points)
    for place, box in enumerate(boxes):
        assert not any(box.shrunk(0.98, 0.9).overlaps(other.shrunk(0.98, 0.9)) for other in boxes[place + 1 :])
        assert frame.x0 - 1 <= box.x0
        assert box.x1 <= frame.x1 + 1
        assert not any(box.contains(x, y) for x, y in spots)
