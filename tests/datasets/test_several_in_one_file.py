"""Files that hold more than one image: a pair with its wavelengths, structs, and what other programs than MATLAB write into a .mat."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
from numpy.typing import NDArray

from datasets.files import read_image_file, read_scene_file
from datasets.reading_options import ReadingOptions
from datasets.scene import SceneError

WAVES = np.array([410.0, 470.5, 533.0, 610.0, 705.0])
HSI: NDArray[np.float64] = np.random.default_rng(1).random((6, 9, 5))  # rows, cols, bands
MSI: NDArray[np.float64] = np.random.default_rng(2).random((12, 18, 3))
HEADER = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: a day".ljust(124) + b"\x00\x02IM"


def write_hdf5(path: Path, arrays: dict[str, NDArray[Any]], *, turned: bool, header: bool, named: bool) -> Path:
    with h5py.File(path, "w", userblock_size=512 if header else 0) as store:
        for name, array in arrays.items():
            data = store.create_dataset(name, data=array.T if turned else array)
            if named:
                data.attrs["MATLAB_class"] = np.bytes_("double")
    if header:
        with path.open("r+b") as raw:
            raw.write(HEADER)
    return path


def write_pair(path: Path, form: str) -> Path:
    arrays = {"HSI": HSI, "MSI": MSI, "wavelengths": WAVES[None]}
    if form == "mat":
        scipy.io.savemat(path, arrays)
    elif form == "npz":
        np.savez(path, **arrays)
    else:
        write_hdf5(path, arrays, turned=form == "mat73", header=form == "mat73", named=form == "mat73")
    return path


@pytest.mark.parametrize("form", ["mat", "mat73", "npz", "h5"])
def test_hsi_msi_and_wavelengths_in_one_file_are_read_by_their_names(tmp_path: Path, form: str) -> None:
    path = write_pair(tmp_path / f"pair.{form[:3]}", form)
    hsi = read_image_file(path, ReadingOptions(variable="HSI"))
    assert np.allclose(hsi.cube, HSI.transpose(2, 0, 1), atol=1e-6)
    assert hsi.wavelengths_nm is not None
    assert hsi.wavelengths_nm.tolist() == WAVES.tolist()
    msi = read_image_file(path, ReadingOptions(variable="MSI", layout="rows cols bands"))
    assert np.allclose(msi.cube, MSI.transpose(2, 0, 1), atol=1e-6)
    assert msi.wavelengths_nm is None
    assert msi.remarks == ("the 5 wavelengths called wavelengths fit no axis of the image and are not used",)
    with pytest.raises(SceneError, match=r"no wavelengths \(the 5 wavelengths.*--msi-layout"):
        read_image_file(path, ReadingOptions(variable="MSI"))
    with pytest.raises(SceneError, match=r"HSI \(.*MSI \(.*variable= \(in fuse --hsi-variable or --msi-variable\)"):
        read_image_file(path)


@pytest.mark.parametrize("form", ["mat", "mat73", "npz", "h5"])
def test_a_scene_out_of_a_file_with_a_real_msi_says_that_its_own_is_simulated(tmp_path: Path, form: str) -> None:
    scene = read_scene_file(write_pair(tmp_path / f"pair.{form[:3]}", form), ReadingOptions(variable="HSI"))
    assert "the file also holds an MSI (MSI), which is not used" in scene.source
    assert scene.remarks == (scene.source.partition("; ")[2],)


def test_a_panchromatic_image_of_two_axes_is_told_too(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", HSI=HSI, PAN=MSI[..., 0], wl=WAVES, lbl=np.ones((6, 9)))
    assert "also holds an MSI (PAN), which" in read_scene_file(tmp_path / "a.npz").source


def test_wavelengths_on_the_root_of_a_pair_belong_to_the_image_that_they_fit(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "p.h5", "w") as store:
        store["hsi/cube"], store["msi/cube"] = HSI.transpose(2, 0, 1), MSI.transpose(2, 0, 1)
        store.attrs["wavelengths_nm"] = WAVES
    assert read_image_file(tmp_path / "p.h5", ReadingOptions(variable="hsi/cube")).wavelengths_nm is not None
    msi = read_image_file(tmp_path / "p.h5", ReadingOptions(variable="msi/cube"))
    assert (msi.cube.shape, msi.wavelengths_nm) == ((3, 12, 18), None)
    assert "do not fit the 3 bands" in msi.remarks[0]


def test_wavelengths_of_two_images_go_to_the_nearer_one(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "p.h5", "w") as store:
        for name, shift in (("vnir", 0.0), ("swir", 1000.0)):
            store[f"{name}/data"], store[f"{name}/wavelength"] = HSI, WAVES + shift
    assert read_scene_file(tmp_path / "p.h5", ReadingOptions(variable="swir/data")).wavelengths.tolist() == (WAVES + 1000).tolist()
    assert read_scene_file(tmp_path / "p.h5", ReadingOptions(variable="vnir/data")).wavelengths.tolist() == WAVES.tolist()


def test_two_vectors_that_differ_and_are_equally_near_are_not_guessed(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", image=HSI, wl=WAVES, wavelength=WAVES + 1)
    with pytest.raises(SceneError, match=r"several vectors may be its wavelengths \(wl, wavelength\)"):
        read_scene_file(tmp_path / "a.npz", ReadingOptions(layout="rows cols bands"))


def test_a_unit_beside_the_wavelengths_is_used(tmp_path: Path) -> None:
    for unit, factor in (("micrometers", 1e-3), ("m", 1e-9), ("nm", 1.0)):
        with h5py.File(tmp_path / "a.h5", "w") as store:
            store["data"], store["wavelength"] = HSI, WAVES * factor
            store["wavelength"].attrs["units"] = unit
        assert read_scene_file(tmp_path / "a.h5").wavelengths.tolist() == pytest.approx(WAVES.tolist())


def test_wavelengths_that_fit_another_axis_than_the_bands_are_a_contradiction(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as store:
        store["cube"], store["wavelength"] = HSI, WAVES  # `cube` is bands first
    with pytest.raises(SceneError, match=r"expected 6 wavelengths.*got 5 in wavelength.*say which is which"):
        read_image_file(tmp_path / "a.h5")
    assert read_image_file(tmp_path / "a.h5", ReadingOptions(layout="rows cols bands")).cube.shape == (5, 6, 9)


# --- structs and complex arrays


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("name", ["s/deep/cube", "s.deep.cube"])
def test_fields_of_structs_are_read_by_their_path(tmp_path: Path, packed: bool, name: str) -> None:
    cells = np.array([1.0, "a text"], dtype=object)
    before = {"note": "a text", "msi": MSI, "cells": cells, "table": np.zeros(2, [("x", "O"), ("y", "O")])}
    content = {
        "n": 3.0,
        "s": {**before, "deep": {"cube": HSI, "wl": WAVES, "empty": np.zeros((0, 0))}, "after": np.eye(40)},
        "z": np.eye(2),
    }
    scipy.io.savemat(tmp_path / "a.mat", content, do_compression=packed)
    scene = read_scene_file(tmp_path / "a.mat", ReadingOptions(variable=name))
    assert np.allclose(scene.cube, HSI.transpose(2, 0, 1), atol=1e-6)
    assert scene.wavelengths.tolist() == WAVES.tolist()
    msi = read_image_file(tmp_path / "a.mat", ReadingOptions(variable="s/msi", layout="rows cols bands"))
    assert np.allclose(msi.cube, MSI.transpose(2, 0, 1), atol=1e-6)


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_the_only_image_in_a_struct_needs_no_name(tmp_path: Path, dtype: str) -> None:
    cube = (HSI * 1000).astype(dtype)
    scipy.io.savemat(tmp_path / "a.mat", {"s": {"cube": cube, "wavelengths": WAVES}})
    assert np.allclose(read_scene_file(tmp_path / "a.mat", ReadingOptions(scale=1000.0)).cube, cube.transpose(2, 0, 1) / 1000, atol=1e-6)


@pytest.mark.parametrize("form", ["5", "5 in a struct", "7.3", "h5", "npz"])
def test_complex_images_are_refused_as_such(tmp_path: Path, form: str) -> None:
    path, cube = tmp_path / f"a.{'mat' if form[0] in '57' else form}", HSI + 1j
    if form.startswith("5"):
        scipy.io.savemat(path, {"s": {"cube": cube}} if "struct" in form else {"cube": cube})
    elif form == "npz":
        np.savez(path, cube=cube)
    else:
        parts = np.zeros(cube.T.shape, [("real", "f8"), ("imag", "f8")])
        write_hdf5(path, {"cube": parts.T if form == "7.3" else cube}, turned=form == "7.3", header=form == "7.3", named=form == "7.3")
    with pytest.raises(SceneError, match="expected real samples, got complex ones"):
        read_image_file(path, ReadingOptions(layout="rows cols bands"))


# --- .mat files of other programs


def test_a_mat_file_of_plain_hdf5_is_not_reversed(tmp_path: Path) -> None:
    arrays = {"cube": HSI.transpose(2, 0, 1), "wavelengths": WAVES}
    scene = read_scene_file(write_hdf5(tmp_path / "a.mat", arrays, turned=False, header=False, named=False))
    assert np.allclose(scene.cube, arrays["cube"], atol=1e-6)
    assert "not reversed" in scene.source
    bands_last = {"data": HSI, "wavelengths": WAVES}
    scene = read_scene_file(write_hdf5(tmp_path / "b.mat", bands_last, turned=False, header=False, named=False))
    assert np.allclose(scene.cube, arrays["cube"], atol=1e-6)


@pytest.mark.parametrize(("header", "named"), [(True, False), (False, True)])
def test_a_mat_file_of_which_matlab_may_have_written_a_part_asks_for_the_layout(tmp_path: Path, header: bool, named: bool) -> None:
    arrays = {"cube": HSI, "wavelengths": WAVES}
    path = write_hdf5(tmp_path / "a.mat", arrays, turned=False, header=header, named=named)
    with pytest.raises(SceneError, match=r"its axes may be reversed or not; give layout= .* for the shape \(6, 9, 5\)"):
        read_scene_file(path)
    assert np.allclose(read_scene_file(path, ReadingOptions(layout="rows cols bands")).cube, HSI.transpose(2, 0, 1), atol=1e-6)


# --- sound files that cannot be read now


def test_a_locked_file_is_not_called_damaged(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path / "a.h5", {"cube": HSI}, turned=False, header=False, named=False)
    with path.open("r+b") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        try:
            with pytest.raises(SceneError, match="locked or was not closed; close it") as caught:
                read_image_file(path)
        finally:
            fcntl.flock(held, fcntl.LOCK_UN)
    assert "fetch" not in str(caught.value)
    assert read_image_file(path).cube.shape == HSI.shape


def test_samples_that_need_a_filter_plugin_are_not_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as store:
        how = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        how.set_chunk(HSI.shape)
        how.set_filter(31999, h5py.h5z.FLAG_OPTIONAL, (1,))  # a number that nobody has registered
        data = h5py.h5d.create(store.id, b"cube", h5py.h5t.IEEE_F64LE, h5py.h5s.create_simple(HSI.shape), how)
        data.write_direct_chunk((0, 0, 0), HSI.tobytes())
    with pytest.raises(SceneError, match="needs a plugin; repack the file") as caught:
        read_image_file(path)
    assert "fetch" not in str(caught.value)
