"""DAEM: degradation and spectra learned without truth, before the scene and then on it. Guo et al., CVPR 2023.

With d dense layers of their own (leaky ReLU, slope 0.2; the last abundance layer ReLU), at every pixel of a multispectral image y

    a0 = d(y),  a_i = d[a_{i-1}, y]                       4, 8, 16, 24, 16 units: the last are 16 "abundances" a
    mean = d(...d(a)),  std = d(d(a))                     18, 22, 26, 30, 32, bands units; 24, bands units
    z = mean + std noise                                  noise normal, in learning

The sensors are parametric. SRF: in each channel four Gaussians over the band's number (as 0..1), divided by their sum. PSF: a Gaussian
exp(-|L'(u - centre)|^2 / 2) over a window of one coarse pixel, L the lower triangle of a 2 x 2 parameter, first 5 I; divided by its sum.

Learning, with A(.) the network above and c = psf(msi), one Adam step of two losses that do not see each other's parameters:

    network     0.5 |A(c) - hsi|                                                       the coarse image alone: spectral inversion
    sensors     0.5 |psf(Z) - hsi| + 0.2 |srf(Z) - msi| + 0.2 |srf(psf(Z)) - c|,       Z = A(msi) held constant

on `batch` blocks of 4 x 4 coarse pixels, 800 steps (the authors' 100 epochs over 16 scenes). Then, on the scene to be fused, 500 steps of
the network's loss for the layers of mean and std alone; the abundances of c are computed once.

A block is so small that its blur is one matrix, (coarse pixels, fine pixels), the same for all blocks: a product, not a convolution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.adapting import AdaptingMethod
from methods.contract import Card, Estimate, Example, FusionMethod, ParameterCount, RefusedError, TrainableMethod
from methods.numerics.networks.first_weights import normal_weights
from methods.numerics.networks.fitting import minimise
from methods.numerics.networks.scene_learning import CHUNK, card_at_budget, checked_budget, edge_repeating, must_be_finite, scaled
from methods.numerics.sensors.smooth_responses import place_kernel, psf_window

SLOPE, KERNELS, FIRST_PRECISION = 0.2, 4, 5.0
ABUNDANCE, MEAN, STD = (4, 8, 16, 24, 16), (18, 22, 26, 30, 32), (24,)
STEPS, SCENE_STEPS, RATE, BLOCK = 800, 500, 1e-3, 4
CACHED = 4096  # fine pixels that go through the network together in learning
ABUNDANCE_TENSORS = 2 * len(ABUNDANCE)
SPECTRAL_TENSORS = 2 * (len(MEAN) + 1 + len(STD) + 1)

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
    implementation="optimised, same output",  # the blur of a block is one matrix, for kept pixels alone
    fidelity="from a description of the authors' code, 6,558 parameters at 31 bands and 3 channels; no output of theirs to compare with. "
    "Ours: the PSF's centre is the registered one (theirs is a whole pixel), no noise is added in fusing unless asked for. Dead: one of "
    "the four numbers of the PSF (above the diagonal)",
)


@dataclass(frozen=True)
class Method(TrainableMethod):
    """DAEM: learned beforehand on many pairs, or from nothing on the one pair."""

    card: ClassVar[Card] = CARD
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"budget": 4e-3, "batch": 2})

    budget: float = 1.0  # multiplies the published 800 + 500 steps; a row below 1 is marked "reduced"
    learns: Literal["beforehand", "on the scene"] = "beforehand"  # "on the scene": the first 800 steps on the one pair as well
    batch: int = 32  # blocks of 4 x 4 coarse pixels a step, each from an example of its own
    sampled: bool = False  # add the noise in fusing too, as the authors do; drawn from the generator handed in

    def __post_init__(self) -> None:
        checked_budget(self.budget)
        if self.batch < 1:
            raise ValueError(f"batch: expected a whole number >= 1, got {self.batch}")

    def describe(self) -> Card:
        """The card: when it learns, and "reduced" below the published budget."""
        name = self.card.name + ("" if self.learns == "beforehand" else ", on the scene alone")
        return card_at_budget(replace(self.card, name=name, learns=self.learns), self.budget)

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FittedDAEM:
        """Network and sensors, learned on blocks of the examples.

        Raises:
            ValueError: no example, or not exactly one to learn on the scene.
            RefusedError: pairs of ratio 1.
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
    """Network and sensors, before the 500 steps on the scene."""

    method_card: Card
    weights: tuple[Tensor, ...]
    steps: int
    sampled: bool

    def describe(self) -> Card:
        """The card of the method that was fitted."""
        return self.method_card

    def adapt(self, seen: Observation, rng: torch.Generator) -> AdaptedDAEM:
        """The spectral layers adapted to the scene.

        Raises:
            RefusedError: other bands or channels than those that were learned.
            DivergedError: the weights are no longer finite.
        """
        weights = [tensor.to(seen.hsi) for tensor in self.weights]
        bands, channels = weights[ABUNDANCE_TENSORS + SPECTRAL_TENSORS - 2].shape[0], weights[0].shape[1]
        if (seen.hsi.shape[0], seen.msi.shape[0]) != (bands, channels):
            raise RefusedError(f"DAEM learned {bands} bands and {channels} channels, got {seen.hsi.shape[0]} and {seen.msi.shape[0]}")
        with torch.no_grad():
            psf, srf = sensors(weights, seen)
            from_coarse = abundance_layers(weights, edge_repeating(psf)(seen.msi).flatten(1))
        target = seen.hsi.flatten(1)
        start = weights[ABUNDANCE_TENSORS : ABUNDANCE_TENSORS + SPECTRAL_TENSORS]
        spectral = minimise(
            lambda layers: 0.5 * F.l1_loss(spectral_layers(layers, from_coarse, rng), target), start, [RATE] * self.steps, epsilon=1e-8
        )
        must_be_finite(spectral, "DAEM, on the scene,", "try another seed")
        return AdaptedDAEM(self.method_card, (*weights[:ABUNDANCE_TENSORS], *spectral), psf, srf, self.sampled, self.parameter_count())

    def parameter_count(self) -> ParameterCount:
        """All numbers; those of the sensors are not used in fusing, but for the PSF that makes the coarse MSI."""
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
        """The network at every pixel of the MSI."""
        pixels, spectral = seen.msi.flatten(1), self.weights[ABUNDANCE_TENSORS:]
        cube = pixels.new_empty(len(self.weights[-1]), pixels.shape[1])
        with torch.no_grad():
            for begin in range(0, pixels.shape[1], CHUNK):
                part = abundance_layers(self.weights, pixels[:, begin : begin + CHUNK])
                cube[:, begin : begin + CHUNK] = spectral_layers(spectral, part, rng if self.sampled else None)
        return Estimate(cube.reshape(-1, *seen.msi.shape[1:]), self.psf, self.srf)

    def parameter_count(self) -> ParameterCount:
        """Those of the method that was fitted."""
        return self.count


