"""First weights from a closed form: a new network that begins as a regression of spectral detail, instead of at random.

detail_regression.py has the formula and its fit: a linear part, two stages of products of the spectrum and of the colour that the
interpolated HSI lacks, and a last correction of the colour. The network can compute this without a change:

    encoders        every block is x plus a branch. With the last matrix of each branch at 0, they hand on what their first convolution
                    makes: some channels carry the MSI and the coordinates E' up(hsi), all others begin at random
    merge           makes y0, z, d, and two constants of opposite sign for the layer norms; the other channels are 0
    feed forward    of both aggregations: gelu(a) b - gelu(-a) b = a b, so two gated units give one product. A channel that is 0 everywhere
                    says what mean the layer norm has subtracted
    head            its units are made positive by adding the first coordinate, so that the leaky ReLU does not change them. So E has as
                    many vectors as the head has units

The other three decoders likewise begin with the MSI, the HSI, and the low-resolution MSI R up(hsi).

The subspace loss asks for shared maps that are alike and for others that are different. Two spare channels carry a constant for this:
(1, 0) in both shared maps, (-1/2, sqrt(3)/2) and (-1/2, -sqrt(3)/2) in the complementary ones, times `OFFSET` lengths of a map. The former
is also the constant of the merge.

Everything comes from observations: the HSIs, and the SRF that the first stage of the training has estimated. No truth is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor, nn

from methods.unsupervised.mossfuse.aggregation import Aggregation
from methods.unsupervised.mossfuse.blocks import FeedForward, Head, LargeKernelBlock, TransformerBlock
from methods.unsupervised.mossfuse.detail_regression import CONSTANT, Fit, fit_details
from methods.unsupervised.mossfuse.mossfuse_network import FeatureMaps, MossFuseNetwork

OFFSET = 6.0  # length of the constant, in root mean squares of a feature map: the subspace loss begins at about 0.52
SLOPE = 0.01  # of the head's leaky ReLU
RANDOM = 0.3  # factor on the random weights of the first convolutions


def start_in_closed_form(
    network: MossFuseNetwork, pairs: Sequence[tuple[Float[Tensor, "channels H W"], Float[Tensor, "bands h w"]]]
) -> None:
    """Sets weights of a new network in place, so that it computes the fusion of the module docstring; the sensors stay as they are.

    Args:
        network: with random weights and with sensors that have been estimated.
        pairs: observed pairs (MSI, HSI), from which the regression is fitted and the length of the features is taken.

    Raises:
        ValueError: the network's width is too small for the channels, there is no pair, or an HSI is smaller than 3 x 3 pixels.
    """
    with torch.no_grad():
        fit = fit_details([hsi for _, hsi in pairs], network.blind.srf(), network.width)
        _silence_branches(network)
        one, basis = torch.eye(network.channels).to(fit.srf), fit.basis
        scale_msi, scale_hsi = sqrt(network.channels), sqrt(network.bands)
        _carry(network.msi_encoder.embed, one / scale_msi)
        _carry(network.hsi_encoder.embed, basis.T / scale_hsi)
        _merge(network.shared_decoder.merge, 0 * one, fit.srf @ basis * scale_hsi)
        _show(network.msi_decoder.head, one * scale_msi)
        _show_positive(network.hsi_decoder.head, scale_hsi * torch.eye(basis.shape[1]).to(basis), fit)
        _show(network.shared_decoder.head, one)
        _regress(network, fit, _part(network, pairs))


def _regress(network: MossFuseNetwork, fit: Fit, length: float) -> None:
    """The fused decoder computes the regression; `length` is the constant in the MSI's shared map."""
    decoder, width, (rank, channels) = network.fused_decoder, network.width, fit.colour.shape
    one, seen = torch.eye(rank).to(fit.basis), fit.srf @ fit.basis
    colour = torch.eye(channels).to(seen)
    weight = torch.zeros(width, 2 * width).to(seen)
    y, z, d = slice(rank), slice(rank, rank + channels), slice(rank + channels, rank + 2 * channels)
    scale_msi, scale_hsi = sqrt(network.channels), sqrt(network.bands)
    for place, of_msi, of_smooth in ((y, fit.linear, one - fit.linear @ seen), (z, colour, 0 * seen), (d, colour, -seen)):
        weight[place, :channels] = of_msi * scale_msi
        weight[place, width : width + rank] = of_smooth * scale_hsi
    weight[[-3, -2], width - 2] = torch.tensor([CONSTANT / length, -CONSTANT / length]).to(weight)  # the last channel stays 0
    decoder.merge.weight.copy_(weight[:, :, None, None])
    for block, matrix in zip((decoder.spatial, decoder.spectral), fit.products, strict=True):
        _multiply(block.feed_forward, matrix, fit.partners, d)
    reading = torch.zeros(rank, width).to(seen)
    reading[:, y], reading[:, z] = one - fit.colour @ seen, fit.colour
    _show_positive(decoder.head, reading, fit)


def _multiply(layer: FeedForward, matrix: Float[Tensor, "rank products"], partners: int, d: slice) -> None:
    """The feed forward adds `matrix` times the products of the first `partners` channels with the channels `d` to the first channels.

    Units that are left begin at random, and add nothing.
    """
    pairs = [(first, second) for first in range(partners) for second in range(d.start, d.stop)]
    units = layer.project.weight.shape[1]
    layer.project.weight.zero_()
    for number, (first, second) in enumerate(pairs):
        for unit, sign in ((2 * number, 1.0), (2 * number + 1, -1.0)):
            for row, channel in ((unit, first), (units + unit, second)):
                layer.expand.weight[row] = 0
                layer.expand.weight[row, channel], layer.expand.weight[row, -1] = sign, -sign
                layer.depthwise.weight[row] = 0
                layer.depthwise.weight[row, :, 1, 1] = 1
            layer.project.weight[: len(matrix), unit, 0, 0] = matrix[:, number].to(layer.project.weight)


