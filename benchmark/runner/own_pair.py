"""A pair of images of the user's own, fused by any method of the catalog (`fuse`): there is no scene, no truth and no score."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmark.matrix.contestant import parameters_to_json
from benchmark.matrix.interview import configured_method, described
from benchmark.measure.meter import Measured, measure_method
from benchmark.measure.validity import check_estimate
from benchmark.run_folder.record import std_file
from datasets.cube_file import CubeFile, write_cube
from datasets.files import read_image_file
from datasets.image_pair import ImagePair, PairError
from datasets.observation import NoiseLevel
from datasets.psfs import psf_from
from datasets.reading_options import ReadingOptions
from datasets.sensors import find_sensor, read_sensor
from datasets.settings import field_values
from methods.catalog import Entry


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
) -> ImagePair:
    """The pair that these texts describe: the files of HSI and MSI, each with the name of its variable, and what is known of the sensors.

    Raises:
        SceneError, SettingError, ResponseError: a file, kernel or sensor cannot be read, or does not exist.
    """
    hsi, msi = (read_image_file(path, ReadingOptions(variable=name, layout=layout, scale=scale)) for path, name in files)
    sensor = None
    if srf:
        sensor = read_sensor(Path(srf)) if srf.endswith(".csv") else find_sensor(srf, srf_folder)
    return ImagePair(
        hsi,
        msi,
        psf_from(psf_table(psf)) if psf else None,
        sensor,
        tuple(channels.split(",")) if channels else (),
        phase,
        NoiseLevel(*noise) if noise else None,
    )


def fuse_pair(entry: Entry, parameters: Mapping[str, Any], pair: ImagePair, device: torch.device, seed: int, out: Path) -> Measured:
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
