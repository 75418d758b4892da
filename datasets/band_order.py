"""Which bands of an image are kept, and that their wavelengths rise: the rules for bad bands and for spectrometers that overlap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datasets.cube_file import CubeFile
from datasets.reading_options import Overlap, ReadingOptions
from datasets.scene import SceneError


def rising_bands(wavelengths: NDArray[np.float64]) -> list[int]:
    """The numbers of the bands whose wavelength exceeds that of every band before: the rule for spectrometers that overlap."""
    before = np.concatenate([[-np.inf], np.maximum.accumulate(wavelengths)[:-1]])
    return [int(band) for band in np.flatnonzero(wavelengths > before)]


def in_rising_order(path: Path, image: CubeFile, overlap: Overlap = "error") -> CubeFile:
    """An image whose wavelengths rise from band to band: the image itself or, with `overlap` "drop", without the bands that fall back.

    An image without wavelengths is returned as it is. `run` and `fuse` both use this rule for hyperspectral images.

    Raises:
        SceneError: the wavelengths do not rise, and may not be dropped or mostly fall.
    """
    centres = image.wavelengths_nm
    if centres is None:
        return image
    keep = rising_bands(centres)
    count = len(centres)
    if len(keep) == count:
        return image
    shown = f"{[round(float(wave), 1) for wave in centres[:4]]}... to {centres[-1]:.1f}"
    if (np.diff(centres) < 0).all():
        raise SceneError(
            f'{path}: expected wavelengths that rise from band to band, got falling ones, {shown}; turn them round with bands="{count}-1", '
            "or sort the bands"
        )
    if 2 * len(keep) < count:
        raise SceneError(f"{path}: expected wavelengths that mostly rise, got {len(keep)} rising of {count}; sort the bands")
    if overlap != "drop":
        raise SceneError(
            f"{path}: expected wavelengths that rise from band to band, got {len(keep)} rising of {count}, {shown}; give overlap=drop to "
            f"leave out the {count - len(keep)} bands that fall back, or sort the bands"
        )
    dropped = f"{count - len(keep)} of {count} bands dropped where the wavelengths overlap"
    return replace(image, cube=image.cube[keep], wavelengths_nm=centres[keep], remarks=(*image.remarks, dropped))


def kept_bands(
    path: Path, options: ReadingOptions, bands: int, left_out: Mapping[str, tuple[int, ...]]
) -> tuple[list[int] | None, tuple[str, ...]]:
    """The numbers, from 0, of the bands that are kept (None for all), and remarks on those that are not.

    Bands that the file leaves out (`left_out`: the reason, and numbers from 0) are kept where the user names them in `bands`.

    Raises:
        SceneError: a number beyond the last band, or no band is kept.
    """
    wanted = tuple(range(1, bands + 1)) if options.bands is None else options.bands
    beyond = [number for number in (*wanted, *options.bad_bands) if number > bands]
    if beyond:
        raise SceneError(f"{path}: expected bands from 1 to {bands}, got {beyond[0]}; correct bands or bad_bands")
    dropped, remarks = set(options.bad_bands), []
    for reason, numbers in left_out.items():
        told = f"{len(numbers)} of {bands} bands ({spell_numbers([number + 1 for number in numbers])})"
        if options.bands is None:
            dropped |= {number + 1 for number in numbers}
            remarks.append(f"{told} left out {reason}")
        elif named := sorted({number + 1 for number in numbers} & set(wanted)):
            remarks.append(f"bands {spell_numbers(named)} kept, as bands= names them, {reason}")
    keep = [number - 1 for number in wanted if number not in dropped]
    if not keep:
        raise SceneError(f"{path}: expected at least one band that is kept, got none of {bands}; name those to keep with bands=")
    return (None if keep == list(range(bands)) else keep), tuple(remarks)


def spell_numbers(numbers: list[int]) -> str:
    """Rising numbers as ranges: 1-2, 18-19, 39."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1] = [parts[-1][0], number]
        else:
            parts.append([number])
    return ", ".join("-".join(map(str, part)) for part in parts)
