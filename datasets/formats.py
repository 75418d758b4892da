"""What a file says of its image, by its format: the samples as they are stored, and the axis order, wavelengths and scale that it states.

    .h5 .hdf5 .he5 .nc   h5py; a dataset called `cube` is (bands, rows, cols), any other has no certain axis order
    .mat                 version 5 by scipy, version 7.3 by h5py with its axes put back into MATLAB's order
    .npz .npy            numpy, never unpickling
    .hdr (ENVI)          spectral; (rows, cols, bands) whatever the interleave; also by the data file beside it
    .tif .tiff           tifffile, then rasterio (the extra `geo`) for compressions that tifffile alone cannot undo

Nothing is scaled, reordered or judged here: that is `datasets/files.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.scene import SceneError
from datasets.stored_image import BROKEN_FILE_ERRORS, StoredImage, first_number, nanometres
from datasets.tiff_format import read_tiff

_WAVELENGTH_NAMES = ("wavelengths_nm", "wavelength_nm", "wavelengths", "wavelength", "wl", "lambda")


def read_stored_image(path: Path, variable: str | None = None) -> StoredImage:
    """The image in `path` as it is stored; `variable` is its name where a file may hold several (.h5, .mat, .npz).

    Raises:
        SceneError: no such file, an unknown format, a broken or truncated file, no image in it or several.
    """
    suffix = path.suffix.lower()
    if suffix not in _READERS:
        raise SceneError(f"{path}: expected a file ending in {', '.join(_READERS)}, got {suffix or 'no ending'}; convert it to one of them")
    if not path.is_file():
        raise SceneError(f"{path}: expected a file, got {'a folder' if path.is_dir() else 'nothing there'}; check the path")
    try:
        stored = _READERS[suffix](path, variable)
    except SceneError:
        raise
    except BROKEN_FILE_ERRORS as error:
        raise SceneError(
            f"{path}: expected a whole {suffix} file, got {type(error).__name__}: {error}; fetch or export it again"
        ) from error
    if stored.values.dtype.kind not in "iuf":
        raise SceneError(f"{path}: expected integer or floating samples, got {stored.values.dtype}; export the image again")
    return stored


def _pick(path: Path, arrays: Mapping[str, Any], variable: str | None) -> str:
    """The name of the image among the arrays of a file: `variable`, or the only array of three axes."""
    listing = ", ".join(f"{name} {tuple(array.shape)}" for name, array in arrays.items()) or "no numeric array"
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
        np.asarray(array)
        for name, array in arrays.items()
        if name.rsplit("/", 1)[-1].lower() in _WAVELENGTH_NAMES and np.prod(array.shape) == max(array.shape, default=0) > 1
    ]
    return nanometres(vectors[0]) if len(vectors) == 1 else None


def _read_hdf5(path: Path, variable: str | None) -> StoredImage:
    with h5py.File(path, "r") as store:
        arrays = _datasets(store)
        name = "cube" if variable is None and "cube" in arrays else _pick(path, arrays, variable)
        owners = [store, *(store["/".join(name.split("/")[: depth + 1])] for depth in range(name.count("/") + 1))]
        attributes = {key: value for owner in owners for key, value in owner.attrs.items()}
        stated = [attributes[key] for key in _WAVELENGTH_NAMES if key in attributes]
        return StoredImage(
            values=store[name][()],
            layout="bands rows cols" if name.rsplit("/", 1)[-1] == "cube" and len(arrays[name].shape) == 3 else None,
            wavelengths=nanometres(np.asarray(stated[0])) if stated else _wavelengths_among(arrays),
            scale=first_number(attributes.get("scale")),
            offset=first_number(attributes.get("offset")) or 0.0,
            nodata=first_number(attributes.get("nodata", attributes.get("_FillValue"))),
            name=str(attributes.get("name", "")),
            notes={key: value for key, value in attributes.items() if key not in (*_WAVELENGTH_NAMES, "scale", "offset", "name")},
        )


def _datasets(store: Any) -> dict[str, Any]:
    """The numeric datasets by their path, without the internal references of MATLAB."""
    by_path: dict[str, Any] = {}

    def visit(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and not name.startswith("#") and node.dtype.kind in "iuf":
            by_path[name] = node

    store.visititems(visit)
    return by_path


def _read_mat(path: Path, variable: str | None) -> StoredImage:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(str(path))
    except NotImplementedError:  # version 7.3 is HDF5 with the axes reversed
        with h5py.File(path, "r") as store:
            datasets = {name: data for name, data in _datasets(store).items() if data.attrs.get("MATLAB_class", b"double") != b"char"}
            name = _pick(path, datasets, variable)
            return StoredImage(values=datasets[name][()].T, wavelengths=_wavelengths_among(datasets), name=path.stem)
    except MatReadError as error:
        raise SceneError(f"{path}: expected a whole .mat file, got {error}; fetch or export it again") from error
    arrays = {name: array for name, array in content.items() if isinstance(array, np.ndarray) and array.dtype.kind in "iuf"}
    return StoredImage(values=arrays[_pick(path, arrays, variable)], wavelengths=_wavelengths_among(arrays), name=path.stem)


def _read_numpy(path: Path, variable: str | None) -> StoredImage:
    with path.open("rb") as raw:
        loaded = np.load(raw, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return StoredImage(values=loaded, name=path.stem)
        arrays = {name: loaded[name] for name in loaded.files}
    arrays = {name: array for name, array in arrays.items() if array.dtype.kind in "iuf"}
    scale = arrays["scale"] if "scale" in arrays and arrays["scale"].size == 1 else None
    return StoredImage(arrays[_pick(path, arrays, variable)], None, _wavelengths_among(arrays), first_number(scale), name=path.stem)


def _read_envi(path: Path, variable: str | None) -> StoredImage:
    from spectral.io import envi  # 0.2 s that only ENVI files need
    from spectral.utilities.errors import SpyException

    headers = (path.with_suffix(".hdr"), path.with_name(path.name + ".hdr"), path.with_suffix(".HDR"))
    header = path if path.suffix.lower() == ".hdr" else next((file for file in headers if file.is_file()), None)
    if header is None:
        raise SceneError(f"{path}: expected an ENVI header {headers[0].name} or {headers[1].name} beside it, got none; give the .hdr file")
    try:
        image = envi.open(str(header.absolute()), None if header == path else str(path.absolute()))
    except SpyException as error:
        raise SceneError(f"{header}: expected an ENVI header and its data file, got {error}; check the pair of files") from error
    if isinstance(image, envi.SpectralLibrary):
        raise SceneError(f"{header}: expected an ENVI image, got a spectral library; give the image's header")
    expected = image.offset + image.nrows * image.ncols * image.nbands * np.dtype(image.dtype).itemsize
    size = Path(image.filename).stat().st_size
    if size < expected:
        raise SceneError(f"{image.filename}: expected {expected} bytes, got {size}; the file is truncated, copy it again")
    facts = image.metadata
    centres = image.bands.centers
    return StoredImage(
        values=np.array(image.open_memmap(interleave="bip")),
        layout="rows cols bands",
        wavelengths=None if centres is None else nanometres(np.asarray(centres), facts.get("wavelength units")),
        scale=first_number(facts.get("reflectance scale factor")),
        nodata=first_number(facts.get("data ignore value")),
        name=header.stem,
        notes={key: facts[key] for key in ("description", "bbl", "fwhm") if key in facts},
    )


_READERS: Mapping[str, Callable[[Path, str | None], StoredImage]] = {
    **dict.fromkeys((".h5", ".hdf5", ".he5", ".nc"), _read_hdf5),
    ".mat": _read_mat,
    **dict.fromkeys((".npz", ".npy"), _read_numpy),
    **dict.fromkeys((".hdr", ".img", ".dat", ".bsq", ".bil", ".bip"), _read_envi),
    **dict.fromkeys((".tif", ".tiff"), read_tiff),
}
