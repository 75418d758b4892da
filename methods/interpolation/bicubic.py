"""Bicubic interpolation of the low-resolution image, aligned with the MSI's grid. Keys, IEEE TASSP 1981.

Fine pixel f is at (f - phase) / ratio on the coarse grid, and its value is the cubic convolution of its 4 x 4 neighbours there (a = -1/2,
mirrored borders). The MSI is not used, so a method that fuses should do better.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from datasets.observation import Observation, PairSizes
from methods.contract import Card, Estimate, FusionMethod
from methods.numerics.images.resample import upsample


@dataclass(frozen=True)
class Method(FusionMethod):
    """Bicubic upsampling at the pair's own phase, without parameters."""

    card: ClassVar[Card] = Card(
        name="Bicubic",
        paper="Keys, Cubic convolution interpolation for digital image processing, IEEE TASSP 1981",
        doi="10.1109/TASSP.1981.1163711",
        year=1981,
        random=False,
        implementation="as described",
        fidelity="equals MATLAB's imresize on block-centred pairs, to 1e-6; other sampling phases are aligned, which imresize cannot do",
    )

    def memory_estimate(self, sizes: PairSizes) -> int:
        """The cube."""
        return sizes.cube_bytes

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The HSI, interpolated onto the MSI's grid."""
        return Estimate(upsample(seen.hsi, seen.ratio, seen.phase))
