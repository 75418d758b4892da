"""Headers, attributes and metadata that cannot be right: each is refused by an error that names the file."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import tifffile
from spectral.io import envi

from datasets.cube_file import CubeFile, read_cube, write_cube
from datasets.files import read_image_file, read_scene_file
from datasets.reading_options import ReadingOptions
from datasets.scene import SceneError
from datasets.tiff_format import is_lossy_tiff
from tests.datasets.hostile import BANDS, BIP, COLS, LAYOUT, ROWS, STORED, VALUES, WAVES, refused

ODD: list[Any] = [np.array([1.0, 2.0]), "a text", float("nan"), float("inf"), np.array([]), 0.0, -1.0, 1e300, 1e-300, h5py.Empty("f4")]


@pytest.mark.parametrize("scale", ODD, ids=repr)
@pytest.mark.parametrize("read", [read_image_file, read_cube])
def test_a_scale_that_is_no_number_of_float32_is_refused(tmp_path: Path, scale: Any, read: Callable[[Path], Any]) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as store:
        store["cube"] = STORED
        store.attrs["scale"] = scale
    refused(lambda: read(path), path, "scale")


@pytest.mark.parametrize("name", ["offset", "wavelengths_nm"])
@pytest.mark.parametrize(
    "value", ["a text", float("nan"), np.array([1.0, float("nan"), 3.0, 4.0, 5.0]), np.array([]), h5py.Empty("f4")], ids=repr
)
@pytest.mark.parametrize("read", [read_image_file, read_cube])
def test_offsets_and_wavelengths_that_are_no_numbers_are_refused(
    tmp_path: Path, name: str, value: Any, read: Callable[[Path], Any]
) -> None:
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as store:
        store["cube"] = VALUES
        store.attrs[name] = value
    refused(lambda: read(path), path, name.partition("_")[0])


def test_a_seal_and_a_name_of_another_kind_are_no_traceback(tmp_path: Path) -> None:
    path = write_cube(tmp_path / "a.h5", CubeFile(VALUES, np.array(WAVES), "mine"))
    with h5py.File(path, "r+") as store:
        store.attrs["sha256"] = np.arange(3)
    refused(lambda: read_cube(path), path, "expected a text in the attribute sha256")
    with h5py.File(path, "r+") as store:
        del store.attrs["sha256"]
        store.attrs["name"] = np.arange(3)
    assert read_scene_file(path).name == "a"


def test_a_sealed_cube_file_that_was_changed_is_refused_as_a_scene_too(tmp_path: Path) -> None:
    path = write_cube(tmp_path / "a.h5", CubeFile(VALUES, np.array(WAVES), "mine"))
    assert read_scene_file(path).name == "mine"
    with h5py.File(path, "r+") as store:
        store["cube"][0, 0, 0] = 0.5
    with pytest.raises(SceneError, match=r"a\.h5: expected the content that was written"):
        read_scene_file(path)


def _envi(folder: Path, **changes: str) -> Path:
    facts = {"wavelength": WAVES, "reflectance scale factor": 10000}
    envi.save_image(str(folder / "a.hdr"), BIP, interleave="bil", metadata=facts, ext="img", force=True)
    header = folder / "a.hdr"
    for name, value in changes.items():
        text, count = re.subn(rf"(?m)^{name.replace('_', ' ')} = .*$", f"{name.replace('_', ' ')} = {value}", header.read_text())
        assert count == 1, name
        header.write_text(text)
    return header


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"interleave": "bsx"}, "`interleave` to be one of bsq, bil, bip, got 'bsx'"),
        ({"byte_order": "7"}, "`byte order` to be one of 0, 1, got '7'"),
        ({"data_type": "6"}, "`data type`"),
        ({"data_type": "99"}, "`data type`"),
        ({"lines": "7"}, "expected 490 bytes, got 420; the file is truncated"),
        ({"lines": "5"}, "expected 350 bytes, got 420; correct lines"),
        ({"lines": "0"}, "`lines`, a whole number of at least 1"),
        ({"bands": "0"}, "`bands`, a whole number of at least 1"),
        ({"samples": "-7"}, "`samples`, a whole number"),
        ({"samples": "99999999999999999999"}, "`samples`, a whole number"),
        ({"samples": "seven"}, "`samples`, a whole number"),
        ({"header_offset": "-4"}, "`header offset`"),
        ({"reflectance_scale_factor": "{1, 2}"}, "reflectance scale factor: expected one finite number"),
        ({"reflectance_scale_factor": "nan"}, "reflectance scale factor: expected one finite number"),
        ({"wavelength": "{1, 2, x, 4, 5}"}, "wavelengths: expected numbers"),
        ({"wavelength": "{"}, "expected an ENVI header"),
    ],
)
def test_an_envi_header_that_cannot_be_right_is_refused(tmp_path: Path, changes: dict[str, str], text: str) -> None:
    header = _envi(tmp_path, **changes)
    assert read_scene_file(_envi(tmp_path)).cube.shape == (BANDS, ROWS, COLS)
    header = _envi(tmp_path, **changes)
    refused(lambda: read_scene_file(header), tmp_path / "a", text)


def test_matlab_files_hold_what_scipy_wrote_in_every_type(tmp_path: Path) -> None:
    for kind in ("uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "uint64", "float32", "float64"):
        cube = (np.random.default_rng(1).random((3, 4, 5)) * 100).astype(kind)
        for packed in (False, True):
            scipy.io.savemat(tmp_path / "a.mat", {"a": cube, "text": "words", "table": {"x": 1}, "flat": np.eye(3)}, do_compression=packed)
            image = read_image_file(tmp_path / "a.mat", ReadingOptions(layout="rows cols bands", scale=4.0))
            assert np.allclose(image.cube, cube.transpose(2, 0, 1).astype(np.float64) / 4, rtol=1e-6), (kind, packed)


def test_a_complex_cube_and_a_file_of_version_4_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mat"
    scipy.io.savemat(path, {"a": VALUES + 1j})
    refused(lambda: read_image_file(path, ReadingOptions(layout=LAYOUT)), path, "expected real samples, got complex ones")
    scipy.io.savemat(path, {"a": np.eye(3)}, format="4")
    refused(lambda: read_image_file(path, ReadingOptions(variable="a", layout="rows cols")), path, "version 5 to 7.3")


@pytest.mark.parametrize("photometric", ["miniswhite", "palette"])
def test_inverted_grey_and_palettes_are_refused(tmp_path: Path, photometric: str) -> None:
    colours = {"colormap": np.zeros((3, 256), np.uint16)} if photometric == "palette" else {}
    tifffile.imwrite(tmp_path / "a.tif", STORED[0].astype(np.uint8), photometric=photometric, metadata=None, **colours)
    refused(lambda: read_image_file(tmp_path / "a.tif", ReadingOptions(scale=255.0)), tmp_path / "a.tif", f"got {photometric.upper()}")


@pytest.mark.parametrize(("compression", "text"), [(34925, "another compression than LZMA"), (5, "undoes alone")])
def test_a_tiff_in_a_compression_without_bound_or_without_its_library_is_refused(tmp_path: Path, compression: int, text: str) -> None:
    if text == "undoes alone" and any(find_spec(name) for name in ("rasterio", "imagecodecs")):
        pytest.skip("a library that undoes this compression is installed")
    tifffile.imwrite(tmp_path / "a.tif", STORED[0], photometric="minisblack", compression="deflate", metadata=None)
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        place = tiff.pages[0].tags["Compression"].valueoffset
    content = bytearray((tmp_path / "a.tif").read_bytes())
    content[place : place + 2] = compression.to_bytes(2, "little")
    (tmp_path / "a.tif").write_bytes(content)
    refused(lambda: read_image_file(tmp_path / "a.tif", ReadingOptions(scale=1.0)), tmp_path / "a.tif", text)


def test_signed_samples_of_a_tiff_keep_their_sign(tmp_path: Path) -> None:
    signed = STORED.astype(np.int16) - 6000
    tifffile.imwrite(tmp_path / "a.tif", signed, photometric="minisblack", planarconfig="separate", metadata=None)
    cube = read_image_file(tmp_path / "a.tif", ReadingOptions(scale=10000.0)).cube
    assert cube.min() < -0.5
    assert np.allclose(cube, signed / 10000, atol=1e-6)


def test_twelve_bits_in_sixteen_are_right_or_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as store:
        kind = h5py.h5t.STD_U16LE.copy()
        kind.set_precision(12)
        space = h5py.h5s.create_simple(VALUES.shape)
        data = h5py.Dataset(h5py.h5d.create(store.id, b"cube", kind, space))
        data[...] = STORED % 4096
    assert np.allclose(read_image_file(tmp_path / "a.h5", ReadingOptions(scale=4095.0)).cube, (STORED % 4096) / 4095, atol=1e-6)
    tifffile.imwrite(tmp_path / "a.tif", STORED[0] % 4096, photometric="minisblack", metadata=None)
    content = bytearray((tmp_path / "a.tif").read_bytes())
    with tifffile.TiffFile(tmp_path / "a.tif") as tiff:
        place = tiff.pages[0].tags["BitsPerSample"].valueoffset
    content[place] = 12
    (tmp_path / "a.tif").write_bytes(content)
    refused(lambda: read_image_file(tmp_path / "a.tif", ReadingOptions(scale=4095.0)), tmp_path / "a.tif", "expected")


NESTED = "".join(f'<!ENTITY {after} "{f"&{before};" * 10}">' for before, after in zip("abcdefgh", "bcdefghi", strict=True))
LAUGHS = f'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">{NESTED}]>'


@pytest.mark.parametrize(
    ("xml", "text"),
    [
        ("<GDALMetadata><Item", "GDAL's metadata as XML"),
        ("", "GDAL's metadata as XML"),
        (f"{LAUGHS}<GDALMetadata><Item name='x'>&i;</Item></GDALMetadata>", "without document types and entities"),
        ("<G><Item name='SCALE' sample='x'>1</Item></G>", "GDAL's metadata as XML"),
        ("<G><Item name='SCALE' sample='0'>one</Item></G>", "GDAL's metadata as XML"),
        ("<G><Item name='SCALE' sample='0'>0</Item></G>", "scale other than 0"),
        ("<G><Item name='SCALE' sample='0'>nan</Item></G>", "expected one finite number"),
        ("<G><Item name='SCALE' sample='0'>1</Item><Item name='SCALE' sample='7'>2</Item></G>", "scale of bands 0 to 4, got band 7"),
        ("<G>" + "<a>" * 100000 + "</G>", "GDAL's metadata as XML"),
    ],
)
def test_broken_or_exponential_metadata_of_gdal_are_refused(tmp_path: Path, xml: str, text: str) -> None:
    path = tmp_path / "a.tif"
    tags = [(42112, "s", 0, xml or " ", True)]
    tifffile.imwrite(path, STORED, photometric="minisblack", planarconfig="separate", metadata=None, extratags=tags)
    refused(lambda: read_image_file(path, ReadingOptions(scale=10000.0)), path, text)


def test_a_broken_or_hostile_tiff_is_not_called_lossy(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.tif")
    assert not is_lossy_tiff(tmp_path / "a.tif")


def test_texts_of_hdf5_whose_lengths_make_the_library_step_for_ever_are_refused(tmp_path: Path) -> None:
    path = write_cube(tmp_path / "a.h5", CubeFile(VALUES, np.array(WAVES), "mine", {"source": "a maker", "licence": "free"}))
    whole = path.read_bytes()
    first = whole.index(b"GCOL") + 16  # the first object: number, uses, nothing, length
    assert whole[first : first + 2] == b"\x01\x00"
    for changes in (
        {8: b"\xf0" + b"\xff" * 7},
        {0: b"\x00\x00", 8: bytes(8)},
        {8: b"\x00\x00\x01" + bytes(5)},
    ):  # steps of 0 bytes, and too far
        changed = bytearray(whole)
        for place, part in changes.items():
            changed[first + place : first + place + len(part)] = part
        path.write_bytes(changed)
        for read in (read_cube, read_image_file):
            refused(lambda read=read: read(path), path, "texts at byte .* whose lengths cannot be")
