"""C2FF (UMC2FF): a coarse and a fine spectral network, learned blind on the coarse pixels of one scene. Li et al., IEEE GRSL 2023.

PSF and SRF are estimated from the pair: a projected gradient minimises |psf(msi) - srf(hsi)|_1. They give two versions of the coarse MSI,
k1 = srf(hsi) and k2 = psf(msi), which are averaged with a weight W per channel:

    u_s = pointwise(depthwise_s(k1 + k2)),  s = 3, 5, 7 pixels a side     W = sigmoid(sum over pairs of the u of mean + maximum of the pair)
    y   = W k1 + (1 - W) k2

A spectral network maps each pixel y to its spectrum. Each band is predicted from the one channel with the largest SRF at that band, by 5
hidden units of that channel. The result x is then refined from all bands together:

    x_b = V_b relu(w_c y_c + v_c) + v_b,   c = argmax over channels of srf[c, b]
    f   = A x   (30 units)      g = f + relu(R2 relu(R1 f))      output = B g

    minimise  |f(y) - hsi|        over all coarse pixels, W included, by Adam at 4e-3: 7000 steps, then 7000 at a rate that falls to 0

The spectral network is then applied to every pixel of the MSI. The authors return the iterate that is best by the ground truth; here it is
the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount
from methods.iterates import IteratedMethod
from methods.numerics.networks.first_weights import normal_weights
from methods.numerics.networks.fitting import iterates, steady_then_falling
from methods.numerics.networks.published_budget import card_at_budget, checked_budget
from methods.numerics.networks.scene_learning import by_pixels, checked_positive, edge_repeating, must_be_finite, only_scene, scaled
from methods.numerics.sensors.constrained_responses import constrained_responses

HIDDEN, WIDTH, SIDES = 5, 30, (3, 5, 7)
BLIND_STEPS, STEPS, RATE = 3000, 7000, 4e-3  # steps at the full rate; as many follow at a falling rate
SPECTRAL_TENSORS = 12  # of the spectral network; the other tensors are those of W

CARD = Card(
    name="C2FF",
    paper="Li, Zheng, Liu, Li, Yu, Ni, Model-Guided Coarse-to-Fine Fusion Network for Unsupervised Hyperspectral Image Super-Resolution, "
    "IEEE GRSL 2023",
    doi="10.1109/LGRS.2023.3309854",
    year=2023,
    supervision="self",
    learns="on the scene",
    random=True,
    implementation="optimised, same output",  # the blind stage computes kept pixels alone; all channels are one product
    fidelity="from a description of the authors' code, with no output of theirs to compare with; how pairs of the attention are pooled, "
    "and the first weights, are this suite's reading. The authors return the iterate best against the truth; this is the last one. "
    "Dead: the hidden units of a channel that is the best one for no band",
)


@dataclass(frozen=True)
class Method(IteratedMethod["FittedC2FF"]):
    """C2FF with its published training."""

    card: ClassVar[Card] = CARD
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 5e-4})

    budget: float = 1.0  # multiplies the published 6,000 + 14,000 steps; a row below 1 is marked "reduced"
    more_than_published: bool = False  # must be true for a budget above 1
    window_ratio: float = 1.0  # side of the PSF's window, in coarse pixels
    rate: float = RATE  # learning rate

    def __post_init__(self) -> None:
        checked_budget(self.budget, more_than_published=self.more_than_published)
        checked_positive({"window_ratio": self.window_ratio, "rate": self.rate})

    def describe(self) -> Card:
        """The card; below the published budget it says "reduced"."""
        return card_at_budget(self.card, self.budget)

    def iterates(self, examples: Sequence[Example], rng: torch.Generator, count: int) -> Iterator[FittedC2FF]:
        """The responses and the network, learned on the one pair of `examples`. The iterates are those of the network.

        Raises:
            ValueError: there is not exactly one example.
            RefusedError: the pair has ratio 1.
            DivergedError: the weights are no longer finite.
        """
        seen = only_scene(examples, "C2FF")
        blind, steps = scaled(BLIND_STEPS, self.budget), scaled(STEPS, self.budget)
        psf, srf = constrained_responses(seen, self.window_ratio, (blind, blind))
        owner = srf.weights.argmax(0)
        start = draw_c2ff(seen.hsi.shape[0], seen.msi.shape[0], rng, seen.hsi)
        rates = steady_then_falling(self.rate, steps, steps)
        for weights in iterates(scene_loss(seen, psf, srf, owner), start, rates, count, epsilon=1e-8):
            must_be_finite(weights, "C2FF", "lower its `rate`")
            yield FittedC2FF(self.describe(), weights, owner, psf, srf)


@dataclass(frozen=True, eq=False)
class FittedC2FF(FusionMethod):
    """The network and the responses of one scene."""

    method_card: Card
    weights: tuple[Tensor, ...]
    owner: Int[Tensor, " bands"]
    psf: SpatialResponse
    srf: SpectralResponse

    def describe(self) -> Card:
        """The card of the method that was fitted."""
        return self.method_card

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The output of the spectral network at every pixel of the MSI, and the estimated responses."""
        spectral = self.weights[:SPECTRAL_TENSORS]
        return Estimate(by_pixels(lambda pixels: coarse_to_fine_network(spectral, self.owner, pixels), seen.msi), self.psf, self.srf)

    def parameter_count(self) -> ParameterCount:
        """The count of the spectral network for inference; for the total, W, the PSF and the SRF are added."""
        inference = sum(tensor.numel() for tensor in self.weights[:SPECTRAL_TENSORS])
        weighing = sum(tensor.numel() for tensor in self.weights[SPECTRAL_TENSORS:])
        return ParameterCount(inference + weighing + self.psf.kernel.numel() + self.srf.weights.numel(), inference)


