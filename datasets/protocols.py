"""Named protocols, and protocols from a table of a plan.

A table may start from a named protocol (`name = "mossfuse-x8"`) and change some of its numbers, or give all numbers itself:

    [[protocol]]
    name = "mine"
    ratio = 4
    phase = 1
    psf = {kind = "gaussian", taps = 8, fwhm = 4}
    sensor = "sentinel2"
    channels = "covered"
    hsi_snr_db = 35

A mismatch protocol adds what is not as methods are told: `given_psf`, `given_phase`, `given_srf_shift_nm`, `given_hsi_noise_db`,
`given_msi_noise_db`, `msi_gain`, `shift`, `rotation_deg` (datasets/simulation.py has their meaning).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.degradation import Boundary
from datasets.psfs import psf_from
from datasets.sensors import NIKON, find_sensor
from datasets.settings import SettingError, configure, look_up
from datasets.simulation import Protocol, Response


@dataclass(frozen=True)
class _Table:
    """The schema of a protocol in a plan."""

    name: str
    ratio: int
    psf: dict[str, Any]
    phase: int
    sensor: str
    boundary: Boundary = "circular"
    channels: str | tuple[str, ...] = "all"
    hsi_snr_db: float | None = None
    msi_snr_db: float | None = None
    reveals: tuple[Response, ...] = ("psf", "srf", "noise")
    given_psf: dict[str, Any] | None = None
    given_phase: int | None = None
    given_srf_shift_nm: float = 0.0
    given_hsi_noise_db: float = 0.0
    given_msi_noise_db: float = 0.0
    msi_gain: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    rotation_deg: float = 0.0
    source: str = ""


def _mossfuse(ratio: int) -> dict[str, Any]:
    """The protocol of MossFuse's released code: every footprint lies inside its block of fine pixels, so that no border matters."""
    return {
        "ratio": ratio,
        "psf": {"kind": "gaussian", "taps": ratio - 1, "sigma": 2.0},
        "phase": ratio // 2 - 1,
        "sensor": NIKON,
        "source": "MossFuse, arXiv 2412.04802: (ratio-1)-tap Gaussian, sigma 2, sampled at ratio/2-1, Nikon D700 matrix, no noise",
    }


def _dhif(ratio: int) -> dict[str, Any]:
    """The protocol of DHIF-Net and those that share its data code: every footprint is exactly its block of fine pixels."""
    return {
        "ratio": ratio,
        "psf": {"kind": "gaussian", "taps": ratio, "sigma": 2.0},
        "phase": ratio // 2 - 1,
        "sensor": NIKON,
        "source": "DHIF-Net (TaoHuang95/DHIF-Net), DSPNet, SFNO (weili419/SFNO, CAVE/Utils.py): Gaussian of ratio taps, sigma 2, "
        "sampled at ratio/2-1, Nikon D700 matrix, no noise",
    }


def _psrt(ratio: int) -> dict[str, Any]:
    """The protocol of the data that PSRT's weights were trained on: nearly no blur."""
    return {
        "ratio": ratio,
        "psf": {"kind": "gaussian", "taps": 3, "sigma": 0.5},
        "phase": ratio // 2,
        "sensor": NIKON,
        "source": "PSRT (shangqideng/PSRT) and others with its data: 3-tap Gaussian, sigma 0.5, sampled at ratio/2, Nikon D700 matrix, no "
        "noise; inferred from what fits the released weights best, as the authors' generator is not public",
    }


def _wald(ratio: int) -> dict[str, Any]:
    """Wald's protocol with a Gaussian that is matched to the sensor's MTF; coarse pixels are centred on their blocks."""
    return {
        "ratio": ratio,
        "psf": {"kind": "gaussian", "taps": 4 * ratio, "mtf_nyquist": 0.3},
        "phase": ratio // 2 - 1,
        "boundary": "reflect",
        "sensor": "worldview2",
        "channels": "covered",
        "source": "Wald et al., PE&RS 1997; Gaussian with MTF 0.3 at the coarse Nyquist frequency (Aiazzi et al., PE&RS 2006), no noise",
    }


