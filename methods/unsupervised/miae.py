"""MIAE: a model-inspired autoencoder, learned blind on one scene. Liu et al., IEEE TGRS 2022.

First the PSF of 2 ratio - 1 taps and the SRF are estimated from the pair: a projected gradient minimises |psf(msi) - srf(hsi)|_1.

The network gives, at every fine pixel, the abundances s of K = 80 endmembers E, from the interpolated HSI x and the MSI y, by T = 3
unfolded steps. With d a dense layer of 80 units (leaky ReLU of slope 0.2; each d has its own weights),

    y1 = d(d(x))      z1 = d(y)      s = d[y1, z1]
    T - 1 times:      s = d(s)       s = d[s, y1, z1]
    X = clamp(E clamp(s, 0, 1), 0, 1)          E >= 0 and <= 1, first 1 / K everywhere

The loss is the absolute difference of psf(X) and the HSI plus that of srf(X) and the MSI, each as a mean over pixels and a sum over bands.
It is computed on patches of 5 x 5 coarse pixels, whose outermost coarse pixels do not count for the HSI. Adam has the weight decay 1e-3.

Each 1x1 convolution is one matrix product over all pixels, [s, y1, z1] is never stored, and the blur computes only the kept pixels.
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

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount
from methods.iterates import IteratedMethod
from methods.numerics.images.resample import upsample
from methods.numerics.networks.fitting import iterates, steady_then_falling
from methods.numerics.networks.published_budget import card_at_budget, checked_budget
from methods.numerics.networks.scene_learning import by_pixels, edge_repeating, must_be_finite, only_scene, scaled
from methods.numerics.sensors.constrained_responses import constrained_responses

SLOPE = 0.2
BLIND_STEPS, BLIND_RATE = 5000, 5e-5
STEADY_STEPS, FALLING_STEPS, RATE, WEIGHT_DECAY = 1000, 9000, 5e-3, 1e-3
PATCH, STRIDE = 5, 3  # coarse pixels

CARD = Card(
    name="MIAE",
    paper="Liu, Wu, Xiao, Wu, Model Inspired Autoencoder for Unsupervised Hyperspectral Image Super-Resolution, IEEE TGRS 2022",
    doi="10.1109/TGRS.2022.3143156",
    year=2022,
    supervision="self",
    learns="on the scene",
    random=True,
    implementation="optimised, same output",  # blurs compute only the kept pixels; joined features are never stored
    fidelity="the network gives the authors' output with the authors' weights to 1e-5 (fixtures outside the "
    "clone), 76,240 parameters at 31 bands and 3 "
    "channels; budget, rates and loss as published. Ours: taps placed at the registered centre, the edge pixel repeated beyond the border, "
    "cubic interpolation of the HSI, 2 random patches a step (the authors' batch depends on the image's size, and is 0 for small ones)",
)


@dataclass(frozen=True)
class Method(IteratedMethod["FittedMIAE"]):
    """MIAE with its published training."""

    card: ClassVar[Card] = CARD
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 5e-4})

    budget: float = 1.0  # multiplies the published 5,000 + 10,000 steps; a row below 1 is marked "reduced"
    more_than_published: bool = False  # must be true for a budget above 1
    endmembers: int = 80  # K; for the larger remote-sensing scenes the authors take 30
    stages: int = 3  # T
    patches: int = 2  # per step

    def __post_init__(self) -> None:
        checked_budget(self.budget, more_than_published=self.more_than_published)
        for name, value in (("endmembers", self.endmembers), ("stages", self.stages), ("patches", self.patches)):
            if value < 1:
                raise ValueError(f"{name}: expected a whole number >= 1, got {value}")

    def describe(self) -> Card:
        """The card; below the published budget it says "reduced"."""
        return card_at_budget(self.card, self.budget)

    def iterates(self, examples: Sequence[Example], rng: torch.Generator, count: int) -> Iterator[FittedMIAE]:
        """The responses and the network, learned on the one pair of `examples`. The iterates are those of the network.

        Raises:
            ValueError: there is not exactly one example.
            RefusedError: the pair has ratio 1.
            DivergedError: the weights are no longer finite.
        """
        seen = only_scene(examples, "MIAE")
        psf, srf = constrained_responses(seen, 2.0, (scaled(BLIND_STEPS, self.budget), 0), BLIND_RATE)
        start = draw_miae(seen.hsi.shape[0], seen.msi.shape[0], self.endmembers, self.stages, rng, seen.hsi)
        loss = patch_loss(seen, edge_repeating(psf), srf, self.patches, rng)
        rates = steady_then_falling(RATE, scaled(STEADY_STEPS, self.budget), scaled(FALLING_STEPS, self.budget))

        def bounded(parameters: Sequence[Tensor]) -> None:
            parameters[-1].clamp_(0, 1)

        for weights in iterates(loss, start, rates, count, epsilon=1e-8, project=bounded, weight_decay=WEIGHT_DECAY):
            must_be_finite(weights, "MIAE", "try another seed")
            yield FittedMIAE(self.describe(), weights, psf, srf)


@dataclass(frozen=True, eq=False)
class FittedMIAE(FusionMethod):
    """The network and the responses of one scene."""

    method_card: Card
    weights: tuple[Tensor, ...]
    psf: SpatialResponse
    srf: SpectralResponse

    def describe(self) -> Card:
        """The card of the method that was fitted."""
        return self.method_card

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The output of the network at every fine pixel, and the estimated responses."""
        interpolated = upsample(seen.hsi, seen.ratio, seen.phase)
        return Estimate(by_pixels(lambda x, y: unmixing_network(self.weights, x, y), interpolated, seen.msi), self.psf, self.srf)

    def parameter_count(self) -> ParameterCount:
        """The count of the network for inference; for the total, the PSF and the SRF are added."""
        inference = sum(tensor.numel() for tensor in self.weights)
        return ParameterCount(inference + self.psf.kernel.numel() + self.srf.weights.numel(), inference)


