"""A kernel placed on the fine grid, so that coarse pixel 0 is centred where the registration of a pair says."""

from __future__ import annotations

from math import floor

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse

CLOSE_ENOUGH = 0.5  # fine pixels that may remain on each axis, as pixels are whole


def placed_psf(kernel: Float[Tensor, "k_rows k_cols"], ratio: int, centre: tuple[float, float]) -> SpatialResponse:
    """The response whose coarse pixel 0 is centred as near to `centre` (row, column, in fine pixels) as whole pixels allow.

    `SpatialResponse` has one phase for both axes, 0..ratio-1. What it cannot hold, such as a shift along one axis alone or by more than a
    coarse pixel, is held by zeros around the kernel: at most half a fine pixel remains on each axis.
    """
    at_zero = SpatialResponse(kernel, ratio, 0).centre
    moves = [floor(wanted - have + 0.5) for wanted, have in zip(centre, at_zero, strict=True)]
    phase = min(max(min(moves), 0), ratio - 1)
    before, after = zip(*(_zeros(move - phase) for move in moves), strict=True)
    padded = F.pad(kernel, (before[1], after[1], before[0], after[0]))
    return SpatialResponse(padded, ratio, phase, "reflect")


def _zeros(move: int) -> tuple[int, int]:
    """Zeros before and after the taps of an axis that move the kernel by so many pixels, its anchor (taps - 1) // 2 considered.

    2 * |move| zeros on one side move the anchor by |move|, and the taps by 2 * |move| or by 0.
    """
    return (2 * move, 0) if move > 0 else (0, -2 * move)
