"""What is chosen of a scene for a paper: the scene, the methods, the window and the pixels, by the rules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmark.run_folder.folder import RunFolder
from reports.content.summary import Summary, summarise
from reports.scene.scene_view import choose_scene, spread_pixels, view_scene, widest_window
from tests.benchmark.folders import read_records


@pytest.fixture
def summary(run_folder: Path) -> Summary:
    return summarise(read_records(run_folder))[0]


def test_the_scene_is_the_best_methods_median_and_the_methods_come_by_tier(summary: Summary) -> None:
    scene, chosen = choose_scene(summary)
    assert scene == "chart & toy"  # PSNR rises with the place of the scene
    assert [row.results[0].method for row, _ in chosen] == ["rfuse", "hysure", "bicubic"]
    assert {result.seed for _, result in chosen} == {0}


def test_the_window_is_where_the_maps_differ_most() -> None:
    maps = [np.zeros((24, 36)) for _ in range(3)]
    maps[1][15:19, 20:24] = 1
    row, col, side = widest_window(maps)
    assert side == 6
    assert row <= 15
    assert row + side >= 19
    assert col <= 20
    assert col + side >= 24
    assert widest_window([maps[1]])[2] == 6


def test_the_pixels_are_the_brightest_and_those_at_the_widest_angles() -> None:
    cube = np.full((4, 16, 24), 0.5, dtype=np.float32) * np.array([1, 1, 1, 1], dtype=np.float32)[:, None, None]
    cube[:, 8, 12] = (0.9, 0.9, 0.9, 0.9)
    rows, cols = (2 * np.arange(16) + 1) * 16 // 32, (2 * np.arange(16) + 1) * 24 // 32
    cube[:, rows[3], cols[5]] = (1, 0, 0, 0)
    cube[:, rows[10], cols[2]] = (0, 0, 0, 1)
    cube[:, rows[0], cols[0]] = (0.001, 0, 0.001, 0)  # dark: its angle is noise
    found = spread_pixels(cube, 3)
    assert {(int(rows[3]), int(cols[5])), (int(rows[10]), int(cols[2]))} <= set(found)
    assert (int(rows[0]), int(cols[0])) not in found


def test_without_a_reference_there_is_no_view(summary: Summary, tmp_path: Path) -> None:
    assert view_scene(RunFolder(tmp_path), summary) is None
