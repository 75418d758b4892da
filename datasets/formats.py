"""What each file format itself says of an image: its samples as stored, and the axis order, wavelengths, scale it states.

    .h5 .hdf5 .he5 .nc   h5py; a dataset called `cube` is ours (bands, rows, cols), any other has no certain axis order
    .mat                 version 5 by scipy, version 7.3 by h5py with its axes put back into MATLAB's order
    .npz .npy            numpy, never unpickling
    .hdr (ENVI)          spectral; (rows, cols, bands) whatever the interleave; also by the data file beside it
    .tif .tiff           tifffile, then rasterio (the extra `geo`) for compressions that tifffile alone cannot undo

Nothing is scaled, reordered or judged here: that is `datasets/files.py`.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.scene import SceneError

_BROKEN = (OSError, ValueError, TypeError, KeyError, IndexError, EOFError, RuntimeError, struct.error, zlib.error, zipfile.BadZipFile)
_WAVELENGTH_NAMES = ("wavelengths_nm", "wavelength_nm", "wavelengths", "wavelength", "wl", "lambda")
_LOSSY_TIFF = (6, 7, 33003, 33004, 33005, 33007, 34712, 34887, 34892, 50001, 50002)  # JPEG, JPEG 2000, LERC, WebP, JPEG XL
_NANOMETRE = ("nm", "nanometer", "nanometers", "nanometre", "nanometres")
_MICROMETRE = ("um", "µm", "μm", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres")


@dataclass(frozen=True, eq=False)
class Stored:
    """An image as its file holds it."""

    values: NDArray[Any]  # two or three axes
    layout: str | None = None  # axes by name, such as "rows cols bands", where the format makes them certain
    wavelengths: NDArray[np.float64] | None = None  # nm
    scale: float | None = None  # value = stored / scale + offset, where the file states it
    offset: float = 0.0
    nodata: float | None = None  # stored value that means "nothing was measured here"
    name: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)


def read_stored(path: Path, variable: str | None = None) -> Stored:
    """The image in `path`; `variable` names it where a file may hold several (.h5, .mat, .npz).

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
    except _BROKEN as error:
        raise SceneError(
            f"{path}: expected a whole {suffix} file, got {type(error).__name__}: {error}; fetch or export it again"
        ) from error
    if stored.values.dtype.kind not in "iuf":
        raise SceneError(f"{path}: expected integer or floating samples, got {stored.values.dtype}; export the image again")
    return stored


def is_lossy_tiff(path: Path) -> bool:
    """Whether a TIFF's samples are compressed with loss, so that decoders differ in the last bits."""
    import tifffile  # 0.1 s that only TIFF files need

    try:
        with tifffile.TiffFile(path) as tiff:
            return any(int(page.compression) in _LOSSY_TIFF for page in tiff.pages if isinstance(page, tifffile.TiffPage))
    except _BROKEN:
        return False  # reading it as a scene says what is wrong


def nanometres(values: NDArray[Any], unit: str | None = None) -> NDArray[np.float64]:
    """Wavelengths in nm; without a unit, 200..20000 are taken as nm and 0.2..20 as um (no optical sensor lies in both).

    Raises:
        SceneError: another unit, or numbers in neither range.
    """
    wavelengths = np.asarray(values, dtype=np.float64).reshape(-1)
    known = None if unit is None else unit.strip().lower()
    if known in ("", "unknown"):
        known = None
    if known in _NANOMETRE or (known is None and wavelengths.size and ((wavelengths >= 200) & (wavelengths <= 20000)).all()):
        return wavelengths
    if known in _MICROMETRE or (known is None and wavelengths.size and ((wavelengths >= 0.2) & (wavelengths <= 20)).all()):
        return wavelengths * 1000
    raise SceneError(f"wavelengths: expected nm (200..20000) or um (0.2..20), got unit {unit!r} and {wavelengths[:3]}...; give them in nm")


def _pick(path: Path, arrays: Mapping[str, Any], variable: str | None) -> str:
    """The name of the image among the arrays of a file."""
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
    """A vector with a telling name, if there is exactly one."""
    found = [
        np.asarray(array)
        for name, array in arrays.items()
        if name.rsplit("/", 1)[-1].lower() in _WAVELENGTH_NAMES and np.prod(array.shape) == max(array.shape, default=0) > 1
    ]
    return nanometres(found[0]) if len(found) == 1 else None


def _read_hdf5(path: Path, variable: str | None) -> Stored:
    with h5py.File(path, "r") as store:
        arrays = _datasets(store)
        name = "cube" if variable is None and "cube" in arrays else _pick(path, arrays, variable)
        owners = [store, *(store["/".join(name.split("/")[: depth + 1])] for depth in range(name.count("/") + 1))]
        attributes = {key: value for owner in owners for key, value in owner.attrs.items()}
        stated = [attributes[key] for key in _WAVELENGTH_NAMES if key in attributes]
        return Stored(
            values=store[name][()],
            layout="bands rows cols" if name.rsplit("/", 1)[-1] == "cube" and len(arrays[name].shape) == 3 else None,
            wavelengths=nanometres(np.asarray(stated[0])) if stated else _wavelengths_among(arrays),
            scale=_number(attributes.get("scale")),
            offset=_number(attributes.get("offset")) or 0.0,
            nodata=_number(attributes.get("nodata", attributes.get("_FillValue"))),
            name=str(attributes.get("name", "")),
            notes={key: value for key, value in attributes.items() if key not in (*_WAVELENGTH_NAMES, "scale", "offset", "name")},
        )


