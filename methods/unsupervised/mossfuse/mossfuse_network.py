"""The MossFuse network: two encoders, which separate each image into shared and complementary features, and four decoders.

    msi_shared, msi_complementary = msi_encoder(msi)
    hsi_shared, hsi_complementary = hsi_encoder(hsi interpolated to the fine grid)
    cube                 = fused_decoder(msi_shared, hsi_shared, msi_complementary, hsi_complementary)
    for training only:     msi_decoder gives the MSI again, hsi_decoder the HSI on the fine grid, and shared_decoder the low-resolution MSI
                           (interpolated) from the shared features alone; the estimated sensors degrade the cube to both images

The interpolation is bilinear between the fine pixels at the centres of the coarse pixels (`BlindDegradation.centre`). `fused` computes only
the cube, without three of the decoders and without the sensors. `Quirks` holds the differences of the authors' network, with which their
weights were learned.

At 31 bands, 3 channels, width 48 and one block there are 585,485 parameters. 449,056 of them are needed for the cube, and 97 are those of
the two sensors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor, nn

from methods.unsupervised.mossfuse.aggregation import SpatialAggregation, SpectralAggregation
from methods.unsupervised.mossfuse.blind_degradation import BlindDegradation, blur, integrate
from methods.unsupervised.mossfuse.blocks import HEADS, Head, LargeKernelBlock, TransformerBlock
from methods.unsupervised.mossfuse.fine_grid import arranged, interpolate_bilinear


@dataclass(frozen=True)
class Quirks:
    """Peculiarities of the authors' network, all off by default. Weights must be used with the peculiarities of their training."""

    half_pixel_shift: bool = False  # interpolate as if coarse pixels were at the centres of blocks; at even ratios, half a fine pixel off
    query_gate: bool = False  # scale the queries of spectral aggregation by 612 weights; the cosine undoes this, and only rounding changes


NO_QUIRKS = Quirks()
RELEASED_QUIRKS = Quirks(half_pixel_shift=True, query_gate=True)


@dataclass(frozen=True, eq=False)
class FeatureMaps:
    """The outputs of the encoders; all maps are on the fine grid."""

    msi_shared: Float[Tensor, "batch C H W"]
    msi_complementary: Float[Tensor, "batch C H W"]
    hsi_shared: Float[Tensor, "batch C H W"]
    hsi_complementary: Float[Tensor, "batch C H W"]


@dataclass(frozen=True, eq=False)
class Outputs:
    """All outputs of the network that the losses need."""

    features: FeatureMaps
    cube: Float[Tensor, "batch bands H W"]
    msi_reconstruction: Float[Tensor, "batch channels H W"]
    hsi_reconstruction: Float[Tensor, "batch bands H W"]  # on the fine grid
    low_msi_reconstruction: Float[Tensor, "batch channels H W"]  # the low-resolution MSI, interpolated to the fine grid
    low_msi_from_hsi: Float[Tensor, "batch channels h w"]  # srf(hsi), clamped to 0..1
    low_msi_from_msi: Float[Tensor, "batch channels h w"]  # psf(msi), clamped to 0..1
    srf: Float[Tensor, "channels bands"]
    psf: Float[Tensor, "taps taps"]
    hsi_cycle: Float[Tensor, "batch bands h w"]  # psf(cube)
    msi_cycle: Float[Tensor, "batch channels H W"]  # srf(cube)


class MsiEncoder(nn.Module):
    """A 3x3 convolution and `blocks` transformer blocks, then a branch for each kind of features.

    Shared: a large-kernel block, two without a kernel, a transformer block. Complementary: the same without the transformer block.
    """

    def __init__(self, channels: int, width: int, blocks: int) -> None:
        super().__init__()
        self.embed = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.blocks = nn.Sequential(*(TransformerBlock(width) for _ in range(blocks)))
        self.shared = nn.Sequential(*_three_large_kernels(width), TransformerBlock(width))
        self.complementary = nn.Sequential(*_three_large_kernels(width))

    def forward(self, msi: Float[Tensor, "batch channels H W"]) -> tuple[Float[Tensor, "batch C H W"], Float[Tensor, "batch C H W"]]:
        """The shared and the complementary features."""
        x = self.blocks(self.embed(msi))
        return self.shared(x), self.complementary(x)


