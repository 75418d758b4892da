"""One scene for a paper: what is chosen by the rules, and that the figures show it; and that figures are drawn once."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from matplotlib.figure import Figure

from datasets.cube_file import CubeFile, read_cube, write_cube
from reports.drawing import Drawings
from reports.scene_figures import error_figure, responses_figure, spectra_figure
from reports.scene_view import choose, spread_pixels, view_scene, widest_window
from reports.style import TWO_COLUMNS
from reports.summary import Summary, summarise
from tests.benchmark.folders import read_records
from tests.reports.conftest import WAVELENGTHS, truth_of


@pytest.fixture
def summary(run_folder: Path) -> Summary:
    return summarise(read_records(run_folder))[0]


def test_the_scene_is_the_best_methods_median_and_the_methods_come_by_tier(summary: Summary) -> None:
    scene, chosen = choose(summary)
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


def test_the_error_figure_has_the_errors_of_the_estimates_on_one_scale(run_folder: Path, summary: Summary) -> None:
    view = view_scene(run_folder, summary)
    assert view is not None
    figure = error_figure(view)
    assert figure.get_size_inches()[0] <= TWO_COLUMNS + 1e-9
    texts = [panel.get_xlabel() for panel in figure.axes]
    for row, result in choose(summary)[1]:
        estimate = read_cube(run_folder / "estimates" / f"{result.key}.h5").cube
        rmse = float(np.sqrt(np.mean((estimate.astype(np.float64) - truth_of(1)) ** 2)))
        assert f"RMSE {rmse:.4f}" in texts, row.label
    limits = {panel.images[0].get_clim() for panel in figure.axes if panel.get_xlabel()}
    assert limits == {(0.0, 1.0)}
    boxes = [patch.get_bbox().bounds for panel in figure.axes for patch in panel.patches if patch.get_linewidth() == 1.0]
    assert {(x + 0.5, y + 0.5, w) for x, y, w, _ in boxes} == {(view.zoom[1], view.zoom[0], view.zoom[2])}


def test_the_spectra_are_those_of_the_files(run_folder: Path, summary: Summary) -> None:
    view = view_scene(run_folder, summary)
    assert view is not None
    figure = spectra_figure(view)
    for place, (row, col) in enumerate(view.pixels):
        lines = figure.axes[place].get_lines()
        np.testing.assert_allclose(lines[0].get_ydata(), truth_of(1)[:, row, col], rtol=1e-6)
        np.testing.assert_allclose(lines[0].get_xdata(), WAVELENGTHS)
        assert len(lines) == 1 + len(view.methods)


def test_estimated_responses_stand_beside_the_true_ones_and_there_is_no_figure_without_any(
    run_folder: Path, summary: Summary, tmp_path: Path
) -> None:
    plain = view_scene(run_folder, summary)
    assert plain is not None
    assert responses_figure(plain) is None
    _, chosen = choose(summary)
    for part in ("scenes", "responses", "estimates"):
        (tmp_path / part).mkdir()
    scene = f"scenes/{chosen[0][1].scene_digest}.h5"
    os.link(run_folder / scene, tmp_path / scene)
    kernel, weights = np.outer([1.0, 2, 1], [1, 3, 2, 1]) / 28, np.random.default_rng(2).random((3, 7))
    with h5py.File(tmp_path / "responses" / f"{chosen[0][1].observation_digest}.h5", "w") as store:
        store.create_dataset("psf/kernel", data=kernel).attrs["phase"] = 3
        store.create_dataset("srf/weights", data=weights).attrs["names"] = ["r", "g", "b"]
    notes = {"psf_kernel": kernel, "psf_phase": 3, "srf_weights": weights * 1.1}
    for _, result in chosen:
        write_cube(tmp_path / "estimates" / f"{result.key}.h5", CubeFile(truth_of(1), WAVELENGTHS, "", notes), quantise=True)
    view = view_scene(tmp_path, summary)
    assert view is not None
    figure = responses_figure(view)
    assert figure is not None
    titles = [panel.get_title() for panel in figure.axes]
    assert titles[:4] == ["PSF, true", "PSF, R-FUSE", "PSF, HySure", "PSF, Bicubic"]
    assert all(len(line) <= 30 for title in titles for line in title.splitlines())
    lines = next(panel for panel in figure.axes if panel.get_title().startswith("SRF, R-FUSE")).get_lines()
    np.testing.assert_allclose(lines[0].get_ydata(), weights[0])
    np.testing.assert_allclose(lines[1].get_ydata(), weights[0] * 1.1)


def test_without_a_reference_there_is_no_view(summary: Summary, tmp_path: Path) -> None:
    assert view_scene(tmp_path, summary) is None


def test_a_figure_is_drawn_again_only_where_its_inputs_or_its_files_changed(tmp_path: Path) -> None:
    def report(inputs: object, draw: bool = True) -> list[str]:
        drawings = Drawings(tmp_path)
        paths = drawings.figure("a", inputs, lambda: Figure(figsize=(1, 1)) if draw else None)
        assert bool(paths) == draw
        drawings.close()
        return drawings.drawn

    assert report([1.0, "x"]) == ["a"]
    assert report([1.0, "x"]) == []
    assert report([1.0 + 1e-12, "x"]) == ["a"]
    (tmp_path / "a.svg").unlink()
    assert report([1.0 + 1e-12, "x"]) == ["a"]
    (tmp_path / ".drawn.json").write_text("{torn")
    assert report([1.0 + 1e-12, "x"]) == ["a"]
    assert report([2.0], draw=False) == []
    assert report([2.0], draw=False) == []
