"""ResTFNet: TFNet with residual blocks. Liu, Liu, Wang, Information Fusion 2020.

    a1 = x + r(x) with x = conv of the bilinear HSI (32)      b1 = the same of the MSI (32)     2x2 stride-2 convolutions: a2, b2 (64)
    f1 = res([a2, b2]) (128)                                  f2 = res(strided f1) (256)
    g  = res(conv1 of [up f2, f1]) (128)                      cube = conv (bands) of res(conv1 of [up g (64), r of a1, r of b1]) (64)
    res(x) = x + r(x),   r(x) = prelu(conv(prelu(conv(x))))

The decoder is given the changes r of the two images' first blocks without what they are added to. conv is 3x3, conv1 is 1x1, and up is a
transposed 2x2 convolution with stride 2 (256 -> 128, 128 -> 64). A PReLU of one slope follows each convolution except the two 1x1. The loss
is the mean square error. If 4 does not divide the sides of the image, its last row and column are repeated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor, nn

from methods.contract import Card
from methods.numerics.networks.supervised_fitting import PublishedTraining, SupervisedMethod
from methods.numerics.networks.two_stream_network import TwoStreamNetwork


@dataclass(frozen=True)
class Method(SupervisedMethod):
    """ResTFNet with the training of the SSR-Net comparison."""

    card: ClassVar[Card] = Card(
        name="ResTFNet",
        paper="Liu, Liu, Wang, Remote sensing image fusion based on two-stream fusion network, Information Fusion 2020",
        doi="10.1016/j.inffus.2019.07.010",
        year=2020,
        supervision="truth",
        learns="beforehand",
        random=True,
        implementation="as described",
        fidelity="the cube of the network in the SSR-Net authors' comparison (hw2hwei/SSRNET at 97278967), with random weights, to 1e-6, "
        "compared once and not among the tests; 2,262,131 parameters at 31 bands and 3 channels. Trained as there (mean square error, Adam "
        "1e-4, 10,000 steps; the paper takes L1), but the last iterate, not the best on the test",
    )
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 1e-4})
    published: ClassVar[PublishedTraining] = PublishedTraining(steps=10_000, batch=1, learning_rate=1e-4, patch=128)

    def build(self, bands: int, channels: int, ratio: int) -> ResTFNet:
        """The network of the module docstring."""
        return ResTFNet(bands, channels, ratio)


class ResTFNet(TwoStreamNetwork):
    """Two streams, three scales, six residual blocks."""

    def __init__(self, bands: int, channels: int, ratio: int) -> None:
        super().__init__(ratio)
        self.hsi_encoder, self.msi_encoder = (
            nn.Sequential(nn.Conv2d(width, 32, 3, padding=1), nn.PReLU(), _change(32)) for width in (bands, channels)
        )
        self.hsi_down, self.msi_down = (nn.Sequential(nn.Conv2d(32, 64, 2, stride=2), nn.PReLU()) for _ in range(2))
        self.fusion = ResidualBlock(128)
        self.bottom = nn.Sequential(
            nn.Conv2d(128, 256, 2, stride=2), nn.PReLU(), ResidualBlock(256), nn.ConvTranspose2d(256, 128, 2, stride=2), nn.PReLU()
        )
        self.middle = nn.Sequential(nn.Conv2d(256, 128, 1), ResidualBlock(128), nn.ConvTranspose2d(128, 64, 2, stride=2), nn.PReLU())
        self.top = nn.Sequential(nn.Conv2d(128, 64, 1), ResidualBlock(64), nn.Conv2d(64, bands, 3, padding=1), nn.PReLU())

    def encoded(
        self, encoder: nn.Module, image: Float[Tensor, "batch bands H W"]
    ) -> tuple[Float[Tensor, "batch width H W"], Float[Tensor, "batch width H W"]]:
        """The features of one image, which are fused, and the change of its first block, which the decoder is given."""
        convolution, slope, block = encoder.children()
        start = slope(convolution(image))
        change: Tensor = block(start)
        return start + change, change


class ResidualBlock(nn.Module):
    """res of the module docstring."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.change = _change(width)

    def forward(self, values: Float[Tensor, "batch width H W"]) -> Float[Tensor, "batch width H W"]:
        """The changed values."""
        changed: Tensor = values + self.change(values)
        return changed


def _change(width: int) -> nn.Sequential:
    """r of the module docstring."""
    return nn.Sequential(*(layer for _ in range(2) for layer in (nn.Conv2d(width, width, 3, padding=1), nn.PReLU())))
