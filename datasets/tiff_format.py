"""TIFF images: read by tifffile, or by rasterio (the extra `geo`) for compressions that tifffile alone cannot undo.

Wavelengths, scale and offset come from GDAL's metadata.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from datasets.scene import SceneError
from datasets.stored_image import BROKEN_FILE_ERRORS, StoredImage, first_number, nanometres

_LOSSY_TIFF = (6, 7, 33003, 33004, 33005, 33007, 34712, 34887, 34892, 50001, 50002)  # JPEG, JPEG 2000, LERC, WebP, JPEG XL


def is_lossy_tiff(path: Path) -> bool:
    """Whether a TIFF's samples are compressed with loss, so that decoders differ in the last bits."""
    import tifffile  # 0.1 s that only TIFF files need

    try:
        with tifffile.TiffFile(path) as tiff:
            return any(int(page.compression) in _LOSSY_TIFF for page in tiff.pages if isinstance(page, tifffile.TiffPage))
    except BROKEN_FILE_ERRORS:
        return False  # reading it as a scene says what is wrong


def read_tiff(path: Path, variable: str | None) -> StoredImage:
    """The image in a TIFF; `variable` is ignored, as a TIFF names none.

    Raises:
        SceneError: the file holds several images, or none of rows, columns and bands.
    """
    import tifffile  # 0.1 s that only TIFF files need

    with tifffile.TiffFile(path) as tiff:
        series = sorted(tiff.series, key=lambda one: -int(np.prod(one.shape)))
        if len(series) > 1 and series[0].shape == series[1].shape:
            raise SceneError(f"{path}: expected one image, got {len(series)} of shape {series[0].shape}; export the bands as one image")
        axes, tags = series[0].axes, series[0].keyframe.tags
        metadata = {name: str(tags[name].value) for name in ("GDAL_METADATA", "GDAL_NODATA") if name in tags}
        try:
            values = series[0].asarray()
        except ValueError as error:
            if "imagecodecs" not in str(error):
                raise
            values, axes = _read_with_rasterio(path, error), "SYX"
    if axes.count("Y") != 1 or axes.count("X") != 1 or len(axes) > 3:
        raise SceneError(f"{path}: expected one image of rows, columns and bands, got TIFF axes {axes} of shape {values.shape}")
    layout = " ".join({"Y": "rows", "X": "cols"}.get(axis, "bands") for axis in axes)
    nodata = first_number(metadata.get("GDAL_NODATA", "").strip("\0 ") or None)
    stored = StoredImage(values=values, layout=layout, nodata=nodata, name=path.stem)
    return _with_gdal(stored, metadata["GDAL_METADATA"]) if "GDAL_METADATA" in metadata else stored


def _read_with_rasterio(path: Path, error: Exception) -> NDArray[Any]:
    """All bands by rasterio, where it is installed: (bands, rows, cols)."""
    try:
        import rasterio
    except ImportError:
        raise SceneError(f"{path}: expected a compression that tifffile undoes alone, got {error}; pip install -e '.[geo]'") from error
    with rasterio.open(path) as image:
        return np.asarray(image.read())


def _with_gdal(stored: StoredImage, text: str) -> StoredImage:
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
