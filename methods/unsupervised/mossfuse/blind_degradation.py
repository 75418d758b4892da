"""MossFuse's model of the two sensors: an SRF table and a Gaussian PSF, both learned from the observed pair alone.

    srf[c, b] = w[c, b] / sum over b of w[c, b]                       weights w, at first all 1; not clamped, so they may be negative
    psf[u]    = exp(-(u - m)' L' L (u - m) / 2), divided by its sum    L: lower triangle of a 2 x 2 parameter, first 5 I (sigma 0.2 pixel)

The PSF has k = ratio - 1 taps along each axis, and its centre is m = k // 2. Its footprint starts at the first pixel of each block of ratio
x ratio pixels. So for every ratio >= 2 it stays inside the block and never crosses the border of the image. As a `SpatialResponse` its
phase is the anchor (k - 1) // 2. For an even ratio this is ratio / 2 - 1, and so is the centre, half a pixel before the centre of the
block. For an odd ratio the centre is the middle pixel of the block. At ratio 2 there is one tap, and nothing to learn.

Both are learned from  srf(hsi) = psf(msi), since both sides are the low-resolution MSI.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from datasets.degradation import SpatialResponse, SpectralResponse

FIRST_PRECISION = 5.0  # 1 / sigma, in 1 / fine pixels


class BlindDegradation(nn.Module):
    """The estimated sensors, by the formulas of the module docstring."""

    def __init__(self, bands: int, channels: int, ratio: int) -> None:
        super().__init__()
        self.ratio = ratio
        self.taps = ratio - 1
        self.srf_weights = nn.Parameter(torch.ones(channels, bands))
        self.precision_root = nn.Parameter(FIRST_PRECISION * torch.eye(2))

    @property
    def centre(self) -> int:
        """The fine row (and column) of the Gaussian's centre inside a block."""
        return self.taps // 2

    def srf(self) -> Float[Tensor, "channels bands"]:
        """The SRF table; each row is divided by its sum."""
        return self.srf_weights / self.srf_weights.sum(1, keepdim=True)

    def psf(self) -> Float[Tensor, "taps taps"]:
        """The kernel of the PSF, divided by its sum."""
        root = self.precision_root.tril()
        offset = torch.arange(self.taps, dtype=root.dtype, device=root.device) - self.centre
        place = torch.stack(torch.meshgrid(offset, offset, indexing="ij"), dim=-1)
        kernel = torch.exp(-0.5 * (place @ root.T).square().sum(-1))
        return kernel / kernel.sum()

    def forward(
        self, msi: Float[Tensor, "batch channels H W"], hsi: Float[Tensor, "batch bands h w"]
    ) -> tuple[Float[Tensor, "batch channels h w"], Float[Tensor, "batch channels h w"]]:
        """The low-resolution MSI in two ways, clamped to 0..1: srf(hsi), psf(msi)."""
        return integrate(hsi, self.srf()).clamp(0, 1), blur(msi, self.psf(), self.ratio).clamp(0, 1)

    def spatial_response(self) -> SpatialResponse:
        """The estimated PSF as a response, for an `Estimate`."""
        return SpatialResponse(self.psf().detach(), self.ratio, phase=(self.taps - 1) // 2)

    def spectral_response(self) -> SpectralResponse:
        """The estimated SRF as a response, for an `Estimate`."""
        return SpectralResponse(self.srf().detach())


def integrate(cube: Float[Tensor, "batch bands H W"], srf: Float[Tensor, "channels bands"]) -> Float[Tensor, "batch channels H W"]:
    """The channels that the SRF gives from the bands, at each pixel."""
    return F.conv2d(cube, srf[:, :, None, None])


def blur(image: Float[Tensor, "batch bands H W"], psf: Float[Tensor, "taps taps"], ratio: int) -> Float[Tensor, "batch bands h w"]:
    """Each band blurred and decimated in one step, so that only the kept pixels are computed.

    Each footprint starts at the first pixel of its block.
    """
    batch, bands, rows, cols = image.shape
    low = F.conv2d(image.reshape(batch * bands, 1, rows, cols), psf[None, None], stride=ratio)
    return low.reshape(batch, bands, rows // ratio, cols // ratio)
