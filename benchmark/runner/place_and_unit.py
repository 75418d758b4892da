"""Whether a cube lies as the MSI does, in the unit of the HSI and with its bands in its order, as far as the HSI tells.

A cube in another unit, turned, mirrored or with its bands in another order is no result of a method, but a mistake on the way. As the HSI
is known, it shows: with S the blur and decimation, S cube should be the HSI. The residual |S cube - hsi| / |hsi| and the causes that would
lessen it are those of a real pair (datasets/pair_residual.py), with the cube in the place of the MSI and R = 1.

A cube that was handed in is refused for it, with the option that mends it; of a method that has run here, the record says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from datasets.pair_residual import MUCH, pair_residual

LEVEL = 0.1  # a residual above it is looked into
LEAST_GAIN = 1.5  # a gain between its inverse and it is the method's
MOST_BANDS = 16  # that are compared with the HSI, evenly spaced
_SCALES = (100.0, 255.0, 1000.0, 1023.0, 4095.0, 10000.0, 16383.0, 65535.0)


@dataclass(frozen=True)
class Mistake:
    """What a single change would mend."""

    residual: float  # |S cube - hsi| / |hsi|
    mended: float  # what it would be
    change: str  # in words, to follow "if"
    way_out: str  # the option of a cube that was handed in


def likely_mistake(cube: Float[Tensor, "bands H W"], seen: Observation, psf: SpatialResponse | None, scale: float = 1.0) -> Mistake | None:
    """The mistake that explains most of the residual; None where the residual is small, or none does.

    Args:
        cube: the estimate.
        seen: the pair.
        psf: the true S; None: a usual one.
        scale: by which the stored values were divided.
    """
    bands = sorted({round(number) for number in np.linspace(0, len(cube) - 1, min(len(cube), MOST_BANDS))})
    same = SpectralResponse(torch.eye(len(bands), dtype=torch.float64))
    found = pair_residual(seen.hsi[bands], cube[bands], seen.ratio, seen.phase, psf, same)
    if found is None or found.residual <= LEVEL:
        return None
    for cause in found.causes:  # the one that leaves least first
        words = _words(cause.name, scale, len(cube))
        if words:
            return Mistake(found.residual, cause.residual, *words) if cause.residual < (1 - MUCH) * found.residual else None
    return None


def _words(cause: str, scale: float, bands: int) -> tuple[str, str] | None:
    """What a cause (by its name in datasets/pair_residual.py) says of a cube, and what mends it; None for what a method may do."""
    found = re.search(r"times ([0-9.e+-]+)", cause)
    factor = float(found.group(1)) if found else 1.0
    unit = ("", "")
    if factor > 0 and not 1 / LEAST_GAIN < factor < LEAST_GAIN:
        exact = scale / factor
        usual = next((value for value in _SCALES if abs(value / exact - 1) < 0.1), exact)
        unit = (f"its values are divided by {1 / factor:.4g}", f"give scale = {usual:g} (--scale {usual:g})")
    if cause.startswith("a gain:"):
        return unit if unit[0] else None
    if cause.startswith("the order of the channels"):
        place = ("its bands are in another order", f'give that of the HSI, such as bands = ["{bands}-1"] (--bands {bands}-1)')
    elif cause.startswith("the MSI is"):
        swapped = "transposed" in cause or "90 degrees" in cause or "diagonal" in cause
        mends = 'give layout = "cols rows bands" (--layout "cols rows bands")' if swapped else "turn it back"
        place = (cause.partition(", and")[0].replace("the MSI is", "it were not"), mends)
    else:
        return None
    return (f"{place[0]} and {unit[0]}", f"{place[1]}, and {unit[1]}") if unit[0] else place
