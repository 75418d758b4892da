"""What a person wants a figure of scenes to show: `figure errors` and `figure spectra`, from the texts of the command line.

--scene a,b            the scenes, in this order; names end with what is given ("fields" is builtin/fields), `*` stands for any text
--methods a,b,c        names or labels of rows, in this order; `rfuse` is that row alone, not its blind form
--protocol NAME        needed where several protocols have the scene
--seed N               the seed; the lowest one with scores, if not given
--zoom row,col,size    the window: its first row and column, counted from 0, and its side, in pixels
--bands r,g,b          the bands shown as red, green and blue: numbers from 1, or wavelengths such as 640nm
--pixel row,col        a pixel whose spectra are shown, counted from 0; may be repeated
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from benchmark.run_folder.selection import SelectionError, listed
from datasets.nearest import did_you_mean
from reports.content.paper_style import read_renaming

FigureKind = Literal["errors", "spectra"]
KINDS: tuple[str, ...] = get_args(FigureKind)
_NM = "nm"


@dataclass(frozen=True, kw_only=True)
class FigureRequest:
    """What the figure shows; what is empty or None follows the rules of the report."""

    kind: FigureKind
    scenes: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    protocol: str = ""
    seed: int | None = None
    zoom: tuple[int, int, int] | None = None
    bands: tuple[str, str, str] | None = None  # numbers from 1, or wavelengths with their unit
    pixels: tuple[tuple[int, int], ...] = ()
    rename: dict[str, str] = field(default_factory=dict)
    single_column: bool = False


def read_figure_request(
    kind: str,
    *,
    scene: str = "",
    methods: str = "",
    protocol: str = "",
    seed: int | None = None,
    zoom: str = "",
    bands: str = "",
    pixel: Sequence[str] = (),
    rename: Sequence[str] = (),
    single_column: bool = False,
) -> FigureRequest:
    """The request that these texts describe.

    Raises:
        SelectionError: a text is not of the form above, or belongs to the other kind of figure.
    """
    if kind not in KINDS:
        raise SelectionError(f"figure: {did_you_mean(kind, KINDS)}expected one of {', '.join(KINDS)}, got {kind!r}")
    for option, given, wanted in (("--pixel", pixel, "spectra"), ("--zoom", zoom, "errors"), ("--bands", bands, "errors")):
        if given and kind != wanted:
            raise SelectionError(f"{option}: expected it with `figure {wanted}` alone, got `figure {kind}`; leave it out")
    window = _whole_numbers("--zoom", zoom, "row,col,size", 3) if zoom else None
    if window is not None and window[2] < 1:
        raise SelectionError(f"--zoom: expected a size of at least 1 pixel, got {zoom!r}")
    places = [_whole_numbers("--pixel", text, "row,col", 2) for text in pixel]
    return FigureRequest(
        kind=kind,  # type: ignore[arg-type]
        scenes=listed(scene),
        methods=listed(methods),
        protocol=protocol,
        seed=seed,
        zoom=None if window is None else (window[0], window[1], window[2]),
        bands=_bands(bands) if bands else None,
        pixels=tuple((row, col) for row, col in places),
        rename=read_renaming(rename),
        single_column=single_column,
    )


def band_places(bands: tuple[str, str, str], count: int, nm: Sequence[float] | None) -> tuple[int, int, int]:
    """The bands that a request names, counted from 0, of a scene with so many bands at these wavelengths.

    Raises:
        SelectionError: a number that no band has, or a wavelength where none is known or that is far from all bands.
    """
    red, green, blue = (_band(text, count, nm) for text in bands)
    return red, green, blue


def _band(text: str, count: int, nm: Sequence[float] | None) -> int:
    if not text.endswith(_NM):
        if not 1 <= int(text) <= count:
            raise SelectionError(f"--bands: expected numbers from 1 to {count}, the bands of the scene, got {text}")
        return int(text) - 1
    wanted = float(text.removesuffix(_NM))
    if nm is None:
        raise SelectionError(f"--bands: expected numbers of bands, as the scene has no wavelengths, got {text}")
    step = (max(nm) - min(nm)) / max(count - 1, 1)
    nearest = min(range(count), key=lambda at: abs(nm[at] - wanted))
    if abs(nm[nearest] - wanted) > max(step, 1.0):
        raise SelectionError(f"--bands: expected wavelengths from {min(nm):g} to {max(nm):g} nm, those of the scene, got {text}")
    return nearest


def _bands(text: str) -> tuple[str, str, str]:
    words = [word.replace(" ", "") for word in listed(text)]
    if len(words) != 3 or not all(_is_band(word) for word in words):
        raise SelectionError(f"--bands: expected three numbers from 1, or wavelengths, as in 25,16,7 or 640nm,550nm,460nm, got {text!r}")
    return words[0], words[1], words[2]


def _is_band(word: str) -> bool:
    number = word.removesuffix(_NM)
    return number.isascii() and (number.isdigit() if number == word else number.replace(".", "", 1).isdigit())


def _whole_numbers(option: str, text: str, form: str, count: int) -> list[int]:
    words = listed(text)
    if len(words) != count or not all(word.isascii() and word.isdigit() for word in words):
        raise SelectionError(f"{option}: expected {form} in whole pixels counted from 0, got {text!r}")
    return [int(word) for word in words]
