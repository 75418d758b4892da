"""The blocks of MossFuse that add the complementary features y of one image to the shared features x.

    spatial aggregation     z = norm(x); o = attention(z) with queries times g(y), g the spatial gate;   side = dw3(y) * s(o)
    spectral aggregation    z = norm(x); o = attention(z) [queries times s(y), s the spectral gate];     side = 1x1(y) * g(o)
    both                    x + project(o + side), then x + feed_forward(norm(x))

    spatial gate            g(u): (batch, 1, H, W), sigmoid of three 1x1 with ReLU between them
    spectral gate           s(u): (batch, C, 1, 1), sigmoid of three linear maps of the mean over the image, with GELU between them

The complementary features are not normalised. In spectral aggregation, the gate on the queries has no effect: it multiplies each query by
one number, which the cosine of the attention divides out again. The network has its weights because the released file contains them; the
gate is computed only with `query_gate`.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from methods.unsupervised.mossfuse.blocks import ChannelAttention, ChannelNorm, FeedForward


class SpatialGate(nn.Module):
    """A gate with one number in 0..1 per pixel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width // 8, 1, bias=False)
        self.second = nn.Conv2d(width // 8, width // 8, 1, bias=False)
        self.third = nn.Conv2d(width // 8, 1, 1, bias=False)

    def forward(self, u: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch 1 H W"]:
        """sigmoid(W3 relu(W2 relu(W1 u)))."""
        return torch.sigmoid(self.third(F.relu(self.second(F.relu(self.first(u))))))


class SpectralGate(nn.Module):
    """A gate with one number in 0..1 per channel."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Linear(width, width // 8, bias=False)
        self.second = nn.Linear(width // 8, width // 8, bias=False)
        self.third = nn.Linear(width // 8, width, bias=False)

    def forward(self, u: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch C 1 1"]:
        """sigmoid(W3 gelu(W2 gelu(W1 mean(u))))."""
        return self.of_mean(u.mean((2, 3)))[:, :, None, None]

    def of_mean(self, mean: Float[Tensor, "batch C"]) -> Float[Tensor, "batch C"]:
        """The gate from the means of the channels over the image."""
        return torch.sigmoid(self.third(F.gelu(self.second(F.gelu(self.first(mean))))))


class Aggregation(nn.Module):
    """The common parts of the two aggregations."""

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
        """The result from the output `mixed` of the attention: x + project(mixed + side), then x + feed_forward(norm(x))."""
        x = x + self.attention.project(mixed + side)
        return cast(Tensor, x + self.feed_forward(self.norm2(x)))


class SpatialAggregation(Aggregation):
    """Adds spatial detail of y to x: with a spatial gate on the queries and a 3x3 depthwise convolution of y."""

    def __init__(self, width: int) -> None:
        super().__init__(width, nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False))

    def forward(self, x: Float[Tensor, "batch C H W"], y: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch C H W"]:
        """The shared features x with the spatial detail of y."""
        mixed = self.attention.attend(self.norm1(x), self.spatial_gate(y))
        return self.finish(x, mixed, self.side(y) * self.spectral_gate(mixed))


class SpectralAggregation(Aggregation):
    """Adds spectral detail of y to x: with a spectral gate on the queries and a 1x1 convolution of y."""

    def __init__(self, width: int, *, query_gate: bool = False) -> None:
        super().__init__(width, nn.Conv2d(width, width, 1, bias=False))
        self.query_gate = query_gate

    def forward(self, x: Float[Tensor, "batch C H W"], y: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch C H W"]:
        """The shared features x with the spectral detail of y."""
        mixed = self.attention.attend(self.norm1(x), self.spectral_gate(y) if self.query_gate else None)
        return self.finish(x, mixed, self.side(y) * self.spatial_gate(mixed))
