"""What a file says of its image, by its format: the samples as they are stored, and the axis order, wavelengths and scale that it states.

    .h5 .hdf5 .he5 .nc   h5py; a dataset called `cube` is (bands, rows, cols), any other has no certain axis order
    .mat                 version 5 (datasets/matlab5_format.py), version 7.3 by h5py with its axes put back into MATLAB's order
    .npz .npy            numpy, never unpickling (datasets/numpy_format.py)
    .hdr (ENVI)          (rows, cols, bands) whatever the interleave; also by the data file beside it (datasets/envi_format.py)
    .tif .tiff           tifffile, or rasterio (the extra `geo`) for some compressions (datasets/tiff_format.py)

Headers alone are read here; the samples follow when `StoredImage.read` is called. Nothing is scaled, reordered or judged here: that is
`datasets/files.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.cube_file import DamagedFileError, check_seal, sealed_attributes
from datasets.envi_format import ENVI_ENDINGS, read_envi
from datasets.hdf5_checks import attributes_of, expect_held, opened_hdf5, sealed_by
from datasets.input_files import expect_shape, own_errors, regular_size
from datasets.matlab5_format import declared_variables, is_version_5
from datasets.numpy_format import declared_arrays
from datasets.scene import SceneError
from datasets.stored_image import StoredImage, missing_value, nanometres, one_number, one_text
from datasets.tiff_format import read_tiff

_WAVELENGTH_NAMES = ("wavelengths_nm", "wavelength_nm", "wavelengths", "wavelength", "wl", "lambda")


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
        if stored.dtype.kind not in "iuf":
            raise SceneError(f"{path}: expected integer or floating samples, got {stored.dtype}; export the image again")
        expect_shape(path, stored.shape, stored.dtype, stored.held, SceneError)
    return stored


def _pick(path: Path, arrays: Mapping[str, Any], variable: str | None) -> str:
    """The name of the image among the arrays of a file: `variable`, or the only array of three axes."""
    listing = ", ".join(f"{name} {tuple(array.shape)}" for name, array in list(arrays.items())[:20]) or "no numeric array"
    if variable is not None:
        if variable not in arrays:
            raise SceneError(f"{path}: expected the variable {variable!r}, got {listing}; name one of these")
        return variable
    images = [name for name, array in arrays.items() if len(array.shape) == 3]
    if len(images) != 1:
        raise SceneError(f"{path}: expected one three-dimensional variable, got {listing}; name the image with variable=")
    return images[0]


def _wavelengths_among(arrays: Mapping[str, Any]) -> NDArray[np.float64] | None:
    """The wavelengths in nm: the one vector that has one of the usual names; None where there is none, or more than one."""
    vectors = [
        array
        for name, array in arrays.items()
        if name.rsplit("/", 1)[-1].lower() in _WAVELENGTH_NAMES and np.prod(array.shape) == max(array.shape, default=0) > 1
    ]
    return nanometres(vectors[0].read()) if len(vectors) == 1 else None


class _Hdf5Array:
    """A dataset of an HDF5 file, which is opened again when it is read."""

    def __init__(self, path: Path, dataset: h5py.Dataset) -> None:
        self.shape, self.dtype, self.held = dataset.shape or (), np.dtype(dataset.dtype), int(dataset.id.get_storage_size())
        self._path, self._name = path, dataset.name

    def read(self) -> NDArray[Any]:
        """The values, all of which the file must hold."""
        with opened_hdf5(self._path, SceneError, "a whole HDF5 file", "fetch or export it again") as store:
            dataset = store[self._name]
            expect_held(self._path, dataset, SceneError)
            values = np.asarray(dataset[()])
            expected = sealed_by(attributes_of(store), self._path, SceneError) if self._name == "/cube" else None
            if expected is not None:  # written by this suite
                try:
                    check_seal(self._path, {**sealed_attributes(attributes_of(store)), "cube": values}, expected)
                except DamagedFileError as error:
                    raise SceneError(str(error)) from error
            return values


def _read_hdf5(path: Path, variable: str | None) -> StoredImage:
    with opened_hdf5(path, SceneError, f"a whole {path.suffix.lower()} file", "fetch or export it again") as store:
        arrays = _datasets(path, store)
        name = "cube" if variable is None and "cube" in arrays else _pick(path, arrays, variable)
        expect_held(path, store[name], SceneError)
        owners = [store, *(store["/".join(name.split("/")[: depth + 1])] for depth in range(name.count("/") + 1))]
        attributes = {key: value for owner in owners for key, value in attributes_of(owner).items()}
    stated = [attributes[key] for key in _WAVELENGTH_NAMES if key in attributes]
    image = arrays[name]
    return StoredImage(
        shape=image.shape,
        dtype=image.dtype,
        held=image.held,
        read=image.read,
        layout="bands rows cols" if name.rsplit("/", 1)[-1] == "cube" and len(image.shape) == 3 else None,
        wavelengths=nanometres(np.asarray(stated[0])) if stated else _wavelengths_among(arrays),
        scale=one_number("scale", attributes.get("scale")),
        offset=one_number("offset", attributes.get("offset")) or 0.0,
        nodata=missing_value(attributes.get("nodata", attributes.get("_FillValue"))),
        name=one_text(attributes.get("name")),
        notes={key: value for key, value in attributes.items() if key not in (*_WAVELENGTH_NAMES, "scale", "offset", "name")},
    )


def _datasets(path: Path, store: Any) -> dict[str, _Hdf5Array]:
    """The numeric datasets by their path, without the internal references and the texts of MATLAB."""
    by_path: dict[str, _Hdf5Array] = {}

    def visit(name: str, node: Any) -> None:
        numeric = isinstance(node, h5py.Dataset) and not name.startswith("#") and node.dtype.kind in "iuf"
        if numeric and node.attrs.get("MATLAB_class", b"double") != b"char":
            by_path[name] = _Hdf5Array(path, node)

    store.visititems(visit)
    return by_path


def _turned(image: _Hdf5Array) -> NDArray[Any]:
    return image.read().T


def _read_mat(path: Path, variable: str | None) -> StoredImage:
    if is_version_5(path, SceneError):
        arrays = declared_variables(path, SceneError)
        image = arrays[_pick(path, arrays, variable)]
        return StoredImage(image.shape, image.dtype, image.held, image.read, wavelengths=_wavelengths_among(arrays), name=path.stem)
    with opened_hdf5(path, SceneError, "a whole .mat file", "fetch or export it again") as store:  # version 7.3, with the axes reversed
        datasets = _datasets(path, store)
        name = _pick(path, datasets, variable)
        expect_held(path, store[name], SceneError)
    data, waves = datasets[name], _wavelengths_among(datasets)
    return StoredImage(data.shape[::-1], data.dtype, data.held, partial(_turned, data), wavelengths=waves, name=path.stem)


def _read_numpy(path: Path, variable: str | None) -> StoredImage:
    arrays = declared_arrays(path, SceneError)
    if set(arrays) == {""}:
        image, waves, scale = arrays[""], None, None
    else:
        image, waves = arrays[_pick(path, arrays, variable)], _wavelengths_among(arrays)
        scale = arrays["scale"].read() if "scale" in arrays and np.prod(arrays["scale"].shape) == 1 else None
    return StoredImage(
        image.shape, image.dtype, image.held, image.read, wavelengths=waves, scale=one_number("scale", scale), name=path.stem
    )


_READERS: Mapping[str, Callable[[Path, str | None], StoredImage]] = {
    **dict.fromkeys((".h5", ".hdf5", ".he5", ".nc"), _read_hdf5),
    ".mat": _read_mat,
    **dict.fromkeys((".npz", ".npy"), _read_numpy),
    **dict.fromkeys(ENVI_ENDINGS, read_envi),
    **dict.fromkeys((".tif", ".tiff"), read_tiff),
}
