"""Single files as scenes or as images. Axis order, scale and wavelengths follow these rules, and nothing is guessed:

What the file does not state, or states wrongly, is said by `ReadingOptions` (datasets/reading_options.py).

1. Axis order: `layout=`, three words such as "rows cols bands"; else what the format makes certain (a cube file of this suite, ENVI, TIFF);
   else, where the wavelengths are known and one axis alone is as long as their number, that is the band axis, and the other two are rows
   and columns in their order. Else an error.
2. Scale: value = stored / scale (+ offset). `scale=`, else what the file states; else 1 for floating-point samples, and an error for
   integers. The maximum of the image is never taken.
3. Wavelengths: `wavelengths=` in nm, else what the file states.
4. NaN, Inf and the no-data value (`nodata=`, else what the file states) in the part that is kept are an error that gives their number; so
   is what float32 cannot hold, with its band.
5. All that the header, the arguments and the limits decide is checked before the samples are read (datasets/input_files.py).
6. Where two spectrometers overlap and the wavelengths fall back: `rising_bands`, below.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from datasets.cube_file import CubeFile
from datasets.float_values import expect_scale, to_values
from datasets.formats import read_stored_image
from datasets.hdf5_checks import attributes_of, opened_hdf5
from datasets.input_files import own_errors
from datasets.reading_options import LONGEST_NM, Centres, EvenCentres, ReadingOptions
from datasets.scene import Scene, SceneError
from datasets.stored_image import StoredImage, one_text

PLAIN = ReadingOptions()
_AXES = ("bands", "rows", "cols")


@dataclass(frozen=True, eq=False)
class PairFile:
    """A pair of images of one place in one file: HDF5 groups `hsi`, `msi` and `reference`, each laid out as a cube file."""

    name: str
    hsi: CubeFile
    msi: CubeFile | None = None
    reference: CubeFile | None = None
    notes: Mapping[str, Any] = field(default_factory=dict)  # the attributes of the file: source, licence, ratio...


def read_scene_file(path: Path, options: ReadingOptions = PLAIN) -> Scene:
    """The scene in one file, float32 (bands, rows, cols); the module docstring has the rules.

    Raises:
        SceneError: a rule cannot be kept, or the file is broken.
    """
    image = read_image_file(path, options)
    if image.wavelengths_nm is None:
        raise SceneError(f"{path}: expected wavelengths, one per band, got none in the file; give them with wavelengths= (nm)")
    source = one_text(image.notes.get("source")) or path.name
    cube, centres = image.cube, image.wavelengths_nm
    if options.overlap == "drop":
        keep = rising_bands(centres)
        if len(keep) < len(centres):
            source += f"; {len(centres) - len(keep)} of {len(centres)} bands dropped where the wavelengths overlap"
        if 2 * len(keep) < len(centres):
            raise SceneError(f"{path}: expected wavelengths that mostly rise, got {len(keep)} rising of {len(centres)}; sort the bands")
        cube, centres = cube[keep], centres[keep]
    if options.resample_to is not None:
        cube, centres = _resampled(path, cube, centres, options.resample_to)
        source += f"; spectra interpolated onto {len(centres)} bands"
    mask = None if options.mask is None else _read_mask(path, options, cube.shape[1:])
    bands = torch.from_numpy(centres.astype(np.float32))
    return Scene(image.name or path.stem, torch.from_numpy(np.ascontiguousarray(cube)), bands, source, mask)


def rising_bands(wavelengths: NDArray[np.float64]) -> list[int]:
    """The numbers of the bands whose wavelength exceeds that of every band before: the rule for spectrometers that overlap."""
    before = np.concatenate([[-np.inf], np.maximum.accumulate(wavelengths)[:-1]])
    return [int(band) for band in np.flatnonzero(wavelengths > before)]


def read_image_file(path: Path, options: ReadingOptions = PLAIN) -> CubeFile:
    """The image in one file, which need not be a scene (an MSI, an HSI without wavelengths); the module docstring has the rules.

    The options that need wavelengths (`overlap`, `resample_to`), and `mask`, are for scenes alone.

    Raises:
        SceneError: a rule cannot be kept, or the file is broken.
    """
    return _image(path, read_stored_image(path, options.variable), options)


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
    images = {
        group: read_image_file(path, ReadingOptions(variable=f"{group}/cube")) for group in ("hsi", "msi", "reference") if group in groups
    }
    return PairFile(one_text(notes.get("name")) or path.stem, images["hsi"], images.get("msi"), images.get("reference"), notes)


def _image(path: Path, stored: StoredImage, options: ReadingOptions) -> CubeFile:
    given = options.wavelengths
    known = stored.wavelengths if given is None else None if isinstance(given, EvenCentres) and given.count is None else _centres(given, 0)
    order = _order(path, stored, options.layout, known)
    bands = stored.shape[order.index("bands")] if len(stored.shape) == 3 else 1
    wavelengths = stored.wavelengths if given is None else _centres(given, bands)
    if wavelengths is not None and wavelengths.size != bands:
        raise SceneError(f"{path}: expected {bands} wavelengths, one per band, got {wavelengths.size}; check layout and wavelengths")
    if wavelengths is not None and not ((wavelengths > 0) & (wavelengths <= LONGEST_NM)).all():
        raise SceneError(f"{path}: expected wavelengths above 0 nm, up to {LONGEST_NM:.0e}, got {wavelengths[:6]}...; correct them")
    scale = options.scale
    chosen = scale if scale is not None else stored.scale
    _expect_known_scale(path, stored.dtype, chosen)
    offset = stored.offset if scale is None else 0.0
    expect_scale(path, 1.0 if chosen is None else chosen, offset, SceneError)
    rows, cols = (stored.shape[order.index(axis)] for axis in ("rows", "cols"))
    part, keep = _window(path, options.crop, rows, cols), _kept_bands(path, options, bands)
    with own_errors(path, SceneError, f"a whole {path.suffix.lower()} file"):
        values = stored.read()
        if values.shape != stored.shape:
            raise SceneError(f"{path}: expected shape {stored.shape}, got {values.shape}; the file is damaged, fetch or export it again")
        _expect_known_scale(path, values.dtype, chosen)
        values = (values if values.ndim == 3 else values[..., None]).transpose([order.index(axis) for axis in _AXES])
        values = (values if keep is None else values[keep])[:, *part]
        nodata = stored.nodata if options.nodata is None else options.nodata
        cube = to_values(path, values, chosen, offset, nodata, SceneError)
    centres = wavelengths if keep is None or wavelengths is None else wavelengths[keep]
    return CubeFile(cube=cube, wavelengths_nm=centres, name=stored.name, notes=stored.notes)


def _centres(given: Centres, bands: int) -> NDArray[np.float64]:
    return np.asarray(given.values(bands) if isinstance(given, EvenCentres) else given, dtype=np.float64)


def _window(path: Path, crop: tuple[int, int, int, int] | None, rows: int, cols: int) -> tuple[slice, slice]:
    """The rows and columns that are kept."""
    if crop is None:
        return slice(None), slice(None)
    row, col, height, width = crop
    if row + height > rows or col + width > cols:
        raise SceneError(f"{path}: expected a crop [row, col, rows, cols] inside {rows} x {cols} pixels, got {list(crop)}; make it smaller")
    return slice(row, row + height), slice(col, col + width)


def _kept_bands(path: Path, options: ReadingOptions, bands: int) -> list[int] | None:
    """The numbers, from 0, of the bands that are kept; None for all."""
    if options.bands is None and not options.bad_bands:
        return None
    wanted = tuple(range(1, bands + 1)) if options.bands is None else options.bands
    beyond = [number for number in (*wanted, *options.bad_bands) if number > bands]
    if beyond:
        raise SceneError(f"{path}: expected bands from 1 to {bands}, got {beyond[0]}; correct bands or bad_bands")
    keep = [number - 1 for number in wanted if number not in options.bad_bands]
    if not keep:
        raise SceneError(f"{path}: expected at least one band that is kept, got none; correct bands or bad_bands")
    return keep


def _resampled(
    path: Path, cube: NDArray[np.float32], centres: NDArray[np.float64], onto: Centres
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """The spectra, interpolated linearly between the two nearest bands."""
    wanted = _centres(onto, len(centres))
    if (np.diff(centres) <= 0).any() or (np.diff(wanted) <= 0).any():
        raise SceneError(f"{path}: expected rising wavelengths for resample_to, got others; sort them, or give overlap=drop")
    if wanted[0] < centres[0] or wanted[-1] > centres[-1]:
        raise SceneError(
            f"{path}: expected resample_to within the image's {centres[0]:g}..{centres[-1]:g} nm, got {wanted[0]:g}..{wanted[-1]:g}"
        )
    above = np.clip(np.searchsorted(centres, wanted), 1, len(centres) - 1) if len(centres) > 1 else np.zeros(len(wanted), dtype=int)
    below = np.maximum(above - 1, 0)
    share = np.divide(wanted - centres[below], centres[above] - centres[below], out=np.zeros(len(wanted)), where=above > below)
    weights = share.astype(np.float32)[:, None, None]
    return cube[below] * (1 - weights) + cube[above] * weights, wanted


def _read_mask(path: Path, options: ReadingOptions, sides: tuple[int, ...]) -> Tensor:
    """Which pixels are scored: those at which the mask is not 0."""
    where = options.mask or ""
    file, variable = (Path(where), None) if Path(where).is_file() else (path, where)
    stored = read_stored_image(file, variable)
    with own_errors(file, SceneError, "an image of one band, 0 where a pixel is left out"):
        values = np.squeeze(stored.read())
    if values.ndim == 2 and options.crop is not None and values.shape != sides:
        values = values[_window(file, options.crop, *values.shape)]
    if values.shape != tuple(sides):
        raise SceneError(f"{file}: expected a mask of {sides[0]} x {sides[1]} pixels like the image, got shape {values.shape}")
    return torch.from_numpy(np.ascontiguousarray(values != 0))


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
