"""EDIP-Net: two deep image priors on one scene, and a choice between them at every pixel. Li et al., IEEE TGRS 2025.

1. The PSF, as large as a coarse pixel, and the SRF are estimated from the pair: a projected gradient minimises |psf(msi) - srf(hsi)|_1.
2. Two per-pixel spectral networks learn on the coarse pixels (`numerics/networks/spectral_streams.py`). Applied to the MSI y, they give the
   cubes A1 and A2.
3. For each of the two cubes a U-Net (`numerics/networks/scene_unet.py`) learns, so that its output agrees with both images:

       minimise  sum over k of  |srf(X_k) - y| + |psf(X_k) - hsi|,      X_k = net_k(A_k)

4. At every pixel the result is the cube whose spectrum gives the MSI better:  argmin over k of |srf(X_k) - y|_2.

The two networks of stage 3 share no weight, so the minimum of the sum is the minimum of each term. They learn one after the other, which
needs half the memory; if several iterates are asked for, they learn in turns. The choice in stage 4 uses the MSI alone. The authors give
stage 3 that iterate of stage 2 which is best by the ground truth, and return the best iterate of stage 3; here each is the last iterate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount, RefusedError
from methods.iterates import IteratedMethod
from methods.numerics.networks.acceleration import Acceleration
from methods.numerics.networks.fitting import steady_then_falling
from methods.numerics.networks.published_budget import card_at_budget, checked_budget
from methods.numerics.networks.scene_learning import checked_positive, edge_repeating, network_iterates, only_scene, pair_loss, scaled
from methods.numerics.networks.scene_unet import PlainUNet, new_unet, too_small
from methods.numerics.networks.spectral_streams import learn_streams, stream_cubes
from methods.numerics.sensors.constrained_responses import constrained_responses

BLIND_STEPS, STREAM_STEPS, NETWORK_STEPS = 2000, 2000, 7000  # at the full rate; as many follow at a falling rate

CARD = Card(
    name="EDIP-Net",
    paper="Li, Zheng, Gao, Han, Li, Chanussot, Enhanced Deep Image Prior for Unsupervised Hyperspectral Image Super-Resolution, "
    "IEEE TGRS 2025",
    doi="10.1109/TGRS.2025.3531646",
    year=2025,
    supervision="self",
    learns="on the scene",
    random=True,
    implementation="optimised, same output",  # the blind stage computes kept pixels alone; both streams are one product
    fidelity="from a description of the authors' code; 12,251,172 parameters in stage 3 at 54 bands; stage 2 gives the output of "
    "M2U-Net's with the authors' weights; no output of EDIP-Net itself to compare with. The authors return the iterate best against "
    "the ground truth; this is the last one. Dead by construction: the biases of convolutions before a normalisation",
)


@dataclass(frozen=True)
class Method(Acceleration, IteratedMethod["FittedEDIPNet"]):
    """EDIP-Net with its published training."""

    card: ClassVar[Card] = CARD
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 3e-4, "width": 10})

    budget: float = 1.0  # multiplies the published 4,000 + 4,000 + 14,000 steps; a row below 1 is marked "reduced"
    more_than_published: bool = False  # must be true for a budget above 1
    width: int = 240  # features of the U-Nets
    window_ratio: float = 1.0  # side of the PSF's window, in coarse pixels
    stream_rate: float = 4e-3  # learning rate of stage 2
    network_rate: float = 4e-3  # learning rate of stage 3

    def __post_init__(self) -> None:
        checked_budget(self.budget, more_than_published=self.more_than_published)
        if self.width < 1:
            raise ValueError(f"width: expected a whole number >= 1, got {self.width}")
        checked_positive({"window_ratio": self.window_ratio, "stream_rate": self.stream_rate, "network_rate": self.network_rate})

    def describe(self) -> Card:
        """The card; it names another width than the published one, and below the published budget it says "reduced"."""
        name = self.card.name + ("" if self.width == 240 else f", width {self.width}")
        return card_at_budget(self.labelled(replace(self.card, name=name)), self.budget)

    def iterates(self, examples: Sequence[Example], rng: torch.Generator, count: int) -> Iterator[FittedEDIPNet]:
        """All stages, learned on the one pair of `examples`. The iterates are those of stage 3, both networks after as many steps.

        Raises:
            ValueError: there is not exactly one example.
            RefusedError: the pair has ratio 1, or the image is too small for three scales.
            DivergedError: weights of stage 2 or 3 are no longer finite, or the last loss of stage 2 is far above its first loss.
        """
        seen = only_scene(examples, "EDIP-Net")
        if too_small(*seen.msi.shape[1:]):
            raise RefusedError(
                f"EDIP-Net takes images that have at least 2 pixels at a quarter of their sides, got {tuple(seen.msi.shape[1:])} pixels"
            )
        blind, streams, steps = (scaled(steps, self.budget) for steps in (BLIND_STEPS, STREAM_STEPS, NETWORK_STEPS))
        psf, srf = constrained_responses(seen, self.window_ratio, (blind, blind))
        weights = learn_streams(seen, psf, srf, steady_then_falling(self.stream_rate, streams, streams), rng, "EDIP-Net")
        rates = steady_then_falling(self.network_rate, steps, steps)
        unets, halts = [], []
        for cube in stream_cubes(weights, seen.msi):
            unet = new_unet(lambda: PlainUNet(seen.hsi.shape[0], self.width), rng, like=seen.hsi)
            loss = pair_loss(seen, edge_repeating(psf), srf, cube[None])
            unets.append(unet)
            halts.append(network_iterates(unet, loss, rates, count, "EDIP-Net, stage 3,", "lower its `network_rate`", acceleration=self))
        for _ in zip(*halts, strict=True):
            yield FittedEDIPNet(self.describe(), weights, (unets[0], unets[1]), psf, srf)


@dataclass(frozen=True, eq=False)
class FittedEDIPNet(FusionMethod):
    """The results of all stages on one scene."""

    method_card: Card
    streams: tuple[Tensor, ...]
    unets: tuple[PlainUNet, PlainUNet]
    psf: SpatialResponse
    srf: SpectralResponse

    def describe(self) -> Card:
        """The card of the method that was fitted."""
        return self.method_card

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """At each pixel, that of the two candidates which agrees better with the MSI; and the estimated responses."""
        first, second = stream_cubes(self.streams, seen.msi)
        with torch.no_grad():
            first, second = self.unets[0](first[None])[0], self.unets[1](second[None])[0]
        return Estimate(more_consistent(first, second, seen.msi, self.srf), self.psf, self.srf)

    def parameter_count(self) -> ParameterCount:
        """The count of the weights of stages 2 and 3 for inference; for the total, the PSF and the SRF are added."""
        networks = sum(parameter.numel() for unet in self.unets for parameter in unet.parameters())
        inference = networks + sum(tensor.numel() for tensor in self.streams)
        return ParameterCount(inference + self.psf.kernel.numel() + self.srf.weights.numel(), inference)


def more_consistent(
    first: Float[Tensor, "bands H W"], second: Float[Tensor, "bands H W"], msi: Float[Tensor, "channels H W"], srf: SpectralResponse
) -> Float[Tensor, "bands H W"]:
    """At each pixel, that of the two spectra which gives the MSI better through the SRF; if both are as good, the first."""
    apart = [(srf(cube) - msi).square().sum(0) for cube in (first, second)]
    return torch.where(apart[0] <= apart[1], first, second)
