"""A cube as a file of the format that its ending names, written band by band, as a whole or not at all. No torch is needed.

    .h5 .hdf5      the suite's cube file (datasets/cube_file.py): `cube` (bands, rows, cols), with its seal
    .mat           MATLAB version 5: `cube` (rows, cols, bands) in single precision, `wavelengths_nm`, `about`
    .npz           numpy: `cube` (bands, rows, cols) in float32, `wavelengths_nm`, `about`
    .hdr           ENVI: the header and, beside it, the samples in .img (band sequential, float32, little-endian)
    .tif .tiff     GeoTIFF: float32, one plane per band, wavelengths in GDAL's metadata, the place of the MSI (datasets/georeference.py)

Values are stored as they are (scale 1) in all of them. `about` is a text with the notes (method, parameters, versions), a line for each.
.mat and .npz do not state the order of their axes: they are read without `layout` where the wavelengths are there, and one axis alone is as
long as their number.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

from datasets.cube_file import CubeFile, write_cube
from datasets.georeference import Georeference
from datasets.matlab5_writer import LARGEST_VARIABLE, write_bands, write_header, write_row, write_text
from datasets.output_files import OutputFileError, expect_output_file
from datasets.printable import printable

NOWHERE = Georeference()
_LARGEST_TIFF = 2**32 - 2**25  # bytes of samples, beyond which a file is a BigTIFF


def expect_cube_output(file: Path, shape: tuple[int, int, int], inputs: tuple[Path, ...] = ()) -> None:
    """Nothing, where a cube (bands, rows, cols) can be written to `file`: asked before the work.

    Raises:
        OutputFileError: another ending, an input, a place that cannot be written to, or a cube that the format cannot hold.
    """
    suffix = file.suffix.lower()
    if suffix not in _WRITERS:
        got = repr(file.suffix) if suffix else "no ending"
        raise OutputFileError(f"--out {file}: expected a file ending in {', '.join(_WRITERS)}, got {got}; give one of these")
    for one in files_of_cube(file):
        expect_output_file(one, inputs)
    size = 4 * int(np.prod(shape, dtype=np.int64))
    if suffix == ".mat" and size > LARGEST_VARIABLE:
        raise OutputFileError(f"--out {file}: expected at most {LARGEST_VARIABLE} bytes for .mat, got {size}; give a name in .h5 or .tif")


def files_of_cube(file: Path) -> tuple[Path, ...]:
    """The files that `write_cube_as` makes for this name: of an ENVI image, header and samples."""
    return (file, file.with_suffix(".img")) if file.suffix.lower() == ".hdr" else (file,)


def write_cube_as(file: Path, content: CubeFile, place: Georeference = NOWHERE) -> Path:
    """The file to which the cube is written, in the format that its ending names.

    Args:
        file: one of the endings in the module docstring.
        content: the cube (bands, rows, cols), its wavelengths in nm, and notes.
        place: where its pixels lie; kept by .tif where it comes from a GeoTIFF, and by .hdr where it comes from an ENVI header.

    Raises:
        OutputFileError: another ending, or a place that cannot be written to.
    """
    expect_cube_output(file, (content.cube.shape[0], content.cube.shape[1], content.cube.shape[2]))
    file.parent.mkdir(parents=True, exist_ok=True)
    _WRITERS[file.suffix.lower()](file, content, place)
    return file


def _write_hdf5(file: Path, content: CubeFile, _: Georeference) -> None:
    write_cube(file, content)


def _write_mat(file: Path, content: CubeFile, _: Georeference) -> None:
    bands, rows, cols = content.cube.shape
    with _replaced(file) as temporary, temporary.open("wb") as stream:
        write_header(stream)
        write_bands(stream, "cube", (bands, rows, cols), _bands(content))
        if content.wavelengths_nm is not None:
            write_row(stream, "wavelengths_nm", np.asarray(content.wavelengths_nm, dtype=np.float64))
        write_text(stream, "about", _about(content))


def _write_npz(file: Path, content: CubeFile, _: Georeference) -> None:
    with _replaced(file) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
        with archive.open("cube.npy", "w", force_zip64=True) as stream:
            header = {"descr": "<f4", "fortran_order": False, "shape": tuple(map(int, content.cube.shape))}
            np.lib.format.write_array_header_1_0(stream, header)
            for band in _bands(content):
                stream.write(np.ascontiguousarray(band, dtype="<f4").data)
        arrays: dict[str, NDArray[Any]] = {"about": np.array(_about(content))}
        if content.wavelengths_nm is not None:
            arrays["wavelengths_nm"] = np.asarray(content.wavelengths_nm, dtype=np.float64)
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as stream:
                np.lib.format.write_array(stream, array, allow_pickle=False)


def _write_envi(file: Path, content: CubeFile, place: Georeference) -> None:
    bands, rows, cols = content.cube.shape
    entries: dict[str, Any] = {
        "description": [_in_braces(" | ".join(_about(content).splitlines()))],
        "samples": cols,
        "lines": rows,
        "bands": bands,
        "header offset": 0,
        "file type": "ENVI Standard",
        "data type": 4,
        "interleave": "bsq",
        "byte order": 0,
        **place.entries,
    }
    if content.wavelengths_nm is not None:
        entries |= {"wavelength units": "Nanometers", "wavelength": [repr(float(value)) for value in content.wavelengths_nm]}
    lines = [
        f"{name} = {{{', '.join(map(str, value))}}}" if isinstance(value, list) else f"{name} = {value}" for name, value in entries.items()
    ]
    with _replaced(file.with_suffix(".img")) as temporary, temporary.open("wb") as stream:
        for band in _bands(content):
            stream.write(np.ascontiguousarray(band, dtype="<f4").data)
    with _replaced(file) as temporary:
        temporary.write_text("\n".join(["ENVI", *lines, ""]), encoding="utf-8")


def _write_tiff(file: Path, content: CubeFile, place: Georeference) -> None:
    import tifffile  # 0.1 s that only TIFF files need

    shape = content.cube.shape
    items = [f"<Item name={quoteattr(name)}>{escape(printable(str(value)))}</Item>" for name, value in content.notes.items()]
    if content.wavelengths_nm is not None:
        items.append('<Item name="wavelength_units">Nanometers</Item>')
        for number, value in enumerate(content.wavelengths_nm):
            items.append(f'<Item name="wavelength" sample="{number}">{float(value)!r}</Item>')
    metadata = f"<GDALMetadata>{''.join(items)}</GDALMetadata>".encode("ascii", "xmlcharrefreplace").decode()
    with _replaced(file) as temporary:
        tifffile.imwrite(
            temporary,
            _bands(content),
            shape=shape,
            dtype=np.dtype(np.float32),
            photometric="minisblack",
            planarconfig="separate" if shape[0] > 1 else None,
            metadata=None,
            bigtiff=4 * int(np.prod(shape, dtype=np.int64)) > _LARGEST_TIFF,
            extratags=[*place.extra_tags(), (42112, "s", 0, metadata, True)],
        )


def _bands(content: CubeFile) -> Iterator[NDArray[np.float32]]:
    """Each band in turn, so that no format needs a second cube."""
    for band in content.cube:
        yield np.ascontiguousarray(band, dtype=np.float32)


def _about(content: CubeFile) -> str:
    return "\n".join([f"name: {printable(content.name)}", *(f"{name}: {printable(str(value))}" for name, value in content.notes.items())])


def _in_braces(text: str) -> str:
    """A text that an ENVI header can hold between its braces."""
    return text.replace("{", "(").replace("}", ")")


@contextmanager
def _replaced(file: Path) -> Iterator[Path]:
    """A temporary file that takes the place of `file` when all of it is written, and is removed when it is not."""
    temporary = file.with_name(f".{file.stem}.{os.getpid()}.tmp{file.suffix}")
    try:
        yield temporary
        temporary.replace(file)
    finally:
        temporary.unlink(missing_ok=True)


_WRITERS: Mapping[str, Callable[[Path, CubeFile, Georeference], None]] = {
    **dict.fromkeys((".h5", ".hdf5"), _write_hdf5),
    ".mat": _write_mat,
    ".npz": _write_npz,
    ".hdr": _write_envi,
    **dict.fromkeys((".tif", ".tiff"), _write_tiff),
}
