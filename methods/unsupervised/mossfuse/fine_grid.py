"""Images on the fine grid of MossFuse: coarse ones interpolated to it, and the order of their values in memory."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor


def interpolate_bilinear(image: Float[Tensor, "batch channels h w"], ratio: int, centre: float) -> Float[Tensor, "batch channels H W"]:
    """Bilinear: coarse pixel i sits at fine row i * ratio + `centre`, columns alike; beyond the outer ones their values continue.

    At centre = (ratio - 1) / 2 this is `F.interpolate` with `align_corners=False`.
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
    """For each fine pixel along an axis of `size` coarse ones: the coarse ones before and after it, and how far it is on the way, 0..1."""
    place = (torch.arange(size * ratio, dtype=like.dtype, device=like.device) - centre) / ratio
    low = place.floor()
    before, after = ((low + step).long().clamp(0, size - 1) for step in (0, 1))
    return before, after, place - low


def arranged(image: Float[Tensor, "batch channels H W"]) -> Float[Tensor, "batch channels H W"]:
    """The same values in the memory order of fast convolutions, which every later map inherits: `channels_last`, but not for float64."""
    return image.contiguous(memory_format=torch.contiguous_format if image.dtype == torch.float64 else torch.channels_last)
