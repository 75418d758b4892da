"""What a file says of its image, by its format: the samples as they are stored, and the axis order, wavelengths and scale that it states.

    .h5 .hdf5 .he5 .nc   h5py (datasets/hdf5_format.py): scale, offset and missing values by their attributes
    .mat                 version 5 (datasets/matlab5_format.py), version 7.3 by h5py with its axes put back into MATLAB's order
    .npz .npy            numpy, never unpickling (datasets/numpy_format.py)
    .hdr (ENVI)          (rows, cols, bands) whatever the interleave; also by the data file beside it (datasets/envi_format.py)
    .tif .tiff           tifffile, or rasterio (the extra `geo`) for some compressions (datasets/tiff_format.py)

Headers alone are read here; the samples follow when `StoredImage.read` is called. Nothing is scaled, reordered or judged here: that is
`datasets/files.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from datasets.envi_format import ENVI_ENDINGS, read_envi
from datasets.hdf5_format import read_hdf5, read_matlab73
from datasets.input_files import expect_shape, own_errors, regular_size
from datasets.matlab5_format import declared_variables, is_version_5
from datasets.named_arrays import others_among, pick_image, scale_beside, stated_beside
from datasets.numpy_format import declared_arrays
from datasets.scene import SceneError
from datasets.stored_image import StoredImage, stated_numbers
from datasets.tiff_format import read_tiff

_COMPLEX = "expected real samples, got complex ones; export their magnitude, or the part that is meant"


def read_stored_image(path: Path, variable: str | None = None) -> StoredImage:
    """The image in `path` as its header declares it; `variable` is its name where a file may hold several (.h5, .mat, .npz).

    Raises:
        SceneError: no such file, an unknown format, a broken or truncated file, no image in it or several, or one that is too large.
    """
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise SceneError(f"{path}: expected a file ending in {', '.join(_READERS)}, got {suffix or 'no ending'}; convert it to one of them")
    regular_size(path, SceneError)
    with own_errors(path, SceneError, f"a whole {suffix} file"):
        stored = _READERS[suffix](path, variable)
        if stored.dtype.kind == "c":
            raise SceneError(f"{path}: {_COMPLEX}")
        if stored.dtype.kind not in "iufb":
            raise SceneError(f"{path}: expected integer or floating samples, got {stored.dtype}; export the image again")
        expect_shape(path, stored.shape, stored.dtype, stored.held, SceneError)
    return stored


def _read_mat(path: Path, variable: str | None) -> StoredImage:
    if not is_version_5(path, SceneError):
        return read_matlab73(path, variable)
    arrays = declared_variables(path, SceneError)
    return _with_doubt(_among(path, arrays, variable), arrays, pick_image(path, arrays, variable))


def _read_numpy(path: Path, variable: str | None) -> StoredImage:
    arrays = declared_arrays(path, SceneError)
    if set(arrays) == {""}:
        image = arrays[""]
        return StoredImage(image.shape, image.dtype, image.held, image.read, name=path.stem)
    stored = _among(path, arrays, variable)
    scale, offset = (
        stated_numbers(name, arrays[name].read()) if name in arrays and arrays[name].dtype.kind in "iuf" else None
        for name in ("scale", "offset")
    )
    if offset is not None and scale is None:
        scale = 1.0
    stored = replace(stored, scale=scale, offset=0.0 if offset is None else offset)
    return _with_doubt(stored, arrays, pick_image(path, arrays, variable), ("scale", "offset"))


def _with_doubt(stored: StoredImage, arrays: Mapping[str, Any], image: str, understood: tuple[str, ...] = ()) -> StoredImage:
    """The image, whose scale is unclear where another array of the file may state one."""
    doubt = scale_beside(arrays, image, stored.scale, understood)
    return replace(stored, unclear_scale=doubt.words, doubtful_scales=doubt.numbers)


def _among(path: Path, arrays: Mapping[str, Any], variable: str | None) -> StoredImage:
    """The image among the named arrays of a file, which state no axis order."""
    name = pick_image(path, arrays, variable)
    image, beside = arrays[name], stated_beside(arrays, name, {})
    return StoredImage(
        image.shape,
        image.dtype,
        image.held,
        image.read,
        wavelengths=beside.wavelengths,
        wavelengths_problem=beside.problem,
        wavelengths_beside=beside.place,
        left_out=beside.left_out,
        others=others_among(arrays, name),
        name=path.stem,
        remarks=beside.remarks,
    )


_READERS: Mapping[str, Callable[[Path, str | None], StoredImage]] = {
    **dict.fromkeys((".h5", ".hdf5", ".he5", ".nc"), read_hdf5),
    ".mat": _read_mat,
    **dict.fromkeys((".npz", ".npy"), _read_numpy),
    **dict.fromkeys(ENVI_ENDINGS, read_envi),
    **dict.fromkeys((".tif", ".tiff"), read_tiff),
}
