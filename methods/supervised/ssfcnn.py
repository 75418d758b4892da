"""SSFCNN: three convolutions over both images. Han, Shi, Zheng, IEEE ICIP 2018.

    x = relu(conv3([msi, u]))      x = relu(conv3(x))      cube = relu(conv5(x))         u: bilinear HSI; convolutions to `bands` channels

The loss is the mean square error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from methods.contract import Card
from methods.numerics.networks.image_sizes import enlarge
from methods.numerics.networks.supervised_fitting import PublishedTraining, SupervisedMethod


@dataclass(frozen=True)
class Method(SupervisedMethod):
    """SSFCNN with the training of the SSR-Net comparison."""

    card: ClassVar[Card] = Card(
        name="SSFCNN",
        paper="Han, Shi, Zheng, SSF-CNN: Spatial and Spectral Fusion with CNN for Hyperspectral Image Super-Resolution, IEEE ICIP 2018",
        doi="10.1109/ICIP.2018.8451142",
        year=2018,
        supervision="truth",
        learns="beforehand",
        random=True,
        implementation="as described",
        fidelity="the cube of the network in the SSR-Net authors' comparison, with random weights, to 1e-6 "
        "(fixtures outside the clone); 42,253 "
        "parameters at 31 bands and 3 channels. Training as there: 10,000 steps, but the last iterate, not the best on the test image",
    )
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 2e-4})
    published: ClassVar[PublishedTraining] = PublishedTraining(steps=10_000, batch=1, learning_rate=1e-4, patch=128)

    def build(self, bands: int, channels: int, ratio: int) -> SSFCNN:
        """The network of the module docstring."""
        return SSFCNN(bands, channels, ratio)


class SSFCNN(nn.Module):
    """Three convolutions on the MSI and the enlarged HSI."""

    def __init__(self, bands: int, channels: int, ratio: int) -> None:
        super().__init__()
        self.ratio = ratio
        self.first = nn.Conv2d(bands + channels, bands, 3, padding=1)
        self.second = nn.Conv2d(bands, bands, 3, padding=1)
        self.third = nn.Conv2d(bands, bands, 5, padding=2)

    def forward(self, hsi: Float[Tensor, "batch bands h w"], msi: Float[Tensor, "batch channels H W"]) -> Float[Tensor, "batch bands H W"]:
        """The cube."""
        merged = torch.cat([msi, enlarge(hsi, self.ratio)], dim=1)
        return F.relu(self.third(F.relu(self.second(F.relu(self.first(merged))))))
