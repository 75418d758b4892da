"""HDF5 images: netCDF-4, HDF-EOS 5, MATLAB 7.3, and cube files of this suite and of others.

What the attributes of the dataset, of its groups and of the file say of the scale (the nearest counts):

    scale, offset               this suite's: value = stored / scale + offset; each one number, or one per band
    Scale_Factor                NEON's: value = stored / Scale_Factor
    scale_factor, add_offset    netCDF's (CF conventions): value = stored * scale_factor + add_offset
    _FillValue, missing_value, nodata, Data_Ignore_Value
                                stored values that mark missing pixels
    valid_range, valid_min, valid_max
                                stored values outside of them are missing, too (CF conventions)

A scale under another name (datasets/scale_words.py), or two that contradict each other, may mean either division or multiplication: the
user has to say it.

A dataset called `cube` is (bands, rows, cols). MATLAB stores the axes in the reverse order, which its header and the attribute MATLAB_class
of each dataset show; a `.mat` with neither is HDF5 like another, and with one of the two the order is not certain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import prod
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.cube_file import DamagedFileError, check_seal, sealed_attributes
from datasets.float_values import Numbers
from datasets.hdf5_checks import attributes_of, expect_held, opened_hdf5, sealed_by
from datasets.named_arrays import WAVELENGTH_NAMES, images_among, others_among, pick_image, scale_beside, stated_beside
from datasets.scale_words import doubt_of_all
from datasets.scene import SceneError
from datasets.stored_image import (
    StoredImage,
    divisor,
    missing_values,
    one_number,
    one_text,
    remarks_on_unit,
    stated_numbers,
    wavelengths_or_problem,
)

_MISSING = ("nodata", "nodatavalue", "dataignorevalue", "fillvalue", "missingvalue")  # without case and underscores
_UNDERSTOOD = ("scale", "offset", "Scale_Factor", "scale_factor", "add_offset")
_OTHER_FORMATS = {b"CDF": "netCDF classic (nccopy -k nc4 IN OUT converts it)", b"\x0e\x03\x13\x01": "HDF4 (h4toh5 IN OUT converts it)"}


class _Hdf5Array:
    """A dataset of an HDF5 file, which is opened again when it is read."""

    def __init__(self, path: Path, dataset: h5py.Dataset) -> None:
        self.shape, self.held = dataset.shape or (), int(dataset.id.get_storage_size())
        kind = np.dtype(dataset.dtype)
        self.dtype = np.dtype(np.complex128) if is_complex(kind) else kind
        self.unit = one_text(attributes_of(dataset).get("units")) or one_text(attributes_of(dataset).get("Units"))
        self._path, self._name = path, dataset.name
        self._vector = self.dtype.kind in "iuf" and prod(self.shape) == max(self.shape, default=0)

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
            if self._vector:  # wavelengths may be packed as images are
                own = attributes_of(dataset)
                packed = _scaling(own)
                if packed.scale is not None:
                    values = values.astype(np.float64) / packed.scale + packed.offset
            return values


def read_hdf5(path: Path, variable: str | None) -> StoredImage:
    """The image in an HDF5 file; `variable` is its path in the file.

    Raises:
        SceneError: no such dataset, none of three axes or several, or attributes that cannot be right.
    """
    _expect_hdf5(path)
    with opened_hdf5(path, SceneError, f"a whole {path.suffix.lower()} file", "fetch or export it again") as store:
        arrays = _datasets(path, store)
        name = "cube" if variable is None and "cube" in arrays else pick_image(path, arrays, variable)
        expect_held(path, store[name], SceneError)
        own, attributes = attributes_of(store[name]), _attributes(store, name)
    image = arrays[name]
    beside = stated_beside(arrays, name, {key: array.unit for key, array in arrays.items() if array.unit})
    waves, problem, place, remarks = beside.wavelengths, beside.problem, beside.place, beside.remarks
    stated = next((key for key in WAVELENGTH_NAMES if key in attributes), None)
    if stated is not None:
        shared = stated not in own and len(images_among(arrays)) > 1  # may belong to another image of the file
        waves, problem = wavelengths_or_problem(attributes[stated])
        place = f"the attribute {stated} of the file" if shared else ""
        remarks = remarks_on_unit(waves, None, stated)
    scaling = _with_variables(_scaling(attributes), arrays, name)
    return StoredImage(
        shape=image.shape,
        dtype=image.dtype,
        held=image.held,
        read=image.read,
        layout="bands rows cols" if name.rsplit("/", 1)[-1] == "cube" and len(image.shape) == 3 else None,
        wavelengths=waves,
        wavelengths_problem=problem,
        wavelengths_beside=place,
        scale=scaling.scale,
        offset=scaling.offset,
        unclear_scale=scaling.unclear,
        doubtful_scales=scaling.doubtful,
        nodata=tuple(mark for key, value in attributes.items() if _plain(key) in _MISSING for mark in missing_values(value)),
        valid=_valid_range(attributes),
        left_out=beside.left_out,
        others=others_among(arrays, name),
        name=one_text(attributes.get("name")),
        notes={key: value for key, value in attributes.items() if key not in (*WAVELENGTH_NAMES, "scale", "offset", "name")},
        remarks=remarks,
    )


def read_matlab73(path: Path, variable: str | None) -> StoredImage:
    """The image in a `.mat` file that is HDF5; the axes are those of MATLAB where MATLAB wrote it.

    Raises:
        SceneError: as `read_hdf5`.
    """
    with path.open("rb") as stream:
        by_matlab = stream.read(6) == b"MATLAB"
    with opened_hdf5(path, SceneError, "a whole .mat file", "fetch or export it again") as store:
        arrays = _datasets(path, store)
        name = pick_image(path, arrays, variable)
        has_class = "MATLAB_class" in store[name].attrs
    if not by_matlab and not has_class:
        plain = read_hdf5(path, variable)
        said = "a .mat without MATLAB's header was written by another program: its axes are those of HDF5, not reversed"
        return replace(plain, name=plain.name or path.stem, remarks=(*plain.remarks, said))
    if by_matlab != has_class:
        got = (
            "MATLAB's header, but no MATLAB_class on the variable" if by_matlab else "MATLAB_class on the variable, but no header of MATLAB"
        )
        doubt = f"got {got}, so that its axes may be reversed or not"
        return replace(read_hdf5(path, variable), layout=None, doubtful_axes=doubt)
    with opened_hdf5(path, SceneError, "a whole .mat file", "fetch or export it again") as store:
        expect_held(path, store[name], SceneError)
        attributes = _attributes(store, name)
    image, beside = arrays[name], stated_beside(arrays, name, {})
    scaling = _with_variables(_scaling(attributes), arrays, name)
    return StoredImage(
        shape=image.shape[::-1],
        dtype=image.dtype,
        held=image.held,
        read=partial(_turned, image),
        wavelengths=beside.wavelengths,
        wavelengths_problem=beside.problem,
        wavelengths_beside=beside.place,
        scale=scaling.scale,
        offset=scaling.offset,
        unclear_scale=scaling.unclear,
        doubtful_scales=scaling.doubtful,
        left_out=beside.left_out,
        others=others_among(arrays, name),
        name=path.stem,
        remarks=beside.remarks,
    )


@dataclass(frozen=True, eq=False)
class _Scaling:
    """What attributes say of the scale: value = stored / scale + offset."""

    scale: Numbers | None
    offset: Numbers
    unclear: str = ""
    doubtful: tuple[float, ...] = ()


def _attributes(store: Any, name: str) -> dict[str, Any]:
    """The attributes of a dataset, of its groups and of the file; the nearest counts."""
    owners = [store, *(store["/".join(name.split("/")[: depth + 1])] for depth in range(name.count("/") + 1))]
    return {key: value for owner in owners for key, value in attributes_of(owner).items()}


def _with_variables(scaling: _Scaling, arrays: Mapping[str, _Hdf5Array], image: str) -> _Scaling:
    """The scale by the attributes, which further variables of the file may make unclear."""
    doubt = scale_beside(arrays, image, scaling.scale)
    words = "; ".join(text for text in (scaling.unclear, doubt.words) if text)
    return replace(scaling, unclear=words, doubtful=(*scaling.doubtful, *doubt.numbers))


def _scaling(attributes: Mapping[str, Any]) -> _Scaling:
    """The scale by the attributes of a dataset and of all that it lies in."""
    scales = {key: stated_numbers(key, attributes.get(key)) for key in ("scale", "Scale_Factor") if key in attributes}
    if "scale_factor" in attributes:
        scales["scale_factor"] = divisor("scale_factor", stated_numbers("scale_factor", attributes["scale_factor"]))
    offsets = {key: stated_numbers(key, attributes[key]) for key in ("offset", "add_offset") if key in attributes}
    unclear = []
    for found, nothing in ((scales, 1.0), (offsets, 0.0)):
        telling = {key: value for key, value in found.items() if np.any(np.asarray(value) != nothing)}
        first = next(iter(telling.values()), None)
        if any(np.shape(value) != np.shape(first) or not np.allclose(value, first, rtol=1e-6) for value in telling.values()):  # type: ignore[arg-type]
            unclear.append(" and ".join(f"{key} {_spelt(attributes[key])}" for key in telling) + " contradict each other")
    if str(attributes.get("_Unsigned", "false")).lower() == "true":
        raise SceneError("expected samples of the type that is meant, got signed ones with _Unsigned; export them as unsigned numbers")
    telling_scale = next((value for value in scales.values() if np.any(np.asarray(value) != 1)), next(iter(scales.values()), None))
    telling_offset = next((value for value in offsets.values() if np.any(np.asarray(value) != 0)), None)
    if telling_offset is not None and telling_scale is None:
        telling_scale = 1.0
    others = {} if "sha256" in attributes else {key: value for key, value in attributes.items() if key not in _UNDERSTOOD}
    doubt = doubt_of_all(others, "attributes", telling_scale)  # this suite's own files carry free notes
    if doubt.words:
        unclear.append(doubt.words)
    return _Scaling(telling_scale, 0.0 if telling_offset is None else telling_offset, "; ".join(unclear), doubt.numbers)


def _valid_range(attributes: Mapping[str, Any]) -> tuple[float, float] | None:
    """The least and the largest stored value that was measured, where the attributes say so."""
    if "valid_range" in attributes:
        limits = stated_numbers("valid_range", attributes["valid_range"])
        if isinstance(limits, float) or limits is None or len(limits) != 2 or limits[0] > limits[1]:
            raise SceneError(f"valid_range: expected two rising numbers, got {_spelt(attributes['valid_range'])}; correct it in the file")
        return float(limits[0]), float(limits[1])
    least, largest = (one_number(key, attributes.get(key)) for key in ("valid_min", "valid_max"))
    if least is None and largest is None:
        return None
    return (-np.inf if least is None else least), (np.inf if largest is None else largest)


def _plain(key: str) -> str:
    return key.lower().replace("_", "").replace(" ", "").replace("-", "")


def _spelt(value: Any) -> str:
    return " ".join(repr(value.tolist() if isinstance(value, np.ndarray | np.generic) else value)[:60].split())


def _expect_hdf5(path: Path) -> None:
    """Nothing, unless the file is of another format that has the same endings."""
    with path.open("rb") as stream:
        start = stream.read(4)
    for mark, name in _OTHER_FORMATS.items():
        if start.startswith(mark):
            raise SceneError(f"{path}: expected HDF5, got {name}; convert it")


def is_complex(kind: np.dtype[Any]) -> bool:
    """Whether a type is complex: HDF5 has it as two fields, which MATLAB calls real and imag, and h5py r and i."""
    return kind.kind == "c" or (kind.kind == "V" and kind.names is not None and set(kind.names) in ({"real", "imag"}, {"r", "i"}))


def _datasets(path: Path, store: Any) -> dict[str, _Hdf5Array]:
    """The numeric datasets by their path, without the internal references and the texts of MATLAB."""
    by_path: dict[str, _Hdf5Array] = {}

    def visit(name: str, node: Any) -> None:
        numeric = isinstance(node, h5py.Dataset) and not name.startswith("#") and (node.dtype.kind in "iuf" or is_complex(node.dtype))
        if numeric and node.attrs.get("MATLAB_class", b"double") != b"char":
            by_path[name] = _Hdf5Array(path, node)

    store.visititems(visit)
    return by_path


def _turned(image: _Hdf5Array) -> NDArray[Any]:
    return image.read().T
