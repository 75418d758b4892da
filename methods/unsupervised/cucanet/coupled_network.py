"""CUCaNet's network: an autoencoder for each image, coupled by cross attention and by the endmembers.

Two encoders, and decoders E (endmembers, for both images) and D (of the MSI); c is a convolution and a leaky ReLU (slope 0.2):

    f = c(c(c(hsi)))  1x1: 128, 256, 512 features            g = c(c(c(msi)))  5x5, 3x3, 1x1: 128, 256, 512 features
    cross attention:  g' = g softmax over features of (the sum over the coarse plane of f, with one weight per coarse pixel),
                      f' = f psf2(softmax over pixels of a 3x3 convolution of g)
    abundances        a = clamp(V [f', f], 0, 1)             b = clamp(W [g', g], 0, 1)          128 of them
    fused cube        E b

Without attention the abundances come from f and g alone.

    loss = 10 (|E a - hsi| + |D b - msi| + |E psf(b) - hsi| + |srf(E b) - msi|) + 10^4 |srf(hsi) - psf(msi)|
           + 0.01 (|sum a - 1| + |sum b - 1|) + 0.01 (KL(a) + KL(b))             |.|: sums of absolute differences

KL is the Kullback-Leibler divergence of 0.01 from the mean of each abundance. The PSF, of one coarse pixel, is learned with the network.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from datasets.observation import Observation
from methods.numerics.networks.first_weights import draw_he_weights, new_network
from methods.numerics.networks.scene_learning import strided_blur
from methods.numerics.solvers.subspace import mix

SLOPE, FEATURES, ABUNDANCES = 0.2, (128, 256, 512), 128
SPARSITY = 0.01  # the mean that each abundance is drawn to


class RebuiltImages(NamedTuple):
    """The outputs of the network for a pair."""

    coarse_abundances: Tensor  # a
    fine_abundances: Tensor  # b
    hsi: Tensor  # E a
    msi: Tensor  # D b
    low: Tensor  # E psf(b)
    cube: Tensor  # E b
    low_msi: Tensor  # psf(msi)


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

    def forward(self, seen: Observation, first: tuple[int, int]) -> RebuiltImages:
        """Everything that is rebuilt from the abundances of both images; `first` is the fine pixel under the PSF's first tap."""
        coarse, fine = self.coarse(seen.hsi[None]), self.fine(seen.msi[None])
        if self.attention:
            by_feature = torch.softmax(self.band_attention(coarse), dim=1)
            by_pixel = torch.softmax(self.pixel_attention(fine).flatten(), dim=0).reshape(1, *seen.msi.shape[1:])
            attended = coarse * strided_blur(by_pixel, self.pixel_psf, first, seen.ratio)
            coarse, fine = torch.cat([attended, coarse], dim=1), torch.cat([fine * by_feature, fine], dim=1)
        a, b = self.coarse_abundances(coarse)[0].clamp(0, 1), self.fine_abundances(fine)[0].clamp(0, 1)
        return RebuiltImages(
            a,
            b,
            hsi=mix(self.endmembers, a),
            msi=mix(self.msi_decoder, b),
            low=mix(self.endmembers, strided_blur(b, self.psf, first, seen.ratio)),
            cube=mix(self.endmembers, b),
            low_msi=strided_blur(seen.msi, self.psf, first, seen.ratio),
        )


def _layer(incoming: int, outgoing: int, side: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(incoming, outgoing, side, padding=side // 2), nn.LeakyReLU(SLOPE))


def new_coupled_network(seen: Observation, sides: tuple[int, int], rng: torch.Generator, *, attention: bool) -> CoupledNetwork:
    """A network for this pair with fresh weights: convolutions by He's rule, decoders uniform in 0 .. 4 / 128, PSFs flat."""
    plane = (int(seen.hsi.shape[1]), int(seen.hsi.shape[2]))

    def draw(network: CoupledNetwork) -> None:
        draw_he_weights(network, rng)
        for decoder in (network.endmembers, network.msi_decoder):
            nn.init.uniform_(decoder, 0, 4 / ABUNDANCES, generator=rng)

    def build() -> CoupledNetwork:
        return CoupledNetwork(seen.hsi.shape[0], seen.msi.shape[0], plane, sides, attention=attention)

    return new_network(build, draw, like=seen.hsi)


def constrain(parameters: Mapping[str, Tensor]) -> None:
    """Puts parameters, by name, back into their ranges, in place: decoders into 0..1, PSFs to values that are not negative and sum to 1."""
    with torch.no_grad():
        for name, value in parameters.items():
            if name in ("endmembers", "msi_decoder"):
                value.clamp_(0, 1)
            elif name in ("psf", "pixel_psf"):
                value.clamp_(min=1e-12).div_(value.sum())


def rate_share(name: str) -> float:
    """The multiple of the learning rate that the parameter of this name takes."""
    if name.startswith("fine."):
        return 0.5
    return 0.2 if name in ("psf", "pixel_psf") or "attention" in name else 1.0


def coupled_loss(seen: Observation, first: tuple[int, int]) -> Callable[[Callable[..., Any]], Tensor]:
    """The loss of the module docstring, as a function of the network."""
    table = seen.srf.weights.to(seen.hsi)
    from_hsi = mix(table, seen.hsi)

    def measure(network: Callable[..., Any]) -> Tensor:
        rebuilt: RebuiltImages = network(seen, first)
        pairs = ((rebuilt.hsi, seen.hsi), (rebuilt.msi, seen.msi), (rebuilt.low, seen.hsi), (mix(table, rebuilt.cube), seen.msi))
        differences = torch.stack([F.l1_loss(image, wanted, reduction="sum") for image, wanted in pairs]).sum()
        agreement = F.l1_loss(from_hsi, rebuilt.low_msi, reduction="sum")
        shares = rebuilt.coarse_abundances, rebuilt.fine_abundances
        sums = torch.stack([(1 - share.sum(0)).abs().sum() for share in shares]).sum()
        sparse = torch.stack([_divergence(share.mean(dim=(1, 2))) for share in shares]).sum()
        return 10 * differences + 1e4 * agreement + 0.01 * (sums + sparse)

    return measure


def _divergence(means: Float[Tensor, " abundances"]) -> Tensor:
    """The sum of the Kullback-Leibler divergences of SPARSITY from each mean, both taken as the probability of one of two outcomes."""
    kept = means.clamp(1e-6, 1 - 1e-6)
    return (SPARSITY * torch.log(SPARSITY / kept) + (1 - SPARSITY) * torch.log((1 - SPARSITY) / (1 - kept))).sum()
