"""Files that promise more than they hold, or more than the memory: refused by what they declare, before their values are read."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from datasets.cube_file import CubeFileError, opened, read_cube
from datasets.files import read_image_file, read_pair_file
from datasets.psfs import FromFile
from datasets.reading_options import ReadingOptions
from tests.datasets.hostile import LAYOUT, STORED, VALUES, npy_bytes, refused

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _half_a_gigabyte(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HMIF_MAX_GB", "0.5")


def _deflated_zeros(count: int) -> bytes:
    packer = zlib.compressobj(9)
    block = bytes(2**20)
    parts = [packer.compress(block) for _ in range(count // len(block))]
    return b"".join([*parts, packer.compress(bytes(count % len(block))), packer.flush()])


def _mat_bomb(path: Path, rows: int, cols: int, bands: int) -> None:
    size = rows * cols * bands * 8
    flags = struct.pack("<IIII", 6, 8, 6, 0) + struct.pack("<IIiiiI", 5, 12, rows, cols, bands, 0) + struct.pack("<HH4s", 1, 3, b"ref\0")
    head = struct.pack("<II", 14, len(flags) + 8 + size) + flags + struct.pack("<II", 9, size)
    packer = zlib.compressobj(9)
    block = bytes(2**20)
    parts = [packer.compress(head), *(packer.compress(block) for _ in range(size // len(block))), packer.flush()]
    deflated = b"".join(parts)
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM" + struct.pack("<II", 15, len(deflated)) + deflated)


def test_a_mat_file_of_packed_zeros_is_refused_by_what_it_declares(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.mat"
    _mat_bomb(path, 1024, 1024, 16)  # 128 MiB in 130 kB
    refused(lambda: read_image_file(path, ReadingOptions(layout="rows cols bands")), path, "200 bytes of values per byte")
    monkeypatch.setenv("HMIF_MAX_GB", "0.1")
    refused(lambda: read_image_file(path, ReadingOptions(layout="rows cols bands")), path, r"at most 0\.10 GB.*--max-gb")


def test_an_npz_of_packed_zeros_is_refused_by_what_it_declares(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, image=np.zeros((16, 1024, 1024)))
    refused(lambda: read_image_file(path, ReadingOptions(layout=LAYOUT)), path, "200 bytes of values per byte")


def test_an_hdf5_dataset_of_fill_values_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    for shape, chunks, text in (((31, 600, 600), (1, 600, 600), "0 written"), ((10000, 10000, 31), (1, 100, 31), "at most")):
        with h5py.File(path, "w") as store:
            store.create_dataset("cube", shape, np.float32, chunks=chunks, fillvalue=0.5)
        refused(lambda: read_image_file(path), path, text)
        refused(lambda: read_cube(path), path, text)
    with h5py.File(path, "w") as store:
        data = store.create_dataset("cube", (4, 6, 7), np.float32, chunks=(1, 6, 7))
        data[0] = 1.0
    for read in (read_image_file, read_cube):
        refused(lambda read=read: read(path), path, "expected 4 chunks of /cube, got 1 written")
    with h5py.File(path, "w") as store:
        store.create_dataset("cube", (4, 6, 7), np.float32)
    for read in (read_image_file, read_cube):
        refused(lambda read=read: read(path), path, "expected 672 bytes of /cube, got 0 written")


def test_an_observation_of_fill_values_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as store:
        store.create_dataset("hsi", (3000, 3000, 3000), np.float32, chunks=(1, 100, 100))
    with pytest.raises(CubeFileError, match="at most"), opened(tmp_path / "a.h5"):
        pytest.fail("it was opened")


def test_hdf5_values_that_lie_in_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    (tmp_path / "raw.bin").write_bytes(VALUES.tobytes())
    with h5py.File(tmp_path / "other.h5", "w") as store:
        store["cube"] = VALUES
    with h5py.File(path, "w") as store:
        store.create_dataset("cube", VALUES.shape, VALUES.dtype, external=[(str(tmp_path / "raw.bin"), 0, VALUES.nbytes)])
    for read in (read_image_file, read_cube):
        refused(lambda read=read: read(path), path, "in the file itself, got values in other files")
    with h5py.File(path, "w") as store:
        virtual = h5py.VirtualLayout(VALUES.shape, VALUES.dtype)
        virtual[:] = h5py.VirtualSource(tmp_path / "other.h5", "cube", shape=VALUES.shape)
        store.create_virtual_dataset("cube", virtual)
    for read in (read_image_file, read_cube):
        refused(lambda read=read: read(path), path, "in the file itself, got values in other files")
    with h5py.File(path, "w") as store:
        store["cube"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "/cube")
    refused(lambda: read_cube(path), path, "got a link")
    refused(lambda: read_image_file(path), path, "got no numeric array")
    os.mkfifo(tmp_path / "pipe.h5")  # a link to a link to a file that never ends
    with h5py.File(path, "w") as store:
        store["elsewhere"] = h5py.ExternalLink(str(tmp_path / "pipe.h5"), "/cube")
        store["cube"] = h5py.SoftLink("/elsewhere")
        store["hsi"] = h5py.SoftLink("/elsewhere")
    for call in (lambda: read_cube(path), lambda: read_cube(path, "hsi"), lambda: read_image_file(path), lambda: read_pair_file(path)):
        refused(call, path, "got")


@pytest.mark.parametrize(
    "shape", ["(65535, 65535, 31)", "(1000000000000, 2, 2)", "(5, 6, 8)", "(-5, -6, 7)", "(5, 6, 7, 0)", "(5.0, 6, 7)"]
)
def test_a_numpy_array_that_is_promised_and_not_there_is_refused(tmp_path: Path, shape: str) -> None:
    path = tmp_path / "a.npy"
    path.write_bytes(npy_bytes(shape, data=VALUES.tobytes()))
    refused(lambda: read_image_file(path, ReadingOptions(layout=LAYOUT)), path, "expected a whole .npy file")
    refused(lambda: FromFile(path).kernel(2), path, "expected a whole .npy file")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("image.npy", npy_bytes(shape, data=VALUES.tobytes()))
    refused(lambda: read_image_file(tmp_path / "a.npz", ReadingOptions(layout=LAYOUT)), tmp_path / "a.npz", "expected a whole .npz file")


def test_a_tiff_of_65535_squared_and_a_truncated_one_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, STORED[0], photometric="minisblack", metadata=None)
    with tifffile.TiffFile(path) as tiff:
        places = [tiff.pages[0].tags[name].valueoffset for name in ("ImageWidth", "ImageLength", "RowsPerStrip")]
    content = bytearray(path.read_bytes())
    for place in places:
        content[place : place + 2] = b"\xff\xff"
    path.write_bytes(content)
    refused(lambda: read_image_file(path, ReadingOptions(scale=1.0)), path, "8590|8589934450|at most|truncated")
    tifffile.imwrite(path, np.zeros((8192, 16384), np.uint16), photometric="minisblack", compression="deflate", metadata=None)
    refused(lambda: read_image_file(path, ReadingOptions(scale=1.0)), path, "200 bytes of values per byte|at most")


def test_one_long_deflated_segment_of_a_tiff_is_no_bomb(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    noise = np.random.default_rng(0).integers(0, 65536, (1, 300, 4000), dtype=np.uint16)
    tifffile.imwrite(path, noise, photometric="minisblack", compression="deflate", rowsperstrip=300, metadata=None)
    assert read_image_file(path, ReadingOptions(scale=65535.0)).cube.shape == (1, 300, 4000)
    bomb = _deflated_zeros(1100 * 2**20)
    with tifffile.TiffFile(path) as tiff:
        start, count = tiff.pages[0].dataoffsets[0], tiff.pages[0].databytecounts[0]
    content = bytearray(path.read_bytes())
    assert count > len(bomb) > 2**20
    content[start : start + len(bomb)] = bomb
    path.write_bytes(content)
    refused(lambda: read_image_file(path, ReadingOptions(scale=65535.0)), path, "expected segments of at most")


def test_the_bombs_of_gigabytes_are_refused_in_little_memory(tmp_path: Path) -> None:
    """The .mat of 1.8 GB in 1.7 MB that hung, and an .npz of 1.9 GB, each read in a process that may not have 300 MB more."""
    _mat_bomb(tmp_path / "a.mat", 1024, 1024, 220)
    with (
        zipfile.ZipFile(tmp_path / "b.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("image.npy", "w", force_zip64=True) as member,
    ):
        member.write(npy_bytes("(480, 1024, 1024)"))
        for _ in range(480 * 4):
            member.write(bytes(2**20))
    script = f"""
import resource, sys
from pathlib import Path
from datasets.files import read_image_file, read_pair_file
from datasets.reading_options import ReadingOptions
from datasets.scene import SceneError
used = next(int(line.split()[1]) * 1024 for line in Path("/proc/self/status").read_text().splitlines() if "VmData" in line)
resource.setrlimit(resource.RLIMIT_DATA, (used + 3 * 10**8,) * 2)
for name in ("a.mat", "b.npz"):
    try:
        read_image_file(Path({str(tmp_path)!r}, name), ReadingOptions(layout="rows cols bands"))
    except SceneError as error:
        assert "200 bytes of values per byte" in str(error), error
    else:
        sys.exit(name)
"""
    environment = {**os.environ, "HMIF_MAX_GB": "1000"}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
