"""Fusformer: every pixel attends to every other. Hu, Huang, Deng, Dou, Hong, Vivone, IEEE GRSL 2022.

    u = bicubic HSI, clipped to 0..1      t = linear([u, msi]) (48)      t = encoder layer, twice      t = decoder layer, twice
    cube = clip(u + conv(leaky(conv(t))))                                                      convolutions 3x3; t: one token per pixel

An encoder layer is attention, then a dense part; a decoder layer is attention, attention, dense. Each part is x + f(norm x); attention has
3 heads of 16 features, the dense part 48 units with leaky ReLU (slope 0.01). The whole image is one sequence, so the time grows with the
square of the number of pixels. Images with more than `most_pixels` are refused; fusion in tiles would be another method. The authors'
network also holds 393,216 numbers of a position embedding that no output depends on. The loss is L1 on the cube before it is clipped, since
a clipped value has no gradient.
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

WIDTH, HEADS, LAYERS = 48, 3, 2
POSITIONS = 8192  # of the embedding that no output depends on


def step_rate(step: int, steps: int) -> float:
    """The factor of the learning rate: divided by 10 after each fifth of the training, that is every 200 of 1,000 epochs."""
    return float(0.1 ** (5 * step // steps))


@dataclass(frozen=True)
class Method(SupervisedMethod):
    """Fusformer with its published training."""

    card: ClassVar[Card] = Card(
        name="Fusformer",
        paper="Hu, Huang, Deng, Dou, Hong, Vivone, Fusformer: A Transformer-Based Fusion Network for Hyperspectral Image Super-Resolution, "
        "IEEE GRSL 2022",
        doi="10.1109/LGRS.2022.3194257",
        year=2022,
        supervision="truth",
        learns="beforehand",
        random=True,
        implementation="optimised, same output",  # attention never stores a matrix of pixels by pixels
        fidelity="the cube of the authors' network with their random weights, to 1e-5 (fixtures outside the "
        "clone); 504,463 parameters at 31 bands and 3 "
        "channels, of which 393,216, an unused position embedding, are dead. Training: L1, Adam 1e-3, a tenth every 200 of 1,000 epochs, "
        "batch 3; an epoch is taken as 1,307 steps (3,920 patches of 64, not checked)",
    )
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 1e-6, "batch": 1})
    published: ClassVar[PublishedTraining] = PublishedTraining(steps=1_307_000, batch=3, learning_rate=1e-3, patch=64, rate=step_rate)

    most_pixels: int = 16384  # of the fine image: 128 x 128

    def largest(self) -> int:
        """The parameter `most_pixels`."""
        return self.most_pixels

    def build(self, bands: int, channels: int, ratio: int) -> Fusformer:
        """The network of the module docstring."""
        return Fusformer(bands, channels, ratio)

    def loss(self, network: nn.Module, hsi: Tensor, msi: Tensor, truth: Tensor) -> Tensor:
        """The mean absolute error of the cube before it is clipped."""
        assert isinstance(network, Fusformer)
        return F.l1_loss(network.unclipped(hsi, msi), truth)


class Fusformer(nn.Module):
    """A transformer whose tokens are the pixels."""

    def __init__(self, bands: int, channels: int, ratio: int) -> None:
        super().__init__()
        self.ratio = ratio
        self.embed = nn.Linear(bands + channels, WIDTH)
        self.encoder = nn.ModuleList(part for _ in range(LAYERS) for part in (Attention(), Dense()))
        self.decoder = nn.ModuleList(part for _ in range(LAYERS) for part in (Attention(), Attention(), Dense()))
        self.refine = nn.Sequential(nn.Conv2d(WIDTH, WIDTH, 3, padding=1), nn.LeakyReLU(), nn.Conv2d(WIDTH, bands, 3, padding=1))
        self.idle_positions = nn.Parameter(torch.zeros(POSITIONS, WIDTH))

    def forward(self, hsi: Float[Tensor, "batch bands h w"], msi: Float[Tensor, "batch channels H W"]) -> Float[Tensor, "batch bands H W"]:
        """The cube, clipped to 0..1."""
        return self.unclipped(hsi, msi).clamp(0, 1)

    def unclipped(self, hsi: Tensor, msi: Tensor) -> Tensor:
        """The cube before it is clipped."""
        coarse = enlarge(hsi, self.ratio, "bicubic").clamp(0, 1)
        tokens = self.embed(torch.cat([coarse, msi], dim=1).flatten(2).transpose(1, 2))
        for layer in (*self.encoder, *self.decoder):
            tokens = tokens + layer(tokens)
        change: Tensor = self.refine(tokens.transpose(1, 2).unflatten(2, msi.shape[-2:]))
        return coarse + change


class Attention(nn.Module):
    """A norm, then attention between all tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.to_all = nn.Linear(WIDTH, 3 * WIDTH, bias=False)
        self.project = nn.Linear(WIDTH, WIDTH)

    def forward(self, tokens: Float[Tensor, "batch pixels width"]) -> Float[Tensor, "batch pixels width"]:
        """The change that is added to the tokens."""
        parts = self.to_all(self.norm(tokens)).chunk(3, dim=-1)
        query, key, value = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in parts)
        mixed: Tensor = self.project(F.scaled_dot_product_attention(query, key, value).transpose(1, 2).flatten(2))
        return mixed


class Dense(nn.Module):
    """A norm, then two dense layers."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(WIDTH)
        self.maps = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.LeakyReLU(), nn.Linear(WIDTH, WIDTH))

    def forward(self, tokens: Float[Tensor, "batch pixels width"]) -> Float[Tensor, "batch pixels width"]:
        """The change that is added to the tokens."""
        added: Tensor = self.maps(self.norm(tokens))
        return added
