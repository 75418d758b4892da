"""Single files as scenes or as images. Axis order, scale and wavelengths follow these rules, and nothing is guessed:

1. Axis order: `layout=`, three words such as "rows cols bands"; else what the format makes certain (a cube file of this suite, ENVI, TIFF);
   else, where the wavelengths are known and one axis alone is as long as their number, that is the band axis, and the other two are rows
   and columns in their order. Else an error.
2. Scale: value = stored / scale (+ offset). `scale=`, else what the file states; else 1 for floating-point samples, and an error for
   integers. The maximum of the image is never taken.
3. Wavelengths: `wavelengths=` in nm, else what the file states.
4. NaN, Inf and the no-data value that the file states are an error that gives their number; so is what float32 cannot hold, with its band.
5. All that the header, the arguments and the limits decide is checked before the samples are read (datasets/input_files.py).
6. Where two spectrometers overlap and the wavelengths fall back: `rising_bands`, below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from datasets.cube_file import CubeFile
from datasets.float_values import expect_scale, to_values
from datasets.formats import read_stored_image
from datasets.hdf5_checks import attributes_of, opened_hdf5
from datasets.input_files import own_errors
from datasets.scene import Scene, SceneError
from datasets.stored_image import StoredImage, one_text

Overlap = Literal["error", "drop"]
LONGEST_NM = 1e9  # a metre: no image is made with longer waves
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
    source = one_text(image.notes.get("source")) or path.name
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
    with opened_hdf5(path, SceneError, "an HDF5 file with groups hsi, msi, reference", "check the path") as store:
        groups = list(store)
        notes = attributes_of(store)
    if "hsi" not in groups:
        raise SceneError(
            f"{path}: expected a group hsi (and msi, reference), got {', '.join(map(str, groups)) or 'nothing'}; is it a single image?"
        )
    images = {group: read_image_file(path, variable=f"{group}/cube") for group in ("hsi", "msi", "reference") if group in groups}
    return PairFile(one_text(notes.get("name")) or path.stem, images["hsi"], images.get("msi"), images.get("reference"), notes)


def _image(path: Path, stored: StoredImage, layout: str | None, wavelengths: NDArray[np.float64] | None, scale: float | None) -> CubeFile:
    order = _order(path, stored, layout, wavelengths)
    bands = stored.shape[order.index("bands")] if len(stored.shape) == 3 else 1
    if wavelengths is not None and wavelengths.size != bands:
        raise SceneError(f"{path}: expected {bands} wavelengths, one per band, got {wavelengths.size}; check layout and wavelengths")
    if wavelengths is not None and not ((wavelengths > 0) & (wavelengths <= LONGEST_NM)).all():
        raise SceneError(f"{path}: expected wavelengths above 0 nm, up to {LONGEST_NM:.0e}, got {wavelengths[:6]}...; correct them")
    chosen = scale if scale is not None else stored.scale
    _expect_known_scale(path, stored.dtype, chosen)
    offset = stored.offset if scale is None else 0.0
    expect_scale(path, 1.0 if chosen is None else chosen, offset, SceneError)
    with own_errors(path, SceneError, f"a whole {path.suffix.lower()} file"):
        values = stored.read()
        if values.shape != stored.shape:
            raise SceneError(f"{path}: expected shape {stored.shape}, got {values.shape}; the file is damaged, fetch or export it again")
        _expect_known_scale(path, values.dtype, chosen)
        values = (values if values.ndim == 3 else values[..., None]).transpose([order.index(axis) for axis in _AXES])
        cube = to_values(path, values, chosen, offset, stored.nodata, SceneError)
    return CubeFile(cube=cube, wavelengths_nm=wavelengths, name=stored.name, notes=stored.notes)


def _expect_known_scale(path: Path, dtype: np.dtype[Any], scale: float | None) -> None:
    if dtype.kind not in "iuf":
        raise SceneError(f"{path}: expected integer or floating samples, got {dtype}; export the image again")
    if scale is None and dtype.kind in "iu":
        raise SceneError(
            f"{path}: expected a scale for {dtype} samples (value = stored / scale), got none in the file; give the sensor's own "
            "constant with scale=, such as 65535 or 10000, never the image's maximum"
        )


def _order(path: Path, stored: StoredImage, layout: str | None, wavelengths: NDArray[np.float64] | None) -> list[str]:
    """The name of each axis, in their order; a two-dimensional image gets a last axis `bands`."""
    shape = stored.shape
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
