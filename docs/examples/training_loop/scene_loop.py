"""A training loop in plain torch as a method: the loop above is the author's, the two classes below it are all that is added.

cube = network(up(hsi), msi)        up: bilinear interpolation to the grid of the MSI
loss = mean |block means of cube - hsi|
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from hmif_bench.datasets.observation import Observation
from hmif_bench.methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount, TrainableMethod
from torch import Tensor, nn


def train(hsi: Tensor, msi: Tensor, steps: int, rate: float) -> nn.Module:
    """The author's loop, on images (1, bands, rows, cols): layers, noise, dropout and Adam draw from torch's global generator."""
    bands, channels, ratio = hsi.shape[1], msi.shape[1], msi.shape[2] // hsi.shape[2]
    network = nn.Sequential(
        nn.Conv2d(bands + channels, 32, 3, padding=1), nn.ReLU(), nn.Dropout(0.05), nn.Conv2d(32, bands, 3, padding=1)
    ).to(hsi)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    fine = nn.functional.interpolate(hsi, scale_factor=ratio, mode="bilinear", align_corners=False)
    for step in range(steps):
        noisy = msi + 0.01 * torch.randn_like(msi)
        cube = network(torch.cat([fine, noisy], dim=1))
        loss = (nn.functional.avg_pool2d(cube, ratio) - hsi).abs().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 100 == 99:
            print(f"step {step + 1} of {steps}: loss {loss.item():.4g}", flush=True)
    return network.eval()


@dataclass(frozen=True)
class Fitted(FusionMethod):
    """The network after the loop."""

    network: nn.Module

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The fused cube (bands, rows, cols)."""
        fine = nn.functional.interpolate(seen.hsi[None], scale_factor=seen.ratio, mode="bilinear", align_corners=False)
        return Estimate(self.network(torch.cat([fine, seen.msi[None]], dim=1))[0])

    def parameter_count(self) -> ParameterCount:
        """All weights, and those that inference uses."""
        count = sum(weights.numel() for weights in self.network.parameters())
        return ParameterCount(count, count)


@dataclass(frozen=True)
class Method(TrainableMethod):
    """The loop on the one pair that is fused."""

    card: ClassVar[Card] = Card(
        name="Scene loop",
        paper="an example of the documentation",
        doi="",
        year=2026,
        learns="on the scene",
        supervision="self",
        fidelity="the author's own loop",
    )
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"steps": 3})
    steps: int = 300  # of Adam
    rate: float = 2e-3  # learning rate

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> Fitted:
        """The network, trained on the pair."""
        seen = examples[0].seen
        return Fitted(train(seen.hsi[None], seen.msi[None], self.steps, self.rate))
