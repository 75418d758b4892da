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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datasets.degradation import Boundary
from datasets.psfs import FromFile, Psf, psf_from
from datasets.sensors import NIKON, find_sensor
from datasets.settings import SettingError, configure, look_up
from datasets.simulation import Protocol, Response


@dataclass(frozen=True)
class ProtocolTable:
    """The schema of a protocol in a plan."""

    name: str
    """Name in tables; the name of a preset takes over its numbers."""
    ratio: int
    """Fine pixels per coarse pixel, along an axis."""
    psf: dict[str, Any]
    """The PSF: `kind` (`list psfs`) and its numbers in fine pixels."""
    phase: int
    """Fine pixel under the kernel's anchor for coarse pixel 0, from 0 to ratio - 1."""
    sensor: str
    """The sensor of the MSI: a name of `list sensors`, or a table of response curves."""
    boundary: Boundary = "circular"
    """What lies beyond the image border for the blur."""
    channels: str | tuple[str, ...] = "all"
    """"all" channels of the sensor, those that the scene's wavelengths have "covered", or a list of their names."""
    hsi_snr_db: float | None = None
    """Signal-to-noise ratio of the HSI in dB; no noise when absent."""
    msi_snr_db: float | None = None
    """Signal-to-noise ratio of the MSI in dB; no noise when absent."""
    reveals: tuple[Response, ...] = ("psf", "srf", "noise")
    """What methods may ask for."""
    given_psf: dict[str, Any] | None = None
    """A wrong PSF that methods are given."""
    given_phase: int | None = None
    """A wrong phase that methods are given, in fine pixels."""
    given_srf_shift_nm: float = 0.0
    """By how much the SRF that methods are given is too high, in nm."""
    given_hsi_noise_db: float = 0.0
    """By how much the noise level of the HSI that methods are given is too high, in dB."""
    given_msi_noise_db: float = 0.0
    """By how much the noise level of the MSI that methods are given is too high, in dB."""
    msi_gain: float = 1.0
    """Gain of the MSI over what the SRF says."""
    shift: tuple[float, float] = (0.0, 0.0)
    """Shift of the HSI's ground against the MSI's, in fine pixels (rows, columns)."""
    rotation_deg: float = 0.0
    """Rotation of the HSI's ground against the MSI's, in degrees from the row axis towards the column axis."""
    source: str = ""
    """Whose protocol it is, in one sentence."""
    scenes: tuple[str, ...] = ()
    """Patterns of the names of the scenes that a plan observes so, such as "cave/*"; all scenes when absent."""


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


def protocols_of(
    names: Sequence[str], tables: Sequence[Mapping[str, object]], srf_folder: Path | None, folder: Path | None = None
) -> list[Protocol]:
    """The protocols of a plan: those that it names, and those that it describes in tables [[protocol]].

    Relative paths of kernel files start at `folder`.

    Raises:
        SettingError: as `protocol_from`, or a name that both lists have.
    """
    described = {str(table.get("name", "")) for table in tables}
    twice = [name for name in names if name in described]
    if twice:
        raise SettingError(f"protocols: {twice[0]!r} is described below in [[protocol]], which runs it: take it out of protocols")
    return [protocol_from(name, srf_folder) for name in names] + [protocol_from(table, srf_folder, folder) for table in tables]


def protocol_from(table: str | Mapping[str, object], srf_folder: Path | None, folder: Path | None = None) -> Protocol:
    """The protocol named by a text, or described by a table (on top of the preset of that name, if there is one).

    Args:
        table: the name, or the table.
        srf_folder: where the tables of sensors lie.
        folder: where relative paths of kernel files start, that of the plan; None: the current folder.

    Raises:
        SettingError: a name, number, sensor or PSF is not valid, or the sensor needs a file that is not there.
        ResponseError: the file of a kernel is not there, or holds none.
    """
    if isinstance(table, str):
        look_up("protocol", table, PRESETS)
        table = {"name": table}
    name = str(table.get("name", ""))
    base = PRESETS.get(name, {})
    try:
        wanted = configure(ProtocolTable, {**base, **table})
        channels: Any = wanted.channels
        if isinstance(channels, str) and channels not in ("all", "covered"):
            raise SettingError(f'channels: expected "all", "covered" or a list of names, got {channels!r}')
        return Protocol(
            name=wanted.name,
            ratio=wanted.ratio,
            psf=_checked_psf(wanted.psf, wanted.ratio, folder),
            phase=wanted.phase,
            sensor=find_sensor(wanted.sensor, srf_folder),
            boundary=wanted.boundary,
            channels=channels,
            hsi_snr_db=wanted.hsi_snr_db,
            msi_snr_db=wanted.msi_snr_db,
            reveals=wanted.reveals,
            given_psf=None if wanted.given_psf is None else _checked_psf(wanted.given_psf, wanted.ratio, folder),
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


def _checked_psf(table: Mapping[str, Any], ratio: int, folder: Path | None) -> Psf:
    """The PSF of a table; the file of a kernel is found from `folder`, and read once, so that a plan with a bad one does not start."""
    path = table.get("path")
    if isinstance(path, str) and table.get("kind") == FromFile.kind:
        table = {**table, "path": str(((folder or Path()) / Path(path).expanduser()).absolute())}
    psf = psf_from(table)
    if isinstance(psf, FromFile):
        psf.kernel(ratio)
    return psf
