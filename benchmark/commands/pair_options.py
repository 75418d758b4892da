"""The options that say what a pair of images of the user's own is: shared by `fuse` and `register`.

Each image has an option for each field of `ReadingOptions`, made from the source of that class, so that none is forgotten:
--help must answer without numpy.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.clone import ROOT
from benchmark.commands.command import CommandError, roots
from datasets.field_meanings import field_meanings

if TYPE_CHECKING:
    from datasets.image_pair import ImagePair

SCORES_ALONE = ("mask",)  # fields that say which pixels are scored, which a pair without truth never is
IMAGES = {"hsi": "low-resolution hyperspectral image", "msi": "high-resolution multispectral image"}
_READING = ROOT / "datasets" / "reading_options.py"


def add_pair(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the two images, and say how to read them and what is known of the sensors."""
    formats = "(.h5, .mat, .npz, ENVI, GeoTIFF)"
    parser.add_argument("--hsi", type=Path, required=True, metavar="A", help=f"{IMAGES['hsi']} {formats}")
    parser.add_argument("--msi", type=Path, required=True, metavar="B", help=f"{IMAGES['msi']}; may be the same file, with variables")
    meanings = reading_fields()
    for image, name in IMAGES.items():
        group = parser.add_argument_group(f"how the {name} is read (docs/own_pairs.md)")
        for field, meaning in meanings.items():
            names = [f"--{image}-{field.replace('_', '-')}"] + (["--wavelengths"] if (image, field) == ("hsi", "wavelengths") else [])
            group.add_argument(*names, dest=f"{image}_{field}", metavar="VALUE", help=meaning.replace("%", "%%"))
    parser.add_argument("--layout", metavar='"bands rows cols"', help="order of the axes of both images, where neither file states it")
    parser.add_argument("--scale", metavar="S", help="value = stored / S in both images, where neither file states a scale")
    parser.add_argument("--sort-bands", action="store_true", help="put the bands of the HSI into the order of their wavelengths")
    parser.add_argument(
        "--resample",
        nargs="?",
        const="",
        metavar="RATIO",
        help="resample the MSI by area to the next whole ratio, where the ratio (given, such as 10/3, or that of the sides) is none",
    )
    parser.add_argument("--psf", metavar="KIND,key=value,...|FILE", help="for example gaussian,taps=8,fwhm=4, or a kernel in .npy or .csv")
    parser.add_argument("--srf", metavar="SENSOR|FILE.csv", help="a sensor (see `list sensors`) or a table of response curves")
    parser.add_argument("--channels", metavar="a,b,...", help="the channels of the sensor that the MSI has, in their order")


def reading_fields() -> dict[str, str]:
    """The fields of `ReadingOptions` that concern a pair, each with its meaning."""
    meanings = field_meanings(_READING, "ReadingOptions")
    return {name: meaning for name, meaning in meanings.items() if name not in SCORES_ALONE}


def pair_of(options: argparse.Namespace, *, phase: str | None = None, noise: tuple[float, float] | None = None) -> ImagePair:
    """The pair that the options describe, resampled where that is asked for."""
    from benchmark.runner.pair_reading import PairWords, read_pair

    said = {
        image: {field: value for field in reading_fields() if (value := getattr(options, f"{image}_{field}")) is not None}
        for image in IMAGES
    }
    words = PairWords(
        options.hsi,
        options.msi,
        said["hsi"],
        said["msi"],
        {name: value for name in ("layout", "scale") if (value := getattr(options, name)) is not None},
        options.sort_bands,
        options.psf,
        options.srf,
        roots(options).folder("srf"),
        options.channels,
        phase,
        noise,
    )
    pair = read_pair(words)
    return pair if options.resample is None else pair.resampled(_quotient(options.resample) if options.resample else None)


def _quotient(text: str) -> float:
    """The number in a text such as 3.5 or 10/3."""
    try:
        above, _, below = text.partition("/")
        number = float(above) / float(below or "1")
    except (ValueError, ZeroDivisionError):
        number = 0.0
    if not 1 <= number < 1e6:
        raise CommandError(f"--resample: expected a ratio of at least 1, such as 3.5 or 10/3, got {text!r}")
    return number
