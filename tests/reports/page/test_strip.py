"""The strip of pictures: one window for all, where the blurred input differs most from the truth, and inputs that lie where they belong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.run_folder.folder import RunFolder
from reports.content.summary import Summary, summarise
from reports.page.strip import _on_fine_grid, _window, first_strip
from tests.reports.conftest import fake_results


@pytest.fixture(scope="module")
def summary() -> Summary:
    return summarise(fake_results())[0]


def test_all_pictures_show_the_same_square_of_one_scene(run_folder: Path, summary: Summary) -> None:
    strip = first_strip(RunFolder(run_folder), summary)
    assert strip is not None
    assert [each.title.partition(":")[0] for each in strip.pictures] == [
        *("Blurred input", "Sharp input", "Best of those told nothing", "Best of all", "Truth"),
    ]
    assert {(each.picture.width, each.picture.height) for each in strip.pictures} == {(12, 12)}  # two fifths of 32 rows
    assert strip.box[2:] == (pytest.approx(100 * 12 / 48), pytest.approx(100 * 12 / 32))
    assert strip.scene in ("beads", "chart & toy", "flowers_#1")
    assert strip.pictures[3].title == "Best of all: R-FUSE"
    assert strip.pictures[3].score.endswith(" dB")


def test_a_run_without_its_scenes_has_no_strip(tmp_path: Path, summary: Summary) -> None:
    assert first_strip(RunFolder(tmp_path), summary) is None


@pytest.mark.parametrize(("phase", "taps"), [(3, 7), (1, 7), (3, 8), (0, 3)])
def test_each_fine_pixel_shows_the_coarse_one_whose_centre_is_nearest(phase: int, taps: int) -> None:
    coarse = np.arange(3 * 4 * 6, dtype=float).reshape(3, 4, 6)
    fine = _on_fine_grid(coarse, (32, 48), {"ratio": 8, "phase": phase, "psf": {"kind": "gaussian", "taps": taps}})
    centres = [phase + (0.5 if taps % 2 == 0 else 0) + 8 * place for place in range(6)]
    for row, col in ((0, 0), (5, 47), (31, 9), (17, 22)):
        nearest = [min(range(count), key=lambda k: (abs(centres[k] - at), k)) for at, count in ((row, 4), (col, 6))]
        ties = [abs(abs(centres[k] - at) - 4) < 1e-9 for k, at in zip(nearest, (row, col), strict=True)]
        if not any(ties):
            assert fine[0, row, col] == coarse[0, nearest[0], nearest[1]]


def test_the_window_is_where_the_two_pictures_differ_most() -> None:
    truth = np.zeros((20, 31, 3), dtype=np.uint8)
    blurred = truth.copy()
    blurred[9:13, 20:24] = 200
    row, col, side = _window(truth, blurred)
    assert side == 8
    assert row <= 9 < 13 <= row + side
    assert col <= 20 < 24 <= col + side
