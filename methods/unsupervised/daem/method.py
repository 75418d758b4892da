"""DAEM: degradation and spectra learned without truth, beforehand and then on the scene. Guo et al., CVPR 2023.

At every pixel a small network turns a multispectral spectrum into 16 abundances, and these into a full spectrum (daem_network.py). Both
sensors have a few learned numbers (parametric_sensors.py).

Beforehand, Adam takes 800 steps on `batch` blocks of 4 x 4 coarse pixels (the authors' 100 epochs over 16 scenes). Each step adds two
losses (block_loss.py): the network learns to give the HSI from the coarse MSI, and the sensors learn to make the cube agree with both
images.

On the scene to be fused, 500 more steps of the network's loss follow, for the layers of the mean and of the standard deviation alone. The
abundances of the coarse MSI do not change there, so they are computed once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.adapting import AdaptingMethod
from methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount, RefusedError, TrainableMethod
from methods.numerics.networks.fitting import minimise
from methods.numerics.networks.published_budget import card_at_budget, checked_budget
from methods.numerics.networks.scene_learning import CHUNK, edge_repeating, must_be_finite, scaled
from methods.unsupervised.daem.block_loss import draw_daem, random_block, step_loss
from methods.unsupervised.daem.daem_network import ABUNDANCE_TENSORS, SPECTRAL_TENSORS, abundance_layers, spectral_layers
from methods.unsupervised.daem.parametric_sensors import sensors

STEPS, SCENE_STEPS, RATE = 800, 500, 1e-3

CARD = Card(
    name="DAEM",
    paper="Guo, Xie, Jiang, Li, Lei, Fang, Toward Stable, Interpretable, and Lightweight Hyperspectral Super-Resolution, CVPR 2023, "
    "open access at thecvf.com",
    doi="",
    year=2023,
    supervision="self",
    learns="beforehand",
    min_bands=2,
    random=True,
    implementation="optimised, same output",  # the blur of a block is one matrix, for the kept pixels alone
    fidelity="from a description of the authors' code, 6,558 parameters at 31 bands and 3 channels; no output of theirs to compare with. "
    "Ours: the PSF's centre is the registered one (theirs is a whole pixel), no noise is added in fusing unless asked for. Dead: one of "
    "the four numbers of the PSF (above the diagonal)",
)


@dataclass(frozen=True)
class Method(TrainableMethod):
    """DAEM, learned beforehand on many pairs, or from fresh weights on the one pair."""

    card: ClassVar[Card] = CARD
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 4e-3, "batch": 2})

    budget: float = 1.0  # multiplies the published 800 + 500 steps; a row below 1 is marked "reduced"
    more_than_published: bool = False  # must be true for a budget above 1
    learns: Literal["beforehand", "on the scene"] = "beforehand"  # "on the scene": the first 800 steps are on the one pair as well
    batch: int = 32  # blocks of 4 x 4 coarse pixels per step, each from another example
    sampled: bool = False  # add the noise in fusing too, as the authors do; it is drawn from the generator that is handed in

    def __post_init__(self) -> None:
        checked_budget(self.budget, more_than_published=self.more_than_published)
        if self.batch < 1:
            raise ValueError(f"batch: expected a whole number >= 1, got {self.batch}")

    def describe(self) -> Card:
        """The card, which says when the method learns; below the published budget it says "reduced"."""
        name = self.card.name + ("" if self.learns == "beforehand" else ", on the scene alone")
        return card_at_budget(replace(self.card, name=name, learns=self.learns), self.budget)

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FittedDAEM:
        """The network and the sensors, learned on random blocks of the examples.

        Raises:
            ValueError: there is no example, or not exactly one to learn on the scene.
            RefusedError: the pairs have ratio 1.
            DivergedError: the weights are no longer finite.
        """
        if len(examples) < 1 or (self.learns == "on the scene" and len(examples) != 1):
            wanted = "1 example" if self.learns == "on the scene" else "examples"
            raise ValueError(f"DAEM, learning {self.learns}: expected {wanted}, got {len(examples)}")
        first = examples[0].seen
        if first.ratio < 2:
            raise RefusedError(f"DAEM takes ratios of 2 and more, got {first.ratio}: at ratio 1 there is nothing to fuse")
        bands, channels = first.hsi.shape[0], first.msi.shape[0]
        drawn = iter(range(scaled(STEPS, self.budget) * self.batch))

        def loss(weights: Sequence[Tensor]) -> Tensor:
            return step_loss(weights, [random_block(examples[next(drawn) % len(examples)].seen, rng) for _ in range(self.batch)], rng)

        rates = [RATE] * scaled(STEPS, self.budget)
        weights = minimise(loss, draw_daem(bands, channels, rng, first.hsi), rates, epsilon=1e-8)
        must_be_finite(weights, "DAEM", "try another seed")
        return FittedDAEM(self.describe(), weights, scaled(SCENE_STEPS, self.budget), self.sampled)


@dataclass(frozen=True, eq=False)
class FittedDAEM(AdaptingMethod):
    """The network and the sensors before the steps on the scene."""

    method_card: Card
    weights: tuple[Tensor, ...]  # in the order of `draw_daem`
    steps: int  # on the scene
    sampled: bool

    def describe(self) -> Card:
        """The card of the method that was fitted."""
        return self.method_card

    def adapt(self, seen: Observation, rng: torch.Generator) -> AdaptedDAEM:
        """The same network, with the layers of mean and standard deviation adapted to the scene.

        Raises:
            RefusedError: the pair has other bands or channels than those that were learned.
            DivergedError: the weights are no longer finite.
        """
        weights = [tensor.to(seen.hsi) for tensor in self.weights]
        bands, channels = weights[ABUNDANCE_TENSORS + SPECTRAL_TENSORS - 2].shape[0], weights[0].shape[1]
        if (seen.hsi.shape[0], seen.msi.shape[0]) != (bands, channels):
            raise RefusedError(f"DAEM learned {bands} bands and {channels} channels, got {seen.hsi.shape[0]} and {seen.msi.shape[0]}")
        with torch.no_grad():
            psf, srf = sensors(weights[-3:], seen)
            from_coarse = abundance_layers(weights, edge_repeating(psf)(seen.msi).flatten(1))
        target = seen.hsi.flatten(1)
        start = weights[ABUNDANCE_TENSORS : ABUNDANCE_TENSORS + SPECTRAL_TENSORS]
        spectral = minimise(
            lambda layers: 0.5 * F.l1_loss(spectral_layers(layers, from_coarse, rng), target), start, [RATE] * self.steps, epsilon=1e-8
        )
        must_be_finite(spectral, "DAEM, on the scene,", "try another seed")
        return AdaptedDAEM(self.method_card, (*weights[:ABUNDANCE_TENSORS], *spectral), psf, srf, self.sampled, self.parameter_count())

    def parameter_count(self) -> ParameterCount:
        """All learned numbers. Fusing uses those of the network, and those of the PSF, which makes the coarse MSI."""
        total = sum(tensor.numel() for tensor in self.weights)
        return ParameterCount(total, total - sum(tensor.numel() for tensor in self.weights[-3:-1]))


@dataclass(frozen=True, eq=False)
class AdaptedDAEM(FusionMethod):
    """The network of one scene, and the sensors."""

    method_card: Card
    weights: tuple[Tensor, ...]  # of the network alone
    psf: SpatialResponse
    srf: SpectralResponse
    sampled: bool
    count: ParameterCount

    def describe(self) -> Card:
        """The card of the method that was fitted."""
        return self.method_card

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The output of the network at every pixel of the MSI, with the estimated PSF and SRF."""
        pixels, spectral = seen.msi.flatten(1), self.weights[ABUNDANCE_TENSORS:]
        cube = pixels.new_empty(len(self.weights[-1]), pixels.shape[1])
        with torch.no_grad():
            for begin in range(0, pixels.shape[1], CHUNK):
                part = abundance_layers(self.weights, pixels[:, begin : begin + CHUNK])
                cube[:, begin : begin + CHUNK] = spectral_layers(spectral, part, rng if self.sampled else None)
        return Estimate(cube.reshape(-1, *seen.msi.shape[1:]), self.psf, self.srf)

    def parameter_count(self) -> ParameterCount:
        """The count of the method that was fitted."""
        return self.count
