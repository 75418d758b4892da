"""Statements that may be about the scale of an image, under a name that no format defines: they are neither applied nor passed over.

A number called `gain` or `reflectance_scale` could divide, multiply, or be about something else, such as the ratio of two images.
So it makes the scale unclear until the user says it. Names that are plainly about something else (the sampling of an image, a map
projection, a normalisation that was applied) are not taken for such statements.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SCALES = re.compile(r"scal(e|ing)|gains?|factor|slope|multiplier|quantification")
_OFFSETS = re.compile(
    r"(offset|addoffset|intercept|bias)|.*(radiance|reflectance|data|value|radiometric|calibration|quantification)s?(offset|intercept|bias)(es|s)?"
)
_OTHER_THINGS = re.compile(
    r"gr[ae]yscale|(up|down|time|multi|full|large|fine)scal|sampl|binning|zoom|again|against|norm|projection|meridian|origin|map|pixel|"
    r"fillfactor|slope.+|.+slope"
)


@dataclass(frozen=True)
class DoubtfulScale:
    """What a file says that may be a scale: nothing, where `words` is empty."""

    words: str = ""
    numbers: tuple[float, ...] = ()


def may_tell_scale(name: str, value: Any, known: object = None) -> DoubtfulScale:
    """What a statement of that name may say of the scale; `known` is the scale that the file states clearly, which it may repeat.

    A factor of 1 and an offset of 0 say nothing, and a text that is no number is no such statement.
    """
    plain = re.sub(r"[\W_]", "", name.lower())
    offset = _OFFSETS.fullmatch(plain) is not None
    if not offset and (_SCALES.search(plain) is None or _OTHER_THINGS.search(plain)):
        return DoubtfulScale()
    numbers = _numbers(value)
    if numbers is None or (numbers == (0 if offset else 1)).all():
        return DoubtfulScale()
    if known is not None and not offset and _repeats(numbers, np.asarray(known, dtype=np.float64)):
        return DoubtfulScale()
    shown = f"{numbers[0]:g}" if (numbers == numbers[0]).all() else f"{numbers[0]:g}, {numbers[1]:g}... ({numbers.size} numbers)"
    return DoubtfulScale(f"{name} = {shown}{'' if offset else _ways_out(numbers)}", () if offset else tuple(map(float, numbers)))


def doubt_of_all(statements: Mapping[str, Any], what: str, known: object = None) -> DoubtfulScale:
    """The doubt that the statements of a file raise together; `what` they are (attributes, variables)."""
    found = [doubt for name, value in statements.items() if (doubt := may_tell_scale(name, value, known)).words]
    if not found:
        return DoubtfulScale()
    words = f"the {what} {' and '.join(doubt.words for doubt in found)} may divide, multiply, or be about something else"
    return DoubtfulScale(words, tuple(number for doubt in found for number in doubt.numbers))


def remarks_on_doubt(numbers: tuple[float, ...], given: float | None) -> tuple[str, ...]:
    """A remark where the scale that the user gives is none of those that the file may state, nor the inverse of one."""
    if given is None or not numbers or _repeats(np.asarray(numbers), np.asarray(given)):
        return ()
    stated = ", ".join(f"{number:g}" for number in dict.fromkeys(numbers[:4]))
    return (f"scale={given:g} is taken as it is given, though the file may state another one ({stated})",)


def _ways_out(numbers: NDArray[np.float64]) -> str:
    if numbers[0] <= 0 or not (numbers == numbers[0]).all():
        return ""
    as_scale = f"scale={numbers[0]:.10g} if it divides" if numbers[0] > 1 else f"scale={1 / numbers[0]:.10g} if it multiplies"
    return f" ({as_scale}, scale=1 if it says nothing of the values)"


def _repeats(numbers: NDArray[np.float64], known: NDArray[np.float64]) -> bool:
    """Whether numbers are a scale or its inverse, all of them (`known` of one number: any of them)."""
    with np.errstate(all="ignore"):
        if known.ndim == 0:
            return bool(np.isclose(numbers, known, rtol=1e-6, atol=0).any() or np.isclose(1 / numbers, known, rtol=1e-6, atol=0).any())
        if numbers.size != known.size:
            return False
        return bool(np.allclose(numbers, known, rtol=1e-6, atol=0) or np.allclose(1 / numbers, known, rtol=1e-6, atol=0))


def _numbers(value: Any) -> NDArray[np.float64] | None:
    """The numbers in a statement, all finite; None where it holds none."""
    try:
        numbers = np.asarray(value).astype(np.float64).reshape(-1)
    except (TypeError, ValueError):
        return None
    return numbers if numbers.size and np.isfinite(numbers).all() else None