def draw_daem(bands: int, channels: int, rng: torch.Generator, like: Tensor) -> list[Tensor]:
    """(out, in) matrix and bias of each layer, for abundances, mean, std; then centres and variances of the SRF, and the PSF's root.

    Abundance layers are normal (He, slope 0.2) cut at 1, the others Glorot normal; biases 0; centres and variances uniform in 0..1.
    """
    start = []
    incoming = 0
    for outgoing in ABUNDANCE:
        fan = incoming + channels
        start += [normal_weights((outgoing, fan), (2 / (1 + SLOPE**2) / fan) ** 0.5, rng, like).clamp(-1, 1), like.new_zeros(outgoing)]
        incoming = outgoing
    for widths in ((*MEAN, bands), (*STD, bands)):
        incoming = ABUNDANCE[-1]
        for outgoing in widths:
            start += [normal_weights((outgoing, incoming), (2 / (incoming + outgoing)) ** 0.5, rng, like), like.new_zeros(outgoing)]
            incoming = outgoing
    start += [torch.rand(channels, KERNELS, generator=rng, dtype=torch.float32).to(like) for _ in range(2)]
    return [*start, FIRST_PRECISION * torch.eye(2).to(like)]


def abundance_layers(weights: Sequence[Tensor], pixels: Float[Tensor, "channels pixels"]) -> Float[Tensor, "16 pixels"]:
    """a of the module docstring."""
    values = pixels
    for layer in range(len(ABUNDANCE)):
        joined = pixels if layer == 0 else torch.cat([values, pixels])
        sums = torch.addmm(weights[2 * layer + 1][:, None], weights[2 * layer], joined)
        values = F.relu_(sums) if layer == len(ABUNDANCE) - 1 else F.leaky_relu_(sums, SLOPE)
    return values