def coarse_to_fine_network(
    weights: Sequence[Tensor], owner: Int[Tensor, " bands"], pixels: Float[Tensor, "channels pixels"]
) -> Float[Tensor, "bands pixels"]:
    """The output of the spectral network; `owner` is the channel that each band is predicted from.

    All channels are computed at once: the hidden units of all channels are stacked, and V is 0 for the units of other channels.
    """
    w, w_bias, v, v_bias, a, a_bias, r1, r1_bias, r2, r2_bias, b, b_bias = weights
    channels = pixels.shape[0]
    hidden = F.relu(w[:, :, None] * pixels[:, None] + w_bias[:, :, None]).reshape(channels * HIDDEN, -1)
    owned = (owner[:, None] == torch.arange(channels, device=owner.device)).to(v)
    spread = (owned[:, :, None] * v[:, None]).reshape(-1, channels * HIDDEN)
    x = torch.addmm(v_bias[:, None], spread, hidden)
    fine = torch.addmm(a_bias[:, None], a, x)
    inner = F.relu(torch.addmm(r1_bias[:, None], r1, fine))
    fine = fine + F.relu(torch.addmm(r2_bias[:, None], r2, inner))
    return torch.addmm(b_bias[:, None], b, fine)


def weigh(
    weights: Sequence[Tensor], first: Float[Tensor, "channels h w"], second: Float[Tensor, "channels h w"]
) -> Float[Tensor, "channels h w"]:
    """The weighted average y of k1 (`first`) and k2 (`second`); `weights` are depthwise, pointwise and bias for each side in turn."""
    joined = (first + second)[None]
    views = []
    for depthwise, pointwise, bias in zip(weights[::3], weights[1::3], weights[2::3], strict=True):
        near = F.conv2d(joined, depthwise, padding=depthwise.shape[-1] // 2, groups=joined.shape[1])[0]
        views.append(torch.einsum("dc,chw->dhw", pointwise, near) + bias[:, None, None])
    pairs = [one + other for one, other in combinations(views, 2)]
    share = torch.sigmoid(torch.stack([pair.mean(dim=(1, 2)) + pair.amax(dim=(1, 2)) for pair in pairs]).sum(0))[:, None, None]
    return share * first + (1 - share) * second


def draw_c2ff(bands: int, channels: int, rng: torch.Generator, like: Tensor) -> list[Tensor]:
    """The first weights: matrices normal with variance 2 / inputs, biases 0. Those of the spectral network come before those of W."""
    start = []
    shapes = ((channels, HIDDEN, 1), (bands, HIDDEN), (WIDTH, bands), (WIDTH, WIDTH), (WIDTH, WIDTH), (bands, WIDTH))
    for place, shape in enumerate(shapes):
        matrix = normal_weights(shape, (2 / shape[-1]) ** 0.5, rng, like)
        start += [matrix[..., 0], like.new_zeros(channels, HIDDEN)] if place == 0 else [matrix, like.new_zeros(shape[0])]
    for side in SIDES:
        depthwise = normal_weights((channels, 1, side, side), (2 / side**2) ** 0.5, rng, like)
        start += [depthwise, normal_weights((channels, channels), (2 / channels) ** 0.5, rng, like), like.new_zeros(channels)]
    return start


def scene_loss(
    seen: Observation, psf: SpatialResponse, srf: SpectralResponse, owner: Int[Tensor, " bands"]
) -> Callable[[Sequence[Tensor]], Tensor]:
    """The loss of the module docstring as a function of the weights."""
    first, second = srf(seen.hsi), edge_repeating(psf)(seen.msi)
    target = seen.hsi.flatten(1)

    def measure(weights: Sequence[Tensor]) -> Tensor:
        pixels = weigh(weights[SPECTRAL_TENSORS:], first, second).flatten(1)
        return F.l1_loss(coarse_to_fine_network(weights[:SPECTRAL_TENSORS], owner, pixels), target)

    return measure
