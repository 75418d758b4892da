"""TFNet: two encoders, fused features, and a decoder that uses the features of both. Liu, Liu, Wang, Information Fusion 2020.

    a1 = conv, conv of the bilinear HSI (32)          b1 = the same of the MSI (32)             2x2 stride-2 convolutions: a2, b2 (64)
    f1 = conv, conv of [a2, b2] (128)                 f2 = conv, conv of the strided f1 (256)
    g  = conv, conv of [up f2, f1] (128)              cube = conv (64), conv (64), conv (bands) of [up g (64), a1, b1]

conv is 3x3, and up is a transposed 2x2 convolution with stride 2 (256 -> 128, 128 -> 64). A PReLU of one slope follows each of the 18
convolutions, the last one included. The loss is the mean square error. If 4 does not divide the sides of the image, its last row and column
are repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from torch import nn

from methods.contract import Card
from methods.numerics.networks.supervised_fitting import PublishedTraining, SupervisedMethod
from methods.numerics.networks.two_stream_network import TwoStreamNetwork


@dataclass(frozen=True)
class Method(SupervisedMethod):
    """TFNet with the training of the SSR-Net comparison."""

    card: ClassVar[Card] = Card(
        name="TFNet",
        paper="Liu, Liu, Wang, Remote sensing image fusion based on two-stream fusion network, Information Fusion 2020",
        doi="10.1016/j.inffus.2019.07.010",
        year=2020,
        supervision="truth",
        learns="beforehand",
        random=True,
        implementation="as described",
        fidelity="the cube of the network in the SSR-Net authors' comparison (hw2hwei/SSRNET at 97278967), with random weights, to 1e-6, "
        "compared once and not among the tests; 2,386,801 parameters at 31 bands and 3 channels. Trained as there (mean square error, Adam "
        "1e-4, 10,000 steps; the paper takes L1), but the last iterate, not the best on the test",
    )
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 1e-4})
    published: ClassVar[PublishedTraining] = PublishedTraining(steps=10_000, batch=1, learning_rate=1e-4, patch=128)

    def build(self, bands: int, channels: int, ratio: int) -> TFNet:
        """The network of the module docstring."""
        return TFNet(bands, channels, ratio)


class TFNet(TwoStreamNetwork):
    """Two streams, three scales."""

    def __init__(self, bands: int, channels: int, ratio: int) -> None:
        super().__init__(ratio)
        self.hsi_encoder = nn.Sequential(*_conv(bands, 32), *_conv(32, 32))
        self.msi_encoder = nn.Sequential(*_conv(channels, 32), *_conv(32, 32))
        self.hsi_down, self.msi_down = (nn.Sequential(*_down(32, 64)) for _ in range(2))
        self.fusion = nn.Sequential(*_conv(128, 128), *_conv(128, 128))
        self.bottom = nn.Sequential(*_down(128, 256), *_conv(256, 256), *_conv(256, 256), *_up(256, 128))
        self.middle = nn.Sequential(*_conv(256, 128), *_conv(128, 128), *_up(128, 64))
        self.top = nn.Sequential(*_conv(128, 64), *_conv(64, 64), *_conv(64, bands))


def _conv(incoming: int, outgoing: int) -> tuple[nn.Module, nn.Module]:
    """A 3x3 convolution and its PReLU."""
    return nn.Conv2d(incoming, outgoing, 3, padding=1), nn.PReLU()


def _down(incoming: int, outgoing: int) -> tuple[nn.Module, nn.Module]:
    """A strided convolution to half the side, and its PReLU."""
    return nn.Conv2d(incoming, outgoing, 2, stride=2), nn.PReLU()


def _up(incoming: int, outgoing: int) -> tuple[nn.Module, nn.Module]:
    """A transposed convolution to twice the side, and its PReLU."""
    return nn.ConvTranspose2d(incoming, outgoing, 2, stride=2), nn.PReLU()
