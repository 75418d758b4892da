"""MSDCNN: a shallow and a deep network side by side, kernels of three sizes. Yuan, Wei, Meng, Shen, Zhang, IEEE JSTARS 2018.

    shallow = conv5(relu(conv1(relu(conv9(x)))))                                        64, 32, bands          x = [u, msi], u: bilinear HSI
    deep    = conv5(M(relu(conv3(M(relu(conv7(x)))))))                                  60, 30, bands
    M(y) = y + relu([conv3 y, conv5 y, conv7 y])    a third of the width each           cube = relu(shallow + deep)

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
from methods.numerics.supervised_fitting import Recipe, SupervisedMethod, enlarge


@dataclass(frozen=True)
class Method(SupervisedMethod):
    """MSDCNN with the training of the SSR-Net comparison."""

    card: ClassVar[Card] = Card(
        name="MSDCNN",
        paper="Yuan, Wei, Meng, Shen, Zhang, A Multiscale and Multidepth Convolutional Neural Network for Remote Sensing Imagery "
        "Pan-Sharpening, IEEE JSTARS 2018",
        doi="not checked",
        year=2018,
        supervision="truth",
        learns="beforehand",
        fidelity="from memory of the paper, not checked against it: 467,352 parameters at 31 bands and 3 channels. The code of the SSR-Net "
        "comparison counts 539,364, so it has other layers, which are not known here. No parity was checked. Trained as there, but the "
        "last iterate, not the best on the test image",
    )
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 2e-4})
    recipe: ClassVar[Recipe] = Recipe(steps=10_000, batch=1, learning_rate=1e-4, patch=128)

    def build(self, bands: int, channels: int, ratio: int) -> MSDCNN:
        """The network of the module docstring."""
        return MSDCNN(bands, channels, ratio)


class MSDCNN(nn.Module):
    """Two networks whose outputs are added."""

    def __init__(self, bands: int, channels: int, ratio: int) -> None:
        super().__init__()
        self.ratio = ratio
        both = bands + channels
        self.shallow = nn.Sequential(_conv(both, 64, 9), nn.ReLU(), _conv(64, 32, 1), nn.ReLU(), _conv(32, bands, 5))
        self.deep = nn.Sequential(
            _conv(both, 60, 7), nn.ReLU(), ThreeKernels(60), _conv(60, 30, 3), nn.ReLU(), ThreeKernels(30), _conv(30, bands, 5)
        )

    def forward(self, hsi: Float[Tensor, "batch bands h w"], msi: Float[Tensor, "batch channels H W"]) -> Float[Tensor, "batch bands H W"]:
        """The cube."""
        images = torch.cat([enlarge(hsi, self.ratio), msi], dim=1)
        return F.relu(self.shallow(images) + self.deep(images))


class ThreeKernels(nn.Module):
    """M of the module docstring."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.kernels = nn.ModuleList(_conv(width, width // 3, side) for side in (3, 5, 7))

    def forward(self, values: Float[Tensor, "batch width H W"]) -> Float[Tensor, "batch width H W"]:
        """The values, changed."""
        return values + F.relu(torch.cat([kernel(values) for kernel in self.kernels], dim=1))


def _conv(incoming: int, outgoing: int, side: int) -> nn.Conv2d:
    return nn.Conv2d(incoming, outgoing, side, padding=side // 2)
