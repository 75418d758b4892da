"""The suite's cube file, in which all cubes are stored: HDF5 with a dataset `cube` (bands, rows, cols).

Attributes (on the file or on the dataset): `scale` and `offset` (value = cube / scale + offset; 1 and 0 when absent),
`wavelengths_nm`, `name`, and free ones (source, licence, method, versions). A file that this suite has written carries `sha256`, the
seal of its content (datasets/digests.py), and is refused when the content has another seal. Only numpy and h5py are needed, so that
reports read these files without torch.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.digests import Layers, seal
from datasets.float_values import LARGEST_VALUE, expect_no_overflow, expect_scale
from datasets.hdf5_checks import attributes_of, expect_held, opened_hdf5, own_node, sealed_by
from datasets.input_files import InputFileError

_KNOWN_ATTRIBUTES = ("scale", "offset", "wavelengths_nm", "name", "sha256")


class CubeFileError(InputFileError):
    """A file that is not a cube file, or a broken one; the text says what was expected, what came, and the way out."""


class DamagedFileError(CubeFileError):
    """A file of this suite whose content is not what was written to it."""


@dataclass(frozen=True, eq=False)
class CubeFile:
    """The content of a cube file, as values (scale and offset are applied)."""

    cube: NDArray[np.float32]  # (bands, rows, cols)
    wavelengths_nm: NDArray[np.float64] | None = None
    name: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)  # every other attribute
    remarks: tuple[str, ...] = ()  # what a reader did or left out, for a person to know; not written to files


def is_own_cube_file(file: Path) -> bool:
    """Whether a file is a cube file that this suite has written: HDF5 with `cube` (bands, rows, cols) and a seal."""
    try:
        with h5py.File(file, "r") as store:
            return "cube" in store and "sha256" in store.attrs
    except OSError:  # no HDF5, or a broken one
        return False


def read_cube(file: Path, group: str = "") -> CubeFile:
    """The cube in `file`, or in one group of it (a file of a pair has the groups `hsi`, `msi` and `reference`).

    Raises:
        CubeFileError: no such file, no HDF5, no three-dimensional `cube`, values that were not all written or that float32 cannot hold, or
            attributes that do not fit it.
        DamagedFileError: its content is not what was written.
    """
    with opened_hdf5(file, CubeFileError, "a readable HDF5 cube file", "run the plan again, or fetch the file again") as store:
        node = own_node(file, store, group, CubeFileError) if group else store
        dataset = own_node(file, node, "cube", CubeFileError) if isinstance(node, h5py.Group) else None
        if not isinstance(dataset, h5py.Dataset) or dataset.ndim != 3:
            names = ", ".join(map(str, list(node or ())[:20])) or "nothing"
            got = names if dataset is None else f"cube {getattr(dataset, 'shape', '(group)')}"
            raise CubeFileError(f"{file}: expected a dataset `cube` (bands, rows, cols) in {group or 'the root'}, got {got}")
        if dataset.dtype.kind not in "iuf":
            raise CubeFileError(f"{file}: expected integer or floating samples, got {dataset.dtype}; write the cube again")
        expect_held(file, dataset, CubeFileError)
        attributes = {**attributes_of(store), **attributes_of(node), **attributes_of(dataset)}
        expected = None if group else sealed_by(attributes, file, CubeFileError)
        cube = np.empty(dataset.shape, np.float32)
        layers = Layers(dataset.dtype, dataset.shape, _read_bands(file, dataset, cube, attributes))
        if expected is not None:
            check_seal(file, {**sealed_attributes(attributes), "cube": layers}, expected)
        else:
            for _ in layers.along:
                pass
    wavelengths = None if "wavelengths_nm" not in attributes else _vector(file, attributes["wavelengths_nm"])
    if wavelengths is not None and (wavelengths.size != cube.shape[0] or not (wavelengths > 0).all()):
        raise CubeFileError(f"{file}: expected {cube.shape[0]} wavelengths above 0 nm, one per band, got {wavelengths.size}")
    notes = {key: value for key, value in attributes.items() if key not in _KNOWN_ATTRIBUTES}
    return CubeFile(cube=cube, wavelengths_nm=wavelengths, name=str(attributes.get("name", "")), notes=notes)


def _read_bands(file: Path, stored: h5py.Dataset, cube: NDArray[np.float32], attributes: Mapping[str, Any]) -> Iterator[NDArray[Any]]:
    """Each band as it is stored, after writing its values, stored / scale + offset, to `cube`; only one of them is in memory at a time.

    A file of another origin whose chunks hold several bands is read as a whole, since each chunk is decompressed for each reading.
    """
    scale, offset = (_number(file, name, attributes.get(name, default)) for name, default in (("scale", 1), ("offset", 0)))
    expect_scale(file, scale, offset, CubeFileError)
    kept = stored.dtype == np.float32 and scale == 1 and offset == 0
    limits = np.iinfo(stored.dtype) if stored.dtype.kind in "iu" else None
    held = limits is not None and max(-float(limits.min), float(limits.max)) / scale + abs(offset) < LARGEST_VALUE
    whole = None if stored.chunks is None or stored.chunks[0] == 1 else stored[()]
    for number in range(len(cube)):
        band = stored[number] if whole is None else whole[number]
        with np.errstate(over="ignore"):
            cube[number] = band
            if scale != 1:
                cube[number] /= np.float32(scale)
            if offset:
                cube[number] += np.float32(offset)
        if not (kept or held):
            expect_no_overflow(file, band[None], cube[number : number + 1], CubeFileError, first=number, bands=len(cube))
        yield band


def _number(file: Path, name: str, value: object) -> float:
    numbers = _vector(file, value, name)
    if numbers.size != 1:
        raise CubeFileError(f"{file}: expected one number in the attribute {name}, got {numbers.size}; correct it")
    return float(numbers[0])


def _vector(file: Path, value: object, name: str = "wavelengths_nm") -> NDArray[np.float64]:
    """The numbers in an attribute, all finite."""
    try:
        numbers = np.asarray(value).astype(np.float64).reshape(-1)
    except (TypeError, ValueError):
        numbers = np.array([np.nan])
    if not np.isfinite(numbers).all():
        shown = " ".join(repr(value)[:80].split())
        raise CubeFileError(f"{file}: expected finite numbers in the attribute {name}, got {shown}; correct it")
    return numbers


@contextmanager
def opened(file: Path) -> Iterator[h5py.File]:
    """The open HDF5 file, its seal checked.

    Raises:
        DamagedFileError: it is no HDF5 file, lacks a part, or its content is not what was written.
    """
    with opened_hdf5(file, DamagedFileError, "a whole HDF5 file", "run the plan again") as store:
        store.visititems(partial(_expect_held, file))
        expected = sealed_by(attributes_of(store), file, DamagedFileError)
        if expected is not None:
            check_seal(file, parts_of(store), expected)
        yield store


def _expect_held(file: Path, _: str, node: Any) -> None:
    if isinstance(node, h5py.Dataset) and node.size:
        expect_held(file, node, DamagedFileError)


def parts_of(store: h5py.File) -> dict[str, Any]:
    """Every dataset and every attribute of a file by its path, except the seal."""
    parts = sealed_attributes(store.attrs)

    def take(path: str, node: Any) -> None:
        parts.update({f"{path}@{name}": value for name, value in node.attrs.items()})
        if isinstance(node, h5py.Dataset):
            parts[path] = node[()]

    store.visititems(take)
    return parts


def check_seal(file: Path, parts: Mapping[str, Any], expected: object) -> None:
    """Nothing, where the content of a file has the seal that the file carries.

    Raises:
        DamagedFileError: it has another seal.
    """
    actual = seal(parts)
    if actual != expected:
        raise DamagedFileError(
            f"{file}: expected the content that was written (sha256 {str(expected)[:12]}), got another one ({actual[:12]}): the file is "
            "damaged or was edited; remove it and run the plan again, or remove its attribute sha256 to use it as it is"
        )


def write_cube(file: Path, content: CubeFile, *, quantise: bool = False) -> Path:
    """The file to which `content` is written as a whole or not at all (temporary file, then rename).

    Values are stored in float32 or, with `quantise`, in 16 bits over the range of the cube (107 dB for a range of 1). They are not
    compressed: gzip took a third off the size of a fused CAVE cube, and took 14 times as long to write and read.

    Raises:
        CubeFileError: `quantise` is asked for, and the cube holds NaN or Inf, which 16 bits cannot hold.
    """
    cube = content.cube
    scale, offset = 1.0, 0.0
    if quantise:
        low, high = float(cube.min()), float(cube.max())
        if not np.isfinite([low, high]).all():
            raise CubeFileError(f"{file}: expected finite values to store in 16 bits, got NaN or Inf; store float32 instead")
        offset, scale = low, 65535 / (high - low) if high > low else 1.0
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with h5py.File(temporary, "w", libver=("v108", "latest")) as store:  # the oldest layout that takes attributes above 64 KiB
        dtype = np.dtype(np.uint16 if quantise else np.float32)
        target = store.create_dataset("cube", cube.shape, dtype)
        store.attrs["scale"], store.attrs["offset"] = scale, offset
        if content.wavelengths_nm is not None:
            store.attrs["wavelengths_nm"] = np.asarray(content.wavelengths_nm, dtype=np.float64)
        store.attrs["name"] = content.name
        for key, value in content.notes.items():
            store.attrs[key] = value
        layers = Layers(dtype, cube.shape, _write_bands(target, cube, (scale, offset) if quantise else None))
        store.attrs["sha256"] = seal({**sealed_attributes(store.attrs), "cube": layers})
    temporary.replace(file)
    return file


def _write_bands(
    target: Any, cube: NDArray[np.float32], quantised: tuple[float, float] | None
) -> Iterator[NDArray[np.uint16] | NDArray[np.float32]]:
    """Each band as it is stored, after writing it to `target`: in 16 bits with this scale and offset, or in float32."""
    for number, band in enumerate(cube):
        if quantised is None:
            stored: NDArray[Any] = band.astype(np.float32, copy=False)
        else:
            scale, offset = quantised
            stored = np.rint((band.astype(np.float64) - offset) * scale).astype(np.uint16)
        target[number] = stored
        yield stored


def sealed_attributes(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a file as parts of its seal."""
    return {f"@{name}": value for name, value in attributes.items() if name != "sha256"}
