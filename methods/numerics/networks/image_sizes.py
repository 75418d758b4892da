"""Batches of images brought to the size that a network takes."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


def enlarge(hsi: Float[Tensor, "batch bands h w"], ratio: int, mode: str = "bilinear") -> Float[Tensor, "batch bands H W"]:
    """The HSI on the fine grid, interpolated as if its pixels were centred on blocks of ratio x ratio pixels, as the published networks do.

    Where the pair has another sampling phase, the network has to learn the rest of the shift.
    """
    return F.interpolate(hsi, scale_factor=float(ratio), mode=mode, align_corners=False)


def padded(image: Float[Tensor, "batch bands H W"], multiple: int) -> Float[Tensor, "batch bands padded_H padded_W"]:
    """The image, with its last row and column repeated until `multiple` divides both sides."""
    rows, cols = (-size % multiple for size in image.shape[-2:])
    return F.pad(image, (0, cols, 0, rows), mode="replicate") if rows or cols else image
