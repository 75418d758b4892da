"""CUCaNet: coupled unmixing autoencoders with cross attention, learned on one scene. Yao et al., ECCV 2020. HyCoNet is its option.

coupled_network.py has the network and its loss. The SRF is known, or estimated (`blind`); the PSF is learned with the network. Adam takes
2000 steps at 5e-3, then 8000 at a rate that falls linearly to 0; the MSI's encoder learns at half of that rate, the PSF and the attention
at a fifth. After each step the decoders are clamped to 0..1, and the PSF is clamped and divided by its sum.

HyCoNet (Zheng et al., IEEE TGRS 2021) is the same without cross attention.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount, RefusedError
from methods.iterates import IteratedMethod
from methods.numerics.networks.fitting import steady_then_falling
from methods.numerics.networks.published_budget import card_at_budget, checked_budget
from methods.numerics.networks.scene_learning import checked_positive, network_iterates, only_scene, scaled
from methods.numerics.sensors.smooth_responses import place_kernel, psf_window
from methods.unsupervised.cucanet.coupled_network import CoupledNetwork, constrain, coupled_loss, new_coupled_network, rate_share

STEADY_STEPS, FALLING_STEPS, RATE = 2000, 8000, 5e-3

CARD = Card(
    name="CUCaNet",
    paper="Yao, Hong, Chanussot, Meng, Zhu, Xu, Cross-Attention in Coupled Unmixing Nets for Unsupervised Hyperspectral Super-Resolution, "
    "ECCV 2020",
    doi="10.1007/978-3-030-58526-6_13",
    year=2020,
    needs_srf=True,
    supervision="self",
    learns="on the scene",
    random=True,
    implementation="as described",
    fidelity="from a description of the authors' code; 1,010,177 parameters at 31 bands, 3 channels, ratio 32, 16 x 16 coarse pixels; no "
    "output of theirs to compare with. Ours: which four images are rebuilt, the sparsity's target and the first weights are this suite's "
    "reading; taps lie around the registered centre; a known SRF is not renormalised",
)


@dataclass(frozen=True)
class Method(IteratedMethod["FittedCUCaNet"]):
    """CUCaNet with its published training, or HyCoNet."""

    card: ClassVar[Card] = CARD
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 3e-4})

    budget: float = 1.0  # multiplies the published 2,000 + 8,000 steps; a row below 1 is marked "reduced"
    more_than_published: bool = False  # must be true for a budget above 1
    attention: bool = True  # False: HyCoNet
    rate: float = RATE  # learning rate

    def __post_init__(self) -> None:
        checked_budget(self.budget, more_than_published=self.more_than_published)
        checked_positive({"rate": self.rate})

    def describe(self) -> Card:
        """The card of CUCaNet or of HyCoNet; below the published budget it says "reduced"."""
        if self.attention:
            return card_at_budget(self.card, self.budget)
        paper = (
            "Zheng, Gao, Liao, Hong, Zhang, Cui, Chanussot, Coupled Convolutional Neural Network with Adaptive Response Function Learning "
            "for Unsupervised Hyperspectral Super Resolution, IEEE TGRS 2021"
        )
        doi = "10.1109/TGRS.2020.3006534"
        fidelity = "CUCaNet without cross attention, with CUCaNet's sizes, losses and schedule; HyCoNet's own were not checked"
        return card_at_budget(replace(self.card, name="HyCoNet", paper=paper, doi=doi, year=2021, fidelity=fidelity), self.budget)

    def iterates(self, examples: Sequence[Example], rng: torch.Generator, count: int) -> Iterator[FittedCUCaNet]:
        """The autoencoders and the PSF, learned on the one pair of `examples`.

        Raises:
            ValueError: there is not exactly one example.
            RefusedError: the pair has ratio 1.
            DivergedError: the weights are no longer finite.
        """
        seen = only_scene(examples, self.describe().name)
        sides, first = psf_window(seen, seen.ratio)
        network = new_coupled_network(seen, sides, rng, attention=self.attention)
        rates = steady_then_falling(self.rate, scaled(STEADY_STEPS, self.budget), scaled(FALLING_STEPS, self.budget))
        loss = coupled_loss(seen, first)
        name = self.describe().name
        for _ in network_iterates(network, loss, rates, count, name, "lower its `rate`", project=constrain, share=rate_share):
            psf = place_kernel(network.psf.detach() / network.psf.detach().sum(), first, seen.ratio)
            yield FittedCUCaNet(self.describe(), network, first, psf, seen.srf)


@dataclass(frozen=True, eq=False)
class FittedCUCaNet(FusionMethod):
    """The autoencoders of one scene."""

    method_card: Card
    network: CoupledNetwork
    first: tuple[int, int]  # fine pixel under the PSF's first tap
    psf: SpatialResponse
    srf: SpectralResponse

    def describe(self) -> Card:
        """The card of the method that was fitted."""
        return self.method_card

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The endmembers times the abundances of the MSI, and both responses.

        Raises:
            RefusedError: the HSI has another size than the one that the network learned on.
        """
        if seen.hsi.shape[1:] != self.network.plane:
            raise RefusedError(
                f"{self.method_card.name}: its attention has one weight per coarse pixel: expected an HSI of {self.network.plane} "
                f"pixels, got {tuple(seen.hsi.shape[1:])}; fit it on this pair"
            )
        with torch.no_grad():
            return Estimate(self.network(seen, self.first).cube, self.psf, self.srf)

    def parameter_count(self) -> ParameterCount:
        """The count of all learned numbers, and of those that the fusion uses.

        The fusion uses neither the MSI's decoder, nor the PSF, nor the layer for the HSI's abundances.
        """
        table = {name: parameter.numel() for name, parameter in self.network.named_parameters()}
        idle = (
            "psf",
            "msi_decoder",
            "pixel_psf",
            "pixel_attention.",
            "coarse_abundances.",
            *(() if self.network.attention else ("coarse.",)),
        )
        total = sum(table.values())
        return ParameterCount(total, total - sum(size for name, size in table.items() if name.startswith(idle)))
