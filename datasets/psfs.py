"""Point spread functions by name: a few numbers, and the kernel that follows from them.

Every kernel is sampled at pixel centres on a `taps` x `taps` grid around its middle (taps - 1) / 2 and divided by its sum. With an even
number of taps the middle lies between two pixels; the fraction is then part of the registration (`SpatialResponse.centre`).
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import cos, inf, log, pi, radians, sin, sqrt
from pathlib import Path
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import ResponseError
from datasets.input_files import own_errors, regular_size
from datasets.kernel_file import read_kernel
from datasets.settings import SettingError, configure, field_values, look_up

LARGEST_WEIGHT = 1e6  # of a kernel that sums to 1: beyond it, the image is lost in rounding
FWHM_PER_SIGMA = 2 * sqrt(2 * log(2))  # 2.3548: full width at half maximum of a Gaussian, in sigmas


class Psf(ABC):
    """A point spread function by its numbers; subclasses are frozen dataclasses whose fields are those numbers."""

    kind: ClassVar[str]

    @abstractmethod
    def kernel(self, ratio: int) -> Float[Tensor, "k_rows k_cols"]:
        """The kernel in float64; it sums to 1. `ratio` matters where the numbers are relative to the coarse grid."""

    def numbers(self) -> dict[str, Any]:
        """The kind and the numbers, as a plan writes them."""
        return {"kind": self.kind, **{name: value for name, value in field_values(self).items() if value is not None}}


@dataclass(frozen=True)
class Gaussian(Psf):
    """exp(-(p^2 / sigma_r^2 + q^2 / sigma_c^2) / 2), (p, q) the offset from the middle turned by `angle`.

    Its width is given by exactly one of `sigma` (fine pixels; one number, or rows and columns), `fwhm` (likewise) and `mtf_nyquist`, the
    contrast left at the coarse grid's Nyquist frequency: sigma = ratio * sqrt(-2 ln mtf) / pi (Aiazzi et al., PE&RS 2006).
    """

    kind: ClassVar[str] = "gaussian"
    taps: int
    sigma: float | tuple[float, float] | None = None
    fwhm: float | tuple[float, float] | None = None
    mtf_nyquist: float | None = None
    angle: float = 0.0  # degrees, from the row axis towards the column axis

    def __post_init__(self) -> None:
        _expect_taps(self.taps)
        given = [name for name in ("sigma", "fwhm", "mtf_nyquist") if field_values(self)[name] is not None]
        if len(given) != 1:
            raise SettingError(f"psf gaussian: expected exactly one of sigma, fwhm, mtf_nyquist; got {', '.join(given) or 'none'}")
        if min(self.sigmas(1)) <= 0:
            raise SettingError(f"psf gaussian: expected a width above 0 (and mtf_nyquist below 1), got {self.numbers()}")

    def sigmas(self, ratio: int) -> tuple[float, float]:
        """Standard deviations along the (turned) rows and columns, in fine pixels."""
        if self.mtf_nyquist is not None:
            inside = 0 < self.mtf_nyquist < 1
            sigma = ratio * sqrt(-2 * log(self.mtf_nyquist)) / pi if inside else 0.0
            return sigma, sigma
        width, unit = (self.sigma, 1.0) if self.sigma is not None else (self.fwhm, FWHM_PER_SIGMA)
        pair = width if isinstance(width, tuple) else (width or 0.0, width or 0.0)
        return pair[0] / unit, pair[1] / unit

    def kernel(self, ratio: int) -> Float[Tensor, "k_rows k_cols"]:
        """The kernel; the docstring of the class has its formula."""
        rows, cols = _grid(self.taps)
        sigma_r, sigma_c = self.sigmas(ratio)
        turn = radians(self.angle)
        along, across = rows * cos(turn) + cols * sin(turn), cols * cos(turn) - rows * sin(turn)
        return _normalised(torch.exp(-((along / sigma_r) ** 2 + (across / sigma_c) ** 2) / 2))


@dataclass(frozen=True)
class Box(Psf):
    """The mean over taps x taps pixels: an ideal square detector."""

    kind: ClassVar[str] = "box"
    taps: int

    def __post_init__(self) -> None:
        _expect_taps(self.taps)

    def kernel(self, ratio: int) -> Float[Tensor, "k_rows k_cols"]:
        """The kernel; the docstring of the class has its formula."""
        return _normalised(torch.ones(self.taps, self.taps, dtype=torch.float64))


@dataclass(frozen=True)
class Disk(Psf):
    """Defocus: the mean over a disk of `radius` fine pixels, border pixels by the share that lies inside (16 x 16 samples per pixel)."""

    kind: ClassVar[str] = "disk"
    taps: int
    radius: float

    def __post_init__(self) -> None:
        _expect_taps(self.taps)
        if self.radius <= 0:
            raise SettingError(f"psf disk: expected a radius above 0, got {self.radius}")

    def kernel(self, ratio: int) -> Float[Tensor, "k_rows k_cols"]:
        """The kernel; the docstring of the class has its formula."""
        return _normalised(_area(self.taps, lambda rows, cols: rows**2 + cols**2 <= self.radius**2))


@dataclass(frozen=True)
class Motion(Psf):
    """Linear motion: the mean over a segment `length` pixels long and one pixel wide, border pixels by the share that lies inside."""

    kind: ClassVar[str] = "motion"
    taps: int
    length: float
    angle: float = 0.0  # degrees, from the row axis towards the column axis

    def __post_init__(self) -> None:
        _expect_taps(self.taps)
        if self.length <= 0:
            raise SettingError(f"psf motion: expected a length above 0, got {self.length}")

    def kernel(self, ratio: int) -> Float[Tensor, "k_rows k_cols"]:
        """The kernel; the docstring of the class has its formula."""
        turn = radians(self.angle)

        def inside(rows: Tensor, cols: Tensor) -> Tensor:
            along, across = rows * cos(turn) + cols * sin(turn), cols * cos(turn) - rows * sin(turn)
            return (along.abs() <= self.length / 2) & (across.abs() <= 0.5)

        return _normalised(_area(self.taps, inside))


@dataclass(frozen=True)
class FromFile(Psf):
    """A measured kernel (rows x columns) from a .npy, .csv or .txt file, divided by its sum, and applied as drawn (a correlation)."""

    kind: ClassVar[str] = "file"
    path: Path

    def kernel(self, ratio: int) -> Float[Tensor, "k_rows k_cols"]:
        """The kernel; the docstring of the class has its formula."""
        return _normalised(torch.from_numpy(read_kernel(self.path)))

    def numbers(self) -> dict[str, Any]:
        """The kind, and the digest of the file's content in the place of its path."""
        regular_size(self.path, ResponseError)
        with own_errors(self.path, ResponseError, "a readable file", "check its permissions"), self.path.open("rb") as stream:
            return {"kind": self.kind, "sha256": hashlib.file_digest(stream, "sha256").hexdigest()}


