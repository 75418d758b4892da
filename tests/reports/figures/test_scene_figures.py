"""The figures of one scene for a paper show the files of the run."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from benchmark.run_folder.folder import RunFolder
from datasets.cube_file import CubeFile, read_cube, write_cube
from reports.content.summary import Summary, summarise
from reports.figures.error_figure import error_figure
from reports.figures.responses_figure import responses_figure
from reports.figures.spectra_figure import spectra_figure
from reports.scene.scene_view import choose_scene, view_scene
from reports.style import TWO_COLUMNS
from tests.benchmark.folders import read_records
from tests.reports.conftest import WAVELENGTHS, truth_of


@pytest.fixture
def summary(run_folder: Path) -> Summary:
    return summarise(read_records(run_folder))[0]


def test_the_error_figure_has_the_errors_of_the_estimates_on_one_scale(run_folder: Path, summary: Summary) -> None:
    view = view_scene(RunFolder(run_folder), summary)
    assert view is not None
    figure = error_figure(view)
    assert figure.get_size_inches()[0] <= TWO_COLUMNS + 1e-9
    texts = [panel.get_xlabel() for panel in figure.axes]
    for row, result in choose_scene(summary)[1]:
        estimate = read_cube(run_folder / "estimates" / f"{result.key}.h5").cube
        rmse = float(np.sqrt(np.mean((estimate.astype(np.float64) - truth_of(1)) ** 2)))
        assert f"RMSE {rmse:.4f}" in texts, row.label
    limits = {panel.images[0].get_clim() for panel in figure.axes if panel.get_xlabel()}
    assert limits == {(0.0, 1.0)}
    boxes = [patch.get_bbox().bounds for panel in figure.axes for patch in panel.patches if patch.get_linewidth() == 1.0]
    assert {(x + 0.5, y + 0.5, w) for x, y, w, _ in boxes} == {(view.zoom[1], view.zoom[0], view.zoom[2])}


def test_the_spectra_are_those_of_the_files(run_folder: Path, summary: Summary) -> None:
    view = view_scene(RunFolder(run_folder), summary)
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
    plain = view_scene(RunFolder(run_folder), summary)
    assert plain is not None
    assert responses_figure(plain) is None
    _, chosen = choose_scene(summary)
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
    view = view_scene(RunFolder(tmp_path), summary)
    assert view is not None
    figure = responses_figure(view)
    assert figure is not None
    titles = [panel.get_title() for panel in figure.axes]
    assert titles[:4] == ["PSF, true", "PSF, R-FUSE", "PSF, HySure", "PSF, Bicubic"]
    assert all(len(line) <= 30 for title in titles for line in title.splitlines())
    lines = next(panel for panel in figure.axes if panel.get_title().startswith("SRF, R-FUSE")).get_lines()
    np.testing.assert_allclose(lines[0].get_ydata(), weights[0])
    np.testing.assert_allclose(lines[1].get_ydata(), weights[0] * 1.1)
