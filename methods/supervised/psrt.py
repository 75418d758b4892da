"""PSRT: attention in windows of falling size, with pixels shuffled between them. Deng, Deng, Wu, Ran, Hong, Vivone, IEEE TGRS 2023.

    x = conv([u, msi]) (32)      x = W2(W4(W8(x))), twice      cube = u + conv(x)                  u: bilinear HSI; convolutions 3x3

W_s is three transformer layers in windows of s x s pixels: the first and the last on neighbouring pixels, the second on shuffled pixels,
where pixel i of a side of n s pixels is in window i mod n; afterwards the pixels are put back. A layer is the usual one (norm, attention
with 8 heads, norm, two dense layers with 128 units and gelu, both residual), except that the products of query and key are multiplied by 4,
where others divide by the root of the width. The loss is L1. If 8 does not divide the sides of the image, its last row and column are
repeated.
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
from methods.numerics.networks.image_sizes import enlarge, padded
from methods.numerics.networks.supervised_fitting import PublishedTraining, SupervisedMethod

WIDTH, HEADS, HIDDEN, SCALE = 32, 8, 128, 4.0
WINDOWS = (8, 4, 2)
PYRAMIDS = 2


@dataclass(frozen=True)
class Method(SupervisedMethod):
    """PSRT with its published training."""

    card: ClassVar[Card] = Card(
        name="PSRT",
        paper="Deng, Deng, Wu, Ran, Hong, Vivone, PSRT: Pyramid Shuffle-and-Reshuffle Transformer for Multispectral and Hyperspectral "
        "Image Fusion, IEEE TGRS 2023",
        doi="10.1109/TGRS.2023.3244750",
        year=2023,
        supervision="truth",
        learns="beforehand",
        random=True,
        implementation="as described",
        fidelity="rebuilt from a description and the count: 247,455 parameters at 31 bands and 3 channels, as the authors' code; the "
        "number of heads and the order of the layers in a block are ours, no parity was checked. Training: L1, AdamW 1e-4, decay 1e-4, "
        "batch 32, 2,000 epochs, taken as 122 steps each (3,920 patches of 64, not checked)",
    )
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 4e-6, "batch": 1})
    published: ClassVar[PublishedTraining] = PublishedTraining(
        steps=244_000, batch=32, learning_rate=1e-4, patch=64, weight_decay=1e-4, optimiser="adamw"
    )

    def build(self, bands: int, channels: int, ratio: int) -> PSRT:
        """The network of the module docstring."""
        return PSRT(bands, channels, ratio)

    def loss(self, network: nn.Module, hsi: Tensor, msi: Tensor, truth: Tensor) -> Tensor:
        """The mean absolute error."""
        return F.l1_loss(network(hsi, msi), truth)


class PSRT(nn.Module):
    """The network of the module docstring: two pyramids of windows."""

    def __init__(self, bands: int, channels: int, ratio: int) -> None:
        super().__init__()
        self.ratio = ratio
        self.enter = nn.Conv2d(bands + channels, WIDTH, 3, padding=1)
        layers = [WindowLayer(window, shuffled) for _ in range(PYRAMIDS) for window in WINDOWS for shuffled in (False, True, False)]
        self.body = nn.Sequential(*layers)
        self.leave = nn.Conv2d(WIDTH, bands, 3, padding=1)

    def forward(self, hsi: Float[Tensor, "batch bands h w"], msi: Float[Tensor, "batch channels H W"]) -> Float[Tensor, "batch bands H W"]:
        """The cube."""
        coarse = enlarge(hsi, self.ratio)
        features = self.enter(padded(torch.cat([coarse, msi], dim=1), max(WINDOWS)))
        change: Tensor = self.leave(self.body(features))
        return coarse + change[..., : msi.shape[-2], : msi.shape[-1]]


class WindowLayer(nn.Module):
    """A transformer layer in windows of the side `window`, on neighbouring or on shuffled pixels."""

    def __init__(self, window: int, shuffled: bool) -> None:
        super().__init__()
        self.window, self.shuffled = window, shuffled
        self.first_norm, self.second_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.to_all, self.project = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.dense = nn.Sequential(nn.Linear(WIDTH, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, WIDTH))

    def forward(self, image: Float[Tensor, "batch width H W"]) -> Float[Tensor, "batch width H W"]:
        """The changed image."""
        rows, cols = (size // self.window for size in image.shape[-2:])
        tokens = to_windows(image, self.window, self.shuffled)
        query, key, value = (
            part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in self.to_all(self.first_norm(tokens)).chunk(3, dim=-1)
        )
        weights = torch.softmax(SCALE * query @ key.transpose(-2, -1), dim=-1)
        tokens = tokens + self.project((weights @ value).transpose(1, 2).flatten(2))
        tokens = tokens + self.dense(self.second_norm(tokens))
        return from_windows(tokens, self.window, self.shuffled, rows, cols)


def to_windows(image: Float[Tensor, "batch width H W"], window: int, shuffled: bool) -> Float[Tensor, "windows pixels width"]:
    """The pixels of one window after the other: neighbours, or every n-th pixel along both axes, with n the number of windows there."""
    batch, width = image.shape[:2]
    rows, cols = (size // window for size in image.shape[-2:])
    if shuffled:
        split = image.reshape(batch, width, window, rows, window, cols).permute(0, 3, 5, 2, 4, 1)
    else:
        split = image.reshape(batch, width, rows, window, cols, window).permute(0, 2, 4, 3, 5, 1)
    return split.reshape(batch * rows * cols, window * window, width)


def from_windows(
    tokens: Float[Tensor, "windows pixels width"], window: int, shuffled: bool, rows: int, cols: int
) -> Float[Tensor, "batch width H W"]:
    """The image that `to_windows` divided into rows x cols windows."""
    batch, width = len(tokens) // (rows * cols), tokens.shape[-1]
    split = tokens.reshape(batch, rows, cols, window, window, width)
    order = (0, 5, 3, 1, 4, 2) if shuffled else (0, 5, 1, 3, 2, 4)
    return split.permute(*order).reshape(batch, width, rows * window, cols * window)
