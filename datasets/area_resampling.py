"""A whole ratio for pairs that have none: the MSI resampled to larger pixels by area.

Output pixel i covers the input from i * factor to (i + 1) * factor along each axis, with factor >= 1, and is the mean over that area: each
input pixel counts by the share of it that lies inside. It is linear, keeps means, uses no pixel twice and invents nothing between pixels;
it blurs by a box of `factor` input pixels, which belongs to the MSI from then on. The two images must begin at the same corner.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

_TOLERANCE = 1e-6


@dataclass(frozen=True)
class WholeRatio:
    """How an MSI becomes one whose sides are a whole multiple of the HSI's."""

    true: float  # sides of a coarse pixel in the MSI's pixels
    ratio: int  # the whole ratio below it
    rows: int  # of the resampled MSI
    cols: int

    @property
    def factor(self) -> float:
        """Sides of a resampled pixel in the MSI's pixels."""
        return self.true / self.ratio


def whole_ratio(hsi: tuple[int, int], msi: tuple[int, int], true: float | None = None) -> WholeRatio | None:
    """The next whole ratio below the true one, and the sizes that go with it; None where the sides fit no common ratio.

    Args:
        hsi: rows and columns of the low-resolution image; msi: those of the high-resolution one.
        true: the ratio of the sizes of the pixels; without it, the smaller quotient of the sides, where the other one leaves less than one
            pixel of the MSI over.
    """
    wanted = min(fine / coarse for fine, coarse in zip(msi, hsi, strict=True)) if true is None else true
    if wanted < 1:
        return None
    over = [fine - coarse * wanted for fine, coarse in zip(msi, hsi, strict=True)]
    if min(over) <= -1 or (true is None and max(over) >= 1):
        return None
    ratio = floor(wanted + _TOLERANCE)
    return WholeRatio(wanted, ratio, hsi[0] * ratio, hsi[1] * ratio)


def area_resampled(image: NDArray[np.float32], rows: int, cols: int, factor: float) -> NDArray[np.float32]:
    """The image (channels, rows, cols) with pixels `factor` times as long; the module docstring has the formula."""
    down, right = (_weights(size, count, factor) for size, count in zip(image.shape[1:], (rows, cols), strict=True))
    return np.stack([down @ channel @ right.T for channel in image.astype(np.float64)]).astype(np.float32)


def _weights(size: int, count: int, factor: float) -> NDArray[np.float64]:
    """The share of each input pixel in each output pixel, (count, size); where the input ends earlier, of what there is of it."""
    starts = np.arange(count)[:, None] * factor
    pixels = np.arange(size)[None]
    share = np.clip(np.minimum(starts + factor, pixels + 1) - np.maximum(starts, pixels), 0, None)
    return np.asarray(share / share.sum(1, keepdims=True))
