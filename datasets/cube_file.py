"""Our own cube file, read and written everywhere: HDF5 with a dataset `cube` (bands, rows, cols).

Attributes (on the file or on the dataset): `scale` and `offset` (value = cube / scale + offset; 1 and 0 when absent),
`wavelengths_nm`, `name`, and free ones (source, licence, method, versions). numpy and h5py alone: reports read these files without torch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

_OURS = ("scale", "offset", "wavelengths_nm", "name")


class CubeFileError(ValueError):
    """A file that is not a cube file, or a broken one; the text says what was expected, what came, and the way out."""


@dataclass(frozen=True, eq=False)
class CubeFile:
    """The content of a cube file, scaled to values."""

    cube: NDArray[np.float32]  # (bands, rows, cols)
    wavelengths_nm: NDArray[np.float64] | None = None
    name: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)  # every other attribute


def read_cube(file: Path, group: str = "") -> CubeFile:
    """The cube in `file`, or in one group of it (pairs keep `hsi`, `msi` and `reference` apart).

    Raises:
        CubeFileError: no such file, no HDF5, no three-dimensional `cube`, or wavelengths that do not fit it.
    """
    try:
        with h5py.File(file, "r") as store:
            node = store[group] if group else store
            if "cube" not in node or node["cube"].ndim != 3:
                got = ", ".join(f"{key} {getattr(node[key], 'shape', '(group)')}" for key in node) or "nothing"
                raise CubeFileError(f"{file}: expected a dataset `cube` (bands, rows, cols) in {group or 'the root'}, got {got}")
            attributes = {**dict(store.attrs), **dict(node.attrs), **dict(node["cube"].attrs)}
            stored = node["cube"][()]
    except (OSError, KeyError) as error:
        raise CubeFileError(f"{file}: expected a readable HDF5 cube file, got {type(error).__name__}: {error}") from error
    cube = stored.astype(np.float32)
    cube /= np.float32(attributes.get("scale", 1))
    cube += np.float32(attributes.get("offset", 0))
    wavelengths = attributes.get("wavelengths_nm")
    if wavelengths is not None:
        wavelengths = np.asarray(wavelengths, dtype=np.float64).reshape(-1)
        if wavelengths.size != cube.shape[0]:
            raise CubeFileError(f"{file}: expected {cube.shape[0]} wavelengths, one a band, got {wavelengths.size}")
    notes = {key: value for key, value in attributes.items() if key not in _OURS}
    return CubeFile(cube=cube, wavelengths_nm=wavelengths, name=str(attributes.get("name", "")), notes=notes)


def write_cube(file: Path, content: CubeFile, *, quantise: bool = False) -> Path:
    """Write `content`, whole or not at all (temporary file, then rename).

    With `quantise`, 16-bit unsigned over the cube's own range (107 dB for a range of 1), else float32.

    Raises:
        CubeFileError: `quantise` with NaN or Inf, which 16 bits cannot hold.
    """
    cube = content.cube
    scale, offset = 1.0, 0.0
    if quantise:
        low, high = float(cube.min()), float(cube.max())
        if not np.isfinite([low, high]).all():
            raise CubeFileError(f"{file}: expected finite values to store in 16 bits, got NaN or Inf; store float32 instead")
        offset, scale = low, 65535 / (high - low) if high > low else 1.0
        stored: NDArray[Any] = np.rint((cube.astype(np.float64) - offset) * scale).astype(np.uint16)
    else:
        stored = cube.astype(np.float32, copy=False)
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    with h5py.File(temporary, "w", libver=("v108", "latest")) as store:  # the oldest layout that takes attributes above 64 KiB
        store.create_dataset("cube", data=stored, chunks=(1, *stored.shape[1:]), compression="gzip", compression_opts=1, shuffle=True)
        store.attrs["scale"], store.attrs["offset"] = scale, offset
        if content.wavelengths_nm is not None:
            store.attrs["wavelengths_nm"] = np.asarray(content.wavelengths_nm, dtype=np.float64)
        store.attrs["name"] = content.name
        for key, value in content.notes.items():
            store.attrs[key] = value
    temporary.replace(file)
    return file
