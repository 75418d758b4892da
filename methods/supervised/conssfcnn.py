"""ConSSFCNN: SSFCNN with the MSI as an input of every layer. Han, Shi, Zheng, IEEE ICIP 2018.

    x = relu(conv3([msi, u]))     x = relu(conv3([msi, x]))     cube = relu(conv5([msi, x]))     u: bilinear HSI; to `bands` channels

This is the `wiring` "chained". In the code of the SSR-Net comparison the input of every layer is [msi, u], so that only the last layer has
an effect: cube = relu(conv5([msi, u])). That is the wiring "as released"; its first two layers are dead. The loss is the mean square error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from methods.contract import Card
from methods.numerics.networks.image_sizes import enlarge
from methods.numerics.networks.supervised_fitting import PublishedTraining, SupervisedMethod

Wiring = Literal["chained", "as released"]


@dataclass(frozen=True)
class Method(SupervisedMethod):
    """ConSSFCNN with the training of the SSR-Net comparison."""

    card: ClassVar[Card] = Card(
        name="ConSSFCNN",
        paper="Han, Shi, Zheng, SSF-CNN: Spatial and Spectral Fusion with CNN for Hyperspectral Image Super-Resolution, IEEE ICIP 2018",
        doi="10.1109/ICIP.2018.8451142",
        year=2018,
        supervision="truth",
        learns="beforehand",
        random=True,
        implementation="as described",
        fidelity="45,415 parameters at 31 bands and 3 channels. Wired as described; in the code of the SSR-Net comparison two of the three "
        "layers have no effect: wiring 'as released' is that, and gives its cube to 1e-6 (fixtures outside "
        "the clone). The last iterate, not the best on "
        "the test image",
    )
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 2e-4})
    published: ClassVar[PublishedTraining] = PublishedTraining(steps=10_000, batch=1, learning_rate=1e-4, patch=128)

    wiring: Wiring = "chained"  # "as released": as in the code of the SSR-Net comparison

    def describe(self) -> Card:
        """The card; its name gives the wiring if that is the released one."""
        card = super().describe()
        if self.wiring == "chained":
            return card
        dead = "; the weights of the first two layers are dead: 19,034 at 31 bands and 3 channels"
        return replace(
            card,
            name=f"{card.name}, as released",
            implementation="optimised, same output",  # the two dead layers are not run
            fidelity=card.fidelity + dead,
        )

    def build(self, bands: int, channels: int, ratio: int) -> ConSSFCNN:
        """The network of the module docstring."""
        return ConSSFCNN(bands, channels, ratio, self.wiring)


class ConSSFCNN(nn.Module):
    """Three convolutions, each with the MSI as one of its inputs."""

    def __init__(self, bands: int, channels: int, ratio: int, wiring: Wiring) -> None:
        super().__init__()
        self.ratio, self.wiring = ratio, wiring
        self.first, self.second = (nn.Conv2d(bands + channels, bands, 3, padding=1) for _ in range(2))
        self.third = nn.Conv2d(bands + channels, bands, 5, padding=2)

    def forward(self, hsi: Float[Tensor, "batch bands h w"], msi: Float[Tensor, "batch channels H W"]) -> Float[Tensor, "batch bands H W"]:
        """The cube."""
        values = enlarge(hsi, self.ratio)
        for layer in (self.first, self.second, self.third) if self.wiring == "chained" else (self.third,):
            values = F.relu(layer(torch.cat([msi, values], dim=1)))
        return values
