"""An image as its file holds it, and the helpers that the readers of all formats share."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.scene import SceneError

BROKEN_FILE_ERRORS = (  # what readers raise on a file that is broken or truncated
    *(OSError, ValueError, TypeError, KeyError, IndexError, EOFError, RuntimeError),
    *(struct.error, zlib.error, zipfile.BadZipFile),
)
_NANOMETRE = ("nm", "nanometer", "nanometers", "nanometre", "nanometres")
_MICROMETRE = ("um", "µm", "μm", "micron", "microns", "micrometer", "micrometers", "micrometre", "micrometres")


@dataclass(frozen=True, eq=False)
class StoredImage:
    """An image as its file holds it."""

    values: NDArray[Any]  # two or three axes
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
        SceneError: another unit, or numbers in neither range.
    """
    wavelengths = np.asarray(values, dtype=np.float64).reshape(-1)
    known = None if unit is None else unit.strip().lower()
    if known in ("", "unknown"):
        known = None
    if known in _NANOMETRE or (known is None and wavelengths.size and ((wavelengths >= 200) & (wavelengths <= 20000)).all()):
        return wavelengths
    if known in _MICROMETRE or (known is None and wavelengths.size and ((wavelengths >= 0.2) & (wavelengths <= 20)).all()):
        return wavelengths * 1000
    raise SceneError(f"wavelengths: expected nm (200..20000) or um (0.2..20), got unit {unit!r} and {wavelengths[:3]}...; give them in nm")


def first_number(value: Any) -> float | None:
    """The number, or the first one of an array; None for None."""
    return None if value is None else float(np.asarray(value).reshape(-1)[0])
