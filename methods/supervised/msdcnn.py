"""MSDCNN: the sum of a shallow and a deep network, with kernels of three sizes. Yuan, Wei, Meng, Shen, Zhang, IEEE JSTARS 2018.

    shallow = conv5(a(conv1(a(conv9(x)))))                                              64, 32, bands          x = [u, msi], u: bilinear HSI
    deep    = conv5(M(a(conv(M(a(conv7(x)))))))                                         60, 30, bands
    M(y) = y + a([conv3 y, conv5 y, conv7 y])       each a third of the width

In the `wiring` "paper", a is relu, the convolution from 60 to 30 features is 3x3, and cube = relu(shallow + deep). It has 467,352
parameters at 31 bands and 3 channels. The code of the SSR-Net comparison has 539,364, which is 72,012 more. The wiring "as released"
is that network: a 7x7 convolution instead of the 3x3 makes 72,000, and a PReLU of one slope after each of the 12 convolutions, the last
ones included, makes 12; cube = shallow + deep.

The loss is the mean square error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from methods.contract import Card
from methods.numerics.networks.image_sizes import enlarge
from methods.numerics.networks.supervised_fitting import PublishedTraining, SupervisedMethod

Wiring = Literal["as released", "paper"]


@dataclass(frozen=True)
class Method(SupervisedMethod):
    """MSDCNN with the training of the SSR-Net comparison."""

    card: ClassVar[Card] = Card(
        name="MSDCNN",
        paper="Yuan, Wei, Meng, Shen, Zhang, A Multiscale and Multidepth Convolutional Neural Network for Remote Sensing Imagery "
        "Pan-Sharpening, IEEE JSTARS 2018",
        doi="10.1109/JSTARS.2018.2794888",
        year=2018,
        supervision="truth",
        learns="beforehand",
        random=True,
        implementation="as described",
        fidelity="wiring 'as released': the cube of the network in the SSR-Net authors' comparison (hw2hwei/SSRNET at 97278967), with "
        "random weights, to 1e-6, compared once and not among the tests; 539,364 parameters at 31 bands and 3 channels. Wiring 'paper' "
        "(467,352) is inferred: from memory of the paper. Trained as there, but the last iterate, not the best on the test image",
    )
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 2e-4})
    published: ClassVar[PublishedTraining] = PublishedTraining(steps=10_000, batch=1, learning_rate=1e-4, patch=128)

    wiring: Wiring = "as released"  # as in the code of the SSR-Net comparison, or with the layers of the paper

    def describe(self) -> Card:
        """The card; its name gives the wiring if that is the paper's."""
        card = super().describe()
        return card if self.wiring == "as released" else replace(card, name=f"{card.name}, as in the paper")

    def build(self, bands: int, channels: int, ratio: int) -> MSDCNN:
        """The network of the module docstring."""
        return MSDCNN(bands, channels, ratio, self.wiring)


class MSDCNN(nn.Module):
    """Two networks whose outputs are added."""

    def __init__(self, bands: int, channels: int, ratio: int, wiring: Wiring) -> None:
        super().__init__()
        self.ratio = ratio
        both, released = bands + channels, wiring == "as released"
        active = nn.PReLU if released else nn.ReLU
        at_end = nn.PReLU if released else nn.Identity
        self.shallow = nn.Sequential(_conv(both, 64, 9), active(), _conv(64, 32, 1), active(), _conv(32, bands, 5), at_end())
        self.deep = nn.Sequential(
            *(_conv(both, 60, 7), active(), ThreeKernels(60, active)),
            *(_conv(60, 30, 7 if released else 3), active(), ThreeKernels(30, active)),
            *(_conv(30, bands, 5), at_end()),
        )
        self.last = nn.Identity() if released else nn.ReLU()

    def forward(self, hsi: Float[Tensor, "batch bands h w"], msi: Float[Tensor, "batch channels H W"]) -> Float[Tensor, "batch bands H W"]:
        """The cube."""
        images = torch.cat([enlarge(hsi, self.ratio), msi], dim=1)
        cube: Tensor = self.last(self.shallow(images) + self.deep(images))
        return cube


class ThreeKernels(nn.Module):
    """M of the module docstring."""

    def __init__(self, width: int, active: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.kernels = nn.ModuleList(nn.Sequential(_conv(width, width // 3, side), active()) for side in (3, 5, 7))

    def forward(self, values: Float[Tensor, "batch width H W"]) -> Float[Tensor, "batch width H W"]:
        """The changed values."""
        return values + torch.cat([kernel(values) for kernel in self.kernels], dim=1)


def _conv(incoming: int, outgoing: int, side: int) -> nn.Conv2d:
    return nn.Conv2d(incoming, outgoing, side, padding=side // 2)
