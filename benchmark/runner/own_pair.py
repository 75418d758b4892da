"""A pair of images of the user's own, fused by any method of the catalog (`fuse`): there is no scene, no truth and no score."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from math import floor
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmark.matrix.contestant import parameters_to_json
from benchmark.matrix.interview import configured_method, described
from benchmark.measure.meter import Measured, measure_method
from benchmark.measure.validity import check_estimate
from benchmark.run_folder.record import std_file
from datasets.cube_file import CubeFile, write_cube
from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.files import read_image_file
from datasets.observation import Known, NoiseLevel, Observation
from datasets.psfs import Psf, psf_from
from datasets.reading_options import ReadingOptions
from datasets.sensors import Sensor, find_sensor, read_sensor
from datasets.settings import field_values
from methods.catalog import Entry


class PairError(ValueError):
    """Two images that do not make a pair; the text says what was expected, what came, and the way out."""


@dataclass(frozen=True, eq=False)
class OwnPair:
    """A pair of images, and what the user knows of its sensors."""

    hsi: CubeFile
    msi: CubeFile
    psf: Psf | None = None
    sensor: Sensor | None = None
    channels: tuple[str, ...] = ()
    phase: float | None = None  # centre of coarse pixel 0 on the fine grid; None: (ratio - 1) / 2, that of its block
    noise: NoiseLevel | None = None

    def observe(self) -> Observation:
        """The pair as an observation.

        Raises:
            PairError: the sizes fit no whole ratio, wavelengths are missing that the SRF needs, or the number of channels differs.
        """
        bands, rows, cols = self.hsi.cube.shape
        channels, fine_rows, fine_cols = self.msi.cube.shape
        ratio = fine_rows // rows
        if ratio < 1 or (rows * ratio, cols * ratio) != (fine_rows, fine_cols):
            raise PairError(
                f"expected an MSI whose sides are one whole multiple of the HSI's {rows} x {cols}, got {fine_rows} x {fine_cols}; "
                "crop the images to the same ground"
            )
        centre = (ratio - 1) / 2 if self.phase is None else self.phase
        psf = None if self.psf is None else _placed(self.psf, ratio, centre)
        srf = None if self.sensor is None else self._spectral(self.sensor, channels)
        wavelengths = np.arange(bands) if self.hsi.wavelengths_nm is None else self.hsi.wavelengths_nm
        return Observation(
            torch.from_numpy(self.hsi.cube),
            torch.from_numpy(self.msi.cube),
            torch.from_numpy(np.asarray(wavelengths, dtype=np.float32)),
            ratio,
            (centre, centre) if psf is None else psf.centre,
            Known(psf, srf, self.noise),
        )

    def _spectral(self, sensor: Sensor, channels: int) -> SpectralResponse:
        if self.hsi.wavelengths_nm is None:
            raise PairError(
                "expected band centres in the HSI's file, which the SRF is integrated over; got none: store wavelengths_nm with it"
            )
        srf = sensor.respond(torch.from_numpy(self.hsi.wavelengths_nm), self.channels or "covered")
        if srf.weights.shape[0] != channels:
            raise PairError(f"expected {channels} channels, as the MSI has, got {', '.join(srf.names)}; name those it has with --channels")
        return SpectralResponse(srf.weights.float(), srf.names)


def read_pair(
    files: tuple[tuple[Path, str | None], tuple[Path, str | None]],
    *,
    layout: str | None,
    scale: float | None,
    psf: str | None,
    srf: str | None,
    srf_folder: Path | None,
    channels: str | None,
    phase: float | None,
    noise: tuple[float, float] | list[float] | None,
) -> OwnPair:
    """The pair that these texts describe: the files of HSI and MSI, each with the name of its variable, and what is known of the sensors.

    Raises:
        SceneError, SettingError, ResponseError: a file, kernel or sensor cannot be read, or does not exist.
    """
    hsi, msi = (read_image_file(path, ReadingOptions(variable=name, layout=layout, scale=scale)) for path, name in files)
    sensor = None
    if srf:
        sensor = read_sensor(Path(srf)) if srf.endswith(".csv") else find_sensor(srf, srf_folder)
    return OwnPair(
        hsi,
        msi,
        psf_from(psf_table(psf)) if psf else None,
        sensor,
        tuple(channels.split(",")) if channels else (),
        phase,
        NoiseLevel(*noise) if noise else None,
    )


def fuse_pair(entry: Entry, parameters: Mapping[str, Any], pair: OwnPair, device: torch.device, seed: int, out: Path) -> Measured:
    """The fused cube, and what it cost.

    The cube is written to `out` with method, parameters and versions, and a stated standard deviation to a file beside it.

    Raises:
        PairError, SettingError, RefusedError: the pair or the parameters do not fit.
        WithheldError: the method needs a response that was not given.
        InvalidEstimateError: the method gave no finite cube.
    """
    method = configured_method(entry, parameters)
    seen = pair.observe()
    card = described(entry, method)
    missing = [
        f"--{name}"
        for name, given in (("psf", seen.known.psf), ("srf", seen.known.srf), ("noise", seen.known.noise))
        if name in card.needs and given is None
    ]
    if missing:
        them = "them" if len(missing) > 1 else "it"
        raise PairError(f"{card.name} needs {' and '.join(missing)}; give {them}, or choose a method that is told nothing")
    measured = measure_method(method, card.entitle(seen), device, seed)
    check_estimate(measured.estimate, seen)
    notes = {
        "method": entry.name,
        "parameters": repr(parameters_to_json(field_values(method))),
        "tier": card.tier,
        "seconds": measured.clock.fuse,
        "versions": ", ".join(f"{name} {version(name)}" for name in ("torch", "numpy")),
    }
    write_cube(out, CubeFile(measured.estimate.cube.numpy(), pair.hsi.wavelengths_nm, out.stem, notes))
    if measured.estimate.std is not None:
        write_cube(std_file(out), CubeFile(measured.estimate.std.numpy(), pair.hsi.wavelengths_nm, out.stem, notes))
    return measured


def _placed(psf: Psf, ratio: int, centre: float) -> SpatialResponse:
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
            f"expected a kernel that can be centred at {centre:g}, got one {off:.2g} pixels off; give --phase, or an even number of taps"
        )
    return placed


def psf_table(text: str) -> dict[str, Any]:
    """The table of a plan for a text such as `gaussian,taps=8,fwhm=4`, or for the name of a kernel's file."""
    kind, *numbers = text.split(",")
    if not numbers and kind.endswith((".npy", ".csv", ".txt")):
        return {"kind": "file", "path": kind}
    return {"kind": kind, **dict(assignment(number) for number in numbers)}


def assignment(text: str) -> tuple[str, Any]:
    """Key and value of a text `key=value`; the value is read as TOML (3, 0.5, true, [1, 2]), and is text where it is no TOML.

    Raises:
        PairError: there is no `=`.
    """
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise PairError(f"expected key=value, got {text!r}")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value
