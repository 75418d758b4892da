"""Blur and decimation by a Gaussian as wide as a coarse pixel: the spatial response that some methods assume instead of asking for it.

    y = sum over n of g(n - c) x(n) / sum over n of g(n - c),    g(t) = exp(-t^2 / (2 sigma^2)) for |t| < reach, on each axis
    sigma = ratio / 2.35482        full width at half maximum = ratio

with c the centre of the coarse pixel. The reach is `ratio`, so the window is twice as wide as the coarse pixel. For the outermost ring of
coarse pixels the reach is half of that on both axes, and the window is the coarse pixel itself, as in Yokoya's toolbox.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from methods.numerics.images.resample import apply_separable

WIDTH_OF_SIGMA = 2.35482  # full width at half maximum of a Gaussian over its sigma, as rounded in the toolbox


def block_gaussian(image: Float[Tensor, "bands H W"], ratio: int, phase: tuple[float, float]) -> Float[Tensor, "bands h w"]:
    """Every band, blurred and sampled at phase + i * ratio; h = H / ratio and w = W / ratio.

    `phase` is the (row, column) of coarse pixel (0, 0) in fine pixels.

    Raises:
        ValueError: the ratio does not divide a side of the image.
    """
    if image.shape[1] % ratio or image.shape[2] % ratio:
        raise ValueError(f"block_gaussian: expected sides that {ratio} divides, got {image.shape[1]} x {image.shape[2]}; crop the image")
    narrow = [_weights(size, ratio, start, ratio / 2).to(image) for size, start in zip(image.shape[1:], phase, strict=True)]
    wide = [_weights(size, ratio, start, float(ratio)).to(image) for size, start in zip(image.shape[1:], phase, strict=True)]
    coarse = apply_separable(narrow[0], image, narrow[1])
    inner = [axis[1:-1] for axis in wide]
    if len(inner[0]) and len(inner[1]):
        coarse[:, 1:-1, 1:-1] = apply_separable(inner[0], image, inner[1])
    return coarse


def _weights(size: int, ratio: int, phase: float, reach: float) -> Tensor:
    """The matrix (size / ratio, size) of one axis, in float64. Its rows sum to 1. A window outside the image takes the nearest pixel."""
    centre = (phase + ratio * torch.arange(size // ratio, dtype=torch.float64)).clamp(0, size - 1)
    away = (torch.arange(size, dtype=torch.float64) - centre[:, None]).abs()
    power = torch.where(away < max(reach, 0.75), away**2 / (2 * (ratio / WIDTH_OF_SIGMA) ** 2), torch.inf)
    weight = torch.exp(power.amin(1, keepdim=True) - power)
    return weight / weight.sum(1, keepdim=True)
