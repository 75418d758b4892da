"""Deep image prior: a convolutional network that is learned on one scene, with no other regularisation. Ulyanov et al., CVPR 2018.

    minimise over the weights   |psf(X) - hsi| + |srf(X) - msi|      means of absolute differences,   X = net(z)

z is a fixed random image (uniform in 0..0.1). The network has skips. At each of up to four scales there are

    down    3x3 convolution with stride 2, 3x3 convolution         64 features, normalisation and leaky ReLU (slope 0.2) after each
    skip    1x1 convolution of the input of the scale              4 features, normalisation and leaky ReLU
    up      [skip, bilinear interpolation of the scale below]      3x3 convolution, 1x1 convolution, each with normalisation and leaky ReLU

and at the end there is a 1x1 convolution to all bands. Its output has no bound, since values of a sensor may exceed 1. The normalisation
uses the statistics of the image itself. Adam makes a fixed number of steps at a constant rate, and the last iterate is the result: no truth
is used to stop earlier.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import floor, log2
from types import MappingProxyType
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from datasets.observation import Observation
from methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount
from methods.iterates import IteratedMethod
from methods.numerics.networks.acceleration import Acceleration
from methods.numerics.networks.first_weights import draw_he_weights, new_network
from methods.numerics.networks.published_budget import card_at_budget, checked_budget
from methods.numerics.networks.scene_learning import checked_positive, network_iterates, only_scene, pair_loss, scaled
from methods.numerics.networks.scene_unet import enlarge_to, normalised_convolution

STEPS, RATE = 3000, 1e-2
FEATURES, SKIPPED, NOISE, SCALES = 64, 4, 32, 4

CARD = Card(
    name="DIP",
    paper="Ulyanov, Vedaldi, Lempitsky, Deep Image Prior, CVPR 2018; here with the two sensors of fusion",
    doi="10.1109/CVPR.2018.00984",
    year=2018,
    needs_psf=True,
    needs_srf=True,
    supervision="self",
    learns="on the scene",
    random=True,
    implementation="as described",
    fidelity="the principle, not one paper's network: sizes, rate and 3,000 steps are this suite's. Dead by construction: the biases of "
    "convolutions before a normalisation",
)


@dataclass(frozen=True)
class Method(Acceleration, IteratedMethod["FittedDIP"]):
    """A deep image prior with a fixed budget."""

    card: ClassVar[Card] = CARD
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 1e-3})

    budget: float = 1.0  # multiplies the 3,000 steps; a row below 1 is marked "reduced"
    more_than_published: bool = False  # must be true for a budget above 1
    rate: float = RATE  # learning rate

    def __post_init__(self) -> None:
        checked_budget(self.budget, more_than_published=self.more_than_published)
        checked_positive({"rate": self.rate})

    def describe(self) -> Card:
        """The card; it names the accelerations, and below the full budget it says "reduced"."""
        return card_at_budget(self.labelled(self.card), self.budget)

    def iterates(self, examples: Sequence[Example], rng: torch.Generator, count: int) -> Iterator[FittedDIP]:
        """The network, learned on the one pair of `examples`.

        Raises:
            ValueError: there is not exactly one example.
            RefusedError: the pair has ratio 1.
            DivergedError: the weights are no longer finite.
        """
        seen = only_scene(examples, "DIP")
        rows, cols = seen.msi.shape[1:]
        scales = max(1, min(SCALES, floor(log2(min(rows, cols))) - 1))
        network = new_network(lambda: SkipNetwork(seen.hsi.shape[0], scales), lambda network: draw_he_weights(network, rng), like=seen.hsi)
        start = (0.1 * torch.rand(1, NOISE, rows, cols, generator=rng, dtype=torch.float32)).to(seen.hsi)
        rates = [self.rate] * scaled(STEPS, self.budget)
        for _ in network_iterates(
            network, pair_loss(seen, seen.psf, seen.srf, start), rates, count, "DIP", "lower its `rate`", acceleration=self
        ):
            yield FittedDIP(self.describe(), network, start)


@dataclass(frozen=True, eq=False)
class FittedDIP(FusionMethod):
    """The network of one scene, and its fixed input."""

    method_card: Card
    network: SkipNetwork
    start: Float[Tensor, "1 noise H W"]  # z

    def describe(self) -> Card:
        """The card of the method that was fitted."""
        return self.method_card

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The output of the network for its fixed input. What it has learned from the images is in its weights."""
        with torch.no_grad():
            return Estimate(self.network(self.start)[0])

    def parameter_count(self) -> ParameterCount:
        """The count of all weights; inference uses all of them."""
        total = sum(parameter.numel() for parameter in self.network.parameters())
        return ParameterCount(total, total)


class SkipNetwork(nn.Module):
    """The network of the module docstring."""

    def __init__(self, bands: int, scales: int) -> None:
        super().__init__()
        inputs = [NOISE, *[FEATURES] * (scales - 1)]
        self.downs = nn.ModuleList(
            nn.Sequential(normalised_convolution(size, FEATURES, 3, 2), normalised_convolution(FEATURES, FEATURES, 3)) for size in inputs
        )
        self.skips = nn.ModuleList(normalised_convolution(size, SKIPPED, 1) for size in inputs)
        self.ups = nn.ModuleList(
            nn.Sequential(normalised_convolution(SKIPPED + FEATURES, FEATURES, 3), normalised_convolution(FEATURES, FEATURES, 1))
            for _ in inputs
        )
        self.late = nn.Conv2d(FEATURES, bands, 1)

    def forward(self, z: Float[Tensor, "1 noise H W"]) -> Float[Tensor, "1 bands H W"]:
        """The cube X of the module docstring."""
        entered, values = [], z
        for down in self.downs:
            entered.append(values)
            values = down(values)
        for image, skip, rise in zip(reversed(entered), reversed(self.skips), reversed(self.ups), strict=True):
            values = rise(torch.cat([skip(image), enlarge_to(values, image)], dim=1))
        cube: Tensor = self.late(values)
        return cube
