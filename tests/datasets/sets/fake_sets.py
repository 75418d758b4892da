"""Tiny files of the named sets in their true formats: the true names, variables, types, axis order and numbers of bands, a few pixels each.

`write_fake` gives what the scene must hold, in stored samples (bands, rows, cols), from the same random numbers that it writes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
import tifffile
from numpy.typing import NDArray

ROWS, COLS = 7, 5


def samples(bands: int, rows: int = ROWS, cols: int = COLS, *, dtype: str = "uint16", top: int = 9000) -> NDArray[Any]:
    """Random samples (bands, rows, cols); floating ones lie in 0..1."""
    generator = np.random.default_rng(bands)
    if dtype.startswith("float"):
        return generator.random((bands, rows, cols)).astype(dtype)
    return generator.integers(0, top, (bands, rows, cols)).astype(dtype)


def in_folder(file: Path) -> Path:
    """The file, whose folder exists."""
    file.parent.mkdir(parents=True, exist_ok=True)
    return file


def matlab5(file: Path, variable: str, cube: NDArray[Any], **others: Any) -> None:
    """A MATLAB 5 file with the image as rows x cols x bands."""
    scipy.io.savemat(in_folder(file), {variable: cube.transpose(1, 2, 0), **others}, do_compression=True)


def matlab73(file: Path, variable: str, cube: NDArray[Any], **others: NDArray[Any]) -> None:
    """A MATLAB 7.3 file with the image as rows x cols x bands in MATLAB, hence reversed on disk."""
    with h5py.File(in_folder(file), "w", userblock_size=512) as store:
        for name, array in {variable: cube.transpose(1, 2, 0), **others}.items():
            kind = {"u": "uint16", "f": "double"}[array.dtype.kind]
            store.create_dataset(name, data=array.T, compression="gzip").attrs["MATLAB_class"] = np.bytes_(kind)
    with file.open("r+b") as raw:
        raw.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64, Created on: a day".ljust(124) + b"\x00\x02IM")


def matrix(file: Path, variable: str, cube: NDArray[Any], **others: Any) -> None:
    """A MATLAB 5 file with the image as bands x pixels, the pixels down the columns."""
    bands, rows, cols = cube.shape
    pixels = np.empty((bands, rows * cols), cube.dtype)
    for row in range(rows):
        for col in range(cols):
            pixels[:, row + rows * col] = cube[:, row, col]
    scipy.io.savemat(in_folder(file), {variable: pixels, **others})


def geotiff(file: Path, cube: NDArray[Any]) -> None:
    """A TIFF with a page for each band."""
    tifffile.imwrite(in_folder(file), cube, photometric="minisblack", planarconfig="separate")


def envi(header: Path, cube: NDArray[Any], data: str) -> None:
    """An ENVI image in BSQ without wavelengths."""
    bands, rows, cols = cube.shape
    in_folder(header).write_text(
        f"ENVI\nsamples = {cols}\nlines = {rows}\nbands = {bands}\nheader offset = 0\nfile type = ENVI Standard\n"
        "data type = 12\ninterleave = bsq\nbyte order = 0\n"
    )
    header.with_name(data).write_bytes(cube.astype("<u2").tobytes())


@dataclass(frozen=True)
class Fake:
    """A fake of one scene."""

    scene: str  # below the set
    write: Callable[[Path], NDArray[Any]]  # into the set's folder; gives the stored samples
    scale: float
    wavelengths: tuple[float, float]  # first and last


def _harvard(base: Path) -> NDArray[Any]:
    cube = samples(31, 1030, 1027, dtype="float64") * 0.06
    label = np.ones(cube.shape[1:])
    label[3, 1], label[1025, 5] = 0, 0
    matlab5(base / "CZ_hsdb" / "imgd1.mat", "ref", cube, lbl=label)
    return cube[:, :1024, :1024]


def _with73(path: str, variable: str, bands: int, dtype: str, top: int = 4095) -> Callable[[Path], NDArray[Any]]:
    def write(base: Path) -> NDArray[Any]:
        cube = samples(bands, dtype=dtype, top=top)
        matlab73(base / path, variable, cube, bands=np.arange(400.0, 701.0, 10.0)[None])
        return cube

    return write


def _counts73(path: str, variable: str) -> Callable[[Path], NDArray[Any]]:
    """12-bit counts as doubles."""

    def write(base: Path) -> NDArray[Any]:
        cube = samples(31, top=4095).astype(np.float64)
        matlab73(base / path, variable, cube, bands=np.arange(400.0, 701.0, 10.0)[None])
        return cube

    return write


def _with5(path: str, variable: str, bands: int, dtype: str = "uint16") -> Callable[[Path], NDArray[Any]]:
    def write(base: Path) -> NDArray[Any]:
        cube = samples(bands, dtype=dtype)
        matlab5(base / path, variable, cube)
        return cube

    return write


def _chikusei(base: Path) -> NDArray[Any]:
    cube = samples(128)
    matlab73(base / "HyperspecVNIR_Chikusei_20140729.mat", "chikusei", cube)
    return cube


def _washington(base: Path) -> NDArray[Any]:
    cube = samples(191, dtype="int16")
    geotiff(base / "dc.tif", cube)
    lines = ["Wavelength Table for August 23, 1995 Hydice Data Set over DC", "210 Channel Set - Center Wavelength (um)- 191 Channel Set"]
    number = 0
    for channel in range(1, 211):
        kept = not 100 <= channel < 119
        number += kept
        lines.append(f"{channel} {401.288 + 9.9 * (channel - 1):.3f}" + (f" {number}" if kept else ""))
    (base / "wavelengths.txt").write_text("\n".join(lines) + "\n")
    (base / "ReadMe.txt").write_text("The hyperspectral data set (dc.tif) of the Washington, DC mall area\n")
    return cube


def _houston2013(base: Path) -> NDArray[Any]:
    cube = samples(144)
    geotiff(base / "2013_DFTC" / "2013_IEEE_GRSS_DF_Contest_CASI.tif", cube)
    return cube


def _houston2018(base: Path) -> NDArray[Any]:
    cube = samples(50)
    envi(base / "2018_IEEE_GRSS_DFC_HSI_TR.HDR", cube, "2018_IEEE_GRSS_DFC_HSI_TR")
    return cube[:48]


def _matrix_of(path: str, variable: str, bands: int, dtype: str = "uint16", **others: Any) -> Callable[[Path], NDArray[Any]]:
    def write(base: Path) -> NDArray[Any]:
        cube = samples(bands, dtype=dtype)
        matrix(base / path, variable, cube, nRow=np.uint8(ROWS), nCol=np.uint8(COLS), **others)
        return cube

    return write


def _cuprite(base: Path) -> NDArray[Any]:
    cube = samples(188).astype(np.int64)
    cube[5, 2, 1] = -12  # stored as 65524
    kept = [channel for channel in range(1, 225) if channel not in {1, 2, *range(104, 114), *range(148, 168), *range(221, 225)}]
    matrix(
        base / "CupriteS1_R188.mat",
        "Y",
        cube.astype(np.uint16),
        nRow=np.uint8(ROWS),
        nCol=np.uint8(COLS),
        SlectBands=np.array(kept, np.uint8)[:, None],
    )
    return cube


def _xiongan(base: Path) -> NDArray[Any]:
    cube = samples(256)
    envi(base / "Hyperspectral_XiongAn" / "Hyperspectral_XiongAn.hdr", cube, "Hyperspectral_XiongAn.img")
    return cube


def _muufl(base: Path) -> NDArray[Any]:
    cube = samples(64, dtype="float32") - np.float32(0.1)
    info = {"wavelength": np.linspace(404.3, 1004.8, 64)[None]}
    file = in_folder(base / "MUUFLGulfportSceneLabels" / "muufl_gulfport_campus_1_hsi_220_label.mat")
    scipy.io.savemat(file, {"hsi": {"Data": cube.transpose(1, 2, 0), "info": info, "RGB": np.zeros((ROWS, COLS, 3), np.uint8)}})
    return cube


def _mdas(base: Path) -> NDArray[Any]:
    cube = samples(242, dtype="int16")
    geotiff(base / "sub_area_1" / "EeteS_EnMAP_10m_sub_area1.tif", cube)
    centres = np.linspace(0.423, 2.439, 242)
    text = "ENVI\nbands = 242\nwavelength units = Micrometers\nwavelength = {\n " + ", ".join(f"{value:.6f}" for value in centres) + "}\n"
    (base / "band_242_meta_info.hdr").write_text(text)
    return cube


def _aviris(base: Path) -> NDArray[Any]:
    cube = samples(172).astype(np.float32)
    np.save(in_folder(base / "val" / "Hama9_40" / "GT.npz.npy"), cube.transpose(1, 2, 0))
    return cube


FAKES: Mapping[str, Fake] = {
    "harvard": Fake("imgd1", _harvard, 1.0, (420.0, 720.0)),
    "icvl": Fake("4cam_0411-1648", _counts73("mat/4cam_0411-1648.mat", "rad"), 4095.0, (400.0, 700.0)),
    "ntire2018": Fake("BGU_HS_00001", _counts73("NTIRE2018_Validate/BGU_HS_00001.mat", "rad"), 4095.0, (400.0, 700.0)),
    "arad_1k": Fake("ARAD_1K_0901", _with73("Valid_Spec/ARAD_1K_0901.mat", "cube", 31, "float64"), 1.0, (400.0, 700.0)),
    "kaist": Fake("scene01", _with5("scene01.mat", "HSI", 31, "float32"), 1.0, (420.0, 720.0)),
    "chikusei": Fake("whole", _chikusei, 16384.0, (362.59, 1018.02)),
    "pavia_university": Fake("whole", _with5("PaviaU.mat", "paviaU", 103), 10000.0, (430.0, 860.0)),
    "pavia_centre": Fake("whole", _with5("pavia.MAT", "pavia", 102), 10000.0, (430.0, 860.0)),
    "washington_dc": Fake("whole", _washington, 10000.0, (401.288, 401.288 + 9.9 * 209)),
    "botswana": Fake("whole", _with5("Botswana.mat", "Botswana", 145), 10000.0, (447.17, 2355.21)),
    "houston2013": Fake("whole", _houston2013, 65535.0, (364.0, 1046.1)),
    "houston2018": Fake("training", _houston2018, 65535.0, (374.4, 1047.1)),
    "urban": Fake("whole", _matrix_of("Urban_R162.mat", "Y", 162, maxValue=np.uint16(1000)), 1000.0, (440.191, 2369.378)),
    "cuprite": Fake("whole", _cuprite, 10000.0, (388.924, 2442.152)),
    "indian_pines": Fake("whole", _with5("Indian_pines_corrected.mat", "indian_pines_corrected", 200), 10000.0, (400.0, 2490.411)),
    "jasper_ridge": Fake("whole", _matrix_of("jasperRidge2_R198.mat", "Y", 198, maxValue=np.uint16(5000)), 5000.0, (408.520, 2452.466)),
    "samson": Fake("whole", _matrix_of("samson_1.mat", "V", 156, "float64"), 1.0, (401.0, 889.0)),
    "xiongan": Fake("whole", _xiongan, 16384.0, (391.2983, 1002.873)),
    "muufl": Fake("whole", _muufl, 1.0, (405.77, 1005.33)),
    "mdas": Fake("sub_area_1", _mdas, 10000.0, (423.0, 2439.0)),
    "tiangong1": Fake("whole", _with5("REF.mat", "REF", 54, "float64"), 1.0, (400.0, 1000.0)),
    "aviris_tiles": Fake("Hama9_40", _aviris, 10000.0, (400.0, 2500.0)),
}
