"""Two per-pixel spectral networks from a coarse multispectral image to the HSI: the second stage of M2U-Net and EDIP-Net.

The coarse MSI can be had in two ways, as srf(hsi) and as psf(msi). For each of them a network, here called a stream, learns to give the
HSI:

    minimise  |f1(srf(hsi)) - hsi| + |f2(psf(msi)) - hsi|        means of absolute differences

A stream has n = floor(log2(bands / channels)) blocks, each of which doubles the channels, and then one layer to all bands. With a the leaky
ReLU of slope 0.2, W a dense layer, and s1, s2, s3 the three thirds of x, a block is

    x = a(W v)    (60 units)      m1 = a(W s1)      m2 = a(W (s2 + m1))      m3 = a(W (s3 + m2))      v <- a(W (x + [m1, m2, m3]))

Both streams have the same sizes, so each layer is one batched product over (stream, features, pixels).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from math import floor, log2

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.numerics.networks.first_weights import normal_weights
from methods.numerics.networks.fitting import iterates
from methods.numerics.networks.scene_learning import CHUNK, DivergedError, edge_repeating, must_be_finite

SLOPE, WIDTH, THIRDS = 0.2, 60, 3
WORSE = 10.0  # a last loss above this multiple of the first one is an error


def stream_sizes(bands: int, channels: int) -> list[tuple[int, int]]:
    """(inputs, outputs) of every dense layer of one stream, in the order of the formulas."""
    blocks = max(0, floor(log2(bands / channels)))
    sizes = []
    for block in range(blocks):
        incoming = channels * 2**block
        sizes += [(incoming, WIDTH), *[(WIDTH // THIRDS, WIDTH // THIRDS)] * THIRDS, (WIDTH, 2 * incoming)]
    return [*sizes, (channels * 2**blocks, bands)]


def first_streams(bands: int, channels: int, rng: torch.Generator, like: Tensor) -> list[Tensor]:
    """The first weights of both streams; the first stream is that of srf(hsi).

    For each layer a matrix (2, out, in), normal with variance 2 / in, and a bias (2, out, 1) of zeros.
    """
    start = []
    for incoming, outgoing in stream_sizes(bands, channels):
        start += [normal_weights((2, outgoing, incoming), (2 / incoming) ** 0.5, rng, like), like.new_zeros(2, outgoing, 1)]
    return start


def two_streams(weights: Sequence[Tensor], images: Float[Tensor, "streams channels pixels"]) -> Float[Tensor, "streams bands pixels"]:
    """The output of each stream for its own image."""
    layers = list(zip(weights[::2], weights[1::2], strict=True))

    def dense(layer: int, values: Tensor) -> Tensor:
        matrices, biases = layers[layer]
        return F.leaky_relu_(torch.baddbmm(biases, matrices, values), SLOPE)

    values = images
    for first in range(0, len(layers) - 1, 5):
        x = dense(first, values)
        s1, s2, s3 = x.chunk(THIRDS, dim=1)
        m1 = dense(first + 1, s1)
        m2 = dense(first + 2, s2 + m1)
        m3 = dense(first + 3, s3 + m2)
        values = dense(first + 4, x + torch.cat([m1, m2, m3], dim=1))
    return dense(len(layers) - 1, values)


def stream_loss(seen: Observation, psf: SpatialResponse, srf: SpectralResponse) -> Callable[[Sequence[Tensor]], Tensor]:
    """The loss of the module docstring as a function of the weights."""
    coarse = torch.stack([srf(seen.hsi), edge_repeating(psf)(seen.msi)]).flatten(2)
    target = seen.hsi.flatten(1)
    return lambda weights: 2 * F.l1_loss(two_streams(weights, coarse), target.expand(2, -1, -1))


def learn_streams(
    seen: Observation, psf: SpatialResponse, srf: SpectralResponse, rates: Sequence[float], rng: torch.Generator, name: str
) -> tuple[Tensor, ...]:
    """The weights of both streams, learned on the coarse pixels with Adam. `name` is the method's, for an error.

    Raises:
        DivergedError: the weights are not finite, or the last loss is far above the first one.
    """
    return next(stream_iterates(seen, psf, srf, rates, 1, rng, name))


def stream_iterates(
    seen: Observation, psf: SpatialResponse, srf: SpectralResponse, rates: Sequence[float], count: int, rng: torch.Generator, name: str
) -> Iterator[tuple[Tensor, ...]]:
    """The weights of `learn_streams` after each of `count` equal shares of the steps; each is valid until the next one is asked for.

    Raises:
        DivergedError: the weights are not finite, or the last loss is far above the first one.
    """
    loss = stream_loss(seen, psf, srf)
    start = first_streams(seen.hsi.shape[0], seen.msi.shape[0], rng, seen.hsi)
    way_out = "lower its `stream_rate`, or try another seed"
    with torch.no_grad():
        first = float(loss(start))
    for number, weights in enumerate(iterates(loss, start, rates, count, epsilon=1e-8), start=1):
        must_be_finite(weights, f"{name}, stage 2,", way_out)
        with torch.no_grad():
            last = float(loss(weights))
        if number == min(count, len(rates)) and not last <= WORSE * first + 1e-3:
            raise DivergedError(f"{name}, stage 2, diverged: expected a loss below the first one ({first:.4g}), got {last:.4g}; {way_out}")
        yield weights


def stream_cubes(weights: Sequence[Tensor], msi: Float[Tensor, "channels H W"]) -> Float[Tensor, "streams bands H W"]:
    """The cubes that both streams give for the MSI; CHUNK pixels at a time."""
    pixels = msi.flatten(1)
    with torch.no_grad():
        parts = [two_streams(weights, pixels[:, begin : begin + CHUNK].expand(2, -1, -1)) for begin in range(0, pixels.shape[1], CHUNK)]
    return torch.cat(parts, dim=2).reshape(2, -1, *msi.shape[1:])
