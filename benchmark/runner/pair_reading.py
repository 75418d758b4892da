"""A pair of images of the user's own, read: what the command line says of each image, and of the two sensors."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.cube_file import CubeFile
from datasets.files import read_hsi_file
from datasets.formats import read_stored_image
from datasets.georeference import Georeference, read_georeference
from datasets.image_pair import ImagePair, PairError
from datasets.input_files import InputFileError
from datasets.observation import NoiseLevel
from datasets.psfs import psf_from
from datasets.reading_options import ReadingOptions, options_from
from datasets.scale_choice import is_stated
from datasets.sensors import find_sensor, read_sensor

_BOTH = ("layout", "scale")  # what may be said of both images at once, where neither file states it


@dataclass(frozen=True)
class PairWords:
    """What the command line says of a pair: texts, as they were given."""

    hsi: Path
    msi: Path
    hsi_options: Mapping[str, str] = field(default_factory=dict)  # the fields of ReadingOptions
    msi_options: Mapping[str, str] = field(default_factory=dict)
    both: Mapping[str, str] = field(default_factory=dict)  # layout and scale, of both
    sort_bands: bool = False
    psf: str | None = None
    srf: str | None = None
    srf_folder: Path | None = None
    channels: str | None = None
    phase: str | None = None
    noise: tuple[float, float] | None = None


def read_pair(words: PairWords) -> ImagePair:
    """The pair that these words describe.

    Raises:
        PairError, SceneError, SettingError, ResponseError: a file, kernel or sensor cannot be read or does not exist, the words do not fit
            the files, or the bands of the HSI do not rise in wavelength.
    """
    tables = {"hsi": dict(words.hsi_options), "msi": dict(words.msi_options)}
    files = {"hsi": words.hsi, "msi": words.msi}
    _share(words, tables, files)
    options = {image: _options(image, table) for image, table in tables.items()}
    if words.hsi.exists() and words.msi.exists() and words.hsi.samefile(words.msi) and options["hsi"].variable == options["msi"].variable:
        raise PairError(f"{words.hsi}: expected two images, got one file twice; name them with --hsi-variable and --msi-variable")
    hsi, msi = (_read_image(image, files[image], options[image]) for image in ("hsi", "msi"))
    hsi = _rising(words, hsi)
    sensor = None
    if words.srf:
        sensor = read_sensor(Path(words.srf)) if words.srf.endswith(".csv") else find_sensor(words.srf, words.srf_folder)
    return ImagePair(
        hsi,
        msi,
        psf_from(psf_table(words.psf)) if words.psf else None,
        sensor,
        tuple(words.channels.split(",")) if words.channels else (),
        read_phase(words.phase) if words.phase is not None else None,
        NoiseLevel(*words.noise) if words.noise else None,
        _place(words.msi, options["msi"]),
    )


def _share(words: PairWords, tables: Mapping[str, dict[str, str]], files: Mapping[str, Path]) -> None:
    """Add to the words on each image what is said of both, where neither file contradicts it.

    Raises:
        PairError: one of the files states it itself, or one image has whole numbers and the other one values.
    """
    for key in _BOTH:
        if words.both.get(key) is None:
            continue
        without = [image for image in files if key not in tables[image]]
        stored = {image: read_stored_image(files[image], tables[image].get("variable")) for image in without}
        stating = [image for image in without if (is_stated(stored[image]) if key == "scale" else stored[image].layout is not None)]
        if key == "scale" and len({stored[image].dtype.kind == "f" for image in without}) > 1:
            stating += [image for image in without if stored[image].dtype.kind == "f" and image not in stating]
        if stating:
            image = stating[0]
            said = getattr(stored[image], key)
            why = f"states {key} {said!r} itself" if said is not None else f"holds values in {stored[image].dtype}, not whole numbers"
            raise PairError(
                f"--{key} {words.both[key]}: expected two files that state no {key}, got {files[image]}, which {why}; say of which "
                f"image it is with --hsi-{key} or --msi-{key}"
            )
        for image in without:
            tables[image][key] = words.both[key]


def _options(image: str, table: Mapping[str, str]) -> ReadingOptions:
    try:
        return options_from(table, Path.cwd())
    except InputFileError as error:
        raise type(error)(f"--{image}-{str(error).replace('_', '-')}") from error


def _read_image(image: str, path: Path, options: ReadingOptions) -> CubeFile:
    """The image in a file; an error names the options of `fuse`, where the reader names those of a plan."""
    try:
        return read_hsi_file(path, options)
    except InputFileError as error:
        names = "|".join(item.name for item in fields(ReadingOptions))
        told = re.sub(rf"\b({names})= \(in fuse --hsi-[\w-]+ or --msi-[\w-]+\)", r"\1=", str(error))
        text = re.sub(rf"\b({names})=", lambda match: f"--{image}-{match[1].replace('_', '-')} ", told)
        raise type(error)(text.replace(" ,", ",").replace(" ;", ";")) from error


def _rising(words: PairWords, hsi: CubeFile) -> CubeFile:
    """The HSI, whose bands must rise in wavelength: methods and response curves take them so.

    Raises:
        PairError: they do not, and `sort_bands` is not said or cannot help.
    """
    centres = hsi.wavelengths_nm
    if centres is None or (np.diff(centres) > 0).all():
        return hsi
    order = np.argsort(centres, kind="stable")
    if words.sort_bands and (np.diff(centres[order]) > 0).all():
        return replace(hsi, cube=np.ascontiguousarray(hsi.cube[order]), wavelengths_nm=centres[order])
    shown = ", ".join(f"{value:.1f}" for value in _first_fall(centres))
    raise PairError(
        f"{words.hsi}: expected wavelengths that rise from band to band, got {shown} nm in this order; put the bands into their order with "
        "--sort-bands, or leave out those that fall back with --hsi-overlap drop"
    )


def _first_fall(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    at = int(np.flatnonzero(np.diff(centres) <= 0)[0])
    return centres[max(0, at - 1) : at + 3]


def _place(path: Path, options: ReadingOptions) -> Georeference:
    """Where the pixels of the MSI lie, its crop considered."""
    place = read_georeference(path)
    return place if options.crop is None else place.moved(options.crop[0], options.crop[1])


def read_phase(text: str) -> tuple[float, float]:
    """The centre of coarse pixel 0 on the fine grid, from one number or from `ROW,COLUMN`.

    Raises:
        PairError: it is neither.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (1, 2) or not np.isfinite(numbers).all():
        raise PairError(f"--phase: expected a number, or two as ROW,COLUMN, got {text!r}; `register` estimates them")
    return numbers[0], numbers[-1]


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