class HsiEncoder(nn.Module):
    """A 3x3 convolution and `blocks` transformer blocks, then a branch for each kind of features.

    Shared: a transformer block, a large-kernel block, two without a kernel. Complementary: a transformer block.
    """

    def __init__(self, bands: int, width: int, blocks: int) -> None:
        super().__init__()
        self.embed = nn.Conv2d(bands, width, 3, padding=1, bias=False)
        self.blocks = nn.Sequential(*(TransformerBlock(width) for _ in range(blocks)))
        self.shared = nn.Sequential(TransformerBlock(width), *_three_large_kernels(width))
        self.complementary = TransformerBlock(width)

    def forward(self, hsi: Float[Tensor, "batch bands H W"]) -> tuple[Float[Tensor, "batch C H W"], Float[Tensor, "batch C H W"]]:
        """The shared and the complementary features."""
        x = self.blocks(self.embed(hsi))
        return self.shared(x), self.complementary(x)


class FusedDecoder(nn.Module):
    """A 1x1 on both shared maps, spatial detail of the MSI, spectral detail of the HSI, transformer blocks, and a head."""

    def __init__(self, bands: int, width: int, blocks: int, quirks: Quirks) -> None:
        super().__init__()
        self.merge = nn.Conv2d(2 * width, width, 1, bias=False)
        self.spatial = SpatialAggregation(width)
        self.spectral = SpectralAggregation(width, query_gate=quirks.query_gate)
        self.blocks = nn.Sequential(*(TransformerBlock(width) for _ in range(blocks)))
        self.head = Head(width, bands)

    def forward(self, features: FeatureMaps) -> Float[Tensor, "batch bands H W"]:
        """The fused cube."""
        x = self.merge(torch.cat((features.msi_shared, features.hsi_shared), dim=1))
        x = self.spectral(self.spatial(x, features.msi_complementary), features.hsi_complementary)
        return cast(Tensor, self.head(self.blocks(x)))


class SingleDecoder(nn.Module):
    """One image from its own shared and complementary features: an aggregation, blocks - 1 transformer blocks, and a head.

    `unused` is a 1x1 that the released network contains and never uses. It is here so that all tensors of its file are loaded, and so that
    the numbers of parameters are equal.
    """

    def __init__(self, aggregation: SpatialAggregation | SpectralAggregation, channels: int, width: int, blocks: int) -> None:
        super().__init__()
        self.unused = nn.Conv2d(2 * width, width, 1, bias=False)
        self.aggregation = aggregation
        self.blocks = nn.Sequential(*(TransformerBlock(width) for _ in range(blocks - 1)))
        self.head = Head(width, channels)

    def forward(
        self, shared: Float[Tensor, "batch C H W"], complementary: Float[Tensor, "batch C H W"]
    ) -> Float[Tensor, "batch channels H W"]:
        """The image on the fine grid."""
        return cast(Tensor, self.head(self.blocks(self.aggregation(shared, complementary))))


class SharedDecoder(nn.Module):
    """The low-resolution MSI, which both images share: a 1x1 on both shared maps, transformer blocks, and a head."""

    def __init__(self, channels: int, width: int, blocks: int) -> None:
        super().__init__()
        self.merge = nn.Conv2d(2 * width, width, 1, bias=False)
        self.blocks = nn.Sequential(*(TransformerBlock(width) for _ in range(blocks)))
        self.head = Head(width, channels)

    def forward(
        self, msi_shared: Float[Tensor, "batch C H W"], hsi_shared: Float[Tensor, "batch C H W"]
    ) -> Float[Tensor, "batch channels H W"]:
        """The low-resolution MSI, interpolated to the fine grid."""
        return cast(Tensor, self.head(self.blocks(self.merge(torch.cat((msi_shared, hsi_shared), dim=1)))))


