"""CUCaNet: coupled unmixing autoencoders with cross attention, learned on one scene. Yao et al., ECCV 2020. HyCoNet is its option.

Two encoders, and one decoder (endmembers) E of the HSI for both, D of the MSI; with c a convolution and leaky ReLU (slope 0.2),

    f = c(c(c(hsi)))  1x1: 128, 256, 512 features            g = c(c(c(msi)))  5x5, 3x3, 1x1: 128, 256, 512 features
    cross attention:  g' = g softmax over features of (a sum over the coarse plane of f, a weight each),
                      f' = f psf2(softmax over pixels of a 3x3 convolution of g)
    abundances        a = clamp(V [f', f], 0, 1)             b = clamp(W [g', g], 0, 1)          128 of them
    fused cube        E b

    minimise  10 (|E a - hsi| + |D b - msi| + |E psf(b) - hsi| + |srf(E b) - msi|) + 10^4 |srf(hsi) - psf(msi)|
              + 0.01 (|sum a - 1| + |sum b - 1|) + 0.01 (KL(a) + KL(b))          sums of absolute differences

KL is the divergence of 0.01 from the mean of each abundance. The PSF, of one coarse pixel, is learned; the SRF is known, or estimated
(`blind`). Adam at 5e-3 (encoder of the MSI: half, PSF and attention: a fifth), 2000 steps, then 8000 at a rate that falls linearly to 0;
after each step E and D are clamped to 0..1, and the PSF is clamped and divided by its sum.

HyCoNet (Zheng et al., IEEE TGRS 2021): the same without cross attention, abundances from f and g alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount, RefusedError
from methods.iterates import IteratedMethod
from methods.numerics.networks.first_weights import draw_he_weights, new_network
from methods.numerics.networks.fitting import steady_then_falling
from methods.numerics.networks.scene_learning import (
    card_at_budget,
    checked_budget,
    checked_positive,
    network_iterates,
    only_scene,
    scaled,
    strided_blur,
)
from methods.numerics.sensors.smooth_responses import place_kernel, psf_window
from methods.numerics.solvers.subspace import mix

SLOPE, FEATURES, ABUNDANCES, SPARSITY = 0.2, (128, 256, 512), 128, 0.01
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
    attention: bool = True  # False: HyCoNet
    rate: float = RATE

    def __post_init__(self) -> None:
        checked_budget(self.budget)
        checked_positive({"rate": self.rate})

    def describe(self) -> Card:
        """The card: CUCaNet or HyCoNet, and "reduced" below the published budget."""
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
        """Autoencoders and PSF, learned on the one pair of `examples`.

        Raises:
            ValueError: not exactly one example.
            RefusedError: a pair of ratio 1.
            DivergedError: the weights are no longer finite.
        """
        seen = only_scene(examples, self.describe().name)
        sides, first = psf_window(seen, seen.ratio)
        sizes = seen.hsi.shape[0], seen.msi.shape[0]
        plane = (int(seen.hsi.shape[1]), int(seen.hsi.shape[2]))

        def draw(network: CoupledNetwork) -> None:
            draw_he_weights(network, rng)
            for decoder in (network.endmembers, network.msi_decoder):
                nn.init.uniform_(decoder, 0, 4 / ABUNDANCES, generator=rng)

        network = new_network(lambda: CoupledNetwork(*sizes, plane, sides, attention=self.attention), draw, like=seen.hsi)
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
        """Endmembers of the HSI times abundances of the MSI.

        Raises:
            RefusedError: an HSI of another size than the one that was learned.
        """
        if seen.hsi.shape[1:] != self.network.plane:
            raise RefusedError(f"its attention has a weight for each coarse pixel: expected {self.network.plane}, got {seen.hsi.shape[1:]}")
        with torch.no_grad():
            return Estimate(self.network(seen, self.first).cube, self.psf, self.srf)

    def parameter_count(self) -> ParameterCount:
        """All learned numbers; fusing uses neither the MSI's decoder, nor the PSF, nor the abundances of the HSI."""
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


