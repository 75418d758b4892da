"""Single files as scenes or as images. Axis order, scale and wavelengths follow these rules, and nothing is guessed:

What the file does not state, or states wrongly, is said by `ReadingOptions` (datasets/reading_options.py).

1. Axis order: `layout=`, three words such as "rows cols bands"; else what the format makes certain (a cube file of this suite, ENVI, TIFF);
   else, where the wavelengths are known and one axis alone is as long as their number, that is the band axis, and the other two are rows
   and columns in their order. Else an error.
2. Scale: value = stored / scale + offset, each one number, or one per band. What the file states, else `scale=`; where both are given they
   must agree, since a stated scale is never divided again. Without either 1 for floating-point samples whose values are brightnesses
   (datasets/plausible_values.py), and an error for others and for integers. The maximum of the image is never taken.
3. Wavelengths: `wavelengths=` in nm, else what the file states. Those that stand beside the image as another variable, and do not fit it,
   are not its own.
4. NaN, Inf and the no-data values (`nodata=`, and those that the file states) in the part that is kept are an error that gives their
   number; so is what float32 cannot hold, with its band.
5. Bands that the file calls bad, or that are no spectral bands (masks, quality, opacity), are left out; `bands=` keeps those that it names.
6. All that the header, the arguments and the limits decide is checked before the samples are read (datasets/input_files.py).
7. Where two spectrometers overlap and the wavelengths fall back: datasets/band_order.py.

What a person should know of all this stands in `remarks`, and in the `source` of a scene.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from datasets.band_order import in_rising_order, kept_bands
from datasets.cube_file import CubeFile
from datasets.float_values import MissingValues, expect_scale, to_values
from datasets.formats import read_stored_image
from datasets.hdf5_checks import attributes_of, opened_hdf5
from datasets.input_files import own_errors
from datasets.named_arrays import is_msi
from datasets.pixel_masks import expect_opaque, kept_window, read_mask
from datasets.plausible_values import expect_brightness, remarks_on_fill, remarks_on_marks, remarks_on_scale
from datasets.reading_options import Centres, EvenCentres, ReadingOptions
from datasets.scale_choice import chosen_scale, expect_known_scale, is_stated
from datasets.scale_words import remarks_on_doubt
from datasets.scene import Scene, SceneError
from datasets.stored_image import StoredImage, one_text, option
from datasets.wavelength_units import why_no_nanometres

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
    stored = read_stored_image(path, options.variable)
    image = _image(path, stored, options, masked=options.mask is not None)
    if image.wavelengths_nm is None:
        reasons = f" ({'; '.join(image.remarks)})" if image.remarks else ""
        raise SceneError(f"{path}: expected wavelengths, one per band, got none in the file{reasons}; give them with wavelengths= (nm)")
    image = in_rising_order(path, image, options.overlap)
    if image.wavelengths_nm is None:
        raise SceneError(f"{path}: expected wavelengths, got none; give them with wavelengths= (nm)")
    cube, centres = image.cube, image.wavelengths_nm
    remarks = [*image.remarks, *_on_others(stored.others)]
    if options.resample_to is not None:
        cube, centres = _resampled(path, cube, centres, options.resample_to)
        remarks.append(f"spectra interpolated onto {len(centres)} bands")
    mask = None if options.mask is None else torch.from_numpy(read_mask(path, options, cube.shape[1:]))
    bands = torch.from_numpy(centres.astype(np.float32))
    source = "; ".join([one_text(image.notes.get("source")) or path.name, *remarks])
    return Scene(image.name or path.stem, torch.from_numpy(np.ascontiguousarray(cube)), bands, source, mask, tuple(remarks))


def _on_others(others: tuple[str, ...]) -> list[str]:
    """A remark where the file holds other images, of which a real MSI matters most: the scene's own is simulated."""
    real = [name for name in others if is_msi(name)]
    if real:
        return [
            f"the file also holds an MSI ({', '.join(real)}), which is not used: the scene's MSI is simulated; `fuse` takes a real pair"
        ]
    return [f"the file also holds {', '.join(others[:5])}, not used"] if others else []


def read_hsi_file(path: Path, options: ReadingOptions = PLAIN) -> CubeFile:
    """The HSI of a pair in one file: an image or, where bands that fall back are dropped or spectra interpolated, the cube of a scene.

    Raises:
        SceneError: a rule cannot be kept, or the file is broken.
    """
    if options.overlap == "error" and options.resample_to is None:
        return read_image_file(path, options)
    scene = read_scene_file(path, options)
    return CubeFile(scene.cube.numpy(), scene.wavelengths.double().numpy(), scene.name, {"source": scene.source}, scene.remarks)


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


