"""A person chooses the scenes, methods, window, bands and pixels of a figure; whatever is not there is refused before anything is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import run_benchmark
from benchmark.run_folder.folder import RunFolder
from benchmark.run_folder.selection import SelectionError
from datasets.cube_file import read_cube
from reports.content.figure_request import read_figure_request
from reports.content.summary import summarise
from reports.figures.chosen_figure import write_chosen_figure
from reports.figures.error_figure import errors_of_scenes
from reports.figures.looks import Looks
from reports.figures.spectra_figure import spectra_of_scenes
from reports.scene.chosen_views import chosen_views
from reports.scene.scene_view import SceneView
from reports.style import ONE_COLUMN, TWO_COLUMNS
from tests.benchmark.folders import read_records
from tests.reports.conftest import SCENES, WAVELENGTHS, truth_of

ERRORS = {"protocol": "camera-x8", "scene": "beads"}


def views(folder: Path, kind: str = "errors", **options: Any) -> list[SceneView]:
    summaries = summarise(read_records(folder))
    return chosen_views(RunFolder(folder), summaries, read_figure_request(kind, **options), Looks.of(summaries).series)


def test_scenes_methods_window_and_bands_are_those_that_are_asked_for(run_folder: Path) -> None:
    scenes = f"{SCENES[2]},{SCENES[0]}"
    shown = views(run_folder, protocol="camera-x8", scene=scenes, methods="bicubic,R-FUSE", zoom="3,5,4", bands="2,7,1")
    assert [view.scene for view in shown] == [SCENES[2], SCENES[0]]
    for view, place in zip(shown, (2, 0), strict=True):
        assert [each.label for each in view.methods] == ["Bicubic", "R-FUSE"]
        assert view.zoom == (3, 5, 4)
        assert view.recipe.bands == (1, 6, 0)
        np.testing.assert_allclose(view.colour, truth_of(place)[[1, 6, 0]], rtol=1e-6)
        key = next(
            r.key for r in read_records(run_folder) if (r.label, r.scene, r.seed) == ("R-FUSE", view.scene, 0) and r.protocol["ratio"] == 8
        )
        estimate = read_cube(run_folder / "estimates" / f"{key}.h5").cube
        np.testing.assert_allclose(view.methods[1].errors, np.sqrt(((estimate.astype(float) - truth_of(place)) ** 2).mean(0)), rtol=1e-6)
    figure = errors_of_scenes(shown)
    assert figure is not None
    assert figure.get_size_inches()[0] <= TWO_COLUMNS + 1e-9
    boxes = {
        patch.get_bbox().bounds for part in figure.subfigs for panel in part.axes for patch in panel.patches if patch.get_linewidth() == 1.0
    }
    assert boxes == {(4.5, 2.5, 4.0, 4.0)}


def test_wavelengths_choose_the_nearest_bands(run_folder: Path) -> None:
    (view,) = views(run_folder, **ERRORS, bands="631nm,549.5nm, 430 nm")
    assert view.recipe.bands == tuple(int(np.abs(WAVELENGTHS - wanted).argmin()) for wanted in (631, 549.5, 430))


def test_spectra_are_those_of_the_chosen_pixels(run_folder: Path) -> None:
    shown = views(
        run_folder, "spectra", protocol="camera-x8", scene=f"{SCENES[0]},{SCENES[2]}", methods="hysure", pixel=["2,9", "5,1", "0,3"]
    )
    figure = spectra_of_scenes(shown, ONE_COLUMN)
    assert figure.get_size_inches()[0] == pytest.approx(ONE_COLUMN)
    panels = [panel for panel in figure.axes if panel.get_lines()]
    assert len(panels) == 6
    for panel, (place, row, col) in zip(panels, [(0, 2, 9), (0, 5, 1), (0, 0, 3), (2, 2, 9), (2, 5, 1), (2, 0, 3)], strict=True):
        truth, own = panel.get_lines()
        np.testing.assert_allclose(truth.get_ydata(), truth_of(place)[:, row, col], rtol=1e-6)
        assert own.get_label().startswith("HySure [")


def test_without_a_choice_the_rules_of_the_report_hold(run_folder: Path) -> None:
    (view,) = views(run_folder, protocol="camera-x8")
    assert view.scene == "chart & toy"
    assert views(run_folder, **ERRORS)[0].methods[0].label == "Bicubic"  # the first row of the first tier


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"scene": "bead"}, "--scene: did you mean 'beads'?"),
        ({"scene": "beads"}, "expected one protocol, got camera-x8, noisy_x4 & <b>; name it by --protocol"),
        ({**ERRORS, "protocol": "camera-x4"}, "--protocol: did you mean 'camera-x8'?"),
        ({**ERRORS, "methods": "rfuze"}, "--methods rfuze: did you mean 'rfuse'?"),
        ({**ERRORS, "zoom": "0,0,500"}, "--zoom 0,0,500: expected a window inside the"),
        ({**ERRORS, "zoom": "1,2"}, "--zoom: expected row,col,size"),
        ({**ERRORS, "zoom": "1,2,0"}, "at least 1 pixel"),
        ({**ERRORS, "bands": "1,2,8"}, "expected numbers from 1 to 7"),
        ({**ERRORS, "bands": "640nm,550nm,1200nm"}, "expected wavelengths from 430 to 670 nm"),
        ({**ERRORS, "bands": "red,2,1"}, "expected three numbers"),
        ({**ERRORS, "pixel": ["1,1"]}, "expected it with `figure spectra` alone"),
        ({**ERRORS, "seed": 5}, "expected a method with a score on beads"),
    ],
)
def test_what_is_not_there_is_refused(run_folder: Path, options: dict[str, Any], text: str) -> None:
    with pytest.raises(SelectionError) as raised:
        views(run_folder, **options)
    assert text in str(raised.value)


def test_a_pixel_outside_and_an_estimate_that_was_not_kept_are_refused(small_run: Path) -> None:
    with pytest.raises(SelectionError, match=r"--pixel 500,0: expected a pixel inside the \d+ x \d+ pixels of beads"):
        views(small_run, "spectra", pixel=["500,0"])
    key = next(r.key for r in read_records(small_run) if r.label == "R-FUSE")
    (small_run / "estimates" / f"{key}.h5").unlink()
    with pytest.raises(SelectionError, match="expected the estimate of R-FUSE on beads, got none: it was not kept"):
        views(small_run, methods="rfuse")


def test_the_command_writes_three_files_and_says_what_they_show(small_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "figure",
        "errors",
        str(small_run),
        "--methods",
        "rfuse,bicubic",
        "--zoom",
        "1,2,3",
        "--rename",
        "R-FUSE=Ours",
        "--single-column",
    ]
    assert run_benchmark.main([*words, "--out", str(small_run / "paper" / "first.png")]) == 0  # written as pdf and svg too
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("beads, camera-x8: Ours, Bicubic; --zoom 1,2,3 --bands ")
    assert out[1] == f"figure    {small_run / 'paper' / 'first'}.pdf, .png, .svg"
    assert (small_run / "paper" / "first.pdf").is_file()
    with Image.open(small_run / "paper" / "first.png") as picture:
        assert round(picture.info["dpi"][0]) == 300
        assert picture.width <= ONE_COLUMN * 300 + 1
    assert (
        write_chosen_figure(small_run, read_figure_request("spectra", methods="rfuse")).files[0].parent == small_run / "report" / "figures"
    )
