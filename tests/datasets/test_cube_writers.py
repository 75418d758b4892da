"""Cubes written as each format, read back by our reader and by an independent one."""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile
from numpy.typing import NDArray
from scipy.io import loadmat
from spectral.io import envi

from datasets.cube_file import CubeFile
from datasets.cube_writers import expect_cube_output, files_of_cube, write_cube_as
from datasets.files import read_image_file
from datasets.georeference import Georeference, read_georeference
from datasets.output_files import OutputFileError, expect_output_file, expect_writable_folder

ENDINGS = (".h5", ".hdf5", ".mat", ".npz", ".hdr", ".tif", ".tiff")
NOTES = {"method": "gsa <&> ü", "parameters": "{'rank': 3}", "seconds": 0.25}


def lopsided(bands: int = 5) -> CubeFile:
    cube = np.random.default_rng(4).normal(0.3, 0.2, (bands, 7, 11)).astype(np.float32)
    return CubeFile(cube, np.linspace(400.25, 901.125, bands), "mine", NOTES)


def independent(file: Path) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Cube (bands, rows, cols) and wavelengths, by a library that our reader does not use for it."""
    if file.suffix in (".h5", ".hdf5"):
        with h5py.File(file) as store:
            return store["cube"][()], store.attrs["wavelengths_nm"]
    if file.suffix == ".mat":
        found = loadmat(file)
        return found["cube"].transpose(2, 0, 1), found["wavelengths_nm"].reshape(-1)
    if file.suffix == ".npz":
        with np.load(file, allow_pickle=False) as found:
            return found["cube"], found["wavelengths_nm"]
    if file.suffix == ".hdr":
        image = envi.open(str(file))
        return np.asarray(image.load()).transpose(2, 0, 1), np.array(image.bands.centers)
    with tifffile.TiffFile(file) as tiff:
        text = tiff.pages[0].tags["GDAL_METADATA"].value
        waves = [float(part.split("<")[0]) for part in text.split('name="wavelength" sample="')[1:] for part in [part.split(">")[1]]]
        return tiff.asarray(), np.array(waves)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_written_cube_is_read_back_as_the_same_cube(ending: str, tmp_path: Path) -> None:
    content, file = lopsided(), tmp_path / "below" / f"out{ending}"
    assert write_cube_as(file, content) == file
    ours = read_image_file(file)
    assert np.array_equal(ours.cube, content.cube)
    assert ours.wavelengths_nm is not None
    assert np.array_equal(ours.wavelengths_nm, content.wavelengths_nm)
    cube, waves = independent(file)
    assert np.array_equal(cube, content.cube)
    assert np.array_equal(waves, content.wavelengths_nm)
    assert sorted(path.name for path in file.parent.iterdir()) == sorted(path.name for path in files_of_cube(file)), "nothing else is left"


@pytest.mark.parametrize("bands", [1, 3, 4])
def test_a_tiff_of_any_number_of_bands_keeps_its_planes(bands: int, tmp_path: Path) -> None:
    content = lopsided(bands)
    read = read_image_file(write_cube_as(tmp_path / "out.tif", content))
    assert np.array_equal(read.cube, content.cube)


@pytest.mark.parametrize("ending", [".mat", ".npz"])
def test_the_notes_are_a_text_in_the_file(ending: str, tmp_path: Path) -> None:
    file = write_cube_as(tmp_path / f"out{ending}", lopsided())
    text = str(loadmat(file)["about"][0] if ending == ".mat" else np.load(file)["about"])
    assert "parameters: {'rank': 3}" in text


def test_a_geotiff_has_the_place_that_another_one_had(tmp_path: Path) -> None:
    keys = (1, 1, 0, 2, 1024, 0, 1, 1, 3072, 0, 1, 32633)
    tags = [
        (33550, "d", 3, (10.0, 10.0, 0.0), True),
        (33922, "d", 6, (0.0, 0.0, 0.0, 400000.0, 5800000.0, 0.0), True),
        (34735, "H", len(keys), keys, True),
        (34736, "d", 1, (6378137.0,), True),
        (34737, "s", 0, "WGS 84 / UTM zone 33N|", True),
    ]
    tifffile.imwrite(tmp_path / "msi.tif", np.zeros((7, 11), np.float32), extratags=tags)
    place = read_georeference(tmp_path / "msi.tif").moved(2, 3)
    write_cube_as(tmp_path / "out.tif", lopsided(), place)
    with tifffile.TiffFile(tmp_path / "out.tif") as tiff:
        page = tiff.pages[0]
        assert page.tags[33550].value == (10.0, 10.0, 0.0)
        assert page.tags[33922].value == (-3.0, -2.0, 0.0, 400000.0, 5800000.0, 0.0), "raster (-3, -2) of the crop is that corner"
        assert page.tags[34735].value == keys
        assert page.tags[34736].value in ((6378137.0,), 6378137.0)
        assert page.tags[34737].value == "WGS 84 / UTM zone 33N|"
        assert page.geotiff_tags["ProjectedCSTypeGeoKey"] == 32633


def test_a_matrix_of_a_geotiff_moves_with_the_crop() -> None:
    matrix = (2.0, 0.5, 0.0, 100.0, 0.25, -3.0, 0.0, 900.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0)
    moved = np.reshape(Georeference(tags={34264: matrix}).moved(4, 7).tags[34264], (4, 4))
    assert np.allclose(moved @ [1, 2, 0, 1], np.reshape(matrix, (4, 4)) @ [1 + 7, 2 + 4, 0, 1])


def test_an_envi_header_has_the_place_that_another_one_had(tmp_path: Path) -> None:
    info = ["UTM", "1", "1", "400000", "5800000", "10", "10", "33", "North", "WGS-84"]
    write_cube_as(tmp_path / "msi.hdr", lopsided(), Georeference(entries={"map info": info}))
    write_cube_as(tmp_path / "out.hdr", lopsided(), read_georeference(tmp_path / "msi.img").moved(2, 3))
    assert envi.read_envi_header(str(tmp_path / "out.hdr"))["map info"][:4] == ["UTM", "-2", "-1", "400000"]


@pytest.mark.parametrize("name", ["out.xyz", "out", "out.h5.gz", "out.npy"])
def test_another_ending_is_refused_before_the_work(name: str, tmp_path: Path) -> None:
    with pytest.raises(OutputFileError, match="expected a file ending in"):
        expect_cube_output(tmp_path / name, (2, 3, 4))


def test_a_cube_beyond_the_format_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(OutputFileError, match=r"\.h5 or \.tif"):
        expect_cube_output(tmp_path / "out.mat", (100, 3000, 3000))
    expect_cube_output(tmp_path / "out.npz", (100, 3000, 3000))


def test_an_input_is_no_output_whatever_its_path_is(tmp_path: Path) -> None:
    (tmp_path / "in.h5").write_bytes(b"x")
    (tmp_path / "link.h5").symlink_to(tmp_path / "in.h5")
    os.link(tmp_path / "in.h5", tmp_path / "hard.h5")
    for name in ("in.h5", "link.h5", "hard.h5"):
        with pytest.raises(OutputFileError, match="no input"):
            expect_output_file(tmp_path / name, [tmp_path / "in.h5"])
    (tmp_path / "scan.img").write_bytes(b"x")
    with pytest.raises(OutputFileError, match="no input"):
        expect_cube_output(tmp_path / "scan.hdr", (2, 3, 4), (tmp_path / "scan.img",))


def test_a_place_that_cannot_be_written_to_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for place in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/nothing")):
        with pytest.raises(OutputFileError, match="expected a folder"):
            expect_writable_folder(place, "--out")
    with pytest.raises(OutputFileError, match="a folder"):
        expect_output_file(tmp_path)
    expect_writable_folder(tmp_path / "new" / "deep", "--out")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_larger_pixels_keep_the_corner_and_the_ground() -> None:
    tags = {33550: (9.0, 9.0, 0.0), 33922: (0.0, 0.0, 0.0, 400000.0, 5800000.0, 0.0)}
    larger = Georeference(tags=tags).enlarged(10 / 9).tags
    assert larger[33550] == pytest.approx((10.0, 10.0, 0.0))
    assert larger[33922] == tags[33922]
    matrix = np.array([[9.0, 0, 0, 5], [0, -9, 0, 7], [0, 0, 0, 0], [0, 0, 0, 1]])
    scaled = np.reshape(Georeference(tags={34264: tuple(matrix.reshape(-1).tolist())}).enlarged(1.5).tags[34264], (4, 4))
    assert np.allclose(scaled @ [2, 4, 0, 1], matrix @ [3, 6, 0, 1])
    info = ["UTM", "1.5", "1", "0", "0", "9", "9", "33", "North"]
    assert Georeference(entries={"map info": info}).enlarged(2.0).entries["map info"] == [
        "UTM",
        "1.25",
        "1",
        "0",
        "0",
        "18",
        "18",
        "33",
        "North",
    ]
