"""TIFF images: read by tifffile, or by rasterio (the extra `geo`) for compressions that tifffile alone cannot undo.

Wavelengths, scale and offset (one per band; a band of which none is said has 1 and 0), and descriptions of bands come from GDAL's
metadata. Bands that a description calls a mask or the like, and alpha channels (the tag ExtraSamples), are no spectral bands: they are left
out, and transparent pixels are refused (datasets/pixel_masks.py). Where GDAL's mask inside the file marks pixels as missing, the image is
refused. Samples must be brightnesses that rise with the stored number: inverted grey, palettes and other colour spaces are refused. Formats
inside TIFF that point to other files are read as plain TIFF.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from datasets.input_files import expect_shape, own_errors, regular_size
from datasets.scale_words import doubt_of_all
from datasets.scene import SceneError
from datasets.stored_image import (
    StoredImage,
    bands_by_description,
    divisor,
    missing_values,
    opacity_by_description,
    remarks_on_unit,
    stated_numbers,
    wavelengths_or_problem,
)

_LOSSY_TIFF = (6, 7, 33003, 33004, 33005, 33007, 34712, 34887, 34892, 50001, 50002)  # JPEG, JPEG 2000, LERC, WebP, JPEG XL
_RISING = (1, 2, 34892)  # photometric interpretations: black is zero, red green blue, linear raw
_DEFLATED = (8, 32946)
_ALONE = (1, *_DEFLATED)  # compressions that tifffile undoes without further libraries
_LZMA = 34925
_UNITS = ("wavelength_units", "wavelength units")
_LONG_SEGMENT = 2**20  # deflated bytes that can stand for a gigabyte
_ELSEWHERE: dict[str, Any] = {
    f"is_{kind}": False for kind in ("ome", "ndtiff", "mmstack", "micromanager", "ndpi", "scanimage", "lsm", "eer")
}


def is_lossy_tiff(path: Path) -> bool:
    """Whether a TIFF's samples are compressed with loss, so that decoders differ in the last bits."""
    import tifffile  # 0.1 s that only TIFF files need

    try:
        with own_errors(path, SceneError, "a whole TIFF"):
            regular_size(path, SceneError)
            with tifffile.TiffFile(path, **_ELSEWHERE) as tiff:
                return any(int(page.compression) in _LOSSY_TIFF for page in tiff.pages if isinstance(page, tifffile.TiffPage))
    except SceneError:
        return False  # reading it as a scene says what is wrong


def read_tiff(path: Path, variable: str | None) -> StoredImage:
    """The image in a TIFF; `variable` is ignored, as a TIFF names none.

    Raises:
        SceneError: the file holds several images, or none of rows, columns and bands, or samples that are no brightnesses.
    """
    import tifffile  # 0.1 s that only TIFF files need

    length = regular_size(path, SceneError)
    with tifffile.TiffFile(path, **_ELSEWHERE) as tiff:
        series = sorted(tiff.series, key=lambda one: -prod(one.shape))
        if not series:
            raise SceneError(f"{path}: expected an image, got a TIFF without one; export it again")
        _expect_no_masked(path, tiff)
        series = [one for one in series if not _is_mask(one.keyframe)] or series
        if len(series) > 1 and series[0].shape == series[1].shape:
            raise SceneError(f"{path}: expected one image, got {len(series)} of shape {series[0].shape}; export the bands as one image")
        image = series[0]
        axes, shape, page = image.axes, tuple(int(size) for size in image.shape), image.keyframe
        if int(page.photometric) not in _RISING:
            kind = getattr(page.photometric, "name", page.photometric)
            raise SceneError(f"{path}: expected grey that rises with the samples, or RGB, got {kind}; export it as minisblack")
        if int(page.compression) == _LZMA:  # unpacked without a bound
            raise SceneError(
                f"{path}: expected another compression than LZMA, got LZMA; export the image with deflate or without compression"
            )
        if image.dtype is None:
            raise SceneError(f"{path}: expected samples of one type, got bits {page.bitspersample}; export the image again")
        dtype = np.dtype(image.dtype)
        held = _expect_segments(path, image, shape, dtype, length)
        metadata = {name: str(page.tags[name].value) for name in ("GDAL_METADATA", "GDAL_NODATA") if name in page.tags}
        alpha = _alpha_channels(page)
        alone = int(page.compression) in _ALONE and (int(page.compression) == 1 or page.bitspersample in (8, 16, 32, 64))
    if axes.count("Y") != 1 or axes.count("X") != 1 or len(axes) > 3 or len(axes) != len(shape):
        raise SceneError(f"{path}: expected one image of rows, columns and bands, got TIFF axes {axes} of shape {shape}")
    stored = StoredImage(
        shape=shape,
        dtype=dtype,
        held=held,
        read=partial(_samples, path, axes, alone),
        layout=" ".join({"Y": "rows", "X": "cols"}.get(axis, "bands") for axis in axes),
        nodata=missing_values(metadata.get("GDAL_NODATA", "").strip("\0 ") or None),
        left_out={"that are alpha channels": alpha} if alpha else {},
        opacity=alpha,
        name=path.stem,
    )
    return _with_gdal(path, stored, metadata["GDAL_METADATA"]) if "GDAL_METADATA" in metadata else stored