PRESETS: Mapping[str, Mapping[str, Any]] = {
    **{f"mossfuse-x{ratio}": _mossfuse(ratio) for ratio in (8, 16, 32)},
    **{f"dhif-x{ratio}": _dhif(ratio) for ratio in (4, 8, 16, 32)},
    **{f"psrt-x{ratio}": _psrt(ratio) for ratio in (4, 8)},
    "hiftool-wdc-x32": {
        "ratio": 32,
        "psf": {"kind": "gaussian", "taps": 31, "sigma": 21.312},
        "phase": 16,
        "boundary": "replicate",
        "sensor": "sentinel2",
        "channels": "covered",
        "source": "HIFtool (Caoxuheng/HIFtool, Washington DC x32): Gaussian of ratio-1 taps, sigma 0.666 ratio, border replicated, "
        "sampled at ratio/2, no noise; there 13 channels of Sentinel-2A from a table of its own, here the built-in curves of Sentinel-2",
    },
    "m2unet-x12": {
        "ratio": 12,
        "psf": {"kind": "gaussian", "taps": 12, "fwhm": 12.0},
        "phase": 5,
        "sensor": "worldview2",
        "channels": "covered",
        "source": "M2U-Net (JiaxinLiCAS/M2U-Net, TianGong-1): Gaussian of 12 taps, sigma 5.0959, one block a coarse pixel, no noise; "
        "there 8 channels of WorldView-2 from a table of its own, here the built-in curves",
    },
    "camera-x8": {
        **_mossfuse(8),
        "sensor": "rgb_camera",
        "source": "mossfuse-x8 with the built-in RGB camera: no download",
    },
    **{f"wald-x{ratio}": _wald(ratio) for ratio in (4, 8)},
    "noisy-x4": {
        **_wald(4),
        "hsi_snr_db": 35.0,
        "msi_snr_db": 40.0,
        "source": "wald-x4 with white noise, 35 dB on the HSI and 40 dB on the MSI (levels of Yokoya et al., GRSM 2017)",
    },
}


def protocol_from(table: str | Mapping[str, object], srf_folder: Path | None) -> Protocol:
    """The protocol named by a text, or described by a table (on top of the preset of that name, if there is one).

    Raises:
        SettingError: a name, number, sensor or PSF is not valid, or the sensor needs a file that is not there.
    """
    if isinstance(table, str):
        look_up("protocol", table, PRESETS)
        table = {"name": table}
    name = str(table.get("name", ""))
    base = PRESETS.get(name, {})
    try:
        wanted = configure(_Table, {**base, **table})
        channels: Any = wanted.channels
        if isinstance(channels, str) and channels not in ("all", "covered"):
            raise SettingError(f'channels: expected "all", "covered" or a list of names, got {channels!r}')
        return Protocol(
            name=wanted.name,
            ratio=wanted.ratio,
            psf=psf_from(wanted.psf),
            phase=wanted.phase,
            sensor=find_sensor(wanted.sensor, srf_folder),
            boundary=wanted.boundary,
            channels=channels,
            hsi_snr_db=wanted.hsi_snr_db,
            msi_snr_db=wanted.msi_snr_db,
            reveals=wanted.reveals,
            given_psf=None if wanted.given_psf is None else psf_from(wanted.given_psf),
            given_phase=wanted.given_phase,
            given_srf_shift_nm=wanted.given_srf_shift_nm,
            given_hsi_noise_db=wanted.given_hsi_noise_db,
            given_msi_noise_db=wanted.given_msi_noise_db,
            msi_gain=wanted.msi_gain,
            shift=wanted.shift,
            rotation_deg=wanted.rotation_deg,
            source=wanted.source,
        )
    except SettingError as error:
        raise SettingError(f"protocol {name or '(without a name)'!r}: {error}") from error
