"""MST++: spectra from the MSI alone. It is a control, since it does not use the HSI. Cai et al., CVPR Workshops 2022.

    x = conv(msi)      y = U3(U2(U1(x)))      cube = x + conv(y)               convolutions 3x3, to `bands` = d channels

U is a U-net of two scales: conv, A(d), strided conv (2d), A(2d), strided conv (4d), A(4d), and back with 1x1 convolutions that join the
scales, conv; its input is added at the end. A is a transformer block with attention between channels instead of pixels. For each head of d
channels,

    q, k, v = Wq x, Wk x, Wv x      a = softmax(s k q' / (|k| |q|))      x = x + W (a v) + dw(gelu(dw(v)))      x = x + ffn(norm x)

with s learned, dw a depthwise 3x3 convolution, and ffn: 1x1 to four times the width, gelu, dw, gelu, 1x1. The score of this network shows
how much of another method's score is reached without the HSI. The loss is the mean relative absolute error |cube - truth| / truth, as
published, with truth >= `floor`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import cos, pi
from types import MappingProxyType
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from methods.contract import Card
from methods.numerics.networks.first_weights import draw_uniform_weights
from methods.numerics.networks.image_sizes import padded
from methods.numerics.networks.supervised_fitting import PublishedTraining, SupervisedMethod

STAGES, SCALES = 3, 2
MULTIPLE = 8  # of the sides, to which the released code mirrors an image


def cosine_rate(step: int, steps: int) -> float:
    """The factor of the learning rate: from 1 to 1/400 along half a cosine."""
    return 1 / 400 + (1 - 1 / 400) * (1 + cos(pi * step / steps)) / 2


@dataclass(frozen=True)
class Method(SupervisedMethod):
    """MST++ from the MSI alone."""

    card: ClassVar[Card] = Card(
        name="MST++ (control: MSI alone)",
        paper="Cai, Lin, Lin, Wang, Zhang, Pfister, Timofte, Van Gool, MST++: Multi-stage Spectral-wise Transformer for Efficient Spectral "
        "Reconstruction, CVPR Workshops 2022",
        doi="10.1109/CVPRW56347.2022.00090",
        year=2022,
        supervision="truth",
        learns="beforehand",
        random=True,
        implementation="as described",
        unranked="a control: it ignores the HSI, so it fuses nothing; its score says how much of the others' scores the HSI is needed for",
        fidelity="the cube of the authors' network (caiyuanhao1998/MST-plus-plus at 18e2032a) with random weights, to 1e-6, compared once "
        "and not among the tests; 1,619,625 parameters at 31 bands and 3 channels. A control: it ignores the HSI. Training from memory of "
        "the paper (Adam 4e-4, cosine to 1e-6, 300 epochs of 1,000 steps, 20 patches of 128): not checked",
    )
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 3e-6, "batch": 1})
    published: ClassVar[PublishedTraining] = PublishedTraining(steps=300_000, batch=20, learning_rate=4e-4, patch=128, rate=cosine_rate)

    floor: float = 0.01  # least divisor of the loss: CAVE has black pixels

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.floor > 0:
            raise ValueError(f"floor: expected a number above 0, got {self.floor}")

    def build(self, bands: int, channels: int, ratio: int) -> MSTPlusPlus:
        """The network of the module docstring."""
        return MSTPlusPlus(bands, channels)

    def draw(self, network: nn.Module, rng: torch.Generator) -> None:
        """Sets convolutions by torch's own rule, and linear layers to normal numbers of deviation 0.02, cut at 2, with biases 0."""
        draw_uniform_weights(network, rng)
        for module in network.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02, a=-2.0, b=2.0, generator=rng)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def loss(self, network: nn.Module, hsi: Tensor, msi: Tensor, truth: Tensor) -> Tensor:
        """The mean relative absolute error."""
        error: Tensor = (network(hsi, msi) - truth).abs()
        return (error / truth.clamp_min(self.floor)).mean()