def _is_mask(page: Any) -> bool:
    return bool(int(getattr(page, "subfiletype", 0)) & 4)


def _expect_no_masked(path: Path, tiff: Any) -> None:
    """Nothing, where no mask inside the file (GDAL's, one bit or byte per pixel) says that pixels are missing."""
    for page in tiff.pages:
        if _is_mask(page):
            expect_shape(path, page.shape, np.dtype(np.uint8), max(1, sum(page.databytecounts)), SceneError)
            missing = int(np.count_nonzero(page.asarray() == 0))
            if missing:
                raise SceneError(
                    f"{path}: expected a value at every pixel, got {missing} pixels that the mask in the file marks as missing; crop or "
                    "interpolate them first"
                )


def _alpha_channels(page: Any) -> tuple[int, ...]:
    """The samples of a pixel, from 0, that are opacity: the last ones may be extra, and 1 and 2 mean alpha."""
    tag = page.tags.get("ExtraSamples")
    extra = () if tag is None else tuple(np.atleast_1d(np.asarray(tag.value)).tolist())
    first = int(page.samplesperpixel) - len(extra)
    return tuple(first + number for number, kind in enumerate(extra) if int(kind) in (1, 2))


def _expect_segments(path: Path, image: Any, shape: tuple[int, ...], dtype: np.dtype[Any], length: int) -> int:
    """The bytes that hold the image, all of which must lie in the file."""
    page, declared = image.keyframe, prod(shape) * dtype.itemsize
    if image.dataoffset is not None:  # raw samples in one piece
        if image.dataoffset + declared > length:
            raise SceneError(f"{path}: expected {image.dataoffset + declared} bytes, got {length}; the file is truncated, copy it again")
        return declared
    pages = list(image.pages)
    if any(one is None for one in pages):
        raise SceneError(f"{path}: expected all {len(pages)} pages of the image, got some of them; export the image again")
    places = [(int(start), int(count)) for one in pages for start, count in zip(one.dataoffsets, one.databytecounts, strict=True)]
    held = sum(count for _, count in places)
    beyond = sum(count <= 0 or start <= 0 or start + count > length for start, count in places)
    if beyond or not places or (int(page.compression) == 1 and held * 8 < prod(shape) * int(page.bitspersample)):
        raise SceneError(
            f"{path}: expected {declared} bytes of samples in {length} bytes, got {len(places)} segments of {held} bytes, {beyond} of "
            "them not in the file; the file is truncated, or its samples were never written"
        )
    expect_shape(path, shape, dtype, held, SceneError)
    if int(page.compression) in _DEFLATED:
        _expect_inflated(path, places, prod(page.chunks) * max(1, dtype.itemsize))
    return held


def _expect_inflated(path: Path, places: list[tuple[int, int]], largest: int) -> None:
    """Nothing, where no long deflated segment holds more than the samples that it is for."""
    long = [place for place in places if place[1] > _LONG_SEGMENT]
    if long:
        with path.open("rb") as stream:
            for start, count in long:
                stream.seek(start)
                inflater, got, waiting = zlib.decompressobj(), 0, stream.read(count)
                while waiting and got <= largest:
                    got += len(inflater.decompress(waiting, 2**20))
                    waiting = inflater.unconsumed_tail
                if got > largest:
                    raise SceneError(f"{path}: expected segments of at most {largest} bytes, got a longer one; export the image again")


def _samples(path: Path, axes: str, alone: bool) -> NDArray[Any]:
    """All samples of the largest image, with its axes as tifffile gives them."""
    import tifffile  # 0.1 s that only TIFF files need

    try:
        import rasterio
    except ImportError:
        rasterio = None
    if alone or rasterio is None:
        with tifffile.TiffFile(path, **_ELSEWHERE) as tiff:
            image = max(tiff.series, key=lambda one: prod(one.shape))
            try:
                return np.asarray(image.asarray())
            except ValueError as error:
                if "imagecodecs" not in str(error):
                    raise
                raise SceneError(
                    f"{path}: expected a compression that tifffile undoes alone, got {error}; pip install -e '.[geo]'"
                ) from error
    with rasterio.open(path, driver="GTiff") as source:
        bands = np.asarray(source.read())  # (bands, rows, cols)
    if len(axes) == 2:
        return np.asarray(bands[0])
    order = {"Y": 1, "X": 2}
    return bands.transpose([order.get(axis, 0) for axis in axes])


