"""The arrays of a file that holds several, by their names: which one is the image, and which vector has its wavelengths.

A vector belongs to an image only if an axis of the image is as long. Where several vectors do, the one that lies nearest in the tree of
names is taken. Nothing else is guessed: what is left over is remarked.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from datasets.scale_words import DoubtfulScale, doubt_of_all, may_tell_scale
from datasets.scene import SceneError
from datasets.stored_image import option, remarks_on_unit, wavelengths_or_problem

WAVELENGTH_NAMES = ("wavelengths_nm", "wavelength_nm", "wavelengths", "wavelength", "wl", "lambda")
_FLAG_NAMES = ("bbl", "good_wavelengths", "good_bands")  # 1 for a band that is good, 0 for a bad one
_MOST_LISTED = 20
_MSI = re.compile(r"(^|[/_.-])(hr)?(msi|ms|rgb|pan)([/_.-]|$)|multispec|panchrom")


@runtime_checkable
class NamedArray(Protocol):
    """An array of a file as its header declares it."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Its axes."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of its samples."""

    def read(self) -> NDArray[Any]:
        """Its values."""


@dataclass(frozen=True, eq=False)
class Beside:
    """What other arrays of a file say of an image."""

    wavelengths: NDArray[np.float64] | None  # nm
    problem: str  # why those that are there cannot be used
    place: str  # of the wavelengths
    left_out: Mapping[str, tuple[int, ...]]  # bad bands, as StoredImage has them
    remarks: tuple[str, ...]


def pick_image(path: Path, arrays: Mapping[str, NamedArray], variable: str | None) -> str:
    """The name of the image among the arrays of a file: `variable`, or the only array of three axes.

    Raises:
        SceneError: there is no such variable, or none or several of three axes.
    """
    shown = [f"{name} {tuple(array.shape)}" for name, array in list(arrays.items())[:_MOST_LISTED]]
    listing = ", ".join(shown) or "no numeric array"
    if variable is not None:
        name = variable.strip("/") if variable not in arrays else variable
        if name not in arrays and name.replace(".", "/") in arrays:  # a field of a struct, as MATLAB spells it
            name = name.replace(".", "/")
        if name not in arrays:
            raise SceneError(f"{path}: expected the variable {variable!r}, got {listing}; name one of these")
        return name
    images = images_among(arrays) or [name for name, array in arrays.items() if len(array.shape) == 3]
    if len(images) != 1:
        raise SceneError(f"{path}: expected one three-dimensional variable, got {listing}; name the image with {option('variable')}")
    return images[0]


def images_among(arrays: Mapping[str, NamedArray]) -> list[str]:
    """The names of the arrays of three axes that hold real numbers."""
    return [name for name, array in arrays.items() if len(array.shape) == 3 and array.dtype.kind in "iuf"]


def others_among(arrays: Mapping[str, NamedArray], image: str) -> tuple[str, ...]:
    """The names of the other images; one of two axes counts where its name says that it is an MSI, such as a panchromatic one."""
    flat = [name for name, array in arrays.items() if len(array.shape) == 2 and min(array.shape) > 1 and is_msi(name)]
    return tuple(name for name in (*images_among(arrays), *flat) if name != image)


def is_msi(name: str) -> bool:
    """Whether the name of an array says that it is a multispectral or panchromatic image."""
    return _MSI.search(name.lower()) is not None


def stated_beside(arrays: Mapping[str, NamedArray], image: str, units: Mapping[str, str]) -> Beside:
    """What the vectors of a file say of the image of that name; `units` are those of the vectors that state one.

    Raises:
        SceneError: flags of good bands that are neither 0 nor 1, or none is good.
    """
    shape = tuple(arrays[image].shape)
    flags, place_of_flags, remarks = _nearest(arrays, image, _FLAG_NAMES, "good-band flags")
    bad: tuple[int, ...] = ()
    if flags is not None:
        if not np.isin(flags, (0, 1)).all() or not flags.any():
            raise SceneError(
                f"{place_of_flags}: expected 1 for good and 0 for bad bands, got {np.unique(flags)[:5]}; correct it in the file"
            )
        bad = tuple(int(band) for band in np.flatnonzero(flags == 0))
    values, place, more = _nearest(arrays, image, WAVELENGTH_NAMES, "wavelengths")
    agree = flags is not None and values is not None and len(flags) == len(values)
    if bad and not agree and len({*shape}) < len(shape):  # which axis the flags belong to is not certain
        remarks, bad = (*remarks, f"the good-band flags in {place_of_flags} are not used, as several axes are as long"), ()
    waves, problem = (None, "") if values is None else wavelengths_or_problem(values, units.get(place), set(bad) if agree else None)
    left_out = {f"that {place_of_flags} marks as bad": bad} if bad else {}
    more = (*more, *remarks_on_unit(waves, units.get(place), place))
    return Beside(waves, problem, place if waves is not None else "", left_out, (*remarks, *more))


def scale_beside(arrays: Mapping[str, NamedArray], image: str, known: object = None, understood: tuple[str, ...] = ()) -> DoubtfulScale:
    """What small arrays in the folder of an image, or above it, may say of its scale: one number, or as many as an axis is long.

    `known` is the scale that the file states clearly; the arrays that are `understood` are no matter of doubt.
    """
    shape, folders = tuple(arrays[image].shape), image.split("/")[:-1]
    near = {
        name: array
        for name, array in arrays.items()
        if name not in (image, *understood)
        and array.dtype.kind in "iuf"
        and (path := name.split("/")[:-1]) == folders[: len(path)]
        and (prod(array.shape) == 1 or prod(array.shape) == max(array.shape, default=0) in shape)
    }
    wanted = {name: array.read() for name, array in near.items() if may_tell_scale(name.rsplit("/", 1)[-1], 2.0).words}
    return doubt_of_all(wanted, "variables beside the image", known)


def _nearest(
    arrays: Mapping[str, NamedArray], image: str, names: tuple[str, ...], what: str
) -> tuple[NDArray[Any] | None, str, tuple[str, ...]]:
    """The vector of one of these names that belongs to the image, its name, and remarks on those that do not."""
    shape = tuple(arrays[image].shape)
    vectors = {
        name: array
        for name, array in arrays.items()
        if name.rsplit("/", 1)[-1].lower() in names and array.dtype.kind in "iuf" and prod(array.shape) == max(array.shape, default=0) > 1
    }
    fitting = [name for name, array in vectors.items() if prod(array.shape) in shape]
    others = [f"the {prod(array.shape)} {what} called {name} fit no axis of the image and are not used" for name, array in vectors.items()]
    if not fitting:
        return None, "", tuple(others)
    closeness = {name: _shared_folders(name, image) for name in fitting}
    nearest = [name for name in fitting if closeness[name] == max(closeness.values())]
    read = [vectors[name].read().reshape(-1) for name in nearest]
    if any(len(one) != len(read[0]) or (one != read[0]).any() for one in read[1:]):
        return None, "", (f"several vectors may be its {what} ({', '.join(nearest)}), and none is used",)
    return read[0], nearest[0], ()


def _shared_folders(one: str, other: str) -> int:
    shared = 0
    for first, second in zip(one.split("/")[:-1], other.split("/")[:-1], strict=False):
        if first != second:
            break
        shared += 1
    return shared
