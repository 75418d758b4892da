"""MossFuse for inference alone: the cube of `MossFuseNetwork.fused` from the same weights, with fewer and smaller passes over memory.

    part                      what is done
    decoders, sensors         those that the cube does not need are not computed
    maps                      they are (H, W, C): a 1x1 is a matrix product, the layer norm runs along memory, and nothing is rearranged
    layer norm                its weight and bias are merged into the matrix of the 1x1 after it
    attention                 q and k are not stored: each strip gives its part of q'k and of the squares of both. With A = softmax(cosines)
                              and W the projection, W (A v) = (W A) v, so one product replaces two
    feed-forward              it is computed for one strip of rows at a time, with a row above and below; its 4 C channels are not stored
    large kernel              four depthwise convolutions and five norms are merged into one 7x7; gamma, norm and the shift of GRN into the
                              last matrix; the 4 C channels are computed twice and not stored, since GRN needs their lengths first
    gate on the queries of spectral aggregation    it is left out, since it cancels
    order                     at most four maps of C channels are in memory at once; for that, the MSI encoder's first blocks run twice

All of it is exact up to rounding, however the image is divided into strips. Tests hold the cube to 1e-5 of that of the original network.

With `low_precision`, matrices and convolutions are computed in bfloat16, while maps, norms and sums over the image keep their precision.
This gives another result.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from methods.unsupervised.mossfuse.blocks import LargeKernelBlock, TransformerBlock
from methods.unsupervised.mossfuse.fine_grid import arranged, neighbours
from methods.unsupervised.mossfuse.merged_aggregation import MergedSpatialAggregation, MergedSpectralAggregation
from methods.unsupervised.mossfuse.merged_blocks import ConstantModule, Frame, MergedLargeKernel, MergedTransformer, add_product
from methods.unsupervised.mossfuse.mossfuse_network import FusedDecoder, HsiEncoder, MossFuseNetwork, MsiEncoder
from methods.unsupervised.mossfuse.strips import EAGER, compiled_functions


class MergedEncoder(ConstantModule):
    """A 3x3 convolution and blocks, then two branches of blocks; each branch changes a copy of its own."""

    embed: Tensor

    def __init__(self, encoder: MsiEncoder | HsiEncoder) -> None:
        super().__init__()
        self.hold(embed=encoder.embed.weight)
        complementary = encoder.complementary if isinstance(encoder.complementary, nn.Sequential) else nn.Sequential(encoder.complementary)
        self.blocks, self.shared, self.complementary = (_merged(part) for part in (encoder.blocks, encoder.shared, complementary))

    def trunk(self, rows_of: Callable[[int, int], Tensor], frame: Frame) -> Float[Tensor, "H W C"]:
        """The map from which both branches start. `rows_of(first, last)` gives rows of the image, (rows, W, channels)."""
        x = torch.empty_like(frame.spare)
        for start, stop in frame.strips:
            first, last = max(0, start - 1), min(frame.rows, stop + 1)
            rows = F.pad(rows_of(first, last), (0, 0, 0, 0, 1 - (start - first), 1 - (last - stop)))
            x[start:stop] = F.conv2d(arranged(rows.permute(2, 0, 1)[None]), self.embed, padding=(0, 1))[0].permute(1, 2, 0)
        change(self.blocks, x, frame)
        return x


class MergedDecoder(ConstantModule):
    """A 1x1 on both shared maps, spatial detail of the MSI, spectral detail of the HSI, transformer blocks, and a head."""

    merge_msi: Tensor
    merge_hsi: Tensor

    def __init__(self, decoder: FusedDecoder) -> None:
        super().__init__()
        merge = decoder.merge.weight[:, :, 0, 0]
        half = merge.shape[1] // 2
        self.hold(merge_msi=merge[:, :half], merge_hsi=merge[:, half:])
        self.spatial = MergedSpatialAggregation(decoder.spatial)
        self.spectral = MergedSpectralAggregation(decoder.spectral)
        self.blocks = _merged(decoder.blocks)
        self.head = deepcopy(decoder.head)

    def merge(self, msi_shared: Float[Tensor, "H W C"], hsi_shared: Float[Tensor, "H W C"], frame: Frame) -> Float[Tensor, "H W C"]:
        """The 1x1 on both maps; the result is written over the first."""
        for start, stop in frame.strips:
            rows = F.linear(msi_shared[start:stop], self.merge_msi).to(msi_shared.dtype)
            add_product(rows, hsi_shared[start:stop], self.merge_hsi)
            msi_shared[start:stop] = rows
        return msi_shared


class MergedNetwork(nn.Module):
    """A network that gives the fused cube of a trained `MossFuseNetwork`, with merged copies of its weights."""

    def __init__(self, network: MossFuseNetwork, *, compiled: bool = False, low_precision: bool = False) -> None:
        super().__init__()
        if network.training:
            raise ValueError("expected a network in eval mode, got one in train mode, whose batch norms still change; call eval() first")
        self.width, self.ratio, self.centre = network.width, network.ratio, network.upsampling_centre
        self.compiled, self.low_precision = compiled, low_precision
        self.msi_encoder, self.hsi_encoder = MergedEncoder(network.msi_encoder), MergedEncoder(network.hsi_encoder)
        self.decoder = MergedDecoder(network.fused_decoder)
        self.eval()

    def fused(self, msi: Float[Tensor, "batch channels H W"], hsi: Float[Tensor, "batch bands h w"]) -> Float[Tensor, "batch bands H W"]:
        """The fused cubes, computed image by image."""
        with torch.autocast(msi.device.type, torch.bfloat16, enabled=self.low_precision):
            return torch.stack([self._fused(*pair) for pair in zip(msi, hsi, strict=True)])

    def _fused(self, msi: Float[Tensor, "channels H W"], hsi: Float[Tensor, "bands h w"]) -> Float[Tensor, "bands H W"]:
        frame = Frame(msi, self.width, compiled_functions() if self.compiled else EAGER)
        msi_rows, hsi_rows = pixels_of(msi), interpolated_rows(hsi, self.ratio, self.centre)
        msi_shared = self.msi_encoder.trunk(msi_rows, frame)
        change(self.msi_encoder.shared, msi_shared, frame)
        hsi_complementary = self.hsi_encoder.trunk(hsi_rows, frame)
        hsi_shared = hsi_complementary.clone()
        change(self.hsi_encoder.shared, hsi_shared, frame)
        x = self.decoder.merge(msi_shared, hsi_shared, frame)
        del msi_shared, hsi_shared  # to free the memory: a map is kept only as long as it is needed
        change(self.hsi_encoder.complementary, hsi_complementary, frame)
        msi_complementary = self.msi_encoder.trunk(msi_rows, frame)  # again: 5 % more work, one map less at the peak
        change(self.msi_encoder.complementary, msi_complementary, frame)
        self.decoder.spatial.change(x, msi_complementary, frame)
        del msi_complementary
        self.decoder.spectral.change(x, hsi_complementary, frame)
        del hsi_complementary
        change(self.decoder.blocks, x, frame)
        return cast(Tensor, self.decoder.head(x[None].permute(0, 3, 1, 2))[0].to(msi.dtype))


def pixels_of(image: Float[Tensor, "channels H W"]) -> Callable[[int, int], Tensor]:
    """A function that gives the rows `first` to `last` of an image, (rows, W, channels)."""
    pixels = image.permute(1, 2, 0)
    return lambda first, last: pixels[first:last]


def interpolated_rows(image: Float[Tensor, "bands h w"], ratio: int, centre: float) -> Callable[[int, int], Tensor]:
    """A function that gives the rows `first` to `last` of the image interpolated to the fine grid, (rows, W, bands).

    Rows are computed when they are asked for, so the whole map is never in memory.
    """
    above, below, down = neighbours(image.shape[1], ratio, centre, image)
    left, right, across = neighbours(image.shape[2], ratio, centre, image)
    coarse = image.permute(1, 2, 0).contiguous()
    lines = torch.lerp(coarse[:, left], coarse[:, right], across[:, None])
    return lambda first, last: torch.lerp(lines[above[first:last]], lines[below[first:last]], down[first:last, None, None])


def _merged(blocks: nn.Module) -> nn.ModuleList:
    """The same blocks for inference, in the same order."""
    merged = nn.ModuleList()
    for block in blocks.children():
        if isinstance(block, TransformerBlock):
            merged.append(MergedTransformer(block))
        elif isinstance(block, LargeKernelBlock):
            merged.append(MergedLargeKernel(block))
        else:
            raise TypeError(f"expected transformer and large-kernel blocks, got {type(block).__name__}")
    return merged


def change(blocks: nn.ModuleList, x: Float[Tensor, "H W C"], frame: Frame) -> None:
    """Applies each block to x, in place."""
    for block in blocks:
        assert isinstance(block, MergedTransformer | MergedLargeKernel)
        block.change(x, frame)