def _with_gdal(path: Path, stored: StoredImage, text: str) -> StoredImage:
    """The wavelengths, scale, offset and descriptions in GDAL's own metadata, band by band."""
    per_band: dict[str, dict[int, str]] = {}
    whole: dict[str, str] = {}
    text = text.strip("\0 ")
    axes = (stored.layout or "").split()
    count = stored.shape[axes.index("bands")] if "bands" in axes else 1
    if "<!" in text.replace("<!--", ""):
        raise SceneError(f"{path}: expected GDAL's metadata without document types and entities, got such; export the image again")
    with own_errors(path, SceneError, "GDAL's metadata as XML", "export the image again"):
        for item in ElementTree.fromstring(text).iter("Item"):
            key, value = item.get("name", "").lower(), (item.text or "").strip()
            if item.get("sample") is not None:
                per_band.setdefault(key, {})[int(item.get("sample", "0"))] = value
            else:
                whole[key] = value
        beyond = [band for key in ("scale", "offset") for band in per_band.get(key, {}) if not 0 <= band < count]
        if beyond:
            raise SceneError(f"{path}: expected GDAL's scale of bands 0 to {count - 1}, got band {beyond[0]}; export the image again")
        scales, offsets = (
            np.array([float(per_band[key].get(band, default)) for band in range(count)]) if key in per_band else None
            for key, default in (("scale", 1.0), ("offset", 0.0))
        )
        waves, unit = _gdal_wavelengths(per_band, whole)
    left_out = {**stored.left_out, **bands_by_description(per_band.get("description", {}))}
    dropped = {band for numbers in left_out.values() for band in numbers}
    scale = divisor("GDAL's scale", stated_numbers("GDAL's scale", scales))
    offset = stated_numbers("GDAL's offset", offsets)
    unclear = [f"{key} {whole[key][:40]}" for key, nothing in (("scale", 1.0), ("scale_factor", 1.0), ("offset", 0.0), ("add_offset", 0.0))
               if key in whole and not _is_number(whole[key], nothing)]  # fmt: skip
    understood = ("scale", "scale_factor", "offset", "add_offset")
    named = {**{key: list(values.values()) for key, values in per_band.items()}, **whole}
    doubt = doubt_of_all({key: value for key, value in named.items() if key not in understood}, "GDAL metadata", scale)
    words = [f"GDAL's metadata state {' and '.join(unclear)} for the file and not for its bands"] if unclear else []
    centres, problem = _band_centres(waves, unit, count, dropped)
    return replace(
        stored,
        wavelengths=centres,
        wavelengths_problem=problem,
        scale=1.0 if scale is None and offset is not None else scale,
        offset=0.0 if offset is None else offset,
        unclear_scale="; ".join([*words, *([doubt.words] if doubt.words else [])]),
        doubtful_scales=doubt.numbers,
        left_out=left_out,
        opacity=tuple(sorted({*stored.opacity, *opacity_by_description(per_band.get("description", {}))})),
        remarks=remarks_on_unit(centres, unit),
    )


def _gdal_wavelengths(per_band: Mapping[str, Mapping[int, str]], whole: Mapping[str, str]) -> tuple[dict[int, float], str | None]:
    """The wavelengths of the bands that have one, and their unit."""
    units = [values.get(0) or next(iter(values.values())) for key, values in per_band.items() if key in _UNITS and values]
    units += [value for key, value in whole.items() if key in _UNITS]
    for key, unit in (("wavelength", units[-1] if units else None), ("central_wavelength_um", "um")):
        if key in per_band:
            return {band: float(value) for band, value in per_band[key].items()}, unit
    return {}, None


def _band_centres(waves: Mapping[int, float], unit: str | None, count: int, dropped: set[int]) -> tuple[NDArray[np.float64] | None, str]:
    """The wavelengths in nm, where every band that is kept has one, or why they cannot be used."""
    if not waves or any(band not in waves for band in range(count) if band not in dropped):
        return None, ""
    return wavelengths_or_problem([waves.get(band, np.nan) for band in range(count)], unit, dropped)


def _is_number(text: str, number: float) -> bool:
    try:
        return float(text) == number
    except ValueError:
        return False
