"""Only regular files are opened, and no code of theirs runs."""

from __future__ import annotations

import json
import os
import pickle
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image
from spectral.io import envi

from datasets.cube_file import read_cube
from datasets.files import read_image_file, read_pair_file
from datasets.input_files import InputFileError
from datasets.psfs import FromFile
from datasets.scene import SceneError
from datasets.sensors import read_sensor
from datasets.sets import cave
from tests.datasets.hostile import BIP, npy_bytes, refused

READERS: list[tuple[str, Callable[[Path], Any]]] = [
    *((f"a{ending}", read_image_file) for ending in (".h5", ".mat", ".npz", ".npy", ".hdr", ".tif")),
    ("a.h5", read_cube),
    ("a.h5", read_pair_file),
    ("a.npy", lambda path: FromFile(path).kernel(2)),
    ("a.csv", lambda path: FromFile(path).kernel(2)),
    ("a.csv", lambda path: FromFile(path).numbers()),
    ("a.csv", read_sensor),
]


@pytest.mark.parametrize(("name", "read"), READERS)
@pytest.mark.parametrize("kind", ["a FIFO", "a folder", "nothing there", "a link to a FIFO", "a device"])
def test_only_a_regular_file_is_opened(tmp_path: Path, name: str, read: Callable[[Path], Any], kind: str) -> None:
    path = tmp_path / name
    if kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a folder":
        path.mkdir()
    elif kind == "a link to a FIFO":
        os.mkfifo(tmp_path / "pipe")
        path.symlink_to(tmp_path / "pipe")
    elif kind == "a device":
        path.symlink_to("/dev/zero")
    refused(lambda: read(path), path, kind.removeprefix("a link to "))


def test_the_data_file_of_envi_is_a_regular_file(tmp_path: Path) -> None:
    envi.save_image(str(tmp_path / "a.hdr"), BIP, ext="img")
    (tmp_path / "a.img").unlink()
    os.mkfifo(tmp_path / "a.img")
    refused(lambda: read_image_file(tmp_path / "a.hdr"), tmp_path / "a.img", "got a FIFO")


def test_a_band_of_cave_is_a_regular_file_of_the_right_size(tmp_path: Path) -> None:
    folder = tmp_path / "balloons_ms"
    folder.mkdir()
    for band in range(1, 32):
        Image.fromarray(np.full((8, 8), band, np.uint16)).save(folder / f"balloons_ms_{band:02d}.png")
    band = folder / "balloons_ms_05.png"
    band.unlink()
    os.mkfifo(band)
    refused(lambda: cave.read_scene(tmp_path, "balloons", side=8), band, "got a FIFO")
    band.unlink()
    band.write_bytes(_png(100000, 100000))
    refused(lambda: cave.read_scene(tmp_path, "balloons", side=8), band, "expected a whole image|expected 8 x 8 pixels")
    band.write_bytes(_png(12000, 12000))  # a number of pixels of which Pillow only warns
    with warnings.catch_warnings(action="ignore"):
        refused(lambda: cave.read_scene(tmp_path, "balloons", side=8), band, "expected 8 x 8 pixels, got 12000 x 12000")
    band.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n")  # Pillow would start Ghostscript
    refused(lambda: cave.read_scene(tmp_path, "balloons", side=8), band, "cannot identify image file")


def _png(rows: int, cols: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", cols, rows, 16, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def test_a_tiff_of_cave_with_inverted_grey_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "balloons_ms"
    folder.mkdir()
    for band in range(1, 32):
        tifffile.imwrite(folder / f"balloons_ms_{band:02d}.tif", np.full((8, 8), band, np.uint16), photometric="minisblack")
    assert cave.read_scene(tmp_path, "balloons", side=8).cube.shape == (31, 8, 8)
    band_file = folder / "balloons_ms_05.tif"
    tifffile.imwrite(band_file, np.full((8, 8), 5, np.uint16), photometric="miniswhite")
    refused(lambda: cave.read_scene(tmp_path, "balloons", side=8), band_file, "expected")


class _Planted:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.mark,)


def test_no_reader_runs_code_from_a_file(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    planted = pickle.dumps(_Planted(mark))
    pickle.loads(planted)
    assert mark.exists()
    mark.unlink()
    objects = npy_bytes("(1,)", "|O", planted)
    for ending in (".npy", ".npz", ".mat", ".h5", ".hdr", ".tif", ".csv"):
        for number, content in enumerate((planted, objects)):
            path = tmp_path / f"a{number}{ending}"
            path.write_bytes(content)
            for read in (read_image_file, lambda path: FromFile(path).kernel(2), read_sensor, read_cube, read_pair_file):
                with pytest.raises(InputFileError):
                    read(path)
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("image.npy", objects)
    refused(lambda: read_image_file(tmp_path / "b.npz"), tmp_path / "b.npz", "never unpickled")
    assert not mark.exists()


def test_the_error_of_a_library_is_one_printable_line(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("\x1b[31m\n" * 2000 + ".txt", json.dumps({}))
    with pytest.raises(SceneError) as caught:
        read_image_file(path)
    assert len(str(caught.value)) < 2010
    assert "\x1b" not in str(caught.value)
