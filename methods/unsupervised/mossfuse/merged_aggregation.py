"""The aggregations of MossFuse for inference. As in merged_blocks.py, each changes one map in place, for one strip of rows at a time."""

from __future__ import annotations

from copy import deepcopy

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from methods.unsupervised.mossfuse.aggregation import SpatialAggregation, SpatialGate, SpectralAggregation
from methods.unsupervised.mossfuse.merged_blocks import ConstantModule, Frame, MergedAttention, MergedFeedForward, add_product
from methods.unsupervised.mossfuse.merging import product
from methods.unsupervised.mossfuse.strips import depthwise_rows, rows_with_halo


class MergedPixelGate(ConstantModule):
    """The spatial gate sigmoid(W3 relu(W2 relu(W1 u))), one number per pixel."""

    first: Tensor
    second: Tensor
    third: Tensor

    def __init__(self, gate: SpatialGate) -> None:
        super().__init__()
        self.hold(
            **{name: conv.weight[:, :, 0, 0] for name, conv in (("first", gate.first), ("second", gate.second), ("third", gate.third))}
        )

    def forward(self, u: Float[Tensor, "rows W C"], before: Float[Tensor, "C C"] | None = None) -> Float[Tensor, "rows W 1"]:
        """The gate for a strip; u is first multiplied by the matrix `before`, if there is one."""
        first = self.first if before is None else self.first @ before
        return torch.sigmoid(F.linear(F.relu(F.linear(F.relu(F.linear(u, first)), self.second)), self.third))


class MergedSpatialAggregation(ConstantModule):
    """Adds spatial detail of y to x: x + W (A v + s dw3(y)) with a spatial gate on the queries, s the spectral gate; then feed-forward."""

    side: Tensor

    def __init__(self, block: SpatialAggregation) -> None:
        super().__init__()
        self.attention = MergedAttention(block.norm1, block.attention)
        self.feed_forward = MergedFeedForward(block.norm2, block.feed_forward)
        self.spatial_gate = MergedPixelGate(block.spatial_gate)
        self.spectral_gate = deepcopy(block.spectral_gate)
        self.hold(side=block.side.weight)

    def change(self, x: Float[Tensor, "H W C"], y: Float[Tensor, "H W C"], frame: Frame) -> None:
        """Adds the detail of y to x, in place."""
        mix, mean = self.attention.look(x, frame, lambda start, stop: self.spatial_gate(y[start:stop]))
        mixed = self.attention.project @ mix
        sided = self.attention.project * self.spectral_gate.of_mean(mean[None])

        def prepare(start: int, stop: int) -> None:
            add_product(x[start:stop], frame.spare[start:stop], mixed)
            rows, above, below = rows_with_halo(y, start, stop, 1)
            add_product(x[start:stop], depthwise_rows(rows, self.side, above, below), sided)

        self.feed_forward.change(x, frame, prepare)


class MergedSpectralAggregation(ConstantModule):
    """Adds spectral detail of y to x: x + W (A v + g 1x1(y)), g the spatial gate of A v; then feed-forward. The query gate cancels."""

    side: Tensor

    def __init__(self, block: SpectralAggregation) -> None:
        super().__init__()
        self.attention = MergedAttention(block.norm1, block.attention)
        self.feed_forward = MergedFeedForward(block.norm2, block.feed_forward)
        self.spatial_gate = MergedPixelGate(block.spatial_gate)
        self.hold(side=product(block.attention.project.weight, block.side.weight))

    def change(self, x: Float[Tensor, "H W C"], y: Float[Tensor, "H W C"], frame: Frame) -> None:
        """Adds the spectral detail of y to x, in place."""
        mix, _ = self.attention.look(x, frame)
        mixed = self.attention.project @ mix

        def prepare(start: int, stop: int) -> None:
            values = frame.spare[start:stop]
            gate = self.spatial_gate(values, mix)
            add_product(x[start:stop], values, mixed)
            add_product(x[start:stop], y[start:stop] * gate, self.side)

        self.feed_forward.change(x, frame, prepare)
