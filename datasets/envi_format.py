"""ENVI images: a header in text (.hdr), and a file of raw samples beside it, which must be exactly as long as the header says.

What the header says of the values: `reflectance scale factor` (value = stored / factor); `data reflectance gain values` and `... offset
values`, else `data gain values` and `data offset values` (value = stored * gain + offset, one pair per band); `data ignore value`, the
stored value of missing pixels; `bbl`, the bands that are good (1) or bad (0); `band names`, of which some may be no spectral bands.
A header that states both a factor and gains is not clear, and the user has to say the scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.float_values import Numbers
from datasets.input_files import regular_size, short_text
from datasets.scale_words import doubt_of_all
from datasets.scene import SceneError
from datasets.stored_image import (
    StoredImage,
    bands_by_description,
    divisor,
    missing_values,
    one_number,
    opacity_by_description,
    remarks_on_unit,
    stated_numbers,
    wavelengths_or_problem,
)

_SCALING = (
    "reflectance scale factor",
    *(f"{kind} {what} values" for kind in ("data reflectance", "data") for what in ("gain", "offset")),
)
ENVI_ENDINGS = (".hdr", ".img", ".dat", ".bsq", ".bil", ".bip")
_NO_IMAGES = ("envi spectral library", "envi classification", "envi meta file", "envi virtual mosaic")
_COMPLEX = ("6", "9")
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
    if str(facts.get("file type", "")).lower() in _NO_IMAGES:
        raise SceneError(f"{header}: expected an ENVI image, got the file type {facts['file type']}; give the image's header")
    sizes = {name: _whole(header, facts, name, 1) for name in ("lines", "samples", "bands")}
    offset_bytes = _whole(header, facts, "header offset", 0, "0")
    interleave = _one_of(header, facts, "interleave", _AXES)
    if facts.get("data type") in _COMPLEX:
        raise SceneError(f"{header}: expected real samples, got complex ones (`data type` {facts['data type']}); export their magnitude")
    samples = _one_of(header, facts, "data type", _TYPES)
    dtype = np.dtype((_one_of(header, facts, "byte order", _ORDERS) if samples != "u1" else "") + samples)
    if str(facts.get("file compression", "0")) != "0" or {"major frame offsets", "minor frame offsets"} & set(facts):
        raise SceneError(
            f"{header}: expected samples without compression and frames, got a header that states them; export the image again"
        )
    data = _data_file(header, offset_bytes + prod(sizes.values()) * dtype.itemsize) if header == path else path
    expected = offset_bytes + prod(sizes.values()) * dtype.itemsize
    size = regular_size(data, SceneError)
    if size != expected:
        problem = "the file is truncated, copy it again" if size < expected else "correct lines, samples, bands or data type in the header"
        raise SceneError(f"{data}: expected {expected} bytes, got {size}; {problem}")
    left_out = _left_out(header, facts, sizes["bands"])
    dropped = {band for numbers in left_out.values() for band in numbers}
    scale, offset, unclear = _scaling(header, facts, sizes["bands"], dropped)
    doubt = doubt_of_all({key: value for key, value in facts.items() if key not in _SCALING}, "entries of the header", scale)
    wavelengths, problem = _wavelengths(header, facts, sizes["bands"], dropped)
    return StoredImage(
        shape=(sizes["lines"], sizes["samples"], sizes["bands"]),
        dtype=dtype,
        held=size - offset_bytes,
        read=partial(_samples, data, dtype, offset_bytes, interleave, sizes),
        layout="rows cols bands",
        wavelengths=wavelengths,
        wavelengths_problem=problem,
        scale=scale,
        offset=offset,
        unclear_scale="; ".join(text for text in (unclear, doubt.words) if text),
        doubtful_scales=doubt.numbers,
        nodata=missing_values(facts.get("data ignore value")),
        left_out=left_out,
        opacity=opacity_by_description(_band_names(facts, sizes["bands"])),
        name=header.stem,
        notes={key: facts[key] for key in ("description", "bbl", "fwhm") if key in facts},
        remarks=remarks_on_unit(wavelengths, facts.get("wavelength units")),
    )


def _facts(header: Path) -> Mapping[str, Any]:
    """The entries of a header by their names in small letters: texts, or lists of texts for what stands in braces.

    Raises:
        SceneError: the text does not begin with ENVI, a brace is not closed, or an entry stands twice with two values.
    """
    raw = short_text(header, SceneError)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("latin-1")  # as ENVI writes it in western Europe; the entries that are read are ASCII
    first, *lines = text.splitlines() or [""]
    if not first.strip().startswith("ENVI"):
        raise SceneError(f"{header}: expected an ENVI header that begins with ENVI, got {first[:20]!r}; check the pair of files")
    facts: dict[str, Any] = {}
    rest = iter(lines)
    for line in rest:
        key, equals, value = line.partition("=")
        if not equals or line.startswith(";"):
            continue
        key, value = " ".join(key.lower().split()), value.strip()
        if value.startswith("{"):
            while not value.endswith("}"):
                following = next(rest, None)
                if following is None:
                    raise SceneError(
                        f"{header}: expected an ENVI header, got `{key[:40]}` without a closing brace; check the pair of files"
                    )
                value += "" if following.startswith(";") else f"\n{following.strip()}"
        fact = value if not value.startswith("{") else value[1:-1].strip() if key == "description" else _items(value)
        if facts.setdefault(key, fact) != fact:
            raise SceneError(f"{header}: expected `{key[:40]}` once, got it twice with two values; correct the header")
    return facts


def _items(value: str) -> list[str]:
    """The texts of a list in braces; a comma before the closing brace ends the list."""
    items = [item.strip() for item in value[1:-1].split(",")]
    return items[:-1] if len(items) > 1 and not items[-1] else items


def _left_out(header: Path, facts: Mapping[str, Any], bands: int) -> dict[str, tuple[int, ...]]:
    """The bands that are bad, or no spectral bands, by the reason."""
    left_out: dict[str, tuple[int, ...]] = {}
    if "bbl" in facts:
        flags = np.atleast_1d(np.asarray(stated_numbers("bbl", facts["bbl"])))
        listed = len(facts["bbl"]) if isinstance(facts["bbl"], list) else 1
        if listed != bands or not np.isin(flags, (0, 1)).all():
            raise SceneError(
                f"{header}: expected `bbl` with 1 for a good and 0 for a bad band, {bands} numbers, got {listed}, {np.unique(flags)[:5]}; "
                "correct the header"
            )
        if bad := tuple(int(band) for band in range(bands) if flags[band if len(flags) > 1 else 0] == 0):
            left_out["that the header's bbl marks as bad"] = bad
    left_out.update(bands_by_description(_band_names(facts, bands)))
    return left_out


def _band_names(facts: Mapping[str, Any], bands: int) -> dict[int, str]:
    """The name of each band, from 0, where the header names them all."""
    names = facts.get("band names")
    return dict(enumerate(names)) if isinstance(names, list) and len(names) == bands else {}


def _wavelengths(header: Path, facts: Mapping[str, Any], bands: int, dropped: set[int]) -> tuple[NDArray[np.float64] | None, str]:
    """The wavelengths in nm, or why those in the header cannot be used; None and no reason where there are none."""
    centres = facts.get("wavelength")
    if centres is None:
        return None, ""
    listed = centres if isinstance(centres, list) else [centres]
    if len(listed) != bands:
        return None, f"{header}: expected {bands} wavelengths, one per band, got {len(listed)}; correct the header"
    try:
        numbers = np.asarray(listed, dtype=np.float64)
    except ValueError:
        return None, f"{header}: wavelengths: expected numbers, got {listed[:3]}...; correct the header"
    return wavelengths_or_problem(numbers, facts.get("wavelength units"), dropped)


def _scaling(header: Path, facts: Mapping[str, Any], bands: int, dropped: set[int]) -> tuple[Numbers | None, Numbers, str]:
    """Scale and offset of value = stored / scale + offset, and why they are not clear."""
    factor = one_number("reflectance scale factor", facts.get("reflectance scale factor"))
    kinds = ("data reflectance", "data")
    kind = next((one for one in kinds if f"{one} gain values" in facts or f"{one} offset values" in facts), None)
    if kind is None:
        return factor, 0.0, ""
    gains, offsets = (_per_band(header, f"{kind} {what} values", facts.get(f"{kind} {what} values"), bands) for what in ("gain", "offset"))
    gains = np.ones(bands) if gains is None else gains
    gains = np.where([band in dropped for band in range(bands)], 1.0, gains)  # those of bad bands may be 0
    scale = divisor(f"{kind} gain values", gains)
    telling = bool((gains != 1).any()) or bool(offsets is not None and offsets.any())
    if not telling:
        return factor, 0.0, ""
    both = "the header states a reflectance scale factor, and gains or offsets" if factor not in (None, 1.0) else ""
    return scale, 0.0 if offsets is None else offsets, both


def _per_band(header: Path, name: str, value: Any, bands: int) -> NDArray[np.float64] | None:
    numbers = stated_numbers(name, value)
    if numbers is None:
        return None
    if (len(value) if isinstance(value, list) else 1) != bands:
        raise SceneError(f"{header}: expected `{name}` with {bands} numbers, one per band, got {len(value)}; correct the header")
    return np.broadcast_to(np.asarray(numbers, dtype=np.float64), (bands,))


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


def _data_file(header: Path, length: int) -> Path:
    """The data file beside a header: of the same name without ending, or with a usual one; among several the one of that length.

    Raises:
        SceneError: there is none, or several are as long as the header says.
    """
    endings = (*ENVI_ENDINGS[1:], ".sli", ".hyspex", ".raw", ".bin")
    names = [header.with_suffix("")] + [header.with_suffix(form) for ending in endings for form in (ending, ending.upper())]
    found = [file for file in names if file.is_file()] or [file for file in names if file.exists()]
    if not found:
        raise SceneError(
            f"{header}: expected an ENVI header and its data file, got no {header.stem}.img or the like; check the pair of files"
        )
    fitting = [file for file in found if file.is_file() and file.stat().st_size == length]
    if len({file.resolve() for file in fitting}) > 1 and not _alike(fitting):
        raise SceneError(
            f"{header}: expected one data file beside it, got {', '.join(file.name for file in fitting)}, all of the right length; give "
            "the data file itself"
        )
    return (fitting or found)[0]


def _alike(files: list[Path]) -> bool:
    """Whether files are one file by several names, as where the file system knows no capitals."""
    return all(file.samefile(files[0]) for file in files[1:])


def _samples(data: Path, dtype: np.dtype[Any], offset: int, axes: tuple[str, ...], sizes: Mapping[str, int]) -> NDArray[Any]:
    """The samples (lines, samples, bands), as a view of the file's order."""
    stored = np.fromfile(data, dtype, prod(sizes.values()), offset=offset).reshape([sizes[axis] for axis in axes])
    return stored.transpose([axes.index(axis) for axis in ("lines", "samples", "bands")])
