"""First weights from a closed form: a new network that begins as a linear fusion of the two images, instead of at random.

With S the weighted second moment of the HSI's pixels, R the estimated SRF, E the leading eigenvectors of S, and up the interpolation of the
network:

    C = S R' (R S R' + ridge I)^-1                        per pixel, the best linear guess of the spectrum from the channels (a ridge)
    cube = E E' (up(hsi) + C (msi - R up(hsi)))           the interpolated HSI, corrected where its channels disagree with the MSI

A pixel's weight in S is 1 / brightness, its root mean square over the bands. The losses are absolute differences, and errors grow with the
brightness, so this is nearer to what they ask for than equal weights, by which the brightest pixels decide.

The network can compute this without a change: every block is x plus a branch, so with the last matrix of each branch at 0 the encoders
hand on what their first convolution makes: some channels carry the MSI and the coefficients E' up(hsi), and all others begin at random.
The first matrix of a decoder adds both, and the head gives E times the coefficients: leaky ReLU has f(z) - f(-z) = 1.01 z, so pairs of
units of opposite sign are linear. So the number of eigenvectors is a quarter of the width. The other three decoders likewise begin with the
MSI, the HSI, and the low-resolution MSI R up(hsi).

The subspace loss asks for shared maps that are alike and for others that are different. Two spare channels carry a constant for this:
(1, 0) in both shared maps, (-1/2, sqrt(3)/2) and (-1/2, -sqrt(3)/2) in the complementary ones, times `OFFSET` lengths of a map.

Everything comes from observations: the HSIs, and the SRF that the first stage of the training has estimated. No truth is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import torch
from jaxtyping import Float
from torch import Tensor, nn

from methods.unsupervised.mossfuse.aggregation import Aggregation
from methods.unsupervised.mossfuse.blocks import Head, LargeKernelBlock, TransformerBlock
from methods.unsupervised.mossfuse.mossfuse_network import FeatureMaps, MossFuseNetwork

LEAST_BRIGHTNESS = 0.01  # of a pixel, when its weight is computed
RIDGE = 1e-6  # of the mean second moment of a channel
OFFSET = 6.0  # length of the constant, in root mean squares of a feature map: the subspace loss begins at about 0.52
SLOPE = 0.01  # of the head's leaky ReLU
RANDOM = 0.3  # factor on the random weights of the first convolutions


def start_linearly(network: MossFuseNetwork, pairs: Sequence[tuple[Float[Tensor, "channels H W"], Float[Tensor, "bands h w"]]]) -> None:
    """Sets weights of a new network in place, so that it computes the linear fusion of the module docstring; the sensors stay as they are.

    Args:
        network: with random weights and with sensors that have been estimated.
        pairs: observed pairs (MSI, HSI), which give the second moment of the HSIs and the length of the features.

    Raises:
        ValueError: the network's width is too small for the channels, or there is no pair.
    """
    rank = min(network.width // 4, network.bands)
    if not pairs or network.channels > network.width // 4:
        raise ValueError(
            f"closed-form start: expected pairs, and at most {network.width // 4} channels at width {network.width}, got {len(pairs)} "
            f"pairs and {network.channels} channels; start at random"
        )
    with torch.no_grad():
        srf = network.blind.srf().double()
        spectra = torch.cat([hsi.flatten(1) for _, hsi in pairs], dim=1).to(srf)
        brightness = spectra.square().mean(0).sqrt().clamp_min(LEAST_BRIGHTNESS)
        moment = (spectra / brightness) @ spectra.T / spectra.shape[1]
        guess = spectrum_from_channels(moment, srf)
        basis = torch.linalg.eigh(moment)[1].flip(1)[:, :rank]
        _silence_branches(network)
        one = torch.eye(network.channels).to(srf)
        scale_msi, scale_hsi = sqrt(network.channels), sqrt(network.bands)
        _carry(network.msi_encoder.embed, one / scale_msi)
        _carry(network.hsi_encoder.embed, basis.T / scale_hsi)
        _merge(network.fused_decoder.merge, basis.T @ guess * scale_msi, (basis.T @ basis - basis.T @ guess @ srf @ basis) * scale_hsi)
        _merge(network.shared_decoder.merge, 0 * one, srf @ basis * scale_hsi)
        _show(network.fused_decoder.head, basis)
        _show(network.msi_decoder.head, one * scale_msi)
        _show(network.hsi_decoder.head, basis * scale_hsi)
        _show(network.shared_decoder.head, one)
        _part(network, pairs)


def spectrum_from_channels(moment: Float[Tensor, "bands bands"], srf: Float[Tensor, "channels bands"]) -> Float[Tensor, "bands channels"]:
    """The matrix C of the module docstring: the ridge regression of spectra on their channels."""
    inner = srf @ moment @ srf.T
    ridge = RIDGE * inner.diagonal().mean() * torch.eye(len(inner), dtype=inner.dtype, device=inner.device)
    solved: Tensor = torch.linalg.solve(inner + ridge, srf @ moment)
    return solved.T


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


def _part(network: MossFuseNetwork, pairs: Sequence[tuple[Tensor, Tensor]]) -> None:
    """Adds the constants that bring the subspace loss near its least value."""
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
