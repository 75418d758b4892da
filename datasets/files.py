"""Single files as scenes or as images. Axis order, scale and wavelengths follow these rules, and nothing is guessed:

1. Axis order: `layout=`, three words such as "rows cols bands"; else what the format makes certain (a cube file of this suite, ENVI, TIFF);
   else, where the wavelengths are known and one axis alone is as long as their number, that is the band axis, and the other two are rows
   and columns in their order. Else an error.
2. Scale: value = stored / scale (+ offset). `scale=`, else what the file states; else 1 for floating-point samples, and an error for
   integers. The maximum of the image is never taken.
3. Wavelengths: `wavelengths=` in nm, else what the file states.
4. NaN, Inf and the no-data value that the file states are an error that gives their number.
5. Where two spectrometers overlap and the wavelengths fall back: `rising_bands`, below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from datasets.cube_file import CubeFile
from datasets.formats import read_stored_image
from datasets.scene import Scene, SceneError
from datasets.stored_image import StoredImage

Overlap = Literal["error", "drop"]
_AXES = ("bands", "rows", "cols")


@dataclass(frozen=True, eq=False)
class PairFile:
    """A pair of images of one place in one file: HDF5 groups `hsi`, `msi` and `reference`, each laid out as a cube file."""

    name: str
    hsi: CubeFile
    msi: CubeFile | None = None
    reference: CubeFile | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)  # the attributes of the file: source, licence, ratio...


def read_scene_file(
    path: Path,
    *,
    layout: str | None = None,
    wavelengths: Sequence[float] | None = None,
    variable: str | None = None,
    scale: float | None = None,
    overlap: Overlap = "error",
) -> Scene:
    """The scene in one file, float32 (bands, rows, cols); the module docstring has the rules.

    Raises:
        SceneError: a rule cannot be kept, or the file is broken.
    """
    image = read_image_file(path, layout=layout, wavelengths=wavelengths, variable=variable, scale=scale)
    if image.wavelengths_nm is None:
        raise SceneError(f"{path}: expected wavelengths, one per band, got none in the file; give them with wavelengths= (nm)")
    source = str(image.notes.get("source", path.name))
    cube, centres = image.cube, image.wavelengths_nm
    if overlap == "drop":
        keep = rising_bands(centres)
        if len(keep) < len(centres):
            source += f"; {len(centres) - len(keep)} of {len(centres)} bands dropped where the wavelengths overlap"
        if 2 * len(keep) < len(centres):
            raise SceneError(f"{path}: expected wavelengths that mostly rise, got {len(keep)} rising of {len(centres)}; sort the bands")
        cube, centres = cube[keep], centres[keep]
    bands = torch.from_numpy(centres.astype(np.float32))
    return Scene(image.name or path.stem, torch.from_numpy(np.ascontiguousarray(cube)), bands, source)


def rising_bands(wavelengths: NDArray[np.float64]) -> list[int]:
    """The numbers of the bands whose wavelength exceeds that of every band before: the rule for spectrometers that overlap."""
    before = np.concatenate([[-np.inf], np.maximum.accumulate(wavelengths)[:-1]])
    return [int(band) for band in np.flatnonzero(wavelengths > before)]


def read_image_file(
    path: Path,
    *,
    layout: str | None = None,
    wavelengths: Sequence[float] | None = None,
    variable: str | None = None,
    scale: float | None = None,
) -> CubeFile:
    """The image in one file, which need not be a scene (an MSI, an HSI without wavelengths); the module docstring has the rules.

    Raises:
        SceneError: a rule cannot be kept, or the file is broken.
    """
    stored = read_stored_image(path, variable)
    given = None if wavelengths is None else np.asarray(wavelengths, dtype=np.float64).reshape(-1)
    return _image(path, stored, layout, stored.wavelengths if given is None else given, scale)


def read_pair_file(path: Path) -> PairFile:
    """The pair in one file: `hsi` always, `msi` and `reference` where the file has them.

    Raises:
        SceneError: no HDF5, no `hsi`, or a group that breaks a rule.
    """
    try:
        with h5py.File(path, "r") as store:
            groups = list(store)
            notes = dict(store.attrs)
    except OSError as error:
        raise SceneError(f"{path}: expected an HDF5 file with groups hsi, msi, reference, got {error}; check the path") from error
    if "hsi" not in groups:
        raise SceneError(f"{path}: expected a group hsi (and msi, reference), got {', '.join(groups) or 'nothing'}; is it a single image?")
    images = {group: read_image_file(path, variable=f"{group}/cube") for group in ("hsi", "msi", "reference") if group in groups}
    return PairFile(str(notes.get("name", path.stem)), images["hsi"], images.get("msi"), images.get("reference"), notes)


def _image(path: Path, stored: StoredImage, layout: str | None, wavelengths: NDArray[np.float64] | None, scale: float | None) -> CubeFile:
    order = _order(path, stored, layout, wavelengths)
    values = stored.values if stored.values.ndim == 3 else stored.values[..., None]
    values = values.transpose([order.index(axis) for axis in _AXES])
    if wavelengths is not None and wavelengths.size != values.shape[0]:
        raise SceneError(
            f"{path}: expected {values.shape[0]} wavelengths, one per band, got {wavelengths.size}; check layout and wavelengths"
        )
    bad = int(values.size - np.isfinite(values).sum())
    ignored = 0 if stored.nodata is None else int((values == stored.nodata).sum())
    if bad or ignored:
        raise SceneError(
            f"{path}: expected a value at every pixel and band, got {bad} NaN or Inf and {ignored} no-data values of {values.size}; "
            "crop, mask or interpolate them first"
        )
    chosen = scale if scale is not None else stored.scale
    if chosen is None and values.dtype.kind in "iu":
        raise SceneError(
            f"{path}: expected a scale for {values.dtype} samples (value = stored / scale), got none in the file; give the sensor's own "
            "constant with scale=, such as 65535 or 10000, never the image's maximum"
        )
    if chosen is not None and not (np.isfinite(chosen) and chosen > 0):
        raise SceneError(f"{path}: expected a scale above 0, got {chosen}; give the sensor's own constant with scale=")
    cube = values.astype(np.float32, order="C")
    if chosen is not None:
        cube /= np.float32(chosen)
    if scale is None and stored.offset:
        cube += np.float32(stored.offset)
    return CubeFile(cube=cube, wavelengths_nm=wavelengths, name=stored.name, notes=stored.notes)


def _order(path: Path, stored: StoredImage, layout: str | None, wavelengths: NDArray[np.float64] | None) -> list[str]:
    """The name of each axis, in their order; a two-dimensional image gets a last axis `bands`."""
    shape = stored.values.shape
    if len(shape) not in (2, 3):
        raise SceneError(f"{path}: expected rows, cols and bands, got shape {shape}; name another variable or export three axes")
    if layout is not None:
        words = layout.split()
        order = [*words, "bands"] if len(words) == 2 and len(shape) == 2 else words
        if sorted(order) != sorted(_AXES) or len(words) != len(shape):
            raise SceneError(f'{path}: expected layout= with the words bands, rows, cols, one per axis of {shape}, got "{layout}"')
        return order
    if stored.layout is not None:
        words = stored.layout.split()
        return words if len(words) == 3 else [*words, "bands"]
    if len(shape) == 3 and wavelengths is not None:
        fitting = [axis for axis, size in enumerate(shape) if size == wavelengths.size]
        if len(fitting) == 1:
            order = ["rows", "cols"]
            order.insert(fitting[0], "bands")
            return order
        raise SceneError(
            f"{path}: expected one axis of {wavelengths.size}, the number of wavelengths, got shape {shape}; say which is which with "
            'layout=, such as "rows cols bands"'
        )
    raise SceneError(f'{path}: expected a known axis order, got shape {shape} and no wavelengths; give layout=, such as "rows cols bands"')