class MossFuseNetwork(nn.Module):
    """The whole network.

    `width` is the number of features (a multiple of 8), and `blocks` the depth of each stack of transformer blocks.
    """

    def __init__(self, bands: int, channels: int, ratio: int, width: int = 48, blocks: int = 1, quirks: Quirks = NO_QUIRKS) -> None:
        super().__init__()
        if ratio < 2:
            raise ValueError(f"ratio: expected a whole number >= 2, got {ratio}; at ratio 1 there is nothing to fuse")
        if width < HEADS or width % HEADS:
            raise ValueError(f"width: expected a multiple of {HEADS} (the attention's heads), got {width}")
        if bands < 1 or channels < 1 or blocks < 1:
            raise ValueError(f"expected at least one band, one channel and one block, got {bands}, {channels}, {blocks}")
        self.bands, self.channels, self.ratio, self.width, self.depth = bands, channels, ratio, width, blocks
        self.quirks = quirks
        self.msi_encoder = MsiEncoder(channels, width, blocks)
        self.hsi_encoder = HsiEncoder(bands, width, blocks)
        self.fused_decoder = FusedDecoder(bands, width, blocks, quirks)
        self.msi_decoder = SingleDecoder(SpatialAggregation(width), channels, width, blocks)
        self.hsi_decoder = SingleDecoder(SpectralAggregation(width, query_gate=quirks.query_gate), bands, width, blocks)
        self.shared_decoder = SharedDecoder(channels, width, blocks)
        self.blind = BlindDegradation(bands, channels, ratio)

    def encode(self, msi: Float[Tensor, "batch channels H W"], hsi: Float[Tensor, "batch bands h w"]) -> FeatureMaps:
        """The features of both images, on the fine grid."""
        msi_shared, msi_complementary = self.msi_encoder(arranged(msi))
        hsi_shared, hsi_complementary = self.hsi_encoder(arranged(self.upsample(hsi)))
        return FeatureMaps(msi_shared, msi_complementary, hsi_shared, hsi_complementary)

    def fused(self, msi: Float[Tensor, "batch channels H W"], hsi: Float[Tensor, "batch bands h w"]) -> Float[Tensor, "batch bands H W"]:
        """The fused cube, computed without the parts that it does not need."""
        return cast(Tensor, self.fused_decoder(self.encode(msi, hsi)))

    def forward(self, msi: Float[Tensor, "batch channels H W"], hsi: Float[Tensor, "batch bands h w"]) -> Outputs:
        """All outputs that the losses need. In the cycle from the cube to the images, the sensors are constants without a gradient."""
        features = self.encode(msi, hsi)
        images = (
            self.fused_decoder(features),
            self.msi_decoder(features.msi_shared, features.msi_complementary),
            self.hsi_decoder(features.hsi_shared, features.hsi_complementary),
            self.shared_decoder(features.msi_shared, features.hsi_shared),
        )
        return self.completed(msi, hsi, features, images)

    def completed(
        self,
        msi: Float[Tensor, "batch channels H W"],
        hsi: Float[Tensor, "batch bands h w"],
        features: FeatureMaps,
        images: tuple[Tensor, Tensor, Tensor, Tensor],
    ) -> Outputs:
        """All outputs. `images` are those of the decoders: cube, MSI, HSI, low-resolution MSI. What the sensors give is computed here."""
        cube, msi_reconstruction, hsi_reconstruction, low_msi_reconstruction = images
        from_hsi, from_msi = self.blind(msi, hsi)
        srf, psf = self.blind.srf(), self.blind.psf()
        return Outputs(
            features=features,
            cube=cube,
            msi_reconstruction=msi_reconstruction,
            hsi_reconstruction=hsi_reconstruction,
            low_msi_reconstruction=low_msi_reconstruction,
            low_msi_from_hsi=from_hsi,
            low_msi_from_msi=from_msi,
            srf=srf,
            psf=psf,
            hsi_cycle=blur(cube, psf.detach(), self.ratio),
            msi_cycle=integrate(cube, srf.detach()),
        )

    def upsample(self, image: Float[Tensor, "batch channels h w"]) -> Float[Tensor, "batch channels H W"]:
        """A coarse image, interpolated to the fine grid."""
        return interpolate_bilinear(image, self.ratio, self.upsampling_centre)

    @property
    def upsampling_centre(self) -> float:
        """The place that the interpolation takes for the first coarse pixel, in fine pixels."""
        return (self.ratio - 1) / 2 if self.quirks.half_pixel_shift else float(self.blind.centre)


def build_network(bands: int, channels: int, ratio: int, width: int = 48, blocks: int = 1, quirks: Quirks = NO_QUIRKS) -> MossFuseNetwork:
    """A network on the CPU, whose weights must be set afterwards; torch's global generator is left as it was."""
    with torch.random.fork_rng(devices=[]):
        return MossFuseNetwork(bands, channels, ratio, width, blocks, quirks)


def _three_large_kernels(width: int) -> list[LargeKernelBlock]:
    """One large-kernel block and two without a kernel."""
    return [LargeKernelBlock(width, spatial=True), LargeKernelBlock(width, spatial=False), LargeKernelBlock(width, spatial=False)]
