"""Images on the fine grid of MossFuse: how coarse images are interpolated to it, and the order of their values in memory."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def interpolate_bilinear(image: Float[Tensor, "batch channels h w"], ratio: int, centre: float) -> Float[Tensor, "batch channels H W"]:
    """The image, interpolated bilinearly to the fine grid.

    Coarse pixel i is at the fine row i * ratio + `centre`, and in the same way for columns. Beyond the outermost coarse pixels their values
    are repeated. With centre = (ratio - 1) / 2 this is `F.interpolate` with `align_corners=False`.
    """
    if centre == (ratio - 1) / 2:
        return F.interpolate(image, scale_factor=ratio, mode="bilinear", align_corners=False)
    for axis in (2, 3):
        before, after, share = neighbours(image.shape[axis], ratio, centre, image)
        image = torch.lerp(image.index_select(axis, before), image.index_select(axis, after), share.reshape(-1, *[1] * (3 - axis)))
    return image


def neighbours(
    size: int, ratio: int, centre: float, like: Tensor
) -> tuple[Int[Tensor, " fine"], Int[Tensor, " fine"], Float[Tensor, " fine"]]:
    """For each fine pixel along an axis of `size` coarse pixels: the coarse pixels before and after it, and its place between (0..1)."""
    place = (torch.arange(size * ratio, dtype=like.dtype, device=like.device) - centre) / ratio
    low = place.floor()
    before, after = ((low + step).long().clamp(0, size - 1) for step in (0, 1))
    return before, after, place - low


def arranged(image: Float[Tensor, "batch channels H W"]) -> Float[Tensor, "batch channels H W"]:
    """The same values in the memory order in which convolutions are fast: `channels_last`, except for float64. Later maps inherit it."""
    return image.contiguous(memory_format=torch.contiguous_format if image.dtype == torch.float64 else torch.channels_last)
