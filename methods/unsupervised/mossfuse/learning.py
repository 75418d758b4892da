"""The network's outputs for one learning step: those of `MossFuseNetwork.forward` with the same gradients, by the functions of backward.py.

    norm then 1x1        one matrix on n + 1 (merging.py); it is computed from the weights in each step, so that autograd reaches them
    attention            with A = softmax(cosines), W the projection and v the values, x + W (A v) = x + (W A) v: a product of two small
                         matrices replaces a product over the image
    aggregation          the projection is merged into both terms, W (A v + s side) = (W A) v + (W diag s) side; for G (A v), gates use
                         (G A) v
    large kernel         squeeze and excitation scales the columns of W1, and gamma is merged into the last norm
    query gate           that of spectral aggregation is left out, since it cancels

Parts that ablation.py has replaced are called as they are. Between the functions, maps are (batch, H, W, C).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from methods.unsupervised.mossfuse.aggregation import Aggregation, SpatialAggregation, SpatialGate, SpectralAggregation
from methods.unsupervised.mossfuse.backward import AttentionProducts, DepthwiseConvolution, GatedFeedForward, WideFeatures
from methods.unsupervised.mossfuse.blocks import (
    COSINE_EPS,
    ChannelAttention,
    ChannelNorm,
    DilatedDepthwise,
    FeedForward,
    LargeKernelBlock,
    TransformerBlock,
    block_diagonal,
    channels_first,
    channels_last,
    head_blocks,
)
from methods.unsupervised.mossfuse.fine_grid import arranged
from methods.unsupervised.mossfuse.merging import moved_bias
from methods.unsupervised.mossfuse.mossfuse_network import FeatureMaps, HsiEncoder, MossFuseNetwork, MsiEncoder, Outputs


def outputs_for_learning(
    network: MossFuseNetwork, msi: Float[Tensor, "batch channels H W"], hsi: Float[Tensor, "batch bands h w"]
) -> Outputs:
    """All outputs that the losses need. Under autocast they come from the plain forward pass, since backward.py has one precision."""
    if torch.is_autocast_enabled(msi.device.type):
        plain: Outputs = network(msi, hsi)
        return plain
    msi_maps = _encoded(network.msi_encoder, arranged(msi))
    hsi_maps = _encoded(network.hsi_encoder, arranged(network.upsample(hsi)))
    fused, single_msi, single_hsi, both = network.fused_decoder, network.msi_decoder, network.hsi_decoder, network.shared_decoder
    x = _aggregated(fused.spatial, _merged(fused.merge, msi_maps[0], hsi_maps[0]), msi_maps[1])
    x = _aggregated(fused.spectral, x, hsi_maps[1])
    ends = (
        (fused, x),
        (single_msi, _aggregated(single_msi.aggregation, *msi_maps)),
        (single_hsi, _aggregated(single_hsi.aggregation, *hsi_maps)),
        (both, _merged(both.merge, msi_maps[0], hsi_maps[0])),
    )
    cube, again_msi, again_hsi, low = (decoder.head(channels_first(_through(decoder.blocks, y))) for decoder, y in ends)
    features = FeatureMaps(*(channels_first(y) for y in (*msi_maps, *hsi_maps)))
    return network.completed(msi, hsi, features, (cube, again_msi, again_hsi, low))


def _encoded(
    encoder: nn.Module, image: Float[Tensor, "batch channels H W"]
) -> tuple[Float[Tensor, "batch H W C"], Float[Tensor, "batch H W C"]]:
    """The shared and the complementary features of an image."""
    if not isinstance(encoder, MsiEncoder | HsiEncoder):
        shared, complementary = encoder(image)
        return channels_last(shared), channels_last(complementary)
    x = _through(encoder.blocks, channels_last(encoder.embed(image)).contiguous())
    return _through(encoder.shared, x), _through(encoder.complementary, x)


def _through(block: nn.Module, x: Float[Tensor, "batch H W C"]) -> Float[Tensor, "batch H W C"]:
    """The output of a block, or of a sequence of blocks."""
    if isinstance(block, nn.Sequential):
        for each in block:
            x = _through(each, x)
        return x
    if isinstance(block, TransformerBlock):
        mix, values = _attended(x, block.norm1, block.attention)
        return _fed(_added(x, values, _matrix(block.attention.project) @ mix), block.norm2, block.feed_forward)
    if isinstance(block, LargeKernelBlock):
        return _through_large_kernel(block, x)
    return channels_last(block(channels_first(x)))


def _attended(
    x: Float[Tensor, "batch H W C"], norm: ChannelNorm, attention: ChannelAttention, gate: Float[Tensor, "batch H W 1"] | None = None
) -> tuple[Float[Tensor, "batch C C"], Float[Tensor, "batch H W C"]]:
    """The matrix A of the attention, and the values that it mixes; `gate` multiplies the queries."""
    alike, lengths, values = AttentionProducts.apply(
        x.contiguous(), _matrix_after_norm(norm, attention.qkv), attention.depthwise.weight, gate
    )  # type: ignore[no-untyped-call]
    query, key = lengths.clamp_min(COSINE_EPS).chunk(2, dim=1)
    cosines = head_blocks(alike / query[:, :, None] / key[:, None, :])
    return block_diagonal(torch.softmax(cosines * attention.temperature, dim=3)), values


def _fed(x: Float[Tensor, "batch H W C"], norm: ChannelNorm, feed: FeedForward) -> Float[Tensor, "batch H W C"]:
    """x plus its feed-forward."""
    a, b = _matrix_after_norm(norm, feed.expand).chunk(2)
    kernel_a, kernel_b = feed.depthwise.weight.chunk(2)
    return _apply(GatedFeedForward, x.contiguous(), a, b, kernel_a, kernel_b, _matrix(feed.project))


def _aggregated(block: nn.Module, x: Float[Tensor, "batch H W C"], y: Float[Tensor, "batch H W C"]) -> Float[Tensor, "batch H W C"]:
    """The output of an aggregation, or of the module that replaces it."""
    if not isinstance(block, Aggregation):
        return channels_last(block(channels_first(x), channels_first(y)))
    project = _matrix(block.attention.project)
    if isinstance(block, SpatialAggregation):
        mix, values = _attended(x, block.norm1, block.attention, _pixel_gate(block.spatial_gate, y))
        scale = block.spectral_gate.of_mean((mix @ values.mean((1, 2))[:, :, None])[:, :, 0])
        side = channels_last(_apply(DepthwiseConvolution, channels_first(y), block.side.weight, 1))
        aside = project * scale[:, None, :]
    else:
        assert isinstance(block, SpectralAggregation)
        mix, values = _attended(x, block.norm1, block.attention)
        side = y * _pixel_gate(block.spatial_gate, values, mix)
        aside = (project @ _matrix(block.side)).expand(x.shape[0], -1, -1)
    return _fed(_added(_added(x, values, project @ mix), side, aside), block.norm2, block.feed_forward)


def _pixel_gate(
    gate: SpatialGate, u: Float[Tensor, "batch H W C"], before: Float[Tensor, "batch C C"] | None = None
) -> Float[Tensor, "batch H W 1"]:
    """The spatial gate, one number in 0..1 per pixel; u is first multiplied by the matrix `before`, if there is one."""
    first, second, third = (_matrix(part) for part in (gate.first, gate.second, gate.third))
    start = F.linear(u, first) if before is None else (u.flatten(1, 2) @ (first @ before).transpose(1, 2)).reshape(*u.shape[:3], -1)
    return torch.sigmoid(F.linear(F.relu(F.linear(F.relu(start), second)), third))


def _through_large_kernel(block: LargeKernelBlock, x: Float[Tensor, "batch H W C"]) -> Float[Tensor, "batch H W C"]:
    """x + gamma BN(W2 grn(gelu(W1 (s y)))), where y is the dilated depthwise sum of x, or x itself."""
    y = x
    if isinstance(block.neighbourhood, DilatedDepthwise):
        branches, image = block.neighbourhood, channels_first(x)
        normed = [
            norm(_apply(DepthwiseConvolution, image, convolution.get_parameter("weight"), dilation))
            for convolution, norm, (_, dilation) in zip(branches.convolutions, branches.norms, branches.KERNELS, strict=True)
        ]
        y = channels_last(branches.norm(sum(normed[1:], normed[0])))
    widen = block.widen.weight * block.squeeze.of_mean(y.mean((1, 2)))[:, None, :]
    narrow = block.narrow.weight
    z = _apply(WideFeatures, y.contiguous(), widen, block.widen.bias, narrow, block.response.gamma, narrow @ block.response.beta)
    return x + channels_last(_scaled_norm(block.norm, channels_first(z), block.gamma))


def _scaled_norm(norm: nn.BatchNorm2d, z: Float[Tensor, "batch C H W"], gamma: Float[Tensor, " C"]) -> Float[Tensor, "batch C H W"]:
    """gamma BN(z); the running statistics are updated as the module itself does."""
    if norm.training and norm.num_batches_tracked is not None:
        norm.num_batches_tracked.add_(1)
    assert norm.momentum is not None
    mean, variance = norm.running_mean, norm.running_var
    return F.batch_norm(z, mean, variance, norm.weight * gamma, norm.bias * gamma, norm.training, norm.momentum, norm.eps)


def _merged(merge: nn.Conv2d, a: Float[Tensor, "batch H W C"], b: Float[Tensor, "batch H W C"]) -> Float[Tensor, "batch H W C"]:
    """A 1x1 on [a, b], without storing [a, b]."""
    matrix_a, matrix_b = _matrix(merge).chunk(2, dim=1)
    width = a.shape[3]
    return torch.addmm(F.linear(a, matrix_a).reshape(-1, width), b.reshape(-1, width), matrix_b.T).view_as(a)


def _added(
    x: Float[Tensor, "batch H W C"], u: Float[Tensor, "batch H W C"], matrix: Float[Tensor, "batch C C"]
) -> Float[Tensor, "batch H W C"]:
    """x + matrix u at each pixel."""
    return torch.baddbmm(x.flatten(1, 2), u.flatten(1, 2), matrix.transpose(1, 2)).view_as(x)


def _matrix_after_norm(norm: ChannelNorm, mix: nn.Conv2d) -> Float[Tensor, "out C"]:
    """The matrix on n + 1 that merges the norm's weight and bias with the 1x1 after it."""
    weight = _matrix(mix)
    return moved_bias(weight * norm.weight, weight @ norm.bias)


def _matrix(mix: nn.Conv2d) -> Float[Tensor, "out into"]:
    """The matrix of a 1x1 convolution."""
    return mix.weight[:, :, 0, 0]


def _apply(piece: type[torch.autograd.Function], *inputs: Tensor | int) -> Tensor:
    """The output of a function with one output; torch declares no types for `apply`."""
    output: Tensor = piece.apply(*inputs)  # type: ignore[no-untyped-call]
    return output
