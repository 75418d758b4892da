"""The authors' network, as it stands in their repository: images are (rows, cols, bands), and nothing here knows of HMIF-Bench."""

from __future__ import annotations

import torch
from torch import Tensor, nn

BANDS, CHANNELS = 31, 3


class SharpNet(nn.Module):
    """The low-resolution image, interpolated to the fine grid, plus what three convolutions make of both images."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        self.first = nn.Conv2d(BANDS + CHANNELS, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.last = nn.Conv2d(width, BANDS, 1)

    def forward(self, low: Tensor, rgb: Tensor) -> Tensor:
        """The sharp image (rows, cols, bands) of `low` (rows, cols, bands) and `rgb` (rows, cols, 3), both on the fine grid."""
        stacked = torch.cat([low, rgb], dim=2).permute(2, 0, 1)[None]
        residual = self.last(torch.relu(self.second(torch.relu(self.first(stacked)))))
        return low + residual[0].permute(1, 2, 0)
