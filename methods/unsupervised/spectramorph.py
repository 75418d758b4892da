"""SpectraMorph: abundances of the scene's endmembers, from each multispectral pixel. Shah, Duarte, 2025.

1. K = 7 endmembers E come from a non-negative factorisation of the HSI (clipped to 0..1) with H, E >= 0. It starts from the scaled singular
   vectors (NNDSVD, zeros replaced by the mean) and makes 5000 multiplicative steps:

       H <- H * (E'V) / (E'E H)      E <- E * (V H') / (E H H')      V ~ E H,  bands x coarse pixels

2. A per-pixel network with 1024 hidden units gives abundances, which may be negative:      f(y) = E (B relu(A y + a) + b)

       minimise  mean |f(srf(hsi)) - hsi|        over all coarse pixels and bands, with E constant

f is then applied to every pixel of the MSI. Neither the PSF nor the ratio is used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from datasets.observation import Observation
from methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount
from methods.iterates import IteratedMethod
from methods.numerics.networks.first_weights import glorot_weights
from methods.numerics.networks.fitting import descent, one_cycle, summed_gradient
from methods.numerics.networks.published_budget import card_at_budget, checked_budget
from methods.numerics.networks.scene_learning import by_pixels, must_be_finite, only_scene, scaled

HIDDEN, TINY = 1024, 1e-12
CACHED = 512  # pixels whose hidden units are held at a time on a CPU: 2 MiB in float32
NMF_STEPS, EPOCHS = 5000, 2500
FIRST_RATE, PEAK_RATE, LAST_RATE = 1e-3, 1e-2, 1e-6

CARD = Card(
    name="SpectraMorph",
    paper="Shah, Duarte, SpectraMorph: Structured Latent Learning for Self-Supervised Hyperspectral Super-Resolution, "
    "arXiv 2510.20814, 2025",
    doi="10.48550/arXiv.2510.20814",
    year=2025,
    needs_srf=True,
    supervision="self",
    learns="on the scene",
    random=True,
    implementation="optimised, same output",  # gradients are summed over pixels that stay in the cache: CACHED
    fidelity="from a description: one hidden layer and linear abundances. Its sizes, 1024 units and 7 endmembers, are those that give the "
    "authors' 12,295 parameters for 4 channels (11,271 for 3). Rates, epochs and first weights are SpectraLift's; no output of theirs to "
    "compare with",
)


@dataclass(frozen=True)
class Method(IteratedMethod["FittedSpectraMorph"]):
    """SpectraMorph with SpectraLift's training."""

    card: ClassVar[Card] = CARD
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 0.004})

    budget: float = 1.0  # multiplies the 5,000 + 2,500 steps; a row below 1 is marked "reduced"
    more_than_published: bool = False  # must be true for a budget above 1
    endmembers: int = 7  # number of spectra that every pixel is mixed from

    def __post_init__(self) -> None:
        checked_budget(self.budget, more_than_published=self.more_than_published)
        if self.endmembers < 1:
            raise ValueError(f"endmembers: expected a whole number >= 1, got {self.endmembers}")

    def describe(self) -> Card:
        """The card; below the full budget it says "reduced"."""
        return card_at_budget(self.card, self.budget)

    def iterates(self, examples: Sequence[Example], rng: torch.Generator, count: int) -> Iterator[FittedSpectraMorph]:
        """The endmembers and the network, learned on the one pair of `examples`. The iterates are those of the network.

        Raises:
            ValueError: there is not exactly one example.
            DivergedError: the weights are no longer finite.
        """
        seen = only_scene(examples, "SpectraMorph", least_ratio=1)
        target, pixels = seen.hsi.flatten(1), seen.srf(seen.hsi).flatten(1)
        spectra = factorise(target.clamp(0, 1), self.endmembers, scaled(NMF_STEPS, self.budget))
        rates = one_cycle(scaled(EPOCHS, self.budget), FIRST_RATE, PEAK_RATE, LAST_RATE)
        start = glorot_weights([pixels.shape[0], HIDDEN, self.endmembers], rng, like=pixels)
        for weights in descent(summed_gradient(losses(spectra, pixels, target)), start, rates, count):
            must_be_finite(weights, "SpectraMorph", "try another seed")
            yield FittedSpectraMorph(self.describe(), weights, spectra)


