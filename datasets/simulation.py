"""How a scene becomes an observation.

    hsi = S x + noise        S: blur and decimation (`SpatialResponse`)
    msi = R x + noise        R: spectral response (`SpectralResponse`)

Under a *mismatch* protocol, what methods are told is not what is true, as it is with every real pair: another PSF or phase, an SRF
shifted in wavelength, another noise level, an MSI with another gain, or an HSI that shows the ground shifted and turned against the MSI:

    hsi = S x'      x'(p) = x(turned(p - middle) + middle + shift)      cubic spline, mirrored at the border

The MSI's grid is the reference's; `shift` is in fine pixels (rows, columns), `rotation_deg` from the row axis towards the column axis.

Everything is simulated on the CPU in float64 and rounded to float32 at the end. The noise is white and Gaussian, another one for each scene
and image (`NoiseSeed`). A signal-to-noise ratio belongs to a sensor: all its bands have one noise variance,

    var = mean(signal ** 2) / 10 ** (snr_db / 10)
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import cos, radians, sin
from typing import Any, Literal

import numpy as np
import torch
from scipy.ndimage import affine_transform
from torch import Tensor

from datasets.degradation import Boundary, SpatialResponse, SpectralResponse
from datasets.observation import Known, NoiseLevel, Observation
from datasets.psfs import Psf
from datasets.scene import Scene
from datasets.sensors import Channels, Sensor

Response = Literal["psf", "srf", "noise"]
_VALUES_PER_BLOCK = 2**21  # of the scene: 16 MB in float64


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
    reveals: tuple[Response, ...] = ("psf", "srf", "noise")  # what methods may ask for
    given_psf: Psf | None = None  # what methods are told, where that differs from what is true
    given_phase: int | None = None
    given_srf_shift_nm: float = 0.0  # the curves that methods are told lie at wavelengths this much higher
    given_hsi_noise_db: float = 0.0  # the noise level of the HSI that methods are told is this much above the true one
    given_msi_noise_db: float = 0.0
    msi_gain: float = 1.0  # of the MSI over what the SRF says
    shift: tuple[float, float] = (0.0, 0.0)  # of the HSI's ground against the MSI's, fine pixels
    rotation_deg: float = 0.0
    source: str = ""  # whose protocol it is

    @property
    def noisy(self) -> bool:
        """Whether an image has noise, so that each seed gives another observation."""
        return self.hsi_snr_db is not None or self.msi_snr_db is not None

    @property
    def has_reference(self) -> bool:
        """True: the scene is the truth."""
        return True

    @property
    def mismatched(self) -> bool:
        """Whether methods are told something that is not true."""
        noise = (self.given_hsi_noise_db, self.given_msi_noise_db)
        mismatch = (self.given_psf, self.given_phase, self.given_srf_shift_nm, noise, self.msi_gain, self.shift, self.rotation_deg)
        return mismatch != (None, None, 0.0, (0.0, 0.0), 1.0, (0.0, 0.0), 0.0)

    def numbers(self) -> dict[str, Any]:
        """All that the observation depends on, for the key of a cell; no name and no path."""
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
            "given_psf": None if self.given_psf is None else self.given_psf.numbers(),
            "given_phase": self.given_phase,
            "given_srf_shift_nm": self.given_srf_shift_nm,
            "given_hsi_noise_db": self.given_hsi_noise_db,
            "given_msi_noise_db": self.given_msi_noise_db,
            "msi_gain": self.msi_gain,
            "shift": list(self.shift),
            "rotation_deg": self.rotation_deg,
        }

    def spatial(self) -> SpatialResponse:
        """The true S, in float64."""
        return SpatialResponse(self.psf.kernel(self.ratio), self.ratio, self.phase, self.boundary)

    def spectral(self, wavelengths: Tensor) -> SpectralResponse:
        """The true R on these band centres (nm), in float64."""
        return self.sensor.respond(wavelengths, self.channels)

    def given(self, wavelengths: Tensor) -> tuple[SpatialResponse, SpectralResponse]:
        """S and R as methods are told: the true ones, unless this is a mismatch protocol."""
        psf = self.spatial() if self.given_psf is None else replace(self.spatial(), kernel=self.given_psf.kernel(self.ratio))
        if self.given_phase is not None:
            psf = replace(psf, phase=self.given_phase)
        true = self.spectral(wavelengths)
        if self.given_srf_shift_nm == 0:
            return psf, true
        shifted = replace(self.sensor, wavelengths=self.sensor.wavelengths + self.given_srf_shift_nm)
        return psf, shifted.integrate(wavelengths, true.names)


@dataclass(frozen=True)
class NoiseSeed:
    """Which noise the two images of a scene get: another one for each seed, scene and image.

    The generator is numpy's Philox, the same bits on every machine, seeded by (seed, sha256 of the scene's digest and the image's name,
    number of the patch where there is one).
    """

    seed: int
    scene: str  # the digest of the scene's content, never its name
    patch: int | None = None  # of training examples cut from the scene

    def generator(self, image: Literal["hsi", "msi"]) -> np.random.Generator:
        """The generator of one image's noise."""
        words = np.frombuffer(hashlib.sha256(f"{self.scene} {image}".encode()).digest(), dtype="<u4").tolist()
        entropy = [self.seed, *words, *([] if self.patch is None else [self.patch])]
        return np.random.Generator(np.random.Philox(np.random.SeedSequence(entropy)))


