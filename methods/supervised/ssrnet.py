"""SSR-Net: a small convolutional network with a loss on edges. Zhang, Huang, Wang, Li, IEEE TGRS 2021.

    u  = bilinear HSI, with band p_i replaced by MSI channel i         p_i spread evenly from the first band to the last
    x0 = relu(conv(u))      x1 = x0 + relu(conv(x0))      x2 = x1 + relu(conv(x1))           all 3x3, bands -> bands; x2 is the cube
    loss = MSE(x2) + MSE(vertical edges of x1) / 2 + MSE(horizontal edges of x1) / 2 + MSE(spectral edges of x2)

An edge is the difference of two neighbours along its axis; each MSE compares with the same differences of the truth. The replacement is
meant for an MSI whose channels are bands of the HSI, but it is also made if they are the wide channels of a camera.
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
    """SSR-Net with its published training."""

    card: ClassVar[Card] = Card(
        name="SSR-Net",
        paper="Zhang, Huang, Wang, Li, SSR-NET: Spatial-Spectral Reconstruction Network for Hyperspectral and Multispectral Image Fusion, "
        "IEEE TGRS 2021",
        doi="10.1109/TGRS.2020.3018732",
        year=2021,
        supervision="truth",
        learns="beforehand",
        random=True,
        implementation="as described",
        fidelity="the cube of the authors' network with their random weights, to 1e-6 (fixtures outside the "
        "clone); 26,041 parameters at 31 bands and 3 "
        "channels, one of which nothing depends on. The authors keep the epoch that is best on the test image; here it is the last. They "
        "take values up to 255 and an MSI of raw bands; here values are 0 to 1 and the MSI is the protocol's",
    )
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 2e-4})
    published: ClassVar[PublishedTraining] = PublishedTraining(steps=10_000, batch=1, learning_rate=1e-4, patch=128)

    def build(self, bands: int, channels: int, ratio: int) -> SSRNet:
        """The network of the module docstring."""
        return SSRNet(bands, channels, ratio)

    def loss(self, network: nn.Module, hsi: Tensor, msi: Tensor, truth: Tensor) -> Tensor:
        """The loss of the module docstring."""
        assert isinstance(network, SSRNet)
        spatial, cube = network.stages(hsi, msi)
        terms = [F.mse_loss(cube, truth)]
        for weight, image, axis in ((0.5, spatial, -2), (0.5, spatial, -1), (1.0, cube, 1)):
            if image.shape[axis] > 1:
                terms.append(weight * F.mse_loss(image.diff(dim=axis), truth.diff(dim=axis)))
        return torch.stack(terms).sum()


class SSRNet(nn.Module):
    """Three convolutions on the HSI, in which the MSI replaces some bands."""

    def __init__(self, bands: int, channels: int, ratio: int) -> None:
        super().__init__()
        self.bands, self.channels, self.ratio = bands, channels, ratio
        self.fusion, self.spatial, self.spectral = (nn.Conv2d(bands, bands, 3, padding=1) for _ in range(3))
        self.idle_weight = nn.Parameter(torch.full((1,), 0.5))  # part of the authors' network; no output depends on it

    def forward(self, hsi: Float[Tensor, "batch bands h w"], msi: Float[Tensor, "batch channels H W"]) -> Float[Tensor, "batch bands H W"]:
        """The cube."""
        return self.stages(hsi, msi)[1]

    def stages(self, hsi: Tensor, msi: Tensor) -> tuple[Tensor, Tensor]:
        """The maps x1 and x2 of the module docstring."""
        merged = enlarge(hsi, self.ratio).clone()
        for channel, band in enumerate(places(self.bands, self.channels)):
            merged[:, band] = msi[:, channel]
        fused = F.relu(self.fusion(merged))
        spatial = fused + F.relu(self.spatial(fused))
        return spatial, spatial + F.relu(self.spectral(spatial))


def places(bands: int, channels: int) -> list[int]:
    """The band that each channel replaces: evenly from the first to the last band, rounded down; for a single channel the middle one.

    With more channels than bands, several channels replace the same band, and the last of them stays.
    """
    if channels == 1:
        return [bands // 2]
    return [min(bands - 1, int(bands * channel / (channels - 1))) for channel in range(channels)]
