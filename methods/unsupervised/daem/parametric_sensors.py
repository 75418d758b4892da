"""DAEM's model of the two sensors: a PSF and an SRF that a few learned numbers describe.

SRF    each channel is a sum of four Gaussians over the band's number (scaled to 0..1), divided by its sum over the bands
PSF    exp(-|L'(u - centre)|^2 / 2) over a window of one coarse pixel, divided by its sum; L is the lower triangle of a 2 x 2 parameter
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.numerics.sensors.smooth_responses import place_kernel, psf_window

KERNELS = 4  # Gaussians per channel of the SRF
FIRST_PRECISION = 5.0  # L begins as this times the unit matrix, in 1 / fine pixels
LEAST_VARIANCE = 1e-4  # of a Gaussian of the SRF: a standard deviation of a hundredth of the range of bands


def draw_sensors(channels: int, rng: torch.Generator, like: Tensor) -> list[Tensor]:
    """The first parameters: centres and variances of the SRF (channels, KERNELS), uniform in 0..1, and L of the PSF (2, 2)."""
    start = [torch.rand(channels, KERNELS, generator=rng, dtype=torch.float32).to(like) for _ in range(2)]
    return [*start, FIRST_PRECISION * torch.eye(2).to(like)]


def sensors(parameters: Sequence[Tensor], seen: Observation) -> tuple[SpatialResponse, SpectralResponse]:
    """The PSF and the SRF that `parameters`, in the order of `draw_sensors`, describe for this pair; no gradient flows back."""
    centres, variances, root = (tensor.detach() for tensor in parameters)
    kernel, first = psf_kernel(root, seen)
    return place_kernel(kernel, first, seen.ratio), SpectralResponse(srf_table(centres, variances, seen.hsi.shape[0]))


def srf_table(
    centres: Float[Tensor, "channels kernels"], variances: Float[Tensor, "channels kernels"], bands: int
) -> Float[Tensor, "channels bands"]:
    """The rows of the SRF, each of sum 1. A negative variance counts by its absolute value."""
    place = torch.linspace(0, 1, bands).to(centres)
    spread = variances.abs().clamp_min(LEAST_VARIANCE)
    table = torch.exp(-0.5 * (place - centres[..., None]).square() / spread[..., None]).sum(1) + 1e-8
    return table / table.sum(1, keepdim=True)


def psf_kernel(root: Float[Tensor, "2 2"], seen: Observation) -> tuple[Float[Tensor, "rows cols"], tuple[int, int]]:
    """The taps of the PSF, and the fine pixel under its first tap for coarse pixel (0, 0)."""
    sides, first = psf_window(seen, seen.ratio)
    axes = [start + torch.arange(side).to(root) - centre for start, side, centre in zip(first, sides, seen.phase, strict=True)]
    offset = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    exponent = -0.5 * (offset @ root.tril()).square().sum(-1)
    kernel = torch.exp(exponent - exponent.detach().amax())
    return kernel / kernel.sum(), first
