"""SpectraLift: a spectral network that learns on the coarse pixels of one scene. Shah, Duarte, arXiv 2507.13339, 2025.

The srf R maps the HSI to coarse multispectral pixels, whose full spectra are known. A per-pixel network f learns the inverse of this map,

    f = argmin mean |f(R hsi) - hsi|           over all coarse pixels and bands,

and is then applied to every pixel of the MSI. Neither the psf nor the ratio is used. f has six dense layers d of 64 units with leaky ReLU
(slope 0.3) and three shortcuts:

    h1 = d1(x)      h2 = d2(h1) + h1      h4 = d4(d3(h2)) + h2      h6 = d6(d5(h4)) + h4      f(x) = W7 h6 + b7

The first weights follow Glorot's rule. Adam computes each step from all coarse pixels; its learning rate rises and falls once. The network
sees one pixel at a time, so it cannot distinguish two materials that have the same multispectral value.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
from methods.numerics.networks.fitting import descent, one_cycle
from methods.numerics.networks.scene_learning import CHUNK, only_scene
from methods.unsupervised.spectralift.dense_gradient import DenseLayers, absolute_error_gradient

WIDTH, HIDDEN, SLOPE = 64, 6, 0.3
SHORTCUTS = {2: 1, 4: 2, 6: 4}  # to the output of layer 2, that of layer 1 is added, and so on
CACHED = 1024  # fine pixels per forward pass on a CPU, where the arrays of so many stay in the second-level cache

CARD = Card(
    name="SpectraLift",
    paper="Shah, Duarte, SpectraLift: Physics-Guided Spectral-Inversion Network for Self-Supervised Hyperspectral Image Super-Resolution, "
    "arXiv 2507.13339, 2025",
    doi="10.48550/arXiv.2507.13339",
    year=2025,
    needs_srf=True,
    supervision="self",
    learns="on the scene",
    random=True,
    implementation="optimised, same output",  # gradients by hand, over pixels that stay in the cache: dense_gradient.py
    fidelity="network, loss, schedule, budget and batch (all coarse pixels in each step, the default of the authors' scripts) rebuilt; "
    "23,071 parameters at 31 bands and 3 channels, as the authors' TensorFlow code. "
    "The random start differs, so only scores can be compared: CAVE balloons at ratio 32, one seed each: "
    "47.5 dB PSNR here (near-lossless copy), 47.3 from the authors' code",
)


@dataclass(frozen=True)
class Method(IteratedMethod["FittedSpectraLift"]):
    """SpectraLift with its published training."""

    card: ClassVar[Card] = CARD
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"epochs": 20})

    epochs: int = 2500  # steps, each from all coarse pixels
    first_rate: float = 1e-3  # learning rate at the start
    peak_rate: float = 1e-2  # learning rate after 30 % of the epochs
    last_rate: float = 1e-6  # learning rate at the end
    clip: bool = True  # clip the estimate to 0..1, as published; False keeps values above 1, such as glint

    def __post_init__(self) -> None:
        if self.epochs < 1:
            raise ValueError(f"epochs: expected at least 1, got {self.epochs}")

    def iterates(self, examples: Sequence[Example], rng: torch.Generator, count: int) -> Iterator[FittedSpectraLift]:
        """The network, learned on the one observation in `examples`.

        Raises:
            ValueError: there is not exactly one example.
        """
        seen = only_scene(examples, "SpectraLift", least_ratio=1)
        target = seen.hsi.flatten(1).T.contiguous()
        pixels = seen.srf(seen.hsi).flatten(1).T.contiguous()
        rates = one_cycle(self.epochs, self.first_rate, self.peak_rate, self.last_rate)
        layers = DenseLayers(pixels.shape[1], HIDDEN, WIDTH, target.shape[1], SLOPE, SHORTCUTS)
        start = glorot_weights(layers.sizes, rng, like=pixels)
        for weights in descent(absolute_error_gradient(layers, pixels, target), start, rates, count):
            yield FittedSpectraLift(weights, self.clip)


@dataclass(frozen=True, eq=False)
class FittedSpectraLift(FusionMethod):
    """The network of one scene."""

    card: ClassVar[Card] = CARD

    weights: tuple[Tensor, ...]  # (out, in) matrix and bias of each layer, in turn
    clip: bool

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The output of the network at every pixel of the MSI."""
        pixels = seen.msi.flatten(1)
        cube = pixels.new_empty(seen.hsi.shape[0], pixels.shape[1])
        step = CACHED if pixels.device.type == "cpu" else CHUNK
        for begin in range(0, pixels.shape[1], step):
            cube[:, begin : begin + step] = inversion_network(self.weights, pixels[:, begin : begin + step].T).T
        if self.clip:
            cube.clamp_(0, 1)
        return Estimate(cube.reshape(-1, *seen.msi.shape[1:]))

    def parameter_count(self) -> ParameterCount:
        """The count of all weights and biases; inference uses all of them."""
        total = sum(tensor.numel() for tensor in self.weights)
        return ParameterCount(total, total)


def inversion_network(weights: Sequence[Tensor], pixels: Float[Tensor, "pixels channels"]) -> Float[Tensor, "pixels bands"]:
    """The output f of the network; `weights` holds the matrix (out, in) and the bias of each of the seven layers in turn."""
    layers = iter(zip(weights[::2], weights[1::2], strict=True))

    def dense(values: Tensor) -> Tensor:
        return F.leaky_relu(F.linear(values, *next(layers)), SLOPE)

    h1 = dense(pixels)
    h2 = dense(h1) + h1
    h4 = dense(dense(h2)) + h2
    h6 = dense(dense(h4)) + h4
    return F.linear(h6, *next(layers))