def unmixing_network(
    weights: Sequence[Tensor], interpolated: Float[Tensor, "bands pixels"], msi: Float[Tensor, "channels pixels"]
) -> Float[Tensor, "bands pixels"]:
    """The spectra X of the module docstring.

    `weights` holds the matrix (out, in) and the bias of every layer in the order of the formulas, then E.
    """
    layers = iter(zip(weights[:-1:2], weights[1:-1:2], strict=True))

    def dense(values: Tensor) -> Tensor:
        matrix, bias = next(layers)
        return F.leaky_relu_(torch.addmm(bias[:, None], matrix, values), SLOPE)

    sources = torch.cat([dense(dense(interpolated)), dense(msi)])
    abundances = dense(sources)
    for matrix, bias in layers:
        inner = F.leaky_relu_(torch.addmm(bias[:, None], matrix, abundances), SLOPE)
        matrix, bias = next(layers)
        width = inner.shape[0]
        from_sources = torch.addmm(bias[:, None], matrix[:, width:], sources)
        abundances = F.leaky_relu_(torch.addmm(from_sources, matrix[:, :width], inner), SLOPE)
    return (weights[-1] @ abundances.clamp(0, 1)).clamp(0, 1)


def draw_miae(bands: int, channels: int, endmembers: int, stages: int, rng: torch.Generator, like: Tensor) -> list[Tensor]:
    """The first weights, in the order of `unmixing_network`: matrices normal with variance 1 / inputs, biases 0, E = 1 / K.

    The normal numbers are cut at 2, not at 2 standard deviations.
    """
    inputs = [bands, endmembers, channels, 2 * endmembers, *[endmembers, 3 * endmembers] * (stages - 1)]
    start = []
    for incoming in inputs:
        matrix = torch.empty(endmembers, incoming, dtype=torch.float32)
        torch.nn.init.trunc_normal_(matrix, std=incoming**-0.5, generator=rng)
        start += [matrix.to(like), like.new_zeros(endmembers)]
    return [*start, like.new_full((bands, endmembers), 1 / endmembers)]


def patch_loss(
    seen: Observation, psf: SpatialResponse, srf: SpectralResponse, patches: int, rng: torch.Generator
) -> Callable[[Sequence[Tensor]], Tensor]:
    """The loss of the module docstring as a function of the weights. Each call draws other patches from `rng`."""
    ratio = seen.ratio
    interpolated = upsample(seen.hsi, ratio, seen.phase)
    rows, cols = (min(PATCH, size) for size in seen.hsi.shape[1:])
    corners = [(top, left) for top in _starts(seen.hsi.shape[1], rows) for left in _starts(seen.hsi.shape[2], cols)]  # in coarse pixels
    inner_rows, inner_cols = (slice(1, -1) if size > 2 else slice(None) for size in (rows, cols))

    def measure(weights: Sequence[Tensor]) -> Tensor:
        chosen = [corners[int(k)] for k in torch.randint(len(corners), (patches,), generator=rng)]
        coarse = torch.stack([seen.hsi[:, top : top + rows, left : left + cols] for top, left in chosen], dim=1)
        x, y = (
            torch.stack([image[:, top * ratio : (top + rows) * ratio, left * ratio : (left + cols) * ratio] for top, left in chosen], dim=1)
            for image in (interpolated, seen.msi)
        )
        cube = unmixing_network(weights, x.flatten(1), y.flatten(1))
        blurred = psf(cube.reshape(-1, rows * ratio, cols * ratio)).reshape(coarse.shape)
        from_hsi = (blurred - coarse)[:, :, inner_rows, inner_cols].abs()
        from_msi = (srf.weights @ cube - y.flatten(1)).abs()
        return from_hsi.mean(dim=(1, 2, 3)).sum() + from_msi.mean(dim=1).sum()

    return measure


def _starts(size: int, side: int) -> list[int]:
    """The first coarse pixels of patches of `side` pixels, STRIDE apart; the last patch ends at the border."""
    return sorted({*range(0, size - side + 1, STRIDE), size - side})
