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
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from datasets.digests import Layers, seal

_KNOWN_ATTRIBUTES = ("scale", "offset", "wavelengths_nm", "name", "sha256")


class CubeFileError(ValueError):
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


def read_cube(file: Path, group: str = "") -> CubeFile:
    """The cube in `file`, or in one group of it (a file of a pair has the groups `hsi`, `msi` and `reference`).

    Raises:
        CubeFileError: no such file, no HDF5, no three-dimensional `cube`, or wavelengths that do not fit it.
        DamagedFileError: its content is not what was written.
    """
    try:
        with h5py.File(file, "r") as store:
            node = store[group] if group else store
            if "cube" not in node or node["cube"].ndim != 3:
                got = ", ".join(f"{key} {getattr(node[key], 'shape', '(group)')}" for key in node) or "nothing"
                raise CubeFileError(f"{file}: expected a dataset `cube` (bands, rows, cols) in {group or 'the root'}, got {got}")
            attributes = {**dict(store.attrs), **dict(node.attrs), **dict(node["cube"].attrs)}
            stored, cube = node["cube"], np.empty(node["cube"].shape, np.float32)
            layers = Layers(stored.dtype, stored.shape, _read_bands(stored, cube, attributes))
            if "sha256" in attributes and not group:
                check_seal(file, {**_sealed(attributes), "cube": layers}, attributes["sha256"])
            else:
                for _ in layers.along:
                    pass
    except (OSError, KeyError) as error:
        raise CubeFileError(f"{file}: expected a readable HDF5 cube file, got {type(error).__name__}: {error}") from error
    wavelengths = attributes.get("wavelengths_nm")
    if wavelengths is not None:
        wavelengths = np.asarray(wavelengths, dtype=np.float64).reshape(-1)
        if wavelengths.size != cube.shape[0]:
            raise CubeFileError(f"{file}: expected {cube.shape[0]} wavelengths, one per band, got {wavelengths.size}")
    notes = {key: value for key, value in attributes.items() if key not in _KNOWN_ATTRIBUTES}
    return CubeFile(cube=cube, wavelengths_nm=wavelengths, name=str(attributes.get("name", "")), notes=notes)


def _read_bands(stored: Any, cube: NDArray[np.float32], attributes: Mapping[str, Any]) -> Iterator[NDArray[Any]]:
    """Each band as it is stored, after writing its values to `cube`; only one of them is in memory at a time.

    A file of another origin whose chunks hold several bands is read as a whole, since each chunk is decompressed for each reading.
    """
    whole = None if stored.chunks is None or stored.chunks[0] == 1 else stored[()]
    for number in range(len(cube)):
        band = stored[number] if whole is None else whole[number]
        cube[number] = band
        cube[number] /= np.float32(attributes.get("scale", 1))
        cube[number] += np.float32(attributes.get("offset", 0))
        yield band


@contextmanager
def opened(file: Path) -> Iterator[h5py.File]:
    """The open HDF5 file, its seal checked.

    Raises:
        DamagedFileError: it is no HDF5 file, lacks a part, or its content is not what was written.
    """
    try:
        with h5py.File(file, "r") as store:
            if "sha256" in store.attrs:
                check_seal(file, parts_of(store), store.attrs["sha256"])
            yield store
    except (OSError, KeyError) as error:
        raise DamagedFileError(f"{file}: expected a whole HDF5 file, got {type(error).__name__}: {error}; run the plan again") from error


def parts_of(store: h5py.File) -> dict[str, Any]:
    """Every dataset and every attribute of a file by its path, except the seal."""
    parts = _sealed(store.attrs)

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

    Values are stored in float32 or, with `quantise`, in 16 bits over the range of the cube (107 dB for a range of 1).

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
        dtype, chunks = np.dtype(np.uint16 if quantise else np.float32), (1, *cube.shape[1:])
        target = store.create_dataset("cube", cube.shape, dtype, chunks=chunks, compression="gzip", compression_opts=1, shuffle=True)
        store.attrs["scale"], store.attrs["offset"] = scale, offset
        if content.wavelengths_nm is not None:
            store.attrs["wavelengths_nm"] = np.asarray(content.wavelengths_nm, dtype=np.float64)
        store.attrs["name"] = content.name
        for key, value in content.notes.items():
            store.attrs[key] = value
        layers = Layers(dtype, cube.shape, _write_bands(target, cube, (scale, offset) if quantise else None))
        store.attrs["sha256"] = seal({**_sealed(store.attrs), "cube": layers})
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


def _sealed(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """The attributes of a file as parts of its seal."""
    return {f"@{name}": value for name, value in attributes.items() if name != "sha256"}