class MSTPlusPlus(nn.Module):
    """Three U-nets with spectral attention, one after the other."""

    def __init__(self, bands: int, channels: int) -> None:
        super().__init__()
        self.enter = nn.Conv2d(channels, bands, 3, padding=1, bias=False)
        self.body = nn.Sequential(*(SpectralUNet(bands) for _ in range(STAGES)))
        self.leave = nn.Conv2d(bands, bands, 3, padding=1, bias=False)

    def forward(self, hsi: Float[Tensor, "batch bands h w"], msi: Float[Tensor, "batch channels H W"]) -> Float[Tensor, "batch bands H W"]:
        """The cube; the HSI is not used."""
        start = self.enter(mirrored(msi))
        cube: Tensor = start + self.leave(self.body(start))
        return cube[..., : msi.shape[-2], : msi.shape[-1]]


def mirrored(image: Float[Tensor, "batch bands H W"]) -> Float[Tensor, "batch bands padded_H padded_W"]:
    """The image, mirrored at its last row and column until 8 divides both sides; where a side is too short for that, it is repeated."""
    rows, cols = (-size % MULTIPLE for size in image.shape[-2:])
    if rows >= image.shape[-2] or cols >= image.shape[-1]:
        return padded(image, MULTIPLE)
    return F.pad(image, (0, cols, 0, rows), mode="reflect")


class SpectralUNet(nn.Module):
    """U of the module docstring."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = [width * 2**scale for scale in range(SCALES + 1)]
        pairs = list(pairwise(widths))
        self.enter, self.leave = (nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))
        self.encoders = nn.ModuleList(SpectralBlock(low, width) for low, _ in pairs)
        self.downs = nn.ModuleList(nn.Conv2d(low, high, 4, stride=2, padding=1, bias=False) for low, high in pairs)
        self.bottom = SpectralBlock(widths[-1], width)
        self.ups = nn.ModuleList(nn.ConvTranspose2d(high, low, 2, stride=2) for low, high in reversed(pairs))
        self.joins = nn.ModuleList(nn.Conv2d(high, low, 1, bias=False) for low, high in reversed(pairs))
        self.decoders = nn.ModuleList(SpectralBlock(low, width) for low, _ in reversed(pairs))

    def forward(self, image: Float[Tensor, "batch width H W"]) -> Float[Tensor, "batch width H W"]:
        """The changed image."""
        values, kept = self.enter(image), []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            kept.append(encoder(values))
            values = down(kept[-1])
        values = self.bottom(values)
        for up, join, decoder in zip(self.ups, self.joins, self.decoders, strict=True):
            values = decoder(join(torch.cat([up(values), kept.pop()], dim=1)))
        changed: Tensor = image + self.leave(values)
        return changed


class SpectralBlock(nn.Module):
    """A of the module docstring: `width` channels in heads of `head` each."""

    def __init__(self, width: int, head: int) -> None:
        super().__init__()
        self.heads = width // head
        self.to_query, self.to_key, self.to_value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.sharpness = nn.Parameter(torch.ones(self.heads, 1, 1))
        self.project = nn.Linear(width, width)
        self.position = nn.Sequential(_depthwise(width), nn.GELU(), _depthwise(width))
        self.norm = nn.LayerNorm(width)
        self.forward_net = nn.Sequential(
            nn.Conv2d(width, 4 * width, 1, bias=False),
            nn.GELU(),
            _depthwise(4 * width),
            nn.GELU(),
            nn.Conv2d(4 * width, width, 1, bias=False),
        )

    def forward(self, image: Float[Tensor, "batch width H W"]) -> Float[Tensor, "batch width H W"]:
        """The changed image."""
        pixels = image.permute(0, 2, 3, 1)
        query, key, value = self.to_query(pixels), self.to_key(pixels), self.to_value(pixels)
        q, k, v = (each.flatten(1, 2).transpose(1, 2).unflatten(1, (self.heads, -1)) for each in (query, key, value))
        cosines = F.normalize(k, dim=-1) @ F.normalize(q, dim=-1).transpose(-2, -1)
        mixed = (torch.softmax(cosines * self.sharpness, dim=-1) @ v).flatten(1, 2).transpose(1, 2)
        attended = self.project(mixed).transpose(1, 2).unflatten(2, image.shape[-2:])
        image = image + attended + self.position(value.permute(0, 3, 1, 2))
        changed: Tensor = image + self.forward_net(self.norm(image.permute(0, 2, 3, 1)).permute(0, 3, 1, 2))
        return changed


def _depthwise(width: int) -> nn.Conv2d:
    return nn.Conv2d(width, width, 3, padding=1, bias=False, groups=width)