PSFS: Mapping[str, type[Psf]] = {kind.kind: kind for kind in (Gaussian, Box, Disk, Motion, FromFile)}


def psf_from(table: Mapping[str, object]) -> Psf:
    """The PSF that a plan's table describes, such as {kind = "gaussian", taps = 7, sigma = 2}.

    Raises:
        SettingError: unknown kind or number.
    """
    kind = look_up("psf", str(table.get("kind")), PSFS)
    try:
        return configure(kind, {name: value for name, value in table.items() if name != "kind"})
    except SettingError as error:
        raise SettingError(f"psf {kind.kind}: {error}") from error


def _expect_taps(taps: int) -> None:
    if taps < 1:
        raise SettingError(f"psf: expected taps >= 1, got {taps}")


def _grid(taps: int, samples: int = 1) -> tuple[Tensor, Tensor]:
    """Offsets from the middle of pixel centres, or of `samples` points per pixel and axis: rows as a column, columns as a row."""
    points = (torch.arange(taps * samples, dtype=torch.float64) + 0.5) / samples - taps / 2
    return points[:, None], points[None, :]


def _area(taps: int, inside: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """The share of each pixel that lies inside a shape."""
    samples = 16
    rows, cols = _grid(taps, samples)
    covered: Tensor = inside(rows, cols)
    return covered.double().reshape(taps, samples, taps, samples).mean((1, 3))


def _normalised(kernel: Tensor) -> Tensor:
    total = float(kernel.sum())
    if not 0 < total < inf:
        raise ResponseError(f"psf: expected a kernel with a positive sum, got {total:.6g}")
    normalised = kernel / total
    if not bool(torch.isfinite(normalised).all()) or float(normalised.abs().max()) > LARGEST_WEIGHT:
        raise ResponseError(f"psf: expected a kernel whose sum is not small against its entries, got the sum {total:.6g}")
    return normalised
