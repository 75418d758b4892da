"""What a user says of a file is applied: against slices and interpolation by hand, on lopsided cubes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.io

from datasets.data_roots import DataRoots
from datasets.files import read_image_file, read_scene_file
from datasets.reading_options import EvenCentres, ReadingError, ReadingOptions, band_numbers, centres_from, options_from
from datasets.scene import SceneError, crop_to_ratio
from datasets.scene_catalog import find_scenes
from datasets.scene_sources import FileSource

CUBE = np.random.default_rng(7).random((6, 9, 5)).astype(np.float32)  # rows, cols, bands
WAVES = (410.0, 470.5, 533.0, 610.0, 705.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    moved = np.ones((6, 9), np.uint8)
    moved[1, 2:4] = 0
    scipy.io.savemat(tmp_path / "a.mat", {"ref": CUBE, "lbl": moved})
    return tmp_path / "a.mat"


def options(**given: object) -> ReadingOptions:
    return options_from({"variable": "ref", "layout": "rows cols bands", "wavelengths": list(WAVES), **given}, Path())


def test_crop_and_bands_are_those_of_a_slice(file: Path) -> None:
    image = read_image_file(file, options(crop=[1, 3, 4, 5], bands=["2-4", 1], bad_bands="3"))
    assert np.array_equal(image.cube, CUBE[1:5, 3:8][..., [1, 3, 0]].transpose(2, 0, 1))
    assert image.wavelengths_nm is not None
    assert image.wavelengths_nm.tolist() == [470.5, 610.0, 410.0]


def test_what_is_cut_away_may_hold_no_value(file: Path) -> None:
    spoilt = CUBE.copy()
    spoilt[0, 0, 0], spoilt[:, :, 3] = np.nan, -9999
    scipy.io.savemat(file, {"ref": spoilt})
    read = read_scene_file(file, options(crop=[1, 0, 5, 9], bad_bands=[4], nodata=-9999))
    assert np.array_equal(read.cube.numpy(), spoilt[1:][..., [0, 1, 2, 4]].transpose(2, 0, 1))
    with pytest.raises(SceneError, match="1 NaN or Inf and 0 no-data"):
        read_scene_file(file, options(bad_bands=[4], nodata=-9999))
    with pytest.raises(SceneError, match="and 45 no-data"):
        read_scene_file(file, options(crop=[1, 0, 5, 9], nodata=-9999))


def test_spectra_are_interpolated_like_numpy_does_pixel_by_pixel(file: Path) -> None:
    onto = (410.0, 440.0, 533.0, 700.0, 705.0)
    scene = read_scene_file(file, options(resample_to=list(onto)))
    for row, col in ((0, 8), (5, 0), (3, 4)):
        assert np.allclose(scene.cube[:, row, col], np.interp(onto, WAVES, CUBE[row, col]), atol=1e-6)
    assert scene.wavelengths.tolist() == list(onto)
    assert "interpolated onto 5 bands" in scene.source
    with pytest.raises(SceneError, match=r"within the image's 410\.\.705 nm, got 400"):
        read_scene_file(file, options(resample_to="400:700:4"))


def test_a_mask_of_truth_values_is_one_too(file: Path, tmp_path: Path) -> None:
    values = np.ones((6, 9), dtype=bool)
    values[4, 7] = False
    np.save(tmp_path / "m.npy", values)
    scene = read_scene_file(file, options(mask=str(tmp_path / "m.npy")))
    assert scene.mask is not None
    assert np.array_equal(scene.mask.numpy(), values)
    np.save(tmp_path / "cube.npy", np.ones((5, 6, 9), dtype=bool))
    with pytest.raises(SceneError, match="expected integer or floating samples, got bool"):
        read_image_file(tmp_path / "cube.npy", options_from({"layout": "bands rows cols"}, Path()))


def test_a_mask_leaves_out_pixels_and_follows_crops(file: Path, tmp_path: Path) -> None:
    scene = read_scene_file(file, options(mask="lbl", crop=[1, 1, 5, 8]))
    assert scene.mask is not None
    assert np.argwhere(~scene.mask.numpy()).tolist() == [[0, 1], [0, 2]]
    cropped = crop_to_ratio(scene, 2)
    assert cropped.mask is not None
    assert cropped.mask.shape == (4, 8)
    np.save(tmp_path / "m.npy", np.ones((3, 3)))
    with pytest.raises(SceneError, match=r"m\.npy: expected a mask of 6 x 9 pixels.*3, 3"):
        read_scene_file(file, options(mask=str(tmp_path / "m.npy")))
    with pytest.raises(SceneError, match="variable 'lbll'"):
        read_scene_file(file, options(mask="lbll"))
    with pytest.raises(SceneError, match="at least one pixel that is scored"):
        read_scene_file(file, options(mask="lbl", crop=[1, 2, 1, 2]))


@pytest.mark.parametrize("wrong", [np.nan, -1.0, 0.5, np.inf, -0.25])
def test_a_mask_of_other_than_whole_numbers_from_0_is_refused(file: Path, tmp_path: Path, wrong: float) -> None:
    mask = np.ones((6, 9))
    mask[2, 3], mask[4, 5] = 0, wrong
    np.save(tmp_path / "m.npy", mask)
    text = r"m\.npy: expected a mask of whole numbers, 0 where a pixel is left out and any number above 0 elsewhere, got 1 pixels"
    with pytest.raises(SceneError, match=text):
        read_scene_file(file, options(mask=str(tmp_path / "m.npy")))
    mask[4, 5] = 7
    np.save(tmp_path / "m.npy", mask)
    scene = read_scene_file(file, options(mask=str(tmp_path / "m.npy")))
    assert scene.mask is not None
    assert np.argwhere(~scene.mask.numpy()).tolist() == [[2, 3]]


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"crop": [0, 0, 7, 9]}, r"inside 6 x 9 pixels, got \[0, 0, 7, 9\]"),
        ({"bands": [1, 6]}, "bands from 1 to 5, got 6"),
        ({"bad_bands": "9"}, "bands from 1 to 5, got 9"),
        ({"bad_bands": "1-5"}, "at least one band that is kept"),
        ({"wavelengths": "400:700:4"}, "expected 5 wavelengths, one per band, got 4"),
    ],
)
def test_what_does_not_fit_the_image_is_refused(file: Path, given: dict[str, object], text: str) -> None:
    with pytest.raises(SceneError, match=text):
        read_image_file(file, options(**given))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("bands", value) for value in ([0], "3-0", [1, 1], [], "a", [True], 1.5, ["2-4", 3])),
        *(("crop", value) for value in ("1,2,3", [0, 0, 0, 4], [-1, 0, 2, 2], 4, ["a", 0, 1, 1], [0.5, 0, 1, 1])),
        *(("crop", value) for value in ([0, 0, float("inf"), 4], [0, 0, float("nan"), 4], "0,0,inf,4", [0, 0, 10**400, 4])),
        *(("wavelengths", value) for value in ("390:730:inf", "390:730:nan", "nan:730", "390:inf", [float("inf")], ["nan"], [10**400])),
        *(("scale", value) for value in ("inf", float("nan"), 0, -1, 10**400)),
        *(("nodata", value) for value in (10**400, "none")),
        *(("bands", value) for value in ("9" * 5000, "1-" + "9" * 5000, float("inf"))),
        *(("wavelengths", value) for value in ("700:400", "400:700:0", "0:5", [], [400, -1], [1, None], "nowhere.txt", 5)),
        *(("scale", value) for value in ("two", None, True, [1])),
        ("mask", ""),
        ("variable", 3),
        ("overlap", "ignore"),
        ("sclae", 2),
    ],
)
def test_what_is_no_option_is_refused(key: str, value: object) -> None:
    with pytest.raises(ReadingError):
        options_from({key: value}, Path())


@pytest.mark.parametrize("key", ["wavelengths", "resample_to"])
@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("0.39:0.73", r"micrometres; give them in nm: 390:730"),
        ("0.39:0.73:31", r"micrometres; give them in nm: 390:730"),
        ([0.41, 0.55, 2.5], r"micrometres; give them in nm: 410:2500"),
        ("25000:30000", r"200 to 20000\), got \[25000.0, 30000.0\]; give them in nm"),
        ([0.5, 410], r"wavelengths of light in nm \(200 to 20000\)"),
        ([1.0, 2.0, 3.0, 40.0, 50.0], r"wavelengths of light in nm .*\.\.\.; give them"),
    ],
)
def test_wavelengths_in_another_unit_than_nm_are_refused(tmp_path: Path, key: str, value: object, text: str) -> None:
    with pytest.raises(ReadingError, match=rf"{key}: expected .*{text}"):
        options_from({key: value}, tmp_path)
    if isinstance(value, list):
        (tmp_path / "w.txt").write_text("\n".join(map(str, value)))
        with pytest.raises(ReadingError, match=text):
            options_from({key: "w.txt"}, tmp_path)


def test_wavelengths_of_code_are_looked_at_like_those_of_a_plan(file: Path) -> None:
    chosen = ReadingOptions(variable="ref", layout="rows cols bands", wavelengths=EvenCentres(0.39, 0.73))
    with pytest.raises(SceneError, match="micrometres; give them in nm: 390:730"):
        read_scene_file(file, chosen)


def test_wavelengths_come_from_lists_ranges_and_files(tmp_path: Path) -> None:
    (tmp_path / "w.txt").write_bytes("\ufeff# nm\n410\n470.5,\n\n533\n".encode())
    np.save(tmp_path / "w.npy", np.array([410.0, 470.5, 533.0]))
    for value in ("w.txt", "w.npy", "410,470.5,533", [410, 470.5, 533]):
        assert centres_from("wavelengths", value, tmp_path) == (410.0, 470.5, 533.0), value
    evenly = centres_from("wavelengths", "400:700", tmp_path)
    assert isinstance(evenly, EvenCentres)
    assert evenly.values(4) == (400.0, 500.0, 600.0, 700.0)
    assert band_numbers("bands", "1-3,7") == (1, 2, 3, 7)


@pytest.mark.parametrize("text", ["wavelength\n400\n500", "1, 400\n2, 500", "400, 500, 600"])
def test_a_file_of_wavelengths_that_is_no_single_column_is_refused_with_the_line(tmp_path: Path, text: str) -> None:
    (tmp_path / "w.txt").write_text(text)
    with pytest.raises(ReadingError, match=r"one wavelength in nm per line, got '.*' on line 1; keep that column alone"):
        centres_from("wavelengths", "w.txt", tmp_path)


def test_a_table_a_pattern_and_a_folder_are_scenes(file: Path, tmp_path: Path) -> None:
    for name in ("b", "._b", "c"):
        scipy.io.savemat(tmp_path / f"{name}.mat", {"ref": CUBE * 0.5})
    (tmp_path / "notes.txt").write_text("none")
    table = {"name": "mine/left", "file": "a.mat", "variable": "ref", "crop": [0, 0, 6, 4]}
    rest = {"file": "*.mat", "variable": "ref", "name": "lab"}
    scenes = find_scenes([f"file:{tmp_path}?variable=ref"], DataRoots(None), tmp_path, [table, rest])
    assert [scene.name for scene in scenes] == ["file/a", "file/b", "file/c", "mine/left", "lab/a", "lab/b", "lab/c"]
    assert isinstance(scenes[3], FileSource)
    assert scenes[3].options == ReadingOptions(variable="ref", crop=(0, 0, 6, 4))
    for wrong, text in (
        ({"file": "x*.mat"}, "expected files"),
        ({"name": "a"}, "expected file ="),
        ({"file": "a.mat", "crpo": [1]}, "did you mean crop"),
        ({"file": "a.mat", "crop": [1]}, "expected row, col, rows, cols"),
        ({"file": "z.mat"}, "which is none"),
        ({"file": "a.mat", "name": "  "}, "name = a text"),
    ):
        with pytest.raises(SceneError, match=text):
            find_scenes([], DataRoots(None), tmp_path, [wrong])
    with pytest.raises(SceneError, match="name of its own"):
        find_scenes([], DataRoots(None), tmp_path, [table, {**table, "crop": [0, 4, 6, 4]}])


def test_options_name_the_recipe_whatever_their_order_and_the_place_of_the_mask(file: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "m.npy", np.ones((6, 9)))
    one = FileSource("a", file, options(mask=str(tmp_path / "m.npy"), scale=2))
    other = FileSource(
        "b",
        file,
        options_from({"scale": 2, "mask": "m.npy", "wavelengths": WAVES, "variable": "ref", "layout": "rows cols bands"}, tmp_path),
    )
    assert one.recipe() == other.recipe()
    assert str(tmp_path) not in one.recipe()
    assert one.files() == (file, tmp_path / "m.npy")
    assert FileSource("a", file, options(mask="lbl", scale=2)).recipe() != one.recipe()
    assert FileSource("a", file).recipe() == "file .mat "