def spectral_layers(
    layers: Sequence[Tensor], shares: Float[Tensor, "16 pixels"], rng: torch.Generator | None, out: Tensor | None = None
) -> Float[Tensor, "bands pixels"]:
    """z of the module docstring, without noise where there is no generator; `layers` are those of mean and std.

    `out`, where there is noise and no gradient, is where z is written.
    """

    def chain(first: int, last: int) -> Tensor:
        values = shares
        for layer in range(first, last):
            values = F.leaky_relu_(torch.addmm(layers[2 * layer + 1][:, None], layers[2 * layer], values), SLOPE)
        return values

    mean = chain(0, len(MEAN) + 1)
    if rng is None:
        return mean
    noise = torch.randn(*mean.shape, generator=rng, dtype=torch.float32).to(mean)
    return torch.addcmul(mean, chain(len(MEAN) + 1, len(layers) // 2), noise, out=out)


def sensors(weights: Sequence[Tensor], seen: Observation) -> tuple[SpatialResponse, SpectralResponse]:
    """PSF and SRF as they stand, detached."""
    kernel, first = psf_kernel(weights[-1].detach(), seen)
    table = srf_table(weights[-3].detach(), weights[-2].detach(), seen.hsi.shape[0])
    return place_kernel(kernel, first, seen.ratio), SpectralResponse(table)


def srf_table(centres: Float[Tensor, "channels kernels"], variances: Float[Tensor, "channels kernels"], bands: int) -> Tensor:
    """The rows of the SRF, (channels, bands); a variance counts by its size, at least 1e-4 (a hundredth of the range of bands)."""
    place = torch.linspace(0, 1, bands).to(centres)
    spread = variances.abs().clamp_min(1e-4)
    table = torch.exp(-0.5 * (place - centres[..., None]).square() / spread[..., None]).sum(1) + 1e-8
    return table / table.sum(1, keepdim=True)


def psf_kernel(root: Float[Tensor, "2 2"], seen: Observation) -> tuple[Float[Tensor, "rows cols"], tuple[int, int]]:
    """The Gaussian's taps and its first fine pixel for coarse pixel (0, 0)."""
    sides, first = psf_window(seen, seen.ratio)
    axes = [start + torch.arange(side).to(root) - centre for start, side, centre in zip(first, sides, seen.phase, strict=True)]
    offset = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    exponent = -0.5 * (offset @ root.tril()).square().sum(-1)
    kernel = torch.exp(exponent - exponent.detach().amax())
    return kernel / kernel.sum(), first


def step_loss(weights: Sequence[Tensor], blocks: Sequence[Observation], rng: torch.Generator) -> Tensor:
    """Both losses of the module docstring, means over blocks of one size and one ratio; their parameters are apart."""
    ratio = blocks[0].ratio
    target, fine_msi = torch.stack([seen.hsi for seen in blocks], dim=1), torch.stack([seen.msi for seen in blocks], dim=1)
    kernel, first = psf_kernel(weights[-1], blocks[0])
    table = srf_table(weights[-3], weights[-2], target.shape[0])
    layers = weights[ABUNDANCE_TENSORS : ABUNDANCE_TENSORS + SPECTRAL_TENSORS]
    blur = block_blur(kernel, first, ratio, (target.shape[2], target.shape[3]))
    hsi, pixels = target.flatten(1), fine_msi.flatten(1)

    def low(image: Tensor) -> Tensor:
        """(features, pixels of all blocks) through the PSF."""
        return (image.reshape(-1, blur.shape[1]) @ blur.T).reshape(image.shape[0], -1)

    coarse = low(pixels)
    network = 0.5 * F.l1_loss(spectral_layers(layers, abundance_layers(weights, coarse.detach()), rng), hsi)
    fine = pixels.new_empty(hsi.shape[0], pixels.shape[1])
    with torch.no_grad():
        for begin in range(0, pixels.shape[1], CACHED):
            part = slice(begin, begin + CACHED)
            spectral_layers(layers, abundance_layers(weights, pixels[:, part]), rng, out=fine[:, part])
    blurred = low(fine)
    return network + 0.5 * F.l1_loss(blurred, hsi) + 0.2 * F.l1_loss(table @ fine, pixels) + 0.2 * F.l1_loss(table @ blurred, coarse)


def block_blur(
    kernel: Float[Tensor, "rows cols"], first: tuple[int, int], ratio: int, coarse: tuple[int, int]
) -> Float[Tensor, "coarse_pixels fine_pixels"]:
    """Blur and decimation of one small block as a matrix, beyond its border the edge pixel repeated; linear in the kernel."""
    sizes = [size * ratio for size in coarse]
    rows, cols = (
        (start + ratio * torch.arange(size // ratio)[:, None] + torch.arange(taps)).clamp(0, size - 1)
        for size, start, taps in zip(sizes, first, kernel.shape, strict=True)
    )
    fine = (rows[:, None, :, None] * sizes[1] + cols[None, :, None, :]).flatten(2).flatten(0, 1).to(kernel.device)  # under each tap
    places = torch.arange(len(fine), device=kernel.device)[:, None].expand_as(fine)
    matrix = kernel.new_zeros(len(fine), sizes[0] * sizes[1])
    return matrix.index_put((places, fine), kernel.flatten().expand_as(fine), accumulate=True)


def random_block(seen: Observation, rng: torch.Generator) -> Observation:
    """A window of 4 x 4 coarse pixels, or as many as there are, at random."""
    rows, cols = (min(BLOCK, size) for size in seen.hsi.shape[1:])
    top, left = (
        int(torch.randint(size - side + 1, (), generator=rng)) for size, side in zip(seen.hsi.shape[1:], (rows, cols), strict=True)
    )
    r = seen.ratio
    msi = seen.msi[:, top * r : (top + rows) * r, left * r : (left + cols) * r]
    return replace(seen, hsi=seen.hsi[:, top : top + rows, left : left + cols], msi=msi)
