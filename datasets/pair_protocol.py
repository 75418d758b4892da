"""How a real pair becomes observations: as it was taken, which no truth belongs to, and one step down, where the HSI itself is the truth.

    as taken         hsi = Y,        msi = M          no reference
    one step down    hsi = S Y,      msi = S M        reference Y (Wald's protocol)

S is the blur and decimation by the pair's ratio with its PSF or, where that is not known, with a Gaussian whose full width at half maximum
is one coarse pixel. A score one step down is that of a task of another scale: structures of the ground do not scale with the pixel.

Wald, Ranchin, Mangolini, Photogrammetric Engineering and Remote Sensing 63(6), 1997.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from datasets.cube_file import CubeFile
from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.image_pair import ImagePair
from datasets.observation import Known, NoiseLevel, Observation
from datasets.placed_psf import placed_psf
from datasets.psfs import Gaussian, Psf
from datasets.sensors import Sensor
from datasets.simulation import Protocol, Response

Taken = Literal["as taken", "one step down"]


@dataclass(frozen=True, eq=False)
class PairProtocol:
    """What is known of a pair's sensors, and whether it is observed as it was taken or one step down."""

    name: str
    taken: Taken
    ratio: int
    psf: Psf | None = None
    sensor: Sensor | None = None
    channels: tuple[str, ...] = ()
    phase: tuple[float, float] | None = None  # centre of coarse pixel 0 on the fine grid (row, column)
    noise: NoiseLevel | None = None
    source: str = ""

    noisy = False  # there is one pair, with whatever noise it has
    mismatched = False

    @property
    def has_reference(self) -> bool:
        """Whether there is a truth to score against."""
        return self.taken == "one step down"

    @property
    def reveals(self) -> tuple[Response, ...]:
        """What methods may ask for: what is known."""
        known: dict[Response, bool] = {
            "psf": self.has_reference or self.psf is not None,
            "srf": self.sensor is not None,
            "noise": self.noise is not None and not self.has_reference,
        }
        return tuple(name for name, given in known.items() if given)

    def numbers(self) -> dict[str, Any]:
        """All that the observation depends on besides the two images; no name and no path."""
        return {
            "pair": self.taken,
            "ratio": self.ratio,
            "psf": None if self.psf is None else self.psf.numbers(),
            "phase": None if self.phase is None else list(self.phase),
            "sensor": None if self.sensor is None else self.sensor.name,
            "sensor_sha256": None if self.sensor is None else self.sensor.fingerprint,
            "channels": list(self.channels),
            "noise": None if self.noise is None else [self.noise.hsi, self.noise.msi],
            "reveals": sorted(self.reveals),
        }

    def told(self, pair: ImagePair) -> ImagePair:
        """The pair with what is known of its sensors."""
        return replace(pair, psf=self.psf, sensor=self.sensor, channels=self.channels, phase=self.phase, noise=self.noise)

    def observe(self, pair: ImagePair) -> tuple[Observation, CubeFile | None, Known]:
        """The observation, the reference where there is one, and the responses that scores are computed with.

        Raises:
            PairError: the images do not make a pair.
        """
        told = self.told(pair)
        if not self.has_reference:
            seen = told.observe()
            return seen, None, Known(_exact_spatial(seen.known.psf), _exact_spectral(seen.known.srf))
        reference, fine = _cropped(pair.hsi, self.ratio, 1), _cropped(pair.msi, self.ratio, self.ratio)
        kernel = (self.psf or even_gaussian(self.ratio)).kernel(self.ratio).float()
        psf = placed_psf(kernel, self.ratio, told.centre)
        low, low_fine = (_blurred(image, psf) for image in (reference, fine))
        seen = replace(told, hsi=low, msi=low_fine, psf=None, noise=None).observe()
        known = Known(psf, seen.known.srf)
        seen = replace(seen, phase=psf.centre, known=known)
        return seen, reference, Known(_exact_spatial(psf), _exact_spectral(known.srf))


AnyProtocol = Protocol | PairProtocol


def even_gaussian(ratio: int) -> Gaussian:
    """The PSF that stands for one that is not known: its full width at half maximum is one coarse pixel, and it is centred in its block."""
    return Gaussian(taps=2 * ratio + ratio % 2, fwhm=float(ratio))


def _cropped(image: CubeFile, ratio: int, step: int) -> CubeFile:
    """The image without the last rows and columns that whole coarse pixels of the step down do not cover."""
    rows, cols = (size // (ratio * step) * ratio * step for size in image.cube.shape[1:])
    return replace(image, cube=np.ascontiguousarray(image.cube[:, :rows, :cols]))


def _blurred(image: CubeFile, psf: SpatialResponse) -> CubeFile:
    """S of an image, in float64 and band by band, rounded to float32 at the end."""
    bands: list[NDArray[np.float32]] = []
    for band in image.cube:
        bands.append(psf(torch.from_numpy(band[None].astype(np.float64)))[0].numpy().astype(np.float32))
    return replace(image, cube=np.stack(bands))


def _exact_spatial(psf: SpatialResponse | None) -> SpatialResponse | None:
    return None if psf is None else replace(psf, kernel=psf.kernel.double())


def _exact_spectral(srf: SpectralResponse | None) -> SpectralResponse | None:
    return None if srf is None else replace(srf, weights=srf.weights.double())
