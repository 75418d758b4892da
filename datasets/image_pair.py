"""Two images of one place that two sensors took, and what is known of the sensors; there need be no truth."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import numpy as np
import torch

from datasets.cube_file import CubeFile
from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, NoiseLevel, Observation
from datasets.psfs import Psf
from datasets.sensors import Sensor


class PairError(ValueError):
    """Two images that do not make a pair; the text says what was expected, what came, and the way out."""


@dataclass(frozen=True, eq=False)
class ImagePair:
    """A pair of images, and what is known of its sensors."""

    hsi: CubeFile
    msi: CubeFile
    psf: Psf | None = None
    sensor: Sensor | None = None
    channels: tuple[str, ...] = ()
    phase: float | None = None  # centre of coarse pixel 0 on the fine grid; None: (ratio - 1) / 2, that of its block
    noise: NoiseLevel | None = None

    @property
    def ratio(self) -> int:
        """The fine pixels per coarse pixel, along an axis.

        Raises:
            PairError: the sides of the MSI are not one whole multiple of those of the HSI.
        """
        _, rows, cols = self.hsi.cube.shape
        _, fine_rows, fine_cols = self.msi.cube.shape
        ratio = int(fine_rows // rows)
        if ratio < 1 or (rows * ratio, cols * ratio) != (fine_rows, fine_cols):
            raise PairError(
                f"expected an MSI whose sides are one whole multiple of the HSI's {rows} x {cols}, got {fine_rows} x {fine_cols}; "
                "crop the images to the same ground"
            )
        return ratio

    @property
    def centre(self) -> float:
        """The centre of coarse pixel 0 on the fine grid."""
        return (self.ratio - 1) / 2 if self.phase is None else self.phase

    def spatial(self) -> SpatialResponse | None:
        """The spatial response S, where the PSF is known.

        Raises:
            PairError: the kernel cannot be centred where the pair says.
        """
        return None if self.psf is None else centred(self.psf, self.ratio, self.centre)

    def spectral(self) -> SpectralResponse | None:
        """The spectral response R, where the sensor of the MSI is known.

        Raises:
            PairError: the HSI's wavelengths are not known, or the sensor has another number of channels there than the MSI.
        """
        if self.sensor is None:
            return None
        if self.hsi.wavelengths_nm is None:
            raise PairError(
                "expected band centres in the HSI's file, which the SRF is integrated over; got none: store wavelengths_nm with it"
            )
        srf = self.sensor.respond(torch.from_numpy(self.hsi.wavelengths_nm), self.channels or "covered")
        if srf.weights.shape[0] != self.msi.cube.shape[0]:
            raise PairError(
                f"expected {self.msi.cube.shape[0]} channels, as the MSI has, got {', '.join(srf.names)}; name those it has with channels"
            )
        return SpectralResponse(srf.weights.float(), srf.names)

    def observe(self) -> Observation:
        """The pair as an observation.

        Raises:
            PairError: the sizes fit no whole ratio, wavelengths are missing that the SRF needs, or the number of channels differs.
        """
        ratio, psf, bands = self.ratio, self.spatial(), self.hsi.cube.shape[0]
        wavelengths = np.arange(bands) if self.hsi.wavelengths_nm is None else self.hsi.wavelengths_nm
        return Observation(
            torch.from_numpy(self.hsi.cube),
            torch.from_numpy(self.msi.cube),
            torch.from_numpy(np.asarray(wavelengths, dtype=np.float32)),
            ratio,
            (self.centre, self.centre) if psf is None else psf.centre,
            Known(psf, self.spectral(), self.noise),
        )


def centred(psf: Psf, ratio: int, centre: float) -> SpatialResponse:
    """The response whose centre lies nearest to `centre`; the phase is a whole number, so a fraction of a pixel may remain.

    Raises:
        PairError: more than half a fine pixel remains.
    """
    kernel = psf.kernel(ratio).float()
    at_zero = SpatialResponse(kernel, ratio, 0).centre
    phase = min(max(floor(centre - sum(at_zero) / 2 + 0.5), 0), ratio - 1)
    placed = SpatialResponse(kernel, ratio, phase, "reflect")
    off = max(abs(value - centre) for value in placed.centre)
    if off > 0.5:
        raise PairError(
            f"expected a kernel that can be centred at {centre:g}, got one {off:.2g} pixels off; give the phase, or an even number of taps"
        )
    return placed
