"""What the page holds of a scene: posteriors, responses, and what is missing."""

from __future__ import annotations

import shutil
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmark.run_folder.folder import RunFolder
from datasets.cube_file import CubeFile, read_cube, write_cube
from reports.content.summary import summarise
from reports.page.gallery import SceneGallery, scene_gallery
from reports.scene.detail import Detail
from reports.scene.error_maps import colour_errors
from tests.benchmark.folders import read_records


def gallery_of(run: Path, detail: Detail | None = None) -> SceneGallery:
    summary = summarise(read_records(run))[0]
    series = {(row.label, row.tier): place for place, row in enumerate(summary.rows)}
    return scene_gallery(RunFolder(run), summary, summary.scenes[0], series, detail or Detail())


def pixels(webp: bytes) -> np.ndarray:
    with Image.open(BytesIO(webp)) as image:
        return np.asarray(image.convert("RGB"))


def test_a_stored_posterior_is_drawn_on_the_scale_of_the_errors(small_run: Path) -> None:
    found = gallery_of(small_run)
    shown = {each.row.label: each for each in found.methods}
    std = shown["R-FUSE"].std
    assert std is not None
    assert shown["Bicubic"].std is None
    assert found.scale is not None
    limit = found.scale.limit
    near = colour_errors(np.full((1, 1), 0.008), limit)[0, 0].astype(int)  # the posterior's deviation everywhere
    assert np.abs(pixels(std.webp).astype(int) - near).max() <= 2


def test_a_posterior_of_another_shape_is_said_to_be_so(small_run: Path) -> None:
    (file,) = (small_run / "estimates").glob("*_std.h5")
    write_cube(file, CubeFile(np.zeros((7, 8, 9), np.float32)))
    std = next(each.std for each in gallery_of(small_run).methods if each.row.label == "R-FUSE")
    assert std is not None
    assert "expected 7 bands of 32 x 48 pixels" in std.missing


def test_estimated_responses_stand_beside_the_true_ones(small_run: Path) -> None:
    truth, *estimated = gallery_of(small_run).responses
    assert truth.label == "Truth"
    assert truth.psf is not None
    assert len(estimated) == 1
    assert "green &amp; &lt;b&gt;, estimated" in estimated[0].srf
    assert estimated[0].srf.count("true</title>") == 3
    shutil.rmtree(small_run / "responses")
    truth, *estimated = gallery_of(small_run).responses
    assert truth.psf is None
    assert truth.scores == "not stored: responses"
    assert "channel 2, estimated" in estimated[0].srf


def test_the_files_beside_the_page_hold_the_spectra_unrounded(small_run: Path) -> None:
    found = gallery_of(small_run)
    assert found.spectra is not None
    with np.load(BytesIO(found.spectra.npz)) as held:
        key = next(each.result.key for each in found.methods if each.row.label == "R-FUSE" and each.result)
        place = list(held["labels"]).index("R-FUSE (told blur and colour response)")
        cube = read_cube(small_run / "estimates" / f"{key}.h5").cube
        assert held[f"method_{place + 1}"][3, 5] == pytest.approx(cube[:, held["rows"][3], held["cols"][5]], abs=0)


def test_a_missing_reference_leaves_the_reason(small_run: Path) -> None:
    shutil.rmtree(small_run / "scenes")
    found = gallery_of(small_run)
    assert found.spectra is None
    assert all("not stored: scenes/" in each.colour.missing for each in found.methods)


def test_the_msi_is_drawn_by_its_response_curves_and_the_caption_names_the_channels(small_run: Path) -> None:
    """The curves of the fake run rise from blue to red, so that the third channel is red."""
    found = gallery_of(small_run)
    reference, _, msi = found.inputs
    assert msi.note == "red, green, blue: channels 3, 2, 1 at 643, 550, 457 nm"
    assert reference.note.startswith("red, green, blue: bands 6, 4, 2 at 630, 550, 470 nm")
    seen = read_cube(next((small_run / "observations").glob("*.h5")), "msi").cube
    gain = float(found.recipe.partition("gain ")[2].partition(",")[0])
    wanted = 255 * np.clip(seen[[2, 1, 0]] * gain, 0, 1) ** (1 / 2.2)
    assert np.abs(pixels(msi.webp) - wanted.transpose(1, 2, 0)).max() < 1.5  # the gain has three digits in the text
    shutil.rmtree(small_run / "responses")
    assert gallery_of(small_run).inputs[2].note == "false colour: channels 1, 2, 3, centres not known"


def test_methods_stand_in_the_order_of_their_scores_and_the_best_of_each_class_is_shown_first(small_run: Path) -> None:
    """The table has MossFuse, which learned elsewhere and is not ranked, last; on the scene it is the second best."""
    found = gallery_of(small_run)
    assert [each.row.results[0].method for each in found.methods] == ["rfuse", "mossfuse", "hostile", "bicubic"]
    assert [each.row.results[0].method for each in found.methods if each.chosen] == ["rfuse", "hostile"]
    series = {each.row.results[0].method: each.series for each in found.methods}
    assert found.first == (f"colour-{series['hostile']}", f"colour-{series['rfuse']}")


def test_the_angles_of_the_pictures_are_those_of_the_files(small_run: Path) -> None:
    found = gallery_of(small_run)
    each = next(each for each in found.methods if each.row.label == "Bicubic")
    assert each.result is not None
    assert each.angles is not None
    assert found.angle_scale is not None
    ours = read_cube(small_run / "estimates" / f"{each.result.key}.h5").cube.astype(np.float64)
    true = read_cube(small_run / "scenes" / "scene0.h5").cube.astype(np.float64)
    for row, col in ((3, 5), (20, 40)):
        u, v = (spectrum / np.linalg.norm(spectrum) for spectrum in (ours[:, row, col], true[:, row, col]))
        angle = np.degrees(2 * np.arctan2(np.linalg.norm(u - v), np.linalg.norm(u + v)))
        near = colour_errors(np.full((1, 1), angle), found.angle_scale.limit, colours="cividis")[0, 0].astype(int)
        assert np.abs(pixels(each.angles.webp)[row, col] - near).max() <= 2


def test_the_chart_has_the_differences_below_names_at_the_ends_and_the_scores_of_the_pixel(small_run: Path) -> None:
    found = gallery_of(small_run)
    assert found.spectra is not None
    drawn = found.spectra.chart
    assert drawn.count('class="end') == 1 + len([each for each in found.methods if each.has_spectra])
    assert "difference from the truth" in drawn
    row, col = found.spectra.pixel
    best = found.methods[0]
    assert best.result is not None
    ours = read_cube(small_run / "estimates" / f"{best.result.key}.h5").cube[:, row, col].astype(np.float64)
    true = read_cube(small_run / "scenes" / "scene0.h5").cube[:, row, col].astype(np.float64)
    rmse = float(np.sqrt(np.mean((ours - true) ** 2)))
    assert found.spectra.scores[best.series].startswith(f"RMSE {rmse:.4f}, ")
