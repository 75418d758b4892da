"""An image as its file declares it, and the helpers that the readers of all formats share.

A reader first gives what the header says. The values are read when they are asked for, after everything that the header and the plan decide
has been checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.scene import SceneError

_NANOMETRE = ("nm", "nanometer", "nanometers", "nanometre", "nanometres")
_MICROMETRE = ("um", "µm", "μm", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres")


@dataclass(frozen=True, eq=False)
class StoredImage:
    """An image as its file declares it."""

    shape: tuple[int, ...]  # two or three axes
    dtype: np.dtype[Any]
    held: int  # bytes of the file that hold the samples, packed or not
    read: Callable[[], NDArray[Any]]  # gives the samples as they are stored
    layout: str | None = None  # axes by name, such as "rows cols bands", where the format makes them certain
    wavelengths: NDArray[np.float64] | None = None  # nm
    scale: float | None = None  # value = stored / scale + offset, where the file states it
    offset: float = 0.0
    nodata: float | None = None  # stored value that means "nothing was measured here"
    name: str = ""
    notes: Mapping[str, Any] = field(default_factory=dict)


def nanometres(values: NDArray[Any], unit: str | None = None) -> NDArray[np.float64]:
    """Wavelengths in nm; without a unit, 200..20000 are taken as nm and 0.2..20 as um (no optical sensor lies in both).

    Raises:
        SceneError: another unit, numbers in neither range, no numbers, or numbers that are not finite and above 0.
    """
    try:
        wavelengths = np.asarray(values, dtype=np.float64).reshape(-1)
    except (TypeError, ValueError) as error:
        raise SceneError(f"wavelengths: expected numbers, got {np.asarray(values).reshape(-1)[:3]}...; give them in nm") from error
    known = None if unit is None else str(unit).strip().lower()
    if known in ("", "unknown"):
        known = None
    if wavelengths.size and np.isfinite(wavelengths).all() and (wavelengths > 0).all():
        if known in _NANOMETRE or (known is None and ((wavelengths >= 200) & (wavelengths <= 20000)).all()):
            return wavelengths
        if known in _MICROMETRE or (known is None and ((wavelengths >= 0.2) & (wavelengths <= 20)).all()):
            return wavelengths * 1000
    raise SceneError(f"wavelengths: expected nm (200..20000) or um (0.2..20), got unit {unit!r} and {wavelengths[:3]}...; give them in nm")


def one_number(what: str, value: Any) -> float | None:
    """The number that a file states as `what`, alone or as an array of equal numbers; None for None.

    Raises:
        SceneError: no number, a text that is none, NaN or Inf, or several numbers that differ.
    """
    if value is None:
        return None
    try:
        numbers = np.asarray(value).astype(np.float64).reshape(-1)
    except (TypeError, ValueError):
        numbers = np.empty(0)
    if not numbers.size or not np.isfinite(numbers).all() or (numbers != numbers[0]).any():
        shown = " ".join(repr(value)[:80].split())
        raise SceneError(f"{what}: expected one finite number, got {shown}; correct it in the file")
    return float(numbers[0])


def missing_value(value: Any) -> float | None:
    """The no-data value that a file states; NaN is one too, since NaN is never accepted as a value.

    Raises:
        SceneError: it is no number.
    """
    try:
        number = float(np.asarray(value).reshape(-1)[0]) if value is not None else None
    except (TypeError, ValueError, IndexError) as error:
        raise SceneError(f"no-data value: expected a number, got {repr(value)[:80]}; correct it in the file") from error
    return number


def one_text(value: Any) -> str:
    """The text that a file states, from `str` or bytes; what is neither counts as none."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value if isinstance(value, str) else ""
