"""Which scale and offset are applied to stored samples: what the file states, or what the user says, and never both."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from datasets.float_values import Numbers
from datasets.scene import SceneError
from datasets.stored_image import StoredImage, option


def is_stated(stored: StoredImage) -> bool:
    """Whether the file states a scale or an offset: a scale of 1 without an offset says nothing."""
    return (stored.scale is not None and bool(np.any(np.asarray(stored.scale) != 1))) or bool(np.any(stored.offset))


def chosen_scale(
    path: Path, stored: StoredImage, given: float | None, bands: int, keep: list[int] | None
) -> tuple[Numbers | None, Numbers]:
    """Scale and offset of value = stored / scale + offset: one number, or one per band that is kept.

    Raises:
        SceneError: what the file states is not clear or not one per band, or the user gives another scale than the file; or there is none
            for integers.
    """
    if stored.unclear_scale and given is None:
        raise SceneError(
            f"{path}: expected a scale that is clear, got that {stored.unclear_scale}; give {option('scale')}: value = stored / scale"
        )
    if stored.unclear_scale:
        return given, 0.0
    for name, numbers in (("scale", stored.scale), ("offset", stored.offset)):
        if np.ndim(numbers if numbers is not None else 1.0) and np.size(numbers) != bands:  # type: ignore[arg-type]
            raise SceneError(f"{path}: expected one {name}, or one per band ({bands}), got {np.size(numbers)}; correct the file")  # type: ignore[arg-type]
    scale, offset = (
        numbers if keep is None or numbers is None or np.ndim(numbers) == 0 else np.asarray(numbers)[keep]
        for numbers in (stored.scale, stored.offset)
    )
    if given is not None and is_stated(stored):
        if not np.allclose(np.asarray(scale, dtype=np.float64), given, rtol=1e-6, atol=0):
            raise SceneError(
                f"{path}: expected no other scale than the file states, value = stored / {_brief(scale)}{_plus(offset)}, got "
                f"scale={given:g}; leave it out: a stated scale is applied once, and never divided again"
            )
    elif given is not None:
        scale = given
    elif scale is not None and not is_stated(stored) and stored.dtype.kind in "iu":
        scale = None  # a scale of 1 says nothing of integers
    expect_known_scale(path, stored.dtype, scale)
    return scale, 0.0 if offset is None else offset


def expect_known_scale(path: Path, dtype: np.dtype[Any], scale: Numbers | None) -> None:
    """Nothing, where samples are real numbers, and integers have a scale.

    Raises:
        SceneError: they are not, or have none.
    """
    if dtype.kind not in "iuf":
        raise SceneError(f"{path}: expected integer or floating samples, got {dtype}; export the image again")
    if scale is None and dtype.kind in "iu":
        raise SceneError(
            f"{path}: expected a scale for {dtype} samples (value = stored / scale), got none in the file; give the sensor's own "
            f"constant with {option('scale')}, such as 65535 or 10000, never the image's maximum"
        )


def _brief(numbers: Numbers | None) -> str:
    every = np.atleast_1d(np.asarray(1.0 if numbers is None else numbers))
    return f"{every[0]:.6g}" if (every == every[0]).all() else f"({every.min():.6g} to {every.max():.6g}, by band)"


def _plus(offset: Numbers | None) -> str:
    return f" + {_brief(offset)}" if offset is not None and np.any(offset) else ""
