"""The blocks of MossFuse that bring the complementary features y of one image into the shared features x.

    spatial aggregation     z = norm(x); o = attention(z) with queries times g(y), g the spatial gate;   side = dw3(y) * s(o)
    spectral aggregation    z = norm(x); o = attention(z) [queries times s(y), s the spectral gate];     side = 1x1(y) * g(o)
    both                    x + project(o + side), then x + feed_forward(norm(x))

    spatial gate            g(u): (batch, 1, H, W), sigmoid of three 1x1 with ReLU between
    spectral gate           s(u): (batch, C, 1, 1), sigmoid of three linear maps of the mean over the image, GELU between

The complementary features are not normalised. The queries' spectral gate multiplies each query by one number, which the cosine of the
attention divides out again. Its weights are held because the released file has them; it is computed only where `query_gate` asks.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from methods.unsupervised.mossfuse.blocks import ChannelAttention, ChannelNorm, FeedForward


class SpatialGate(nn.Module):
    """One number in 0..1 a pixel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width // 8, 1, bias=False)
        self.second = nn.Conv2d(width // 8, width // 8, 1, bias=False)
        self.third = nn.Conv2d(width // 8, 1, 1, bias=False)

    def forward(self, u: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch 1 H W"]:
        """sigmoid(W3 relu(W2 relu(W1 u)))."""
        return torch.sigmoid(self.third(F.relu(self.second(F.relu(self.first(u))))))


class SpectralGate(nn.Module):
    """One number in 0..1 a channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, width // 8, bias=False)
        self.second = nn.Linear(width // 8, width // 8, bias=False)
        self.third = nn.Linear(width // 8, width, bias=False)

    def forward(self, u: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch C 1 1"]:
        """sigmoid(W3 gelu(W2 gelu(W1 mean(u))))."""
        return self.of_mean(u.mean((2, 3)))[:, :, None, None]

    def of_mean(self, mean: Float[Tensor, "batch C"]) -> Float[Tensor, "batch C"]:
        """The same from the mean over the image."""
        return torch.sigmoid(self.third(F.gelu(self.second(F.gelu(self.first(mean))))))


class Aggregation(nn.Module):
    """What the two aggregations have in common."""

    def __init__(self, width: int, side: nn.Conv2d) -> None:
        super().__init__()
        self.norm1 = ChannelNorm(width)
        self.attention = ChannelAttention(width)
        self.spatial_gate = SpatialGate(width)
        self.spectral_gate = SpectralGate(width)
        self.side = side
        self.norm2 = ChannelNorm(width)
        self.feed_forward = FeedForward(width)

    def finish(
        self, x: Float[Tensor, "batch C H W"], mixed: Float[Tensor, "batch C H W"], side: Float[Tensor, "batch C H W"]
    ) -> Float[Tensor, "batch C H W"]:
        """x + project(mixed + side), then x + feed_forward(norm(x))."""
        x = x + self.attention.project(mixed + side)
        return cast(Tensor, x + self.feed_forward(self.norm2(x)))


class SpatialAggregation(Aggregation):
    """Takes spatial detail from y: a gate of pixels on the queries, a 3x3 depthwise side path."""

    def __init__(self, width: int) -> None:
        super().__init__(width, nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False))

    def forward(self, x: Float[Tensor, "batch C H W"], y: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch C H W"]:
        """The shared features with y's detail."""
        mixed = self.attention.attend(self.norm1(x), self.spatial_gate(y))
        return self.finish(x, mixed, self.side(y) * self.spectral_gate(mixed))


class SpectralAggregation(Aggregation):
    """Takes spectral detail from y: a gate of channels on the queries, a 1x1 side path."""

    def __init__(self, width: int, *, query_gate: bool = False) -> None:
        super().__init__(width, nn.Conv2d(width, width, 1, bias=False))
        self.query_gate = query_gate

    def forward(self, x: Float[Tensor, "batch C H W"], y: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch C H W"]:
        """The shared features with y's spectra."""
        mixed = self.attention.attend(self.norm1(x), self.spectral_gate(y) if self.query_gate else None)
        return self.finish(x, mixed, self.side(y) * self.spatial_gate(mixed))
