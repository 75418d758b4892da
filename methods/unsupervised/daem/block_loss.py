"""DAEM's loss on small blocks of pairs.

With A(.) the network, c = psf(msi), and |.| the mean absolute difference, a step adds two losses that do not see each other's parameters:

    network     0.5 |A(c) - hsi|                                                       on the coarse grid alone
    sensors     0.5 |psf(Z) - hsi| + 0.2 |srf(Z) - msi| + 0.2 |srf(psf(Z)) - c|        Z = A(msi), held constant

A block is so small that its blur is one matrix, (coarse pixels, fine pixels), the same for all blocks: a product, and no convolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from datasets.observation import Observation
from methods.unsupervised.daem.daem_network import ABUNDANCE_TENSORS, SPECTRAL_TENSORS, abundance_layers, draw_layers, spectral_layers
from methods.unsupervised.daem.parametric_sensors import draw_sensors, psf_kernel, srf_table

SIDE = 4  # coarse pixels per side of a block
CACHED = 4096  # fine pixels that go through the network together in learning


def draw_daem(bands: int, channels: int, rng: torch.Generator, like: Tensor) -> list[Tensor]:
    """The first value of everything that is learned: the weights of the network, then the three parameters of the sensors."""
    return [*draw_layers(bands, channels, rng, like), *draw_sensors(channels, rng, like)]


def random_block(seen: Observation, rng: torch.Generator) -> Observation:
    """A random window of the pair of 4 x 4 coarse pixels, or of as many as there are."""
    rows, cols = (min(SIDE, size) for size in seen.hsi.shape[1:])
    top, left = (
        int(torch.randint(size - side + 1, (), generator=rng)) for size, side in zip(seen.hsi.shape[1:], (rows, cols), strict=True)
    )
    r = seen.ratio
    msi = seen.msi[:, top * r : (top + rows) * r, left * r : (left + cols) * r]
    return replace(seen, hsi=seen.hsi[:, top : top + rows, left : left + cols], msi=msi)


def step_loss(weights: Sequence[Tensor], blocks: Sequence[Observation], rng: torch.Generator) -> Tensor:
    """The sum of both losses for `weights` in the order of `draw_daem`, as means over blocks of one size and one ratio."""
    ratio = blocks[0].ratio
    target, fine_msi = torch.stack([seen.hsi for seen in blocks], dim=1), torch.stack([seen.msi for seen in blocks], dim=1)
    kernel, first = psf_kernel(weights[-1], blocks[0])
    table = srf_table(weights[-3], weights[-2], target.shape[0])
    layers = weights[ABUNDANCE_TENSORS : ABUNDANCE_TENSORS + SPECTRAL_TENSORS]
    blur = block_blur(kernel, first, ratio, (target.shape[2], target.shape[3]))
    hsi, pixels = target.flatten(1), fine_msi.flatten(1)

    def low(image: Tensor) -> Tensor:
        """An image (features, fine pixels of all blocks) through the PSF."""
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
    """The matrix that blurs and decimates one block of `coarse` pixels. Beyond the block's border the edge pixel is repeated.

    The matrix is linear in `kernel`, so gradients flow to it.
    """
    sizes = [size * ratio for size in coarse]
    rows, cols = (
        (start + ratio * torch.arange(size // ratio)[:, None] + torch.arange(taps)).clamp(0, size - 1)
        for size, start, taps in zip(sizes, first, kernel.shape, strict=True)
    )
    fine = (rows[:, None, :, None] * sizes[1] + cols[None, :, None, :]).flatten(2).flatten(0, 1).to(kernel.device)  # under each tap
    places = torch.arange(len(fine), device=kernel.device)[:, None].expand_as(fine)
    matrix = kernel.new_zeros(len(fine), sizes[0] * sizes[1])
    return matrix.index_put((places, fine), kernel.flatten().expand_as(fine), accumulate=True)
