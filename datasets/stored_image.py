"""An image as its file declares it, and the helpers that the readers of all formats share.

A reader first gives what the header says. The values are read when they are asked for, after everything that the header and the plan decide
has been checked. What is stated is only collected here; `datasets/files.py` applies it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.float_values import Numbers
from datasets.scene import SceneError
from datasets.wavelength_units import NM_PER_UNIT, are_micrometres, are_nanometres, are_of_light, may_be_angstroms

_NO_SPECTRAL_BAND = re.compile(
    r"(alpha|(pixel[ _-]?)?qa|qa[ _-]?\d*|qa[ _-].*|.*[ _-]qa|quality([ _-].*)?|.*[ _-]quality|([a-z]+[ _-])?mask|fmask|scl)"
)


@dataclass(frozen=True, eq=False)
class StoredImage:
    """An image as its file declares it."""

    shape: tuple[int, ...]  # two or three axes
    dtype: np.dtype[Any]
    held: int  # bytes of the file that hold the samples, packed or not
    read: Callable[[], NDArray[Any]]  # gives the samples as they are stored
    layout: str | None = None  # axes by name, such as "rows cols bands", where the format makes them certain
    doubtful_axes: str = ""  # why not even their order is known, so that the user has to say it
    wavelengths: NDArray[np.float64] | None = None  # nm; NaN for a band that `left_out` names and that has none
    wavelengths_problem: str = ""  # why those that the file states cannot be used, so that the user has to give them
    wavelengths_beside: str = ""  # where they are, if not in the image's own header: they may belong to another image of the file
    scale: Numbers | None = None  # value = stored / scale + offset, where the file states it
    offset: Numbers = 0.0
    unclear_scale: str = ""  # a statement about the scale that can be understood in two ways, or contradicts another one
    doubtful_scales: tuple[float, ...] = ()  # the numbers of that statement
    nodata: tuple[float, ...] = ()  # stored values that mean "nothing was measured here"
    valid: tuple[float, float] | None = None  # the stored values that were measured lie from the first to the second
    left_out: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # reason: bands, from 0, that the file says are none or bad
    opacity: tuple[int, ...] = ()  # those of them, from 0, that say how opaque each pixel is
    others: tuple[str, ...] = ()  # the other images of the file, by their names
    name: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()  # what a person should know of how the file was understood


def option(name: str) -> str:
    """An option of the reader as a plan and as `fuse` spell it."""
    return f"{name}= (in fuse --hsi-{name} or --msi-{name})"


def nanometres(values: NDArray[Any], unit: object = None) -> NDArray[np.float64]:
    """Wavelengths in nm; without a unit, 200..20000 are taken as nm and 0.2..20 as um (no optical sensor lies in both).

    Raises:
        SceneError: another unit, numbers in neither range, no numbers, or numbers that are not finite and above 0.
    """
    try:
        wavelengths = np.asarray(values, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise SceneError(f"wavelengths: expected numbers, got {np.asarray(values).reshape(-1)[:3]}...; give them in nm") from error
    known = _known_unit(unit)
    if wavelengths.size and np.isfinite(wavelengths).all() and (wavelengths > 0).all():
        if known in NM_PER_UNIT:
            converted = wavelengths * NM_PER_UNIT[known] if NM_PER_UNIT[known] != 1 else wavelengths
            if not are_of_light(converted):
                raise SceneError(
                    f"wavelengths: expected wavelengths of light, got {wavelengths[:3]}... in {known}; correct the unit in the file, or "
                    f"give them in nm with {option('wavelengths')}"
                )
            return converted
        if known is None and are_nanometres(wavelengths):
            return wavelengths
        if known is None and are_micrometres(wavelengths):
            return wavelengths * 1000
    raise SceneError(
        f"wavelengths: expected nm (200..20000) or um (0.2..20), got unit {unit!r} and {wavelengths[:3]}...; give them in "
        f"nm with {option('wavelengths')}"
    )


def _known_unit(unit: object) -> str | None:
    """The unit that a file states, in small letters; None where it states none."""
    known = "" if unit is None else (one_text(unit) or str(unit)).strip().lower()
    return None if known in ("", "unknown") else known


def remarks_on_unit(nanometres_without_unit: NDArray[np.float64] | None, unit: object, name: str = "") -> tuple[str, ...]:
    """A remark where wavelengths that are taken as nm, since neither a unit nor their name says what they are, may be angstroms."""
    waves = nanometres_without_unit
    if waves is None or _known_unit(unit) is not None or name.endswith("_nm") or not may_be_angstroms(waves):
        return ()
    least, largest = np.nanmin(waves), np.nanmax(waves)
    return (
        f"wavelengths of {least:g} to {largest:g} without a unit are taken as nm: if they are angstroms, give wavelengths= in nm, "
        f"{least / 10:g} to {largest / 10:g}",
    )


def wavelengths_or_problem(values: Any, unit: object = None, dropped: set[int] | None = None) -> tuple[NDArray[np.float64] | None, str]:
    """What `nanometres_of_kept` gives and no problem, or None and the problem in words."""
    try:
        return nanometres_of_kept(np.asarray(values).reshape(-1), unit, dropped or set()), ""
    except SceneError as error:
        return None, str(error)


def nanometres_of_kept(values: NDArray[Any], unit: object, dropped: set[int]) -> NDArray[np.float64]:
    """Wavelengths in nm; the bands (from 0) that are left out anyway may have none, which is NaN here.

    Raises:
        SceneError: those of the other bands are no wavelengths.
    """
    kept = np.array([band not in dropped for band in range(len(values))], dtype=bool)
    if not kept.any() and len(kept):
        return np.full(len(values), np.nan)
    converted = nanometres(np.asarray(values)[kept], unit)
    if kept.all():
        return converted
    numbers = np.asarray(values, dtype=np.float64)
    factor = converted[0] / numbers[kept][0]  # of the unit
    wavelengths = np.where(np.isfinite(numbers) & (numbers > 0), numbers * factor, np.nan)
    wavelengths[kept] = converted
    return wavelengths


def stated_numbers(what: str, value: Any) -> Numbers | None:
    """What a file states as `what`: one number, also where it is repeated for each band, or an array of several; None for None.

    Raises:
        SceneError: no number, a text that is none, NaN or Inf.
    """
    if value is None:
        return None
    try:
        numbers = np.asarray(value).astype(np.float64).reshape(-1)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if not numbers.size or not np.isfinite(numbers).all():
        shown = " ".join(repr(value)[:80].split())
        raise SceneError(f"{what}: expected one finite number, or one per band, got {shown}; correct it in the file")
    return float(numbers[0]) if (numbers == numbers[0]).all() else numbers


def one_number(what: str, value: Any) -> float | None:
    """The number that a file states as `what`, alone or as an array of equal numbers; None for None.

    Raises:
        SceneError: no number, a text that is none, NaN or Inf, or several numbers that differ.
    """
    numbers = stated_numbers(what, value)
    if numbers is not None and not isinstance(numbers, float):
        raise SceneError(f"{what}: expected one finite number, got {numbers[:4]}...; correct it in the file")
    return numbers


def divisor(what: str, factor: Numbers | None) -> Numbers | None:
    """The scale of value = stored / scale for a stated factor of value = stored * factor.

    Raises:
        SceneError: a factor is 0.
    """
    if factor is None:
        return None
    if (np.asarray(factor) == 0).any():
        raise SceneError(f"{what}: expected a scale other than 0, got 0; correct it in the file")
    with np.errstate(over="ignore"):
        inverse = 1 / np.asarray(factor, dtype=np.float64)
    return float(inverse) if isinstance(factor, float) else inverse


def missing_values(value: Any) -> tuple[float, ...]:
    """The no-data values that a file states; NaN may be one, since NaN is never accepted as a value.

    Raises:
        SceneError: it is no number.
    """
    if value is None:
        return ()
    try:
        numbers = np.asarray(value).reshape(-1).astype(np.float64)
        if not numbers.size:
            raise ValueError("empty")
    except (TypeError, ValueError) as error:
        raise SceneError(f"no-data value: expected a number, got {repr(value)[:80]}; correct it in the file") from error
    return tuple(dict.fromkeys(float(number) for number in numbers))


def bands_by_description(descriptions: Mapping[int, str]) -> dict[str, tuple[int, ...]]:
    """The bands (from 0) whose description says that they are no spectral bands, by the reason in words."""
    found = {band: text for band, text in descriptions.items() if _NO_SPECTRAL_BAND.fullmatch(text.strip().lower())}
    texts = sorted({f'"{text.strip()[:40]}"' for text in found.values()})
    return {f"that the file describes as {', '.join(texts)}": tuple(sorted(found))} if found else {}


def opacity_by_description(descriptions: Mapping[int, str]) -> tuple[int, ...]:
    """The bands (from 0) whose description says that they are the opacity of the pixels."""
    return tuple(sorted(band for band, text in descriptions.items() if text.strip().lower() == "alpha"))


def one_text(value: Any) -> str:
    """The text that a file states, from `str` or bytes; what is neither counts as none."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""
