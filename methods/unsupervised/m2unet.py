"""M2U-Net: blind fusion of one scene in three stages, each learned on that scene. Li et al., IEEE TGRS 2024.

1. The PSF, as large as a coarse pixel, and the SRF are estimated from the pair: a projected gradient minimises |psf(msi) - srf(hsi)|_1.
2. Two per-pixel spectral networks learn on the coarse pixels (`numerics/networks/spectral_streams.py`). Applied to the MSI, the mean of
   both is a cube A.
3. A U-Net of A, guided by a U-Net of the MSI y (`numerics/networks/scene_unet.py`), learns, so that its cube X agrees with both images:

       minimise  |srf(X) - y| + |psf(X) - hsi|        means of absolute differences,  X = net(A, y)

All stages learn with Adam, at a rate that is constant over the first half of the steps and falls linearly to 0 over the second half. The
authors give stage 3 that iterate of stage 2 which is best by the ground truth, and return the best iterate of stage 3; here each is the
last iterate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount, RefusedError
from methods.iterates import IteratedMethod
from methods.numerics.networks.acceleration import Acceleration
from methods.numerics.networks.fitting import steady_then_falling
from methods.numerics.networks.published_budget import card_at_budget, checked_budget
from methods.numerics.networks.scene_learning import checked_positive, edge_repeating, network_iterates, only_scene, pair_loss, scaled
from methods.numerics.networks.scene_unet import GuidedUNet, new_unet, too_small
from methods.numerics.networks.spectral_streams import learn_streams, stream_cubes, stream_iterates
from methods.numerics.sensors.constrained_responses import constrained_responses

BLIND_STEPS, STREAM_STEPS, NETWORK_STEPS = 3000, 2000, 7000  # at the full rate; as many follow at a falling rate

CARD = Card(
    name="M2U-Net",
    paper="Li, Zheng, Gao, Ni, Huang, Chanussot, Model-Informed Multistage Unsupervised Network for Hyperspectral Image Super-Resolution, "
    "IEEE TGRS 2024",
    doi="10.1109/TGRS.2024.3391014",
    year=2024,
    supervision="self",
    learns="on the scene",
    random=True,
    implementation="optimised, same output",  # the blind stage computes kept pixels alone; both streams are one product
    fidelity="both networks give the authors' outputs with the authors' weights to 1e-5 (fixtures outside the "
    "clone); 17,114 parameters in stage 2 at 31 "
    "bands and 3 channels, 14,135,758 in stage 3 at 54 and 8. The authors return the iterate best against the ground truth; this is "
    "the last one. Dead by construction: the biases of convolutions before a normalisation. Ours: a stage that diverges is an error",
)


@dataclass(frozen=True)
class Method(Acceleration, IteratedMethod["FittedM2UNet"]):
    """M2U-Net with its published training."""

    card: ClassVar[Card] = CARD
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 3e-4, "width": 10})

    budget: float = 1.0  # multiplies the published 6,000 + 4,000 + 14,000 steps; a row below 1 is marked "reduced"
    more_than_published: bool = False  # must be true for a budget above 1
    stages: Literal["1-3", "1-2"] = "1-3"  # with "1-2" the result is the cube of the spectral networks
    width: int = 260  # features of the U-Nets
    window_ratio: float = 1.0  # side of the PSF's window, in coarse pixels
    stream_rate: float = 4e-3  # learning rate of stage 2
    network_rate: float = 4e-3  # learning rate of stage 3

    def __post_init__(self) -> None:
        checked_budget(self.budget, more_than_published=self.more_than_published)
        if self.width < 1:
            raise ValueError(f"width: expected a whole number >= 1, got {self.width}")
        checked_positive({"window_ratio": self.window_ratio, "stream_rate": self.stream_rate, "network_rate": self.network_rate})

        if self.stages == "1-2" and self.accelerated:
            raise ValueError(
                "compiled, cuda_graph, autocast: expected stages '1-3', got '1-2'; they are for the U-Net of stage 3: leave them out"
            )

    def describe(self) -> Card:
        """The card; it names the stages and another width than the published one, and below the published budget it says "reduced"."""
        name = self.card.name + (", stages 1-2" if self.stages == "1-2" else "" if self.width == 260 else f", width {self.width}")
        return card_at_budget(self.labelled(replace(self.card, name=name)), self.budget)

    def iterates(self, examples: Sequence[Example], rng: torch.Generator, count: int) -> Iterator[FittedM2UNet]:
        """All stages, learned on the one pair of `examples`. The iterates are those of the last stage.

        Raises:
            ValueError: there is not exactly one example.
            RefusedError: the pair has ratio 1, or the image is too small for three scales.
            DivergedError: weights of stage 2 or 3 are no longer finite, or the last loss of stage 2 is far above its first loss.
        """
        seen = only_scene(examples, "M2U-Net")
        blind, streams, network = (scaled(steps, self.budget) for steps in (BLIND_STEPS, STREAM_STEPS, NETWORK_STEPS))
        psf, srf = constrained_responses(seen, self.window_ratio, (blind, blind))
        rates = steady_then_falling(self.stream_rate, streams, streams)
        if self.stages == "1-2":
            for weights in stream_iterates(seen, psf, srf, rates, count, rng, "M2U-Net"):
                yield FittedM2UNet(self.describe(), weights, None, psf, srf)
            return
        weights = learn_streams(seen, psf, srf, rates, rng, "M2U-Net")
        if too_small(*seen.msi.shape[1:]):
            raise RefusedError(
                f"M2U-Net takes images that have at least 2 pixels at a quarter of their sides, got {tuple(seen.msi.shape[1:])} pixels; "
                "take stages 1-2"
            )
        bands, channels = seen.hsi.shape[0], seen.msi.shape[0]
        unet = new_unet(lambda: GuidedUNet(bands, channels, self.width), rng, like=seen.hsi)
        loss = pair_loss(seen, edge_repeating(psf), srf, stream_cubes(weights, seen.msi).mean(0)[None], seen.msi[None])
        rates = steady_then_falling(self.network_rate, network, network)
        for _ in network_iterates(unet, loss, rates, count, "M2U-Net, stage 3,", "lower its `network_rate`", acceleration=self):
            yield FittedM2UNet(self.describe(), weights, unet, psf, srf)


@dataclass(frozen=True, eq=False)
class FittedM2UNet(FusionMethod):
    """The results of all stages on one scene."""

    method_card: Card
    streams: tuple[Tensor, ...]
    unet: GuidedUNet | None  # None after stages 1-2
    psf: SpatialResponse
    srf: SpectralResponse

    def describe(self) -> Card:
        """The card of the method that was fitted."""
        return self.method_card

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The cube of the spectral networks, refined by the guided U-Net if there is one; and the estimated responses."""
        cube = stream_cubes(self.streams, seen.msi).mean(0)
        if self.unet is not None:
            with torch.no_grad():
                cube = self.unet(cube[None], seen.msi[None])[0]
        return Estimate(cube, self.psf, self.srf)

    def parameter_count(self) -> ParameterCount:
        """The count of the weights of stages 2 and 3 for inference; for the total, the PSF and the SRF are added."""
        inference = sum(tensor.numel() for tensor in self.streams)
        if self.unet is not None:
            inference += sum(parameter.numel() for parameter in self.unet.parameters())
        return ParameterCount(inference + self.psf.kernel.numel() + self.srf.weights.numel(), inference)
