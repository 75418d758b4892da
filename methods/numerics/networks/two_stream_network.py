"""The common structure of TFNet and ResTFNet, whose modules differ. Liu, Liu, Wang, Information Fusion 2020.

    a, a' = hsi_encoder(bilinear HSI)     b, b' = msi_encoder(MSI)     f = fusion([hsi_down(a), msi_down(b)])        at half the side
    cube = top([middle([bottom(f), f]), a', b'])                       bottom: to a quarter of the side and back

a' and b', which the decoder is given, are a and b unless a subclass overrides `encoded`.

If 4 does not divide the sides of the image, its last row and column are repeated, and the cube is cut to the original size.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from methods.numerics.networks.image_sizes import enlarge, padded


class TwoStreamNetwork(nn.Module):
    """The formulas of the module docstring. A subclass makes the modules."""

    hsi_encoder: nn.Module
    msi_encoder: nn.Module
    hsi_down: nn.Module
    msi_down: nn.Module
    fusion: nn.Module
    bottom: nn.Module
    middle: nn.Module
    top: nn.Module

    def __init__(self, ratio: int) -> None:
        super().__init__()
        self.ratio = ratio

    def forward(self, hsi: Float[Tensor, "batch bands h w"], msi: Float[Tensor, "batch channels H W"]) -> Float[Tensor, "batch bands H W"]:
        """The cube."""
        fine_hsi, kept_hsi = self.encoded(self.hsi_encoder, padded(enlarge(hsi, self.ratio), 4))
        fine_msi, kept_msi = self.encoded(self.msi_encoder, padded(msi, 4))
        fused = self.fusion(torch.cat([self.hsi_down(fine_hsi), self.msi_down(fine_msi)], dim=1))
        middle = self.middle(torch.cat([self.bottom(fused), fused], dim=1))
        cube: Tensor = self.top(torch.cat([middle, kept_hsi, kept_msi], dim=1))
        return cube[..., : msi.shape[-2], : msi.shape[-1]]

    def encoded(
        self, encoder: nn.Module, image: Float[Tensor, "batch bands H W"]
    ) -> tuple[Float[Tensor, "batch width H W"], Float[Tensor, "batch width H W"]]:
        """The features of one image: those that are fused, and those that the decoder is given."""
        features: Tensor = encoder(image)
        return features, features
