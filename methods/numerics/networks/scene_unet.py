"""U-Nets that learn on one image: what M2U-Net, EDIP-Net and DIP share.

There are three scales (1, 1/2, 1/4: adaptive means down, bilinear interpolation up), five blocks of one 5x5 convolution each, and a skip of
two channels at each of the two finer scales:

    x1 = b1(input)      x2 = b2(down x1)      x3 = b3(down x2)      x4 = b4[skip x2, up x3]      x5 = b5[skip x1, up x4]
    block, skip = convolution (5x5, 1x1), normalisation, leaky ReLU (slope 0.2)

The normalisation uses the statistics of the image itself, both in learning and in fusing (a batch of one image). So the biases of the
convolutions before it have no effect, and their gradient is 0. In eval mode it only scales, as the authors' networks do before learning.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from methods.numerics.networks.first_weights import Network, draw_he_weights, new_network

SLOPE, SIDE, SKIPPED = 0.2, 5, 2


class ImageNorm(nn.Module):
    """Each channel minus its mean, divided by its standard deviation, times a weight, plus a bias."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Float[Tensor, "1 channels H W"]) -> Float[Tensor, "1 channels H W"]:
        """The output of the class's formula."""
        if self.training:
            return F.batch_norm(x, None, None, self.weight, self.bias, training=True)
        scaled: Tensor = x * (self.weight / (1 + 1e-5) ** 0.5)[:, None, None] + self.bias[:, None, None]
        return scaled


def too_small(rows: int, cols: int) -> bool:
    """Whether the coarsest of the three scales has fewer pixels than the two that statistics need."""
    return (rows // 4) * (cols // 4) < 2


def normalised_convolution(incoming: int, outgoing: int, side: int = SIDE, stride: int = 1) -> nn.Sequential:
    """A convolution, the normalisation and a leaky ReLU."""
    return nn.Sequential(nn.Conv2d(incoming, outgoing, side, stride, side // 2), ImageNorm(outgoing), nn.LeakyReLU(SLOPE))


def halve(x: Float[Tensor, "1 channels H W"]) -> Float[Tensor, "1 channels half_H half_W"]:
    """The image on a grid of half its sides, rounded down, by means."""
    return F.adaptive_avg_pool2d(x, (x.shape[2] // 2, x.shape[3] // 2))


def enlarge_to(x: Float[Tensor, "1 channels h w"], like: Tensor) -> Float[Tensor, "1 channels H W"]:
    """The image on the grid of `like`, by bilinear interpolation."""
    return F.interpolate(x, size=like.shape[2:], mode="bilinear")


class PlainUNet(nn.Module):
    """The network of the module docstring, then a 1x1 convolution to as many bands as it is given, and a sigmoid."""

    def __init__(self, bands: int, width: int) -> None:
        super().__init__()
        inputs = (bands, width, width, width + SKIPPED, width + SKIPPED)
        self.blocks = nn.ModuleList(normalised_convolution(incoming, width) for incoming in inputs)
        self.skips = nn.ModuleList(normalised_convolution(width, SKIPPED, side=1) for _ in range(2))
        self.late = nn.Conv2d(width, bands, 1)

    def forward(self, image: Float[Tensor, "1 bands H W"]) -> Float[Tensor, "1 bands H W"]:
        """The output of the class's formula."""
        x1 = self.blocks[0](image)
        x2 = self.blocks[1](halve(x1))
        x3 = self.blocks[2](halve(x2))
        x4 = self.blocks[3](torch.cat([self.skips[1](x2), enlarge_to(x3, x2)], dim=1))
        x5 = self.blocks[4](torch.cat([self.skips[0](x1), enlarge_to(x4, x1)], dim=1))
        return torch.sigmoid(self.late(x5))


class GuidedUNet(nn.Module):
    """Two such U-Nets, one for a first cube and one for the MSI. At every block the MSI's features weigh the features of the cube.

    x' = block(x),  z' = block(z),  x = sigmoid(W relu(V mean(z'))) x',  z = z'   with width / 5 units between W and V.
    """

    def __init__(self, bands: int, channels: int, width: int) -> None:
        super().__init__()
        inside = (width, width, width + SKIPPED, width + SKIPPED)
        self.cube_blocks = nn.ModuleList(normalised_convolution(incoming, width) for incoming in (bands, *inside))
        self.msi_blocks = nn.ModuleList(normalised_convolution(incoming, width) for incoming in (channels, *inside))
        self.gates = nn.ModuleList(_gate(width) for _ in range(5))
        self.cube_skips = nn.ModuleList(normalised_convolution(width, SKIPPED, side=1) for _ in range(2))
        self.msi_skips = nn.ModuleList(normalised_convolution(width, SKIPPED, side=1) for _ in range(2))
        self.late = nn.Conv2d(width, bands, 1)

    def forward(self, cube: Float[Tensor, "1 bands H W"], msi: Float[Tensor, "1 channels H W"]) -> Float[Tensor, "1 bands H W"]:
        """The output of the class's formula."""
        x1, z1 = self._level(0, cube, msi)
        x2, z2 = self._level(1, halve(x1), halve(z1))
        x3, z3 = self._level(2, halve(x2), halve(z2))
        x4, z4 = self._level(3, *(self._join(a, b, s[1]) for a, b, s in ((x3, x2, self.cube_skips), (z3, z2, self.msi_skips))))
        x5, _ = self._level(4, *(self._join(a, b, s[0]) for a, b, s in ((x4, x1, self.cube_skips), (z4, z1, self.msi_skips))))
        return torch.sigmoid(self.late(x5))

    def _level(self, level: int, cube: Tensor, msi: Tensor) -> tuple[Tensor, Tensor]:
        """The outputs of both blocks of a level; the cube's features are weighed by those of the MSI."""
        guide = self.msi_blocks[level](msi)
        return self.gates[level](guide) * self.cube_blocks[level](cube), guide

    @staticmethod
    def _join(coarser: Tensor, finer: Tensor, skip: nn.Module) -> Tensor:
        return torch.cat([skip(finer), enlarge_to(coarser, finer)], dim=1)


def _gate(width: int) -> nn.Sequential:
    """A network that gives one weight per feature, between 0 and 1, from the means of all features."""
    inner = max(1, width // 5)
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, inner, 1), nn.ReLU(), nn.Conv2d(inner, width, 1), nn.Sigmoid())


def new_unet(build: Callable[[], Network], rng: torch.Generator, like: Tensor, spread: float = 0.02) -> Network:
    """The U-Net that `build` gives, with fresh weights, on the device and in the dtype of `like`.

    Convolutions are drawn by He's rule; the weights of the normalisations are normal around 1 with the standard deviation `spread`, their
    biases 0.
    """

    def draw(network: Network) -> None:
        draw_he_weights(network, rng)
        for module in network.modules():
            if isinstance(module, ImageNorm):
                nn.init.normal_(module.weight, 1.0, spread, generator=rng)

    return new_network(build, draw, like)
