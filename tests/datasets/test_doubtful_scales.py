"""A number that may be a scale is neither applied nor passed over: the oracle is which image two writers could have meant by it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
from numpy.typing import NDArray

from datasets.cube_file import CubeFile, write_cube
from datasets.files import read_image_file, read_scene_file
from datasets.reading_options import ReadingOptions
from datasets.scale_words import may_tell_scale
from datasets.scene import SceneError

BANDS, ROWS, COLS = 5, 6, 7
WAVES = np.array([410.0, 470.5, 533.0, 610.0, 705.0])
TRUTH: NDArray[np.float64] = 0.05 + 0.9 * np.random.default_rng(4).random((BANDS, ROWS, COLS))


def write_hdf5(path: Path, owner: str, attributes: Mapping[str, Any], cube: NDArray[Any] = TRUTH) -> Path:
    with h5py.File(path, "w") as store:
        store["site/flight/data"], store["wavelength"] = cube, WAVES
        store[owner].attrs.update(attributes)
    return path


@pytest.mark.parametrize("owner", ["/", "site", "site/flight", "site/flight/data"])
@pytest.mark.parametrize(
    ("attributes", "text"),
    [
        ({"gain": 0.5}, r"gain = 0\.5 \(scale=2 if it multiplies, scale=1 if it says nothing of the values\)"),
        ({"reflectance_scale": 10000.0}, r"reflectance_scale = 10000 \(scale=10000 if it divides"),
        ({"CalibrationFactor": "0.25"}, r"CalibrationFactor = 0\.25 \(scale=4 if it multiplies"),
        ({"ScaleFactor_Vnir": np.array([100.0])}, "ScaleFactor_Vnir = 100"),
        ({"GAINS": np.arange(1.0, 6)}, r"GAINS = 1, 2\.\.\. \(5 numbers\)"),
        ({"Data_Offset": 0.1}, r"Data_Offset = 0\.1"),
        ({"bias": 0.1}, r"bias = 0\.1"),
    ],
)
def test_an_attribute_that_may_be_a_scale_is_refused_wherever_it_stands(
    tmp_path: Path, owner: str, attributes: Mapping[str, Any], text: str
) -> None:
    path = write_hdf5(tmp_path / "a.h5", owner, attributes)
    with pytest.raises(SceneError, match=rf"a scale that is clear, got that the attributes {text}.*--hsi-scale"):
        read_scene_file(path)
    assert np.allclose(read_scene_file(path, ReadingOptions(scale=1.0)).cube, TRUTH, atol=1e-6)


@pytest.mark.parametrize(
    "attributes",
    [
        {"gain": 1.0, "offset": 0.0, "bias": 0, "reflectance_scale": np.ones(5)},
        {"gain": "auto", "scaling": "reflectance in 0..1", "calibration": 3.0},
        {"downsampling_factor": 4, "scale_factor_at_projection_origin": 0.9996, "norm_factor": 0.8, "grayscale": 0, "aspect_slope": 3.0},
    ],
)
def test_what_says_nothing_of_the_scale_is_no_doubt(tmp_path: Path, attributes: Mapping[str, Any]) -> None:
    assert np.allclose(read_scene_file(write_hdf5(tmp_path / "a.h5", "/", attributes)).cube, TRUTH, atol=1e-6)


@pytest.mark.parametrize("again", [10000.0, 1e-4])
def test_a_stated_scale_may_be_repeated_under_another_name(tmp_path: Path, again: float) -> None:
    counts = np.rint(TRUTH * 10000).astype(np.uint16)
    path = write_hdf5(tmp_path / "a.h5", "site/flight/data", {"scale": 10000.0, "reflectance_gain": again}, counts)
    assert np.allclose(read_scene_file(path).cube, TRUTH, atol=1e-4)
    path = write_hdf5(tmp_path / "b.h5", "site/flight/data", {"scale": 10000.0, "reflectance_gain": 0.5}, counts)
    with pytest.raises(SceneError, match="a scale that is clear"):
        read_scene_file(path)


def test_free_notes_of_this_suites_files_are_no_scales(tmp_path: Path) -> None:
    write_cube(tmp_path / "a.h5", CubeFile(TRUTH.astype(np.float32), WAVES, "a", {"msi_gain": 1.1, "lr_factor": 0.3}))
    assert np.allclose(read_scene_file(tmp_path / "a.h5").cube, TRUTH, atol=1e-6)


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> Path:
    if path.suffix == ".npz":
        np.savez(path, **arrays)
    elif path.suffix == ".mat":
        scipy.io.savemat(path, dict(arrays))
    else:
        with h5py.File(path, "w") as store:
            for name, array in arrays.items():
                store[name] = array
    return path


@pytest.mark.parametrize("ending", [".npz", ".mat", ".h5"])
@pytest.mark.parametrize("dtype", ["f8", "u2"])
@pytest.mark.parametrize("value", [0.5, np.array([0.5]), np.full((1, BANDS), 0.5), np.linspace(0.1, 0.5, BANDS)], ids=str)
def test_a_variable_beside_the_image_that_may_be_its_scale_is_refused(tmp_path: Path, ending: str, dtype: str, value: Any) -> None:
    stored = (TRUTH * (1 if dtype == "f8" else 10000)).astype(dtype)
    path = write_arrays(tmp_path / f"a{ending}", {"data": stored, "wavelength": WAVES, "scale_factor": value})
    with pytest.raises(SceneError, match=r"clear, got that the variables beside the image scale_factor = 0\."):
        read_scene_file(path)
    given = 1.0 if dtype == "f8" else 10000.0
    scene = read_scene_file(path, ReadingOptions(scale=given))
    assert np.allclose(scene.cube, TRUTH, atol=1e-4)
    assert any(f"scale={given:g} is taken as it is given, though the file may state another one (0." in text for text in scene.remarks)


def test_a_variable_called_scale_of_a_mat_is_named_and_may_be_confirmed(tmp_path: Path) -> None:
    stored = np.rint(TRUTH * 5000).astype(np.int16)
    path = write_arrays(tmp_path / "a.mat", {"data": stored, "wavelength": WAVES, "scale": 5000.0})
    with pytest.raises(SceneError, match=r"scale = 5000 \(scale=5000 if it divides, scale=1 if it says nothing.*give scale="):
        read_scene_file(path)
    right = read_scene_file(path, ReadingOptions(scale=5000.0))
    assert np.allclose(right.cube, TRUTH, atol=2e-4)
    assert not right.remarks
    other = read_scene_file(path, ReadingOptions(scale=6000.0))
    assert other.remarks == ("scale=6000 is taken as it is given, though the file may state another one (5000)",)


def test_the_scale_and_offset_of_an_npz_are_applied_as_before(tmp_path: Path) -> None:
    stored = np.rint((TRUTH - 0.01) * 5000).astype(np.int16)
    path = write_arrays(tmp_path / "a.npz", {"data": stored, "wavelength": WAVES, "scale": 5000.0, "offset": 0.01, "scales": np.ones(3)})
    assert np.allclose(read_scene_file(path).cube, TRUTH, atol=2e-4)


def test_variables_of_other_folders_and_of_other_lengths_are_not_asked(tmp_path: Path) -> None:
    arrays = {"a/data": TRUTH, "wavelength": WAVES, "b/gain": 0.5, "a/b/gain": 0.5, "factors": np.arange(4.0), "scales": np.ones((5, 6))}
    assert np.allclose(read_image_file(write_arrays(tmp_path / "a.h5", arrays)).cube, TRUTH, atol=1e-6)
    path = write_arrays(tmp_path / "b.h5", {**arrays, "gain": 0.5})  # above the image
    with pytest.raises(SceneError, match=r"gain = 0\.5"):
        read_image_file(path)


@pytest.mark.parametrize("name", ["gain", "Scale", "scaling", "factor", "ReflectanceScaleFactor", "BOA_QUANTIFICATION_VALUE", "slope"])
def test_names_that_may_tell_a_scale(name: str) -> None:
    assert may_tell_scale(name, 0.5).words
    assert not may_tell_scale(name, 1.0).words
