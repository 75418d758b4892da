"""The yardstick for MossFuse's speed: the network computed as the authors' description has it, with nothing spared.

Their code is not ours to ship, so its time cannot be measured here. This walks the same modules with the same weights and computes

    all fourteen outputs      four feature maps, the cube, three reconstructions, the low-resolution MSI in two ways, SRF, PSF, two cycles
    blur then skip            the MSI on its way to the sensors' loss: every fine pixel is blurred, one of ratio x ratio is kept
    layer norm                (batch, C, H, W) rearranged to (batch, H W, C), normalised, rearranged back
    attention                 q and k divided by their lengths, then multiplied head by head
    memory                    torch's ordinary order, channels first; large kernels in four branches, each with its norm

Recorded for the authors' code on two quiet cores, 512 x 512: 22.3 s for all of it, 18.5 s for the modules that the cube needs. A test of
the performance suite holds this one to that proportion.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from methods.unsupervised.mossfuse.aggregation import Aggregation, SpatialAggregation, SpectralAggregation
from methods.unsupervised.mossfuse.blind_degradation import blur
from methods.unsupervised.mossfuse.blocks import (
    GRN_EPS,
    HEADS,
    NORM_EPS,
    ChannelAttention,
    ChannelNorm,
    DilatedDepthwise,
    FeedForward,
    LargeKernelBlock,
    TransformerBlock,
)
from methods.unsupervised.mossfuse.mossfuse_network import (
    FeatureMaps,
    FusedDecoder,
    HsiEncoder,
    MossFuseNetwork,
    MsiEncoder,
    Outputs,
    SingleDecoder,
)


def everything(network: MossFuseNetwork, msi: Tensor, hsi: Tensor) -> Outputs:
    """All fourteen outputs."""
    features, cube = _fused(network, msi, hsi)
    srf, psf = network.blind.srf(), network.blind.psf()
    shared = network.shared_decoder
    both = torch.cat((features.msi_shared, features.hsi_shared), dim=1)
    return Outputs(
        features=features,
        cube=cube,
        msi_reconstruction=_single(network.msi_decoder, features.msi_shared, features.msi_complementary),
        hsi_reconstruction=_single(network.hsi_decoder, features.hsi_shared, features.hsi_complementary),
        low_msi_reconstruction=shared.head(_run(shared.blocks, shared.merge(both))),
        low_msi_from_hsi=F.conv2d(hsi, srf[:, :, None, None]).clamp(0, 1),
        low_msi_from_msi=_blur_then_skip(msi, psf, network.ratio).clamp(0, 1),
        srf=srf,
        psf=psf,
        hsi_cycle=blur(cube, psf, network.ratio),
        msi_cycle=F.conv2d(cube, srf[:, :, None, None]),
    )


def needed(network: MossFuseNetwork, msi: Tensor, hsi: Tensor) -> Tensor:
    """The cube alone, by the modules that it needs, otherwise as above."""
    return _fused(network, msi, hsi)[1]


def _fused(network: MossFuseNetwork, msi: Tensor, hsi: Tensor) -> tuple[FeatureMaps, Tensor]:
    msi_shared, msi_complementary = _encode(network.msi_encoder, msi)
    hsi_shared, hsi_complementary = _encode(network.hsi_encoder, network.upsample(hsi))
    features = FeatureMaps(msi_shared, msi_complementary, hsi_shared, hsi_complementary)
    return features, _decode(network.fused_decoder, features)


def _encode(encoder: MsiEncoder | HsiEncoder, image: Tensor) -> tuple[Tensor, Tensor]:
    x = _run(encoder.blocks, encoder.embed(image))
    return _run(encoder.shared, x), _run(encoder.complementary, x)


def _decode(decoder: FusedDecoder, features: FeatureMaps) -> Tensor:
    x = decoder.merge(torch.cat((features.msi_shared, features.hsi_shared), dim=1))
    x = _aggregate(decoder.spectral, _aggregate(decoder.spatial, x, features.msi_complementary), features.hsi_complementary)
    return cast(Tensor, decoder.head(_run(decoder.blocks, x)))


def _single(decoder: SingleDecoder, shared: Tensor, complementary: Tensor) -> Tensor:
    return cast(Tensor, decoder.head(_run(decoder.blocks, _aggregate(decoder.aggregation, shared, complementary))))


def _run(blocks: nn.Module, x: Tensor) -> Tensor:
    if isinstance(blocks, nn.Sequential):
        for block in blocks:
            x = _run(block, x)
        return x
    if isinstance(blocks, TransformerBlock):
        x = x + blocks.attention.project(_attend(blocks.attention, _norm(blocks.norm1, x), None))
        return x + _feed_forward(blocks.feed_forward, _norm(blocks.norm2, x))
    assert isinstance(blocks, LargeKernelBlock)
    return _through_large_kernel(blocks, x)


def _norm(norm: ChannelNorm, x: Tensor) -> Tensor:
    batch, width, rows, cols = x.shape
    pixels = x.permute(0, 2, 3, 1).reshape(batch, rows * cols, width)
    mean = pixels.mean(-1, keepdim=True)
    variance = pixels.var(-1, keepdim=True, correction=0)
    pixels = (pixels - mean) / torch.sqrt(variance + NORM_EPS) * norm.weight + norm.bias
    return pixels.reshape(batch, rows, cols, width).permute(0, 3, 1, 2).contiguous()


def _attend(attention: ChannelAttention, x: Tensor, gate: Tensor | None) -> Tensor:
    batch, width, rows, cols = x.shape
    query, key, value = attention.depthwise(attention.qkv(x)).chunk(3, dim=1)
    if gate is not None:
        query = query * gate
    query, key, value = (part.reshape(batch, HEADS, width // HEADS, rows * cols) for part in (query, key, value))
    alike = F.normalize(query, dim=-1) @ F.normalize(key, dim=-1).transpose(-2, -1) * attention.temperature
    return (alike.softmax(dim=-1) @ value).reshape(batch, width, rows, cols)


def _feed_forward(part: FeedForward, x: Tensor) -> Tensor:
    gate, content = part.depthwise(part.expand(x)).chunk(2, dim=1)
    return cast(Tensor, part.project(F.gelu(gate) * content))


def _aggregate(block: Aggregation, x: Tensor, y: Tensor) -> Tensor:
    z = _norm(block.norm1, x)
    if isinstance(block, SpatialAggregation):
        mixed = _attend(block.attention, z, block.spatial_gate(y))
        side = block.side(y) * block.spectral_gate(mixed)
    else:
        assert isinstance(block, SpectralAggregation)
        mixed = _attend(block.attention, z, block.spectral_gate(y))
        side = block.side(y) * block.spatial_gate(mixed)
    x = x + block.attention.project(mixed + side)
    return x + _feed_forward(block.feed_forward, _norm(block.norm2, x))


def _through_large_kernel(block: LargeKernelBlock, x: Tensor) -> Tensor:
    y = x
    if isinstance(block.neighbourhood, DilatedDepthwise):
        branches = block.neighbourhood
        y = branches.norms[0](branches.convolutions[0](x))
        for convolution, norm in zip(branches.convolutions[1:], branches.norms[1:], strict=True):
            y = y + norm(convolution(x))
        y = branches.norm(y)
    squeeze = block.squeeze
    scale = torch.sigmoid(squeeze.up(F.relu(squeeze.down(y.mean((2, 3))))))
    wide = F.gelu(block.widen((y * scale[:, :, None, None]).permute(0, 2, 3, 1)))
    strength = torch.norm(wide, p=2, dim=(1, 2), keepdim=True)
    share = strength / (strength.mean(dim=-1, keepdim=True) + GRN_EPS)
    wide = (block.response.gamma * share + 1) * wide + block.response.beta
    return x + block.gamma[:, None, None] * block.norm(block.narrow(wide).permute(0, 3, 1, 2))


def _blur_then_skip(image: Tensor, psf: Tensor, ratio: int) -> Tensor:
    batch, bands, rows, cols = image.shape
    blurred = F.conv2d(image.reshape(batch * bands, 1, rows, cols), psf[None, None])
    return blurred[:, :, ::ratio, ::ratio].reshape(batch, bands, rows // ratio, cols // ratio)
