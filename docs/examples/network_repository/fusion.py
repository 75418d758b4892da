"""SharpNet as a method of HMIF-Bench: the one file that is added to the authors' repository.

cube = network(up(hsi), msi)        up: bilinear interpolation to the grid of the MSI
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from hmif_bench.datasets.observation import Observation
from hmif_bench.methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount, TrainableMethod
from torch import nn

from .network import BANDS, CHANNELS, SharpNet


@dataclass(frozen=True)
class Fitted(FusionMethod):
    """The network with its weights."""

    network: SharpNet

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The fused cube (bands, rows, cols); the network is handed (rows, cols, bands), and gives them back."""
        network = self.network.to(seen.hsi)
        size = tuple(seen.msi.shape[1:])
        low = nn.functional.interpolate(seen.hsi[None], size=size, mode="bilinear", align_corners=False)[0]
        with torch.no_grad():
            cube = network(low.permute(1, 2, 0), seen.msi.permute(1, 2, 0))
        return Estimate(cube.permute(2, 0, 1))

    def parameter_count(self) -> ParameterCount:
        """All weights, and those that inference uses."""
        count = sum(weights.numel() for weights in self.network.parameters())
        return ParameterCount(count, count)


@dataclass(frozen=True)
class Method(TrainableMethod):
    """SharpNet with the weights of a file."""

    card: ClassVar[Card] = Card(
        name="SharpNet",
        paper="an example of the documentation",
        doi="",
        year=2026,
        learns="beforehand",
        supervision="truth",
        trained_on="scenes of random mixtures of four spectra",
        random=False,
        min_bands=BANDS,
        max_bands=BANDS,
        min_channels=CHANNELS,
        max_channels=CHANNELS,
        fidelity="the authors' own network and weights",
    )
    checkpoint: Path = Path("net.pth")  # weights, beside this file or where a plan says

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> Fitted:
        """The network with the weights of the file."""
        network = SharpNet()
        network.load_state_dict(torch.load(self.checkpoint, map_location="cpu", weights_only=True))
        return Fitted(network.eval())