def _silence_branches(network: MossFuseNetwork) -> None:
    """The last matrix of each transformer's and aggregation's branch becomes 0; a large-kernel block has a factor of 1e-6 already."""
    for block in network.modules():
        if isinstance(block, TransformerBlock | Aggregation):
            block.attention.project.weight.zero_()
            block.feed_forward.project.weight.zero_()


def _carry(embed: nn.Conv2d, matrix: Float[Tensor, "count inputs"]) -> None:
    """The first features are `matrix` times the pixel, the last two are 0, and the others are random."""
    embed.weight.mul_(RANDOM)
    embed.weight[: len(matrix)] = 0
    embed.weight[: len(matrix), :, 1, 1] = matrix.to(embed.weight)
    embed.weight[-2:] = 0


def _merge(merge: nn.Conv2d, of_msi: Float[Tensor, "count from_msi"], of_hsi: Float[Tensor, "count from_hsi"]) -> None:
    """The first features are these sums of the features of both images, and the others are random sums without the constants."""
    width = merge.weight.shape[0]
    merge.weight[: len(of_msi)] = 0
    merge.weight[: len(of_msi), : of_msi.shape[1], 0, 0] = of_msi.to(merge.weight)
    merge.weight[: len(of_msi), width : width + of_hsi.shape[1], 0, 0] = of_hsi.to(merge.weight)
    merge.weight[:, width - 2 : width] = 0
    merge.weight[:, -2:] = 0


def _show(head: Head, matrix: Float[Tensor, "outputs count"]) -> None:
    """The head gives `matrix` times the first features, by pairs of units of opposite sign. Units that are left begin at random."""
    count = matrix.shape[1]
    one = torch.eye(count).to(head.first.weight)
    head.first.weight[: 2 * count] = 0
    head.first.weight[: 2 * count, :count, 1, 1] = torch.cat([one, -one])
    head.second.weight.zero_()
    head.second.weight[:, : 2 * count, 1, 1] = (torch.cat([matrix, -matrix], dim=1) / (1 + SLOPE)).to(head.second.weight)


def _show_positive(head: Head, reading: Float[Tensor, "rank inputs"], fit: Fit) -> None:
    """The head gives E times `reading` times the features. Unit k is coordinate k plus `fit.reach` times the first one: it is positive."""
    rank = len(reading)
    mixed = torch.eye(rank).to(reading)
    mixed[:, 0] += fit.reach
    spectra = fit.basis.clone()
    spectra[:, 0] -= fit.basis @ fit.reach
    head.first.weight[:rank] = 0
    head.first.weight[:rank, : reading.shape[1], 1, 1] = (mixed @ reading).to(head.first.weight)
    head.second.weight.zero_()
    head.second.weight[:, :rank, 1, 1] = spectra.to(head.second.weight)


def _part(network: MossFuseNetwork, pairs: Sequence[tuple[Tensor, Tensor]]) -> float:
    """Adds the constants that bring the subspace loss near its least value. Returns their length."""
    like = network.blind.srf_weights
    lengths = []
    for msi, hsi in pairs[:8]:
        features = network.eval().encode(msi[None].to(like), hsi[None].to(like))
        lengths += [image.square().sum(1).mean().sqrt() for image in _maps(features)]
    network.train()
    length = OFFSET * float(torch.stack(lengths).mean())
    shared, first, second = (1.0, 0.0), (-0.5, sqrt(0.75)), (-0.5, -sqrt(0.75))
    _end_with_constant(network.msi_encoder.shared[-2], shared, length)
    _end_with_constant(network.hsi_encoder.shared[-1], shared, length)
    _end_with_constant(network.msi_encoder.complementary[-1], first, length)
    _attend_to_constant(network.hsi_encoder.complementary, second, length)
    return length


def _maps(features: FeatureMaps) -> tuple[Tensor, ...]:
    return features.msi_shared, features.msi_complementary, features.hsi_shared, features.hsi_complementary


def _end_with_constant(block: nn.Module, direction: tuple[float, float], length: float) -> None:
    """The large-kernel block adds a constant to the last two features, by the bias of its last norm, and nothing else to them."""
    assert isinstance(block, LargeKernelBlock)
    block.norm.weight[-2:] = 0
    block.norm.bias[-2:] = length * torch.tensor(direction).to(block.norm.bias)
    block.gamma[-2:] = 1


def _attend_to_constant(block: TransformerBlock, direction: tuple[float, float], length: float) -> None:
    """The attention adds a constant: one feature of the norm becomes 1 everywhere, and all values of the last head are this feature."""
    attention, width = block.attention, block.attention.project.weight.shape[0]
    constant, head = width - 3, slice(3 * width - max(width // 8, 2), 3 * width)
    block.norm1.weight[constant], block.norm1.bias[constant] = 0, 1
    attention.qkv.weight[head] = 0
    attention.qkv.weight[head, constant] = 1
    attention.depthwise.weight[head] = 0
    attention.depthwise.weight[head, :, 1, 1] = 1
    attention.project.weight[-2:, -1, 0, 0] = length * torch.tensor(direction).to(attention.project.weight)
