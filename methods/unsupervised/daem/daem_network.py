"""DAEM's network: abundances from a multispectral pixel, then the mean and the standard deviation of its spectrum.

With d a dense layer (leaky ReLU of slope 0.2; the last abundance layer has a ReLU), at every pixel y of a multispectral image

    a0 = d(y),  a_i = d[a_{i-1}, y]                       4, 8, 16, 24, 16 units; the last 16 are the "abundances" a
    mean = d(...d(a)),  std = d(d(a))                     18, 22, 26, 30, 32, bands units; 24, bands units
    z = mean + std noise                                  normal noise

The weights are one flat list: the matrix (out, in) and the bias of each layer, for the abundances, the mean and the standard deviation.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from methods.numerics.networks.first_weights import normal_weights

SLOPE = 0.2
ABUNDANCE, MEAN, STD = (4, 8, 16, 24, 16), (18, 22, 26, 30, 32), (24,)  # units per layer, the last layer to all bands left out
ABUNDANCE_TENSORS = 2 * len(ABUNDANCE)
SPECTRAL_TENSORS = 2 * (len(MEAN) + 1 + len(STD) + 1)


def draw_layers(bands: int, channels: int, rng: torch.Generator, like: Tensor) -> list[Tensor]:
    """The first weights, in the order of the module docstring.

    Abundance layers are drawn by He's rule for slope 0.2 and cut at 1, the other layers by the normal form of Glorot's rule; biases are 0.
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
    return start


def abundance_layers(weights: Sequence[Tensor], pixels: Float[Tensor, "channels pixels"]) -> Float[Tensor, "16 pixels"]:
    """The abundances a of each pixel; the first tensors of `weights` are those of the abundance layers."""
    values = pixels
    for layer in range(len(ABUNDANCE)):
        joined = pixels if layer == 0 else torch.cat([values, pixels])
        sums = torch.addmm(weights[2 * layer + 1][:, None], weights[2 * layer], joined)
        values = F.relu_(sums) if layer == len(ABUNDANCE) - 1 else F.leaky_relu_(sums, SLOPE)
    return values


def spectral_layers(
    layers: Sequence[Tensor], shares: Float[Tensor, "16 pixels"], rng: torch.Generator | None, out: Tensor | None = None
) -> Float[Tensor, "bands pixels"]:
    """The spectra z of pixels with the abundances `shares`; `layers` are the weights of the mean and of the standard deviation.

    Without a generator there is no noise, and z is the mean. `out` is the tensor that z is written to; it may be given where there is noise
    and no gradient is needed.
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