def _datasets(store: Any) -> dict[str, Any]:
    """Path -> numeric dataset, MATLAB's internal references left out."""
    found: dict[str, Any] = {}

    def visit(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and not name.startswith("#") and node.dtype.kind in "iuf":
            found[name] = node

    store.visititems(visit)
    return found


def _read_mat(path: Path, variable: str | None) -> Stored:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(str(path))
    except NotImplementedError:  # version 7.3 is HDF5 with the axes reversed
        with h5py.File(path, "r") as store:
            datasets = {name: data for name, data in _datasets(store).items() if data.attrs.get("MATLAB_class", b"double") != b"char"}
            name = _pick(path, datasets, variable)
            return Stored(values=datasets[name][()].T, wavelengths=_wavelengths_among(datasets), name=path.stem)
    except MatReadError as error:
        raise SceneError(f"{path}: expected a whole .mat file, got {error}; fetch or export it again") from error
    arrays = {name: array for name, array in content.items() if isinstance(array, np.ndarray) and array.dtype.kind in "iuf"}
    return Stored(values=arrays[_pick(path, arrays, variable)], wavelengths=_wavelengths_among(arrays), name=path.stem)


def _read_numpy(path: Path, variable: str | None) -> Stored:
    with path.open("rb") as raw:
        loaded = np.load(raw, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return Stored(values=loaded, name=path.stem)
        arrays = {name: loaded[name] for name in loaded.files}
    arrays = {name: array for name, array in arrays.items() if array.dtype.kind in "iuf"}
    scale = arrays["scale"] if "scale" in arrays and arrays["scale"].size == 1 else None
    return Stored(arrays[_pick(path, arrays, variable)], None, _wavelengths_among(arrays), _number(scale), name=path.stem)


def _read_envi(path: Path, variable: str | None) -> Stored:
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
    return Stored(
        values=np.array(image.open_memmap(interleave="bip")),
        layout="rows cols bands",
        wavelengths=None if centres is None else nanometres(np.asarray(centres), facts.get("wavelength units")),
        scale=_number(facts.get("reflectance scale factor")),
        nodata=_number(facts.get("data ignore value")),
        name=header.stem,
        notes={key: facts[key] for key in ("description", "bbl", "fwhm") if key in facts},
    )


def _read_tiff(path: Path, variable: str | None) -> Stored:
    import tifffile  # 0.1 s that only TIFF files need

    with tifffile.TiffFile(path) as tiff:
        series = sorted(tiff.series, key=lambda one: -int(np.prod(one.shape)))
        if len(series) > 1 and series[0].shape == series[1].shape:
            raise SceneError(f"{path}: expected one image, got {len(series)} of shape {series[0].shape}; export the bands as one image")
        axes, tags = series[0].axes, series[0].keyframe.tags
        said = {name: str(tags[name].value) for name in ("GDAL_METADATA", "GDAL_NODATA") if name in tags}
        try:
            values = series[0].asarray()
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            values, axes = _read_with_rasterio(path, error), "SYX"
    if axes.count("Y") != 1 or axes.count("X") != 1 or len(axes) > 3:
        raise SceneError(f"{path}: expected one image of rows, columns and bands, got TIFF axes {axes} of shape {values.shape}")
    layout = " ".join({"Y": "rows", "X": "cols"}.get(axis, "bands") for axis in axes)
    stored = Stored(values=values, layout=layout, nodata=_number(said.get("GDAL_NODATA", "").strip("\0 ") or None), name=path.stem)
    return _with_gdal(stored, said["GDAL_METADATA"]) if "GDAL_METADATA" in said else stored


def _read_with_rasterio(path: Path, error: Exception) -> NDArray[Any]:
    """All bands by rasterio, where it is installed: (bands, rows, cols)."""
    try:
        import rasterio
    except ImportError:
        raise SceneError(f"{path}: expected a compression that tifffile undoes alone, got {error}; pip install -e '.[geo]'") from error
    with rasterio.open(path) as image:
        return np.asarray(image.read())


def _with_gdal(stored: Stored, text: str) -> Stored:
    """The wavelengths, scale and offset in GDAL's own metadata, band by band; one scale for all bands, or it is refused."""
    per_band: dict[str, dict[int, str]] = {}
    unit = None
    for item in ElementTree.fromstring(text.strip("\0 ")).iter("Item"):
        key, value = item.get("name", "").lower(), (item.text or "").strip()
        if item.get("sample") is not None:
            per_band.setdefault(key, {})[int(item.get("sample", "0"))] = value
        if key in ("wavelength_units", "wavelength units"):
            unit = value
    axes = (stored.layout or "").split()
    count = stored.values.shape[axes.index("bands")] if "bands" in axes else 1
    scales, offsets = ({float(value) for value in per_band.get(key, {}).values()} for key in ("scale", "offset"))
    if len(scales) > 1 or len(offsets) > 1:
        raise SceneError(f"expected one scale and offset for all bands, got {sorted(scales)} and {sorted(offsets)}; export scaled values")
    waves = per_band.get("wavelength", {})
    vector = np.array([float(waves[band]) for band in sorted(waves)]) if len(waves) == count else None
    return replace(
        stored,
        wavelengths=None if vector is None else nanometres(vector, unit),
        scale=1 / scales.pop() if scales else None,
        offset=offsets.pop() if offsets else 0.0,
    )


def _number(value: Any) -> float | None:
    return None if value is None else float(np.asarray(value).reshape(-1)[0])


_READERS: Mapping[str, Callable[[Path, str | None], Stored]] = {
    **dict.fromkeys((".h5", ".hdf5", ".he5", ".nc"), _read_hdf5),
    ".mat": _read_mat,
    **dict.fromkeys((".npz", ".npy"), _read_numpy),
    **dict.fromkeys((".hdr", ".img", ".dat", ".bsq", ".bil", ".bip"), _read_envi),
    **dict.fromkeys((".tif", ".tiff"), _read_tiff),
}
