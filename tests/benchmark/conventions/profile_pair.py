"""The pair that tests of the convention profiles score: a reference with bands of unlike brightness, an estimate with growing noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Cube = NDArray[np.float64]
BANDS, RATIO = 9, 8
ALL = ["textbook", "mossfuse", "m2u", "daem", "yokoya", "hysure", "cnnfus", "hyperbench", "torchmetrics", "sewar", "hiftool", "matciotola"]


def pair(bands: int = BANDS, rows: int = 45, cols: int = 52) -> tuple[Cube, Cube]:
    rng = np.random.default_rng(0)
    reference = gaussian_filter(rng.random((bands, rows, cols)), (0, 2, 2))
    reference = 0.05 + 0.9 * (reference - reference.min()) / np.ptp(reference)
    reference *= np.linspace(0.3, 1, bands)[:, None, None]
    noise = np.linspace(0.002, 0.01, bands)[:, None, None] * rng.standard_normal(reference.shape)
    return reference, np.clip(reference + noise, 1e-3, 1)
