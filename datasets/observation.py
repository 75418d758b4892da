"""An observation: all that a method may see."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse


class WithheldError(LookupError):
    """A method asked for something that the protocol does not reveal or that its card does not ask for."""


@dataclass(frozen=True)
class NoiseLevel:
    """Standard deviations of the white noise on the two images, in their own units; 0 where there is none."""

    hsi: float
    msi: float


@dataclass(frozen=True, eq=False)
class Known:
    """What a method is told of the two sensors; what is withheld from it is not in the object at all."""

    psf: SpatialResponse | None = None
    srf: SpectralResponse | None = None
    noise: NoiseLevel | None = None


@dataclass(frozen=True)
class PairSizes:
    """The sizes of a pair of images."""

    bands: int
    channels: int
    rows: int  # of the MSI, and of the fused cube
    cols: int
    ratio: int

    @property
    def cube_bytes(self) -> int:
        """The bytes of the fused cube in float32."""
        return 4 * self.bands * self.rows * self.cols

    @property
    def msi_bytes(self) -> int:
        """The bytes of the MSI in float32."""
        return 4 * self.channels * self.rows * self.cols

    @property
    def hsi_bytes(self) -> int:
        """The bytes of the HSI in float32."""
        return self.cube_bytes // self.ratio**2


@dataclass(frozen=True, eq=False)
class Observation:
    """One registered pair of images of one scene: the low-resolution HSI and the high-resolution MSI.

    `phase` is the centre of coarse pixel (0, 0) on the fine grid (row, column), the kernel's centroid included. It says how the images are
    registered, which is known of a real pair too, so blind methods are told it; in a block-centred pair it is (ratio - 1) / 2 on both axes.
    """

    hsi: Float[Tensor, "bands h w"]
    msi: Float[Tensor, "channels H W"]
    wavelengths: Float[Tensor, " bands"]  # band centres, nm
    ratio: int
    phase: tuple[float, float]
    known: Known = Known()

    def __post_init__(self) -> None:
        expected = (self.hsi.shape[1] * self.ratio, self.hsi.shape[2] * self.ratio)
        if tuple(self.msi.shape[1:]) != expected:
            raise ValueError(
                f"observation: expected an MSI of {expected[0]} x {expected[1]} pixels (the HSI's {self.hsi.shape[1]} x "
                f"{self.hsi.shape[2]} times the ratio {self.ratio}), got {self.msi.shape[1]} x {self.msi.shape[2]}; crop one of them"
            )
        for name, image in (("hsi", self.hsi), ("msi", self.msi)):
            if not bool(torch.isfinite(image).all()):
                raise ValueError(f"observation: expected finite values, got NaN or Inf in the {name}; mask or interpolate them first")

    @property
    def sizes(self) -> PairSizes:
        """The sizes of both images."""
        channels, rows, cols = self.msi.shape
        return PairSizes(self.hsi.shape[0], channels, rows, cols, self.ratio)

    @property
    def psf(self) -> SpatialResponse:
        """The spatial response, blur and sampling grid, that the method is told.

        Raises:
            WithheldError: it is withheld.
        """
        if self.known.psf is None:
            raise WithheldError("the PSF is withheld here: set needs_psf=True on the method's card, and use a protocol that reveals it")
        return self.known.psf

    @property
    def srf(self) -> SpectralResponse:
        """The spectral response that the method is told.

        Raises:
            WithheldError: it is withheld.
        """
        if self.known.srf is None:
            raise WithheldError("the SRF is withheld here: set needs_srf=True on the method's card, and use a protocol that reveals it")
        return self.known.srf

    @property
    def noise(self) -> NoiseLevel:
        """The noise levels that the method is told.

        Raises:
            WithheldError: they are withheld.
        """
        if self.known.noise is None:
            raise WithheldError(
                "the noise level is withheld here: set needs_noise=True on the method's card, and use a protocol that reveals it"
            )
        return self.known.noise

    def withhold(self, *, psf: bool, srf: bool, noise: bool = True) -> Observation:
        """The same pair without the responses, or the noise level, that are given as True."""
        known = self.known
        return replace(self, known=Known(None if psf else known.psf, None if srf else known.srf, None if noise else known.noise))

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Observation:
        """The same pair on another device, or in another floating dtype, its responses included."""
        like = self.hsi.to(device=device, dtype=dtype)
        psf, srf = self.known.psf, self.known.srf
        return replace(
            self,
            hsi=like,
            msi=self.msi.to(like),
            wavelengths=self.wavelengths.to(like),
            known=Known(None if psf is None else psf.to(like), None if srf is None else srf.to(like), self.known.noise),
        )