class CoupledNetwork(nn.Module):
    """Both encoders with their attention, the decoders and the PSF."""

    def __init__(self, bands: int, channels: int, plane: tuple[int, int], sides: tuple[int, int], *, attention: bool) -> None:
        super().__init__()
        self.plane, self.attention = plane, attention
        small, middle, large = FEATURES
        self.coarse = nn.Sequential(_layer(bands, small, 1), _layer(small, middle, 1), _layer(middle, large, 1))
        self.fine = nn.Sequential(_layer(channels, small, 5), _layer(small, middle, 3), _layer(middle, large, 1))
        if attention:
            self.band_attention = nn.Conv2d(large, large, plane, groups=large)
            self.pixel_attention = nn.Conv2d(large, 1, 3, padding=1)
            self.pixel_psf = nn.Parameter(torch.full(sides, 1 / (sides[0] * sides[1])))
        joined = 2 * large if attention else large
        self.coarse_abundances = nn.Conv2d(joined, ABUNDANCES, 1)
        self.fine_abundances = nn.Conv2d(joined, ABUNDANCES, 1)
        self.endmembers = nn.Parameter(torch.empty(bands, ABUNDANCES))
        self.msi_decoder = nn.Parameter(torch.empty(channels, ABUNDANCES))
        self.psf = nn.Parameter(torch.full(sides, 1 / (sides[0] * sides[1])))

    def forward(self, seen: Observation, first: tuple[int, int]) -> Rebuilt:
        """Both images encoded and everything that is rebuilt from their abundances."""
        coarse, fine = self.coarse(seen.hsi[None]), self.fine(seen.msi[None])
        if self.attention:
            by_feature = torch.softmax(self.band_attention(coarse), dim=1)
            by_pixel = torch.softmax(self.pixel_attention(fine).flatten(), dim=0).reshape(1, *seen.msi.shape[1:])
            attended = coarse * strided_blur(by_pixel, self.pixel_psf, first, seen.ratio)
            coarse, fine = torch.cat([attended, coarse], dim=1), torch.cat([fine * by_feature, fine], dim=1)
        a, b = self.coarse_abundances(coarse)[0].clamp(0, 1), self.fine_abundances(fine)[0].clamp(0, 1)
        return Rebuilt(
            a,
            b,
            hsi=mix(self.endmembers, a),
            msi=mix(self.msi_decoder, b),
            low=mix(self.endmembers, strided_blur(b, self.psf, first, seen.ratio)),
            cube=mix(self.endmembers, b),
            low_msi=strided_blur(seen.msi, self.psf, first, seen.ratio),
        )


class Rebuilt(NamedTuple):
    """What the network makes of a pair."""

    coarse_abundances: Tensor  # a
    fine_abundances: Tensor  # b
    hsi: Tensor  # E a
    msi: Tensor  # D b
    low: Tensor  # E psf(b)
    cube: Tensor  # E b
    low_msi: Tensor  # psf(msi)


def _layer(incoming: int, outgoing: int, side: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(incoming, outgoing, side, padding=side // 2), nn.LeakyReLU(SLOPE))


def constrain(parameters: Mapping[str, Tensor]) -> None:
    """Decoders into 0..1; PSFs not negative, with a sum of 1; in place."""
    with torch.no_grad():
        for name, value in parameters.items():
            if name in ("endmembers", "msi_decoder"):
                value.clamp_(0, 1)
            elif name in ("psf", "pixel_psf"):
                value.clamp_(min=1e-12).div_(value.sum())


def rate_share(name: str) -> float:
    """Multiple of the learning rate."""
    if name.startswith("fine."):
        return 0.5
    return 0.2 if name in ("psf", "pixel_psf") or "attention" in name else 1.0


def coupled_loss(seen: Observation, first: tuple[int, int]) -> Callable[[Callable[..., Any]], Tensor]:
    """The loss of the module docstring."""
    table = seen.srf.weights.to(seen.hsi)
    from_hsi = mix(table, seen.hsi)

    def measure(network: Callable[..., Any]) -> Tensor:
        rebuilt_images: Rebuilt = network(seen, first)
        pairs = (
            (rebuilt_images.hsi, seen.hsi),
            (rebuilt_images.msi, seen.msi),
            (rebuilt_images.low, seen.hsi),
            (mix(table, rebuilt_images.cube), seen.msi),
        )
        rebuilt = torch.stack([F.l1_loss(rebuilt_image, wanted, reduction="sum") for rebuilt_image, wanted in pairs]).sum()
        agreement = F.l1_loss(from_hsi, rebuilt_images.low_msi, reduction="sum")
        shares = rebuilt_images.coarse_abundances, rebuilt_images.fine_abundances
        sums = torch.stack([(1 - share.sum(0)).abs().sum() for share in shares]).sum()
        sparse = torch.stack([_divergence(share.mean(dim=(1, 2))) for share in shares]).sum()
        return 10 * rebuilt + 1e4 * agreement + 0.01 * (sums + sparse)

    return measure


def _divergence(means: Float[Tensor, " abundances"]) -> Tensor:
    """Sum of the Kullback-Leibler divergences of SPARSITY from each mean, both taken as chances of yes and no."""
    kept = means.clamp(1e-6, 1 - 1e-6)
    return (SPARSITY * torch.log(SPARSITY / kept) + (1 - SPARSITY) * torch.log((1 - SPARSITY) / (1 - kept))).sum()