def _image(path: Path, stored: StoredImage, options: ReadingOptions, *, masked: bool = False) -> CubeFile:
    given = options.wavelengths
    known = stored.wavelengths if given is None else None if isinstance(given, EvenCentres) and given.count is None else _centres(given, 0)
    if given is None and stored.wavelengths_problem:
        problem = stored.wavelengths_problem
        raise SceneError(problem if path.name in problem else f"{path}: {problem}")
    order = _order(path, stored, options.layout, known)
    bands = stored.shape[order.index("bands")] if len(stored.shape) == 3 else 1
    wavelengths, remarks = _own_wavelengths(path, stored, options, order, bands) if given is None else (_centres(given, bands), ())
    if wavelengths is not None and wavelengths.size != bands:
        raise SceneError(f"{path}: expected {bands} wavelengths, one per band, got {wavelengths.size}; check layout and wavelengths")
    keep, left_out = kept_bands(path, options, bands, stored.left_out)
    centres = wavelengths if keep is None or wavelengths is None else wavelengths[keep]
    problem = "" if centres is None or given is None else why_no_nanometres(centres)
    if problem:
        raise SceneError(f"{path}: wavelengths: {problem}")
    if centres is not None and not (centres > 0).all():  # NaN for a band that the file leaves out and the user keeps
        raise SceneError(f"{path}: expected wavelengths above 0 nm, got {centres[:6]}...; give them with {option('wavelengths')}")
    scale, offset = chosen_scale(path, stored, options.scale, bands, keep)
    expect_scale(path, 1.0 if scale is None else scale, offset, SceneError)
    rows, cols = (stored.shape[order.index(axis)] for axis in ("rows", "cols"))
    part = kept_window(path, options.crop, rows, cols)
    marks = (*stored.nodata, *(() if options.nodata is None else (options.nodata,)))
    missing = MissingValues(marks, stored.valid)
    with own_errors(path, SceneError, f"a whole {path.suffix.lower()} file"):
        values = stored.read()
        if values.shape != stored.shape:
            raise SceneError(f"{path}: expected shape {stored.shape}, got {values.shape}; the file is damaged, fetch or export it again")
        expect_known_scale(path, values.dtype, scale)
        values = (values if values.ndim == 3 else values[..., None]).transpose([order.index(axis) for axis in _AXES])
        values = values[:, *part]
        alpha = {band: values[band] for band in stored.opacity if band + 1 not in (options.bands or ())}
        expect_opaque(path, alpha, read_mask(path, options, values.shape[1:]) if alpha and masked else None)
        values = values if keep is None else values[keep]
        cube = to_values(path, values, scale, offset, missing, SceneError)
        said = remarks_on_marks(float(values.min()), marks) + remarks_on_fill(values, scale)
    if options.scale is None:
        said += expect_brightness(path, cube, stated=is_stated(stored))
    elif not is_stated(stored):
        said += remarks_on_scale(float(cube.max()), options.scale, stored.dtype.kind)
    said += remarks_on_doubt(stored.doubtful_scales, options.scale)
    every = (*stored.remarks, *remarks, *left_out, *said)
    return CubeFile(cube=cube, wavelengths_nm=centres, name=stored.name, notes=stored.notes, remarks=every)


def _own_wavelengths(
    path: Path, stored: StoredImage, options: ReadingOptions, order: list[str], bands: int
) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """The wavelengths that the file states for this image; those beside it that do not fit it are another image's.

    Raises:
        SceneError: they fit another axis than the one that the format says to be the bands.
    """
    waves, where = stored.wavelengths, stored.wavelengths_beside
    if waves is None or waves.size == bands or not where:
        return waves, ()
    if waves.size in stored.shape and options.layout is None:
        raise SceneError(
            f"{path}: expected {bands} wavelengths, one per band of {' '.join(order)}, got {waves.size} in {where}, as another axis of "
            f"{stored.shape} has; say which is which with {option('layout')}"
        )
    return None, (f"the {waves.size} wavelengths in {where} do not fit the {bands} bands and are not used",)


def _centres(given: Centres, bands: int) -> NDArray[np.float64]:
    return np.asarray(given.values(bands) if isinstance(given, EvenCentres) else given, dtype=np.float64)


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
    if stored.doubtful_axes:
        raise SceneError(f"{path}: expected a known axis order, {stored.doubtful_axes}; give {option('layout')} for the shape {shape}")
    if stored.layout is not None:
        words = stored.layout.split()
        return words if len(words) == 3 else [*words, "bands"]
    fitting = [] if wavelengths is None else [axis for axis, size in enumerate(shape) if size == wavelengths.size]
    if len(shape) == 3 and wavelengths is not None and (fitting or not stored.wavelengths_beside):
        if len(fitting) == 1:
            order = ["rows", "cols"]
            order.insert(fitting[0], "bands")
            return order
        raise SceneError(
            f"{path}: expected one axis of {wavelengths.size}, the number of wavelengths, got shape {shape}; say which is which with "
            f'{option("layout")}, such as "rows cols bands"'
        )
    unused = f" ({'; '.join(stored.remarks)})" if stored.remarks else ""
    raise SceneError(
        f"{path}: expected a known axis order, got shape {shape} and no wavelengths{unused}; give {option('layout')}, such as "
        '"rows cols bands"'
    )
