from __future__ import annotations

from itertools import permutations
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile
import torch
from numpy.typing import NDArray
from spectral.io import envi

from datasets.cube_file import CubeFile, write_cube
from datasets.files import read_image_file, read_pair_file, read_scene_file, rising_bands
from datasets.reading_options import ReadingOptions
from datasets.scene import SceneError
from datasets.stored_image import nanometres

BANDS, ROWS, COLS = 5, 6, 7
WAVES = [410.0, 470.5, 533.0, 610.0, 705.0]
STORED: NDArray[np.uint16] = np.random.default_rng(8).integers(0, 12000, (BANDS, ROWS, COLS), dtype=np.uint16)
VALUES: NDArray[np.float32] = STORED.astype(np.float32) / np.float32(10000)
BIP = np.ascontiguousarray(STORED.transpose(1, 2, 0))


def holds_the_values(cube: NDArray[np.float32] | torch.Tensor) -> bool:
    return cube.shape == VALUES.shape and bool(np.allclose(np.asarray(cube), VALUES, atol=1e-7))


def write_v73(path: Path, **arrays: NDArray[np.generic]) -> Path:
    """A MATLAB 7.3 file: HDF5 behind a 512-byte header, axes reversed."""
    with h5py.File(path, "w", userblock_size=512) as store:
        for name, array in arrays.items():
            data = store.create_dataset(name, data=array.T)
            data.attrs["MATLAB_class"] = np.bytes_("char" if array.dtype == np.uint16 and array.ndim == 2 else "double")
    header = b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: a day".ljust(124) + b"\x00\x02IM"
    with path.open("r+b") as raw:
        raw.write(header)
    return path


# --- our own cube files, HDF5


def test_our_own_cube_file_needs_no_options(tmp_path: Path) -> None:
    path = write_cube(tmp_path / "a.h5", CubeFile(VALUES, np.array(WAVES), "mine", {"source": "a maker"}))
    scene = read_scene_file(path)
    assert (scene.name, scene.source) == ("mine", "a maker")
    assert holds_the_values(scene.cube)
    assert scene.wavelengths.tolist() == WAVES


def test_a_quantised_cube_file_is_read_with_its_scale_and_offset(tmp_path: Path) -> None:
    path = write_cube(tmp_path / "a.h5", CubeFile(VALUES + 3, np.array(WAVES)), quantise=True)
    assert np.allclose(read_image_file(path).cube, VALUES + 3, atol=3e-5)


