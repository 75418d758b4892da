"""Resampling by two small matrices, Y = A_rows X A_cols', with the sampling phase as an argument.

Coarse pixel i has the fine coordinate phase + i * ratio on each axis; block-centred images have the phase (ratio - 1) / 2.
Every new sample is a weighted mean of its neighbours n,

    y(c) = sum over n of k((c - n) / s) x(n) / sum over n of k((c - n) / s)

with c its coordinate on the old grid, s = 1 in upsampling, and s = ratio in shrinking, where the stretched kernel prevents aliasing. k is
the cubic convolution kernel with a = -1/2 (Keys 1981) or the triangle. Beyond the border the image is mirrored, the edge pixel included.
For block-centred images this is what MATLAB's imresize computes.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor


def block_centre(ratio: int) -> tuple[float, float]:
    """The phase of a pair whose coarse pixels are blocks of ratio x ratio fine pixels: (ratio - 1) / 2 on both axes, in fine pixels."""
    return (ratio - 1) / 2, (ratio - 1) / 2


def upsample(image: Float[Tensor, "bands h w"], ratio: int, phase: tuple[float, float]) -> Float[Tensor, "bands H W"]:
    """The image, interpolated onto the fine grid by cubic convolution; H = h * ratio and W = w * ratio.

    `phase` is (row, column) in fine pixels: fine pixel f has the coarse coordinate (f - phase) / ratio. Away from the border, an image that
    is a quadratic function of the place is reproduced exactly.
    """
    axes = []
    for size, start in zip(image.shape[1:], phase, strict=True):
        centres = (torch.arange(size * ratio, dtype=torch.float64) - start) / ratio
        axes.append(_weights(size, centres, 1, "cubic").to(image))
    return apply_separable(axes[0], image, axes[1])


def shrink(
    image: Float[Tensor, "bands H W"], ratio: int, phase: tuple[float, float], kernel: Literal["cubic", "linear"] = "cubic"
) -> Float[Tensor, "bands h w"]:
    """Samples of a fine image at phase + i * ratio, taken without aliasing by a kernel stretched by the ratio; h = H / ratio, w = W /
    ratio.

    `phase` is (row, column) in fine pixels.

    Raises:
        ValueError: the ratio does not divide a side of the image.
    """
    if image.shape[1] % ratio or image.shape[2] % ratio:
        raise ValueError(f"shrink: expected sides that {ratio} divides, got {image.shape[1]} x {image.shape[2]}; crop the image")
    axes = []
    for size, start in zip(image.shape[1:], phase, strict=True):
        centres = start + ratio * torch.arange(size // ratio, dtype=torch.float64)
        axes.append(_weights(size, centres, ratio, kernel).to(image))
    return apply_separable(axes[0], image, axes[1])


def apply_separable(
    rows: Float[Tensor, "new_rows rows"], image: Float[Tensor, "bands rows cols"], cols: Float[Tensor, "new_cols cols"]
) -> Float[Tensor, "bands new_rows new_cols"]:
    """A_rows X A_cols' for every band X. The columns come first, since that product is one large matrix product."""
    return torch.matmul(rows, torch.matmul(image, cols.T))


def _weights(size: int, centres: Tensor, stretch: int, kernel: Literal["cubic", "linear"]) -> Tensor:
    """The matrix (samples, size) of one axis, in float64. Its rows sum to 1."""
    profile, support = _KERNELS[kernel]
    reach = support * stretch
    neighbour = (centres - reach).floor()[:, None] + torch.arange(ceil(2 * reach) + 2, dtype=torch.float64)
    weight = profile((centres[:, None] - neighbour) / stretch)
    weight = weight / weight.sum(1, keepdim=True)
    folded = neighbour.long() % (2 * size)
    folded = torch.minimum(folded, 2 * size - 1 - folded)
    return torch.zeros(centres.numel(), size, dtype=torch.float64).scatter_add_(1, folded, weight)


def _cubic(t: Tensor) -> Tensor:
    """Keys' kernel with a = -1/2; it is 0 for |t| >= 2."""
    t = t.abs()
    near = (1.5 * t - 2.5) * t**2 + 1
    far = ((-0.5 * t + 2.5) * t - 4) * t + 2
    return torch.where(t <= 1, near, torch.where(t <= 2, far, 0.0))


def _triangle(t: Tensor) -> Tensor:
    """The linear kernel; it is 0 for |t| >= 1."""
    return (1 - t.abs()).clamp_min(0)


_KERNELS: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {"cubic": (_cubic, 2), "linear": (_triangle, 1)}
