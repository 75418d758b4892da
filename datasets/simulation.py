"""How a scene becomes an observation.

    hsi = S x + noise        S: blur and decimation (`SpatialResponse`)
    msi = R x + noise        R: spectral response (`SpectralResponse`)

Simulated on the CPU in float64; white Gaussian noise from numpy's Philox; rounded to float32 at the end. The signal-to-noise ratio belongs
to a sensor: one noise variance for all its bands, var = mean(signal ** 2) / 10 ** (snr_db / 10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from datasets.degradation import Boundary, SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from datasets.psfs import Psf
from datasets.scene import Scene
from datasets.sensors import Channels, Sensor

Response = Literal["psf", "srf"]


@dataclass(frozen=True, eq=False)
class Protocol:
    """Everything that decides how a scene is observed, and what methods are told about it."""

    name: str
    ratio: int
    psf: Psf
    phase: int  # fine pixel under the anchor of coarse pixel 0
    sensor: Sensor
    boundary: Boundary = "circular"
    channels: Channels = "all"
    hsi_snr_db: float | None = None  # None: no noise
    msi_snr_db: float | None = None
    reveals: tuple[Response, ...] = ("psf", "srf")  # what methods may ask for
    source: str = ""  # whose protocol it is

    def numbers(self) -> dict[str, Any]:
        """All that the observation depends on; what the key of a cell is made from. No name, no path."""
        return {
            "ratio": self.ratio,
            "psf": self.psf.numbers(),
            "phase": self.phase,
            "boundary": self.boundary,
            "sensor": self.sensor.name,
            "sensor_sha256": self.sensor.fingerprint,
            "channels": list(self.channels) if isinstance(self.channels, tuple) else self.channels,
            "hsi_snr_db": self.hsi_snr_db,
            "msi_snr_db": self.msi_snr_db,
            "reveals": sorted(self.reveals),
        }

    def spatial(self) -> SpatialResponse:
        """S in float64."""
        return SpatialResponse(self.psf.kernel(self.ratio), self.ratio, self.phase, self.boundary)

    def spectral(self, wavelengths: Tensor) -> SpectralResponse:
        """R in float64 on these band centres (nm)."""
        return self.sensor.respond(wavelengths, self.channels)


def observe(scene: Scene, protocol: Protocol, rng: np.random.Generator) -> Observation:
    """The pair of images that the two sensors would take of `scene`, with the responses that the protocol reveals.

    Raises:
        ResponseError: the ratio does not divide the scene's sides (see `scene.crop_to_ratio`), a footprint leaves a "valid" image, or a
            channel is not covered.
    """
    psf, srf = protocol.spatial(), protocol.spectral(scene.wavelengths)
    truth = scene.cube.double().cpu()
    hsi = _noisy(psf(truth), protocol.hsi_snr_db, rng)
    msi = _noisy(srf(truth), protocol.msi_snr_db, rng)
    reveals: Sequence[str] = protocol.reveals
    like = hsi.float()
    return Observation(
        hsi=like,
        msi=msi.float(),
        wavelengths=scene.wavelengths.float(),
        ratio=protocol.ratio,
        phase=psf.centre,
        known=Known(psf.to(like) if "psf" in reveals else None, srf.to(like) if "srf" in reveals else None),
    )


def noise_generator(seed: int) -> np.random.Generator:
    """The generator that observations are made with: Philox, the same bits on every machine."""
    return np.random.Generator(np.random.Philox(seed))


def _noisy(image: Tensor, snr_db: float | None, rng: np.random.Generator) -> Tensor:
    """`image` plus white Gaussian noise at that signal-to-noise ratio (dB)."""
    if snr_db is None:
        return image
    deviation = float(image.square().mean()) ** 0.5 * 10 ** (-snr_db / 20)
    noise: Tensor = torch.from_numpy(rng.standard_normal(tuple(image.shape)))
    return torch.add(image, noise, alpha=deviation)