@dataclass(frozen=True, eq=False)
class FittedSpectraMorph(FusionMethod):
    """The network and the endmembers of one scene."""

    method_card: Card
    weights: tuple[Tensor, ...]
    spectra: Float[Tensor, "bands endmembers"]

    def describe(self) -> Card:
        """The card of the method that was fitted."""
        return self.method_card

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The output of the network at every pixel of the MSI."""
        chunk = CACHED if seen.msi.device.type == "cpu" else 0
        return Estimate(by_pixels(lambda pixels: morph(self.weights, self.spectra, pixels), seen.msi, chunk=chunk))

    def parameter_count(self) -> ParameterCount:
        """The count of all weights of the network. The endmembers are not counted, as published."""
        total = sum(tensor.numel() for tensor in self.weights)
        return ParameterCount(total, total)


def morph(
    weights: Sequence[Tensor], spectra: Float[Tensor, "bands endmembers"], pixels: Float[Tensor, "channels pixels"]
) -> Float[Tensor, "bands pixels"]:
    """The output f of the network; `weights` are A, a, B, b, and `spectra` is E."""
    into, into_bias, out, out_bias = weights
    hidden = F.relu(torch.addmm(into_bias[:, None], into, pixels))
    return spectra @ torch.addmm(out_bias[:, None], out, hidden)


def losses(
    spectra: Float[Tensor, "bands endmembers"], pixels: Float[Tensor, "channels pixels"], target: Float[Tensor, "bands pixels"]
) -> list[Callable[[Sequence[Tensor]], Tensor]]:
    """The loss of step 2 as a sum of functions of the weights: one for each CACHED pixels on a CPU, one in all elsewhere."""
    parts = -(-pixels.shape[1] // CACHED) if pixels.device.type == "cpu" else 1

    def part(some: Tensor, wanted: Tensor) -> Callable[[Sequence[Tensor]], Tensor]:
        return lambda weights: F.l1_loss(morph(weights, spectra, some), wanted, reduction="sum") / target.numel()

    return [
        part(some.contiguous(), wanted.contiguous())
        for some, wanted in zip(pixels.chunk(parts, dim=1), target.chunk(parts, dim=1), strict=True)
    ]


def factorise(image: Float[Tensor, "bands pixels"], count: int, steps: int) -> Float[Tensor, "bands count"]:
    """The endmembers E of step 1, computed in float64. They are not normalised, and no random numbers are drawn."""
    values = image.double()
    spectra, shares = _scaled_singular_vectors(values, count)
    for _ in range(steps):
        shares = shares * (spectra.T @ values) / (spectra.T @ spectra @ shares).clamp_min(TINY)
        spectra = spectra * (values @ shares.T) / (spectra @ (shares @ shares.T)).clamp_min(TINY)
    return spectra.to(image)


def _scaled_singular_vectors(values: Tensor, count: int) -> tuple[Float[Tensor, "bands count"], Float[Tensor, "count pixels"]]:
    """The first factors by NNDSVD (Boutsidis, Gallopoulos 2008), with zeros replaced by the mean of the image.

    Of each pair of singular vectors, either the positive or the negative parts are used: those with the larger product of norms.
    """
    left, sizes, right = torch.linalg.svd(values, full_matrices=False)
    spectra, shares = values.new_zeros(values.shape[0], count), values.new_zeros(count, values.shape[1])
    for place in range(min(count, sizes.numel())):
        halves = []
        for sign in (1, -1):
            u, v = (sign * left[:, place]).clamp_min(0), (sign * right[place]).clamp_min(0)
            halves.append((float(u.norm() * v.norm()), u, v))
        weight, u, v = max(halves, key=lambda half: half[0])
        scale = (float(sizes[place]) * weight) ** 0.5
        spectra[:, place], shares[place] = scale * u / u.norm().clamp_min(TINY), scale * v / v.norm().clamp_min(TINY)
    mean = values.mean()
    return torch.where(spectra < TINY, mean, spectra), torch.where(shares < TINY, mean, shares)
