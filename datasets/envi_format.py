"""ENVI images: a header in text (.hdr), and a file of raw samples beside it, which must be exactly as long as the header says."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.input_files import own_errors, regular_size, short_text
from datasets.scene import SceneError
from datasets.stored_image import StoredImage, missing_value, nanometres, one_number

ENVI_ENDINGS = (".hdr", ".img", ".dat", ".bsq", ".bil", ".bip")
_TYPES = {"1": "u1", "2": "i2", "3": "i4", "4": "f4", "5": "f8", "12": "u2", "13": "u4", "14": "i8", "15": "u8"}
_AXES = {"bsq": ("bands", "lines", "samples"), "bil": ("lines", "bands", "samples"), "bip": ("lines", "samples", "bands")}
_ORDERS = {"0": "<", "1": ">"}


def read_envi(path: Path, variable: str | None) -> StoredImage:
    """The image that a header describes; `path` is the header or the data file, and `variable` is ignored.

    Raises:
        SceneError: there is no header or no data file, a number is missing or impossible, or the data file is longer or shorter than said.
    """
    headers = (path.with_suffix(".hdr"), path.with_name(path.name + ".hdr"), path.with_suffix(".HDR"))
    header = path if path.suffix.lower() == ".hdr" else next((file for file in headers if file.is_file()), None)
    if header is None:
        raise SceneError(f"{path}: expected an ENVI header {headers[0].name} or {headers[1].name} beside it, got none; give the .hdr file")
    facts = _facts(header)
    if str(facts.get("file type", "")).lower() == "envi spectral library":
        raise SceneError(f"{header}: expected an ENVI image, got a spectral library; give the image's header")
    sizes = {name: _whole(header, facts, name, 1) for name in ("lines", "samples", "bands")}
    offset = _whole(header, facts, "header offset", 0, "0")
    interleave = _one_of(header, facts, "interleave", _AXES)
    dtype = np.dtype(_one_of(header, facts, "byte order", _ORDERS) + _one_of(header, facts, "data type", _TYPES))
    if str(facts.get("file compression", "0")) != "0" or {"major frame offsets", "minor frame offsets"} & set(facts):
        raise SceneError(
            f"{header}: expected samples without compression and frames, got a header that states them; export the image again"
        )
    data = _data_file(header) if header == path else path
    expected = offset + prod(sizes.values()) * dtype.itemsize
    size = regular_size(data, SceneError)
    if size != expected:
        problem = "the file is truncated, copy it again" if size < expected else "correct lines, samples, bands or data type in the header"
        raise SceneError(f"{data}: expected {expected} bytes, got {size}; {problem}")
    centres = facts.get("wavelength")
    return StoredImage(
        shape=(sizes["lines"], sizes["samples"], sizes["bands"]),
        dtype=dtype,
        held=size - offset,
        read=partial(_samples, data, dtype, offset, interleave, sizes),
        layout="rows cols bands",
        wavelengths=None if centres is None else nanometres(np.asarray(centres), facts.get("wavelength units")),
        scale=one_number("reflectance scale factor", facts.get("reflectance scale factor")),
        nodata=missing_value(facts.get("data ignore value")),
        name=header.stem,
        notes={key: facts[key] for key in ("description", "bbl", "fwhm") if key in facts},
    )


def _facts(header: Path) -> Mapping[str, Any]:
    """The entries of a header: texts, or lists of texts."""
    from spectral.io import envi  # 0.2 s that only ENVI files need

    short_text(header, SceneError)
    way_out = "check the pair of files"
    with own_errors(header, SceneError, "an ENVI header", way_out), warnings.catch_warnings(action="ignore"):  # of names in capitals
        return dict(envi.read_envi_header(str(header)))


def _whole(header: Path, facts: Mapping[str, Any], name: str, least: int, default: str | None = None) -> int:
    text = str(facts.get(name, default))
    if not (text.isascii() and text.isdigit() and len(text) < 19 and int(text) >= least):
        raise SceneError(f"{header}: expected `{name}`, a whole number of at least {least}, got {text[:40]!r}; correct the header")
    return int(text)


def _one_of(header: Path, facts: Mapping[str, Any], name: str, valid: Mapping[str, Any]) -> Any:
    text = str(facts.get(name)).lower()
    if text not in valid:
        raise SceneError(f"{header}: expected `{name}` to be one of {', '.join(valid)}, got {text[:40]!r}; correct the header")
    return valid[text]


def _data_file(header: Path) -> Path:
    """The data file beside a header: of the same name without ending, or with a usual one."""
    endings = (*ENVI_ENDINGS[1:], ".sli", ".hyspex", ".raw", ".bin")
    names = [header.with_suffix("")] + [header.with_suffix(form) for ending in endings for form in (ending, ending.upper())]
    found = [file for file in names if file.is_file()] or [file for file in names if file.exists()]
    if not found:
        raise SceneError(
            f"{header}: expected an ENVI header and its data file, got no {header.stem}.img or the like; check the pair of files"
        )
    return found[0]


def _samples(data: Path, dtype: np.dtype[Any], offset: int, axes: tuple[str, ...], sizes: Mapping[str, int]) -> NDArray[Any]:
    """The samples (lines, samples, bands), as a view of the file's order."""
    stored = np.fromfile(data, dtype, prod(sizes.values()), offset=offset).reshape([sizes[axis] for axis in axes])
    return stored.transpose([axes.index(axis) for axis in ("lines", "samples", "bands")])
