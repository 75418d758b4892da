"""MossFuse without one of its parts, to measure what the part contributes.

    without split          each image has one feature map, which is used as the shared and as the complementary one. The complementary
                           branches are removed, and so is the subspace term of the loss, which would compare a map with itself
    without aggregation    complementary features are only joined: a 1x1 convolution on [x, y] replaces every aggregation block
    known sensors          the degradation that the protocol reveals replaces the estimated one, and nothing about it is learned

A term of the loss is left out by giving it the weight 0. A network without a part cannot use the released weights. It fuses by its plain
forward pass.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.contract import Card, Estimate, FusionMethod, ParameterCount, RefusedError
from methods.unsupervised.mossfuse.blind_degradation import BlindDegradation, blur, integrate
from methods.unsupervised.mossfuse.fitted import FittedMossFuse
from methods.unsupervised.mossfuse.mossfuse_network import HsiEncoder, MossFuseNetwork, MsiEncoder

Without = Literal["nothing", "split", "aggregation"]


class OneMap(nn.Module):
    """An encoder whose shared features are also its complementary features."""

    def __init__(self, encoder: MsiEncoder | HsiEncoder) -> None:
        super().__init__()
        self.embed, self.blocks, self.shared = encoder.embed, encoder.blocks, encoder.shared

    def forward(self, image: Float[Tensor, "batch channels H W"]) -> tuple[Float[Tensor, "batch C H W"], Float[Tensor, "batch C H W"]]:
        """The features, twice: as the shared and as the complementary ones."""
        features = self.shared(self.blocks(self.embed(image)))
        return features, features


class Join(nn.Module):
    """A 1x1 convolution on [x, y]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(2 * width, width, 1, bias=False)

    def forward(self, x: Float[Tensor, "batch C H W"], y: Float[Tensor, "batch C H W"]) -> Float[Tensor, "batch C H W"]:
        """The joined features."""
        joined: Tensor = self.mix(torch.cat((x, y), dim=1))
        return joined


class KnownDegradation(BlindDegradation):
    """Sensors that are known: the same outputs as those of the estimated sensors, without anything to learn."""

    known_psf: Tensor
    known_srf: Tensor

    def __init__(self, seen: Observation) -> None:
        """Takes the responses of the pair; the kernel of the PSF is placed in a block of ratio x ratio pixels.

        Raises:
            RefusedError: the footprint of the PSF leaves the block, so that it would cross the border of an image part.
        """
        ratio, psf = seen.ratio, seen.psf
        super().__init__(seen.hsi.shape[0], seen.msi.shape[0], ratio)
        del self.srf_weights, self.precision_root
        canvas = psf.kernel.new_zeros(ratio, ratio)
        rows, cols = psf.kernel.shape
        top, left = (psf.phase - (size - 1) // 2 for size in (rows, cols))
        if top < 0 or left < 0 or top + rows > ratio or left + cols > ratio:
            raise RefusedError(
                f"MossFuse with known sensors takes a PSF inside one block of {ratio} x {ratio} fine pixels, got {rows} x {cols} taps at "
                f"phase {psf.phase}; use a protocol such as mossfuse-x{ratio}"
            )
        canvas[top : top + rows, left : left + cols] = psf.kernel
        self.register_buffer("known_psf", canvas)
        self.register_buffer("known_srf", seen.srf.weights.clone())
        self.known_centre = round(seen.phase[0])

    @property
    def centre(self) -> int:
        """The fine row (and column) nearest to the centre of a coarse pixel, by the pair's registration."""
        return self.known_centre

    def srf(self) -> Float[Tensor, "channels bands"]:
        """The known SRF."""
        return self.known_srf

    def psf(self) -> Float[Tensor, "taps taps"]:
        """The kernel of the known PSF, placed in a block."""
        return self.known_psf

    def forward(
        self, msi: Float[Tensor, "batch channels H W"], hsi: Float[Tensor, "batch bands h w"]
    ) -> tuple[Float[Tensor, "batch channels h w"], Float[Tensor, "batch channels h w"]]:
        """The low-resolution MSI in two ways, clamped to 0..1: srf(hsi), psf(msi)."""
        return integrate(hsi, self.known_srf).clamp(0, 1), blur(msi, self.known_psf, self.ratio).clamp(0, 1)

    def spatial_response(self) -> SpatialResponse:
        """The known PSF as a response. Its kernel begins at the first pixel of a block."""
        return SpatialResponse(self.known_psf, self.ratio, phase=(self.ratio - 1) // 2)

    def spectral_response(self) -> SpectralResponse:
        """The known SRF as a response."""
        return SpectralResponse(self.known_srf)


def take_away(network: MossFuseNetwork, without: Without) -> MossFuseNetwork:
    """The network without that part; it is changed in place. The weights of new layers are torch's, and the caller must draw them."""
    width = network.width
    if without == "split":
        network.msi_encoder = OneMap(network.msi_encoder)  # type: ignore[assignment]  # of the same form
        network.hsi_encoder = OneMap(network.hsi_encoder)  # type: ignore[assignment]
    elif without == "aggregation":
        network.fused_decoder.spatial = Join(width)  # type: ignore[assignment]
        network.fused_decoder.spectral = Join(width)  # type: ignore[assignment]
        network.msi_decoder.aggregation = Join(width)  # type: ignore[assignment]
        network.hsi_decoder.aggregation = Join(width)  # type: ignore[assignment]
    return network


@dataclass(frozen=True, eq=False)
class FittedAblation(FusionMethod):
    """A trained network without one of its parts."""

    card: ClassVar[Card] = replace(FittedMossFuse.card, name="MossFuse without a part", fidelity="our own")

    network: MossFuseNetwork
    method_card: Card
    used: tuple[str, ...] = field(default=("msi_encoder", "hsi_encoder", "fused_decoder", "blind"), init=False)

    def describe(self) -> Card:
        """The card of the method that was fitted."""
        return self.method_card

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The fused cube of the pair that the network has learned on, and the sensors that it used. It draws nothing from `rng`."""
        with torch.inference_mode():
            cube = self.network.fused(seen.msi[None], seen.hsi[None])[0]
        blind = self.network.blind
        return Estimate(cube.clone(memory_format=torch.contiguous_format), blind.spatial_response(), blind.spectral_response())

    def parameter_count(self) -> ParameterCount:
        """The count of all weights, and of those that the fusion uses: encoders, fused decoder and sensors."""
        used = [weights for part in self.used for weights in self.network.get_submodule(part).parameters()]
        return ParameterCount(sum(w.numel() for w in self.network.parameters()), sum(w.numel() for w in used))