def test_integers_without_a_scale_are_refused_and_an_argument_helps(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as store:
        store["cube"] = STORED
        store["wavelengths"] = np.array(WAVES)
    with pytest.raises(SceneError, match=r"expected a scale for uint16.*never the image's maximum"):
        read_scene_file(tmp_path / "a.h5")
    assert holds_the_values(read_scene_file(tmp_path / "a.h5", ReadingOptions(scale=10000.0)).cube)


def test_a_named_variable_deep_in_an_hdf5_file_is_found(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.he5", "w") as store:
        store["swath/data/vnir"] = BIP
        store["swath/data/swir"] = np.zeros((ROWS, COLS, 3))
        store["swath/wavelength"] = np.array(WAVES) / 1000
        store["swath/data"].attrs["scale"] = 10000.0
    with pytest.raises(SceneError, match=r"one three-dimensional variable.*swath/data/swir \(6, 7, 3\).*swath/data/vnir"):
        read_image_file(tmp_path / "a.he5")
    image = read_image_file(tmp_path / "a.he5", ReadingOptions(variable="swath/data/vnir"))
    assert holds_the_values(image.cube)
    assert image.wavelengths_nm == pytest.approx(WAVES)
    with pytest.raises(SceneError, match=r"variable 'swath/x'.*vnir"):
        read_image_file(tmp_path / "a.he5", ReadingOptions(variable="swath/x"))


# --- MATLAB, both versions


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_a_mat_file_keeps_matlabs_axis_order_in_both_versions(tmp_path: Path, version: str) -> None:
    path, arrays = tmp_path / "a.mat", {"ref": BIP.astype(np.float64) / 10000, "wavelength": np.array([WAVES]), "n": np.array([[3.0]])}
    if version == "5":
        scipy.io.savemat(path, arrays)
    else:
        write_v73(path, title=np.array([[104, 105]], np.uint16), **arrays)
    scene = read_scene_file(path)
    assert holds_the_values(scene.cube)
    assert scene.wavelengths.tolist() == WAVES
    assert scene.name == "a"


@pytest.mark.parametrize("version", ["5", "7.3"])
def test_a_mat_file_without_wavelengths_asks_for_the_layout(tmp_path: Path, version: str) -> None:
    path = tmp_path / "a.mat"
    if version == "5":
        scipy.io.savemat(path, {"ref": BIP})
    else:
        write_v73(path, ref=BIP)
    with pytest.raises(SceneError, match=r"shape \(6, 7, 5\).*layout="):
        read_image_file(path, ReadingOptions(scale=10000.0))
    assert holds_the_values(read_image_file(path, ReadingOptions(scale=10000.0, layout="rows cols bands")).cube)


def test_a_mat_file_with_two_cubes_lists_them(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"hsi": BIP, "ref": BIP})
    with pytest.raises(SceneError, match=r"hsi \(6, 7, 5\), ref \(6, 7, 5\); name the image with variable="):
        read_image_file(tmp_path / "a.mat")


@pytest.mark.parametrize("version", ["5", "7.3"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_truncated_mat_file_is_an_error(tmp_path: Path, version: str, share: float) -> None:
    path, large = tmp_path / "a.mat", np.random.default_rng(0).random((20, 30, 5))
    if version == "5":
        scipy.io.savemat(path, {"ref": large}, do_compression=True)
    else:
        write_v73(path, ref=large)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(SceneError, match=r"a\.mat: expected"):
        read_image_file(path, ReadingOptions(layout="rows cols bands"))


# --- numpy


def test_the_axis_of_as_many_entries_as_wavelengths_is_the_bands(tmp_path: Path) -> None:
    for axes in permutations(range(3)):
        if axes.index(1) < axes.index(2):  # rows before columns
            np.savez(tmp_path / "a.npz", image=VALUES.transpose(axes), wl=np.array(WAVES))
            assert holds_the_values(read_scene_file(tmp_path / "a.npz").cube)


def test_any_layout_that_is_said_is_obeyed(tmp_path: Path) -> None:
    names = ("bands", "rows", "cols")
    for axes in permutations(range(3)):
        np.save(tmp_path / "a.npy", VALUES.transpose(axes))
        image = read_image_file(tmp_path / "a.npy", ReadingOptions(layout=" ".join(names[axis] for axis in axes)))
        assert holds_the_values(image.cube)
        assert image.wavelengths_nm is None


def test_two_axes_of_the_number_of_wavelengths_are_not_guessed(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", image=np.zeros((5, 5, 9)), wl=np.array(WAVES))
    with pytest.raises(SceneError, match=r"one axis of 5.*\(5, 5, 9\).*layout="):
        read_scene_file(tmp_path / "a.npz")
    assert read_scene_file(tmp_path / "a.npz", ReadingOptions(layout="rows bands cols")).cube.shape == (5, 5, 9)


def test_a_flat_image_is_one_band(tmp_path: Path) -> None:
    np.save(tmp_path / "pan.npy", VALUES[0])
    with pytest.raises(SceneError, match=r"expected a known axis order, got shape \(6, 7\)"):
        read_image_file(tmp_path / "pan.npy")
    assert np.array_equal(read_image_file(tmp_path / "pan.npy", ReadingOptions(layout="rows cols")).cube, VALUES[:1])


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(SceneError, match=r"whole \.npy file"):
        read_image_file(tmp_path / "a.npy")


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_a_truncated_numpy_file_is_an_error(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    np.savez(path, a=VALUES) if name.endswith("z") else np.save(path, VALUES)
    path.write_bytes(path.read_bytes()[:300])
    with pytest.raises(SceneError, match="expected a whole"):
        read_image_file(path, ReadingOptions(layout="bands rows cols"))


# --- ENVI


@pytest.mark.parametrize("interleave", ["bsq", "bil", "bip"])
@pytest.mark.parametrize("big_endian", [False, True])
@pytest.mark.parametrize("by", ["header", "data"])
def test_every_interleave_and_byte_order_of_envi_gives_the_same_scene(tmp_path: Path, interleave: str, big_endian: bool, by: str) -> None:
    facts = {"wavelength": WAVES, "wavelength units": "Nanometers", "reflectance scale factor": 10000}
    envi.save_image(str(tmp_path / "a.hdr"), BIP, interleave=interleave, metadata=facts, byteorder=int(big_endian), ext="img")
    scene = read_scene_file(tmp_path / ("a.hdr" if by == "header" else "a.img"))
    assert holds_the_values(scene.cube)
    assert scene.wavelengths.tolist() == WAVES


def test_envi_wavelengths_in_micrometers_become_nanometers(tmp_path: Path) -> None:
    facts = {"wavelength": [wave / 1000 for wave in WAVES], "wavelength units": "Micrometers"}
    envi.save_image(str(tmp_path / "a.hdr"), BIP.astype(np.float32), metadata=facts)
    assert read_scene_file(tmp_path / "a.hdr").wavelengths.tolist() == pytest.approx(WAVES)


def test_truncated_envi_data_and_its_no_data_values_are_errors(tmp_path: Path) -> None:
    cube = BIP.copy()
    cube[2, 3, 1] = 65535
    facts = {"wavelength": WAVES, "data ignore value": 65535, "reflectance scale factor": 10000}
    envi.save_image(str(tmp_path / "a.hdr"), cube, metadata=facts, ext="img")
    with pytest.raises(SceneError, match="0 NaN or Inf and 1 no-data values of 210"):
        read_scene_file(tmp_path / "a.hdr")
    data = tmp_path / "a.img"
    data.write_bytes(data.read_bytes()[:-2])
    with pytest.raises(SceneError, match=r"a\.img: expected 420 bytes, got 418"):
        read_scene_file(tmp_path / "a.hdr")


def test_a_header_without_data_and_data_without_header_are_errors(tmp_path: Path) -> None:
    (tmp_path / "b.img").write_bytes(b"x")
    with pytest.raises(SceneError, match=r"b\.hdr or b\.img\.hdr"):
        read_image_file(tmp_path / "b.img")
    (tmp_path / "c.hdr").write_text("no header at all")
    with pytest.raises(SceneError, match="expected an ENVI header"):
        read_image_file(tmp_path / "c.hdr")


# --- GeoTIFF


@pytest.mark.parametrize("planar", ["separate", "contig", "pages"])
def test_bands_of_a_geotiff_are_known_from_its_tags(tmp_path: Path, planar: str) -> None:
    if planar == "pages":
        tifffile.imwrite(tmp_path / "a.tif", STORED, photometric="minisblack", metadata=None)
    else:
        image = STORED if planar == "separate" else BIP
        tifffile.imwrite(tmp_path / "a.tif", image, photometric="minisblack", planarconfig=planar, metadata=None)
    assert holds_the_values(read_scene_file(tmp_path / "a.tif", ReadingOptions(wavelengths=tuple(WAVES), scale=10000.0)).cube)


def test_gdal_metadata_of_a_geotiff_gives_wavelengths_scale_and_no_data(tmp_path: Path) -> None:
    items = "".join(
        f'<Item name="wavelength" sample="{band}">{wave / 1000}</Item><Item name="SCALE" sample="{band}" role="scale">0.0001</Item>'
        for band, wave in enumerate(WAVES)
    )
    xml = f'<GDALMetadata><Item name="wavelength_units">Micrometers</Item>{items}</GDALMetadata>'
    tags = [(42112, "s", 0, xml, True), (42113, "s", 0, "65535", True)]
    tifffile.imwrite(tmp_path / "a.tif", STORED, photometric="minisblack", planarconfig="separate", metadata=None, extratags=tags)
    scene = read_scene_file(tmp_path / "a.tif")
    assert holds_the_values(scene.cube)
    assert scene.wavelengths.tolist() == pytest.approx(WAVES)
    holed = STORED.copy()
    holed[1, 2, 3] = 65535
    tifffile.imwrite(tmp_path / "b.tif", holed, photometric="minisblack", planarconfig="separate", metadata=None, extratags=tags)
    with pytest.raises(SceneError, match="1 no-data values"):
        read_scene_file(tmp_path / "b.tif")


def test_a_panchromatic_geotiff_is_an_image_of_one_band(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "pan.tif", STORED[0], photometric="minisblack")
    assert np.allclose(read_image_file(tmp_path / "pan.tif", ReadingOptions(scale=10000.0)).cube, VALUES[:1])


def test_a_truncated_geotiff_is_an_error(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STORED, photometric="minisblack", planarconfig="separate", metadata=None)
    whole = (tmp_path / "a.tif").read_bytes()
    for size in (0, 40, len(whole) - 20):
        (tmp_path / "b.tif").write_bytes(whole[:size])
        with pytest.raises(SceneError, match="expected"):
            read_image_file(tmp_path / "b.tif", ReadingOptions(scale=1.0))


# --- what holds for all


def test_values_that_are_not_finite_are_counted(tmp_path: Path) -> None:
    holed = VALUES.copy()
    holed[0, 1, 2], holed[3, 0, 0] = np.nan, np.inf
    np.save(tmp_path / "a.npy", holed)
    with pytest.raises(SceneError, match="2 NaN or Inf and 0 no-data values of 210"):
        read_image_file(tmp_path / "a.npy", ReadingOptions(layout="bands rows cols"))


def test_floating_samples_are_taken_as_they_are_unless_a_scale_is_given(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", VALUES * 4)
    assert np.array_equal(read_image_file(tmp_path / "a.npy", ReadingOptions(layout="bands rows cols")).cube, VALUES * 4)
    assert holds_the_values(read_image_file(tmp_path / "a.npy", ReadingOptions(layout="bands rows cols", scale=4.0)).cube)


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan")])
def test_a_scale_that_is_none_is_refused(tmp_path: Path, scale: float) -> None:
    np.save(tmp_path / "a.npy", VALUES)
    with pytest.raises(SceneError, match="expected a scale above 0"):
        read_image_file(tmp_path / "a.npy", ReadingOptions(layout="bands rows cols", scale=scale))


@pytest.mark.parametrize("layout", ["bands rows", "bands rows columns", "bands bands rows", "bands rows cols time", "rows cols"])
def test_a_layout_in_other_words_is_an_error(tmp_path: Path, layout: str) -> None:
    np.save(tmp_path / "a.npy", VALUES)
    with pytest.raises(SceneError, match="the words bands, rows, cols"):
        read_image_file(tmp_path / "a.npy", ReadingOptions(layout=layout))


def test_wavelengths_of_another_number_than_bands_are_an_error(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", VALUES)
    with pytest.raises(SceneError, match="expected 5 wavelengths, one per band, got 4"):
        read_scene_file(tmp_path / "a.npy", ReadingOptions(layout="bands rows cols", wavelengths=tuple(WAVES[:4])))


def test_a_scene_without_wavelengths_asks_for_them(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", VALUES)
    with pytest.raises(SceneError, match="give them with wavelengths="):
        read_scene_file(tmp_path / "a.npy", ReadingOptions(layout="bands rows cols"))


def test_a_file_of_an_unknown_kind_or_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"ending in \.h5, .*got \.xyz"):
        read_image_file(tmp_path / "a.xyz")
    with pytest.raises(SceneError, match="nothing there"):
        read_image_file(tmp_path / "a.h5")


def test_overlapping_bands_are_an_error_or_dropped_with_a_note(tmp_path: Path) -> None:
    waves = [900.0, 950.0, 990.0, 905.0, 989.0, 995.0, 1010.0]
    cube = np.random.default_rng(2).random((7, 4, 3)).astype(np.float32)
    path = write_cube(tmp_path / "a.h5", CubeFile(cube, np.array(waves), "enmap", {"source": "satellite"}))
    with pytest.raises(SceneError, match="wavelengths that rise"):
        read_scene_file(path)
    scene = read_scene_file(path, ReadingOptions(overlap="drop"))
    assert scene.wavelengths.tolist() == [900.0, 950.0, 990.0, 995.0, 1010.0]
    assert np.array_equal(scene.cube, cube[[0, 1, 2, 5, 6]])
    assert scene.source == "satellite; 2 of 7 bands dropped where the wavelengths overlap"


def test_bands_in_falling_order_are_not_dropped_but_refused(tmp_path: Path) -> None:
    path = write_cube(tmp_path / "a.h5", CubeFile(VALUES, np.array(WAVES[::-1])))
    with pytest.raises(SceneError, match="1 rising of 5; sort the bands"):
        read_scene_file(path, ReadingOptions(overlap="drop"))


def test_rising_bands_agree_with_a_loop() -> None:
    rng = np.random.default_rng(4)
    for _ in range(20):
        waves = rng.integers(0, 12, 9).astype(np.float64)
        kept: list[int] = []
        for band, wave in enumerate(waves):
            if not kept or wave > waves[kept[-1]]:
                kept.append(band)
        assert rising_bands(waves) == kept


def test_wavelengths_in_neither_range_are_refused() -> None:
    assert nanometres(np.array([0.4, 2.5])) == pytest.approx([400.0, 2500.0])
    for values, unit in (([1.0, 2.0, 300.0], None), ([400.0, 500.0], "Index"), ([0.0, 1.0], None)):
        with pytest.raises(SceneError, match="expected nm"):
            nanometres(np.array(values), unit)


# --- pairs


def test_a_pair_file_keeps_each_images_scale_and_wavelengths(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "p.h5", "w") as store:
        store.attrs["name"], store.attrs["ratio"] = "a pair", 2.0
        for group, cube, scale in (("hsi", STORED, 10000.0), ("msi", np.full((3, 12, 14), 51, np.uint16), 255.0)):
            store[f"{group}/cube"] = cube
            store[group].attrs["scale"] = scale
        store["hsi"].attrs["wavelengths_nm"] = np.array(WAVES)
    pair = read_pair_file(tmp_path / "p.h5")
    assert pair.name == "a pair"
    assert holds_the_values(pair.hsi.cube)
    assert pair.hsi.wavelengths_nm == pytest.approx(WAVES)
    assert pair.msi is not None
    assert np.allclose(pair.msi.cube, 0.2)
    assert (pair.msi.wavelengths_nm, pair.reference, pair.notes["ratio"]) == (None, None, 2.0)


def test_a_single_image_is_no_pair(tmp_path: Path) -> None:
    path = write_cube(tmp_path / "a.h5", CubeFile(VALUES))
    with pytest.raises(SceneError, match=r"expected a group hsi.*got cube; is it a single image"):
        read_pair_file(path)
    (tmp_path / "b.h5").write_bytes(b"no HDF5")
    with pytest.raises(SceneError, match="expected an HDF5 file"):
        read_pair_file(tmp_path / "b.h5")


def test_the_real_pairs_are_read_with_their_ratios(data_root: Path) -> None:
    if not (data_root / "pairs").is_dir():
        pytest.skip("needs pairs/ in the data root")
    pan = read_pair_file(data_root / "pairs" / "paris_hyperion_ali_pan.h5")
    assert pan.msi is not None
    assert (pan.hsi.cube.shape, pan.msi.cube.shape, pan.reference) == ((128, 72, 58), (1, 216, 174), None)
    assert pan.msi.cube.max() == pytest.approx(2.29, abs=0.01)
    berlin = read_pair_file(data_root / "pairs" / "berlin_hymap9m_enmap30m.h5")
    assert berlin.reference is not None
    assert (berlin.msi, berlin.reference.cube.shape) == (None, (111, 100, 67))