def observe(scene: Scene, protocol: Protocol, noise: NoiseSeed) -> Observation:
    """The pair of images that the two sensors would take of `scene`, with the responses that the protocol reveals.

    Raises:
        ResponseError: the ratio does not divide the scene's sides (see `crop_to_ratio`), a footprint crosses the border where the
            boundary is "valid", or a channel is not covered.
    """
    psf, srf = protocol.spatial(), protocol.spectral(scene.wavelengths)
    hsi, hsi_noise = _noisy(_blurred(scene.cube, psf, protocol), protocol.hsi_snr_db, noise, "hsi")
    msi, msi_noise = _noisy(_integrated(scene.cube, srf) * protocol.msi_gain, protocol.msi_snr_db, noise, "msi")
    given_noise = NoiseLevel(hsi_noise * 10 ** (protocol.given_hsi_noise_db / 20), msi_noise * 10 ** (protocol.given_msi_noise_db / 20))
    given_psf, given_srf = protocol.given(scene.wavelengths)
    reveals: Sequence[str] = protocol.reveals
    like = hsi.float()
    return Observation(
        hsi=like,
        msi=msi.float(),
        wavelengths=scene.wavelengths.float(),
        ratio=protocol.ratio,
        phase=given_psf.centre,
        known=Known(
            given_psf.to(like) if "psf" in reveals else None,
            given_srf.to(like) if "srf" in reveals else None,
            given_noise if "noise" in reveals else None,
        ),
    )


def _blurred(cube: Tensor, psf: SpatialResponse, protocol: Protocol) -> Tensor:
    """S x' in float64, some bands at a time, as a whole cube in float64 takes much memory."""
    bands, rows, cols = cube.shape
    step = max(1, _VALUES_PER_BLOCK // (rows * cols))
    low = torch.empty(bands, rows // psf.ratio, cols // psf.ratio, dtype=torch.float64)
    for first in range(0, bands, step):
        some = cube[first : first + step].double().cpu()
        low[first : first + step] = psf(_moved(some, protocol.shift, protocol.rotation_deg))
    return low


def _integrated(cube: Tensor, srf: SpectralResponse) -> Tensor:
    """R x in float64, some rows at a time."""
    bands, rows, cols = cube.shape
    step = max(1, _VALUES_PER_BLOCK // (bands * cols))
    channels = torch.empty(len(srf.weights), rows, cols, dtype=torch.float64)
    for top in range(0, rows, step):
        channels[:, top : top + step] = srf(cube[:, top : top + step].double().cpu())
    return channels


def _moved(cube: Tensor, shift: tuple[float, float], rotation_deg: float) -> Tensor:
    """The ground as the HSI's sensor sees it: `cube` shifted, and turned about its middle; `cube` itself where both are zero."""
    if shift == (0.0, 0.0) and rotation_deg == 0:
        return cube
    turn = radians(rotation_deg)
    matrix = np.array([[cos(turn), -sin(turn)], [sin(turn), cos(turn)]])
    middle = (np.array(cube.shape[1:]) - 1) / 2
    offset = middle + np.array(shift) - matrix @ middle
    bands = [affine_transform(band.numpy(), matrix, offset, order=3, mode="mirror") for band in cube]
    return torch.from_numpy(np.stack(bands))


def _noisy(image: Tensor, snr_db: float | None, noise: NoiseSeed, name: Literal["hsi", "msi"]) -> tuple[Tensor, float]:
    """`image` with white Gaussian noise at that signal-to-noise ratio (dB), and the standard deviation of the noise."""
    if snr_db is None:
        return image, 0.0
    deviation = float(image.square().mean()) ** 0.5 * 10 ** (-snr_db / 20)
    field: Tensor = torch.from_numpy(noise.generator(name).standard_normal(tuple(image.shape)))
    return torch.add(image, field, alpha=deviation), deviation
