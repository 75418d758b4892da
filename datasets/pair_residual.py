"""How well two images agree with what is said of their sensors, and the likeliest cause where they do not.

If hsi = S x and msi = R x, with S the blur and decimation and R the spectral response, then S msi = S R x = R S x = R hsi, whatever the
ground x is. So the pair itself tells whether the two images, their order, place and units, and the given S and R belong together:

    residual = |S msi - R hsi| / |R hsi|        Euclidean norms over all channels and over the coarse pixels away from the border

Without a PSF, S is the better one of two about the given centre: the mean over ratio x ratio pixels, and a Gaussian with a contrast of
0.3 at the coarse Nyquist frequency (Aiazzi et al., PE&RS 2006). Without an SRF, R is regressed from the pair: S msi is projected on the
constant and the leading principal components of the HSI (at most 10, and one per 20 pixels), and residual = |rest| / |S msi|. Such an R
takes any gain and any order of channels, so that it finds a wrong place alone; but images of which one is `BRIGHTER` times as bright as
the other on the mean hardly have one unit, and that is named, too.

Causes are tried one by one on the MSI: one gain, a gain per channel, another order of channels, the seven turns and mirrors of a square,
and shifts by one fine or one coarse pixel; then each of these together with one gain. A cause is named if it takes the share `MUCH` of
the residual away, and two together only if they leave less than half of what the best single one leaves.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

import numpy as np
import torch
from jaxtyping import Float
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.placed_psf import placed_psf
from datasets.psfs import Box, Gaussian

LEVEL = 0.2  # residual above which a pair contradicts what is said of it; docs/own_pairs.md has the measurements
MUCH = 0.4  # share of the residual that a named cause takes away
BRIGHTER = 10  # quotient of the mean brightness of the two images from which on they hardly have one unit
FLOOR = 0.01  # residual below which nothing is wrong, whatever cause would lessen it
_LEAST_COMPONENTS, _MOST_COMPONENTS, _PIXELS_EACH = 5, 10, 20
_TURNS = (
    ("the MSI is transposed", True, ()),
    ("the MSI is mirrored in its rows (upside down)", False, (1,)),
    ("the MSI is mirrored in its columns (left to right)", False, (2,)),
    ("the MSI is turned by 180 degrees", False, (1, 2)),
    ("the MSI is turned by 90 degrees counterclockwise", True, (1,)),
    ("the MSI is turned by 90 degrees clockwise", True, (2,)),
    ("the MSI is mirrored in its second diagonal", True, (1, 2)),
)


@dataclass(frozen=True)
class Cause:
    """Something that may be wrong with a pair, and the residual that would be left without it."""

    name: str
    residual: float


@dataclass(frozen=True)
class PairResidual:
    """How well two images agree with what is said of their sensors; the module docstring has the formula."""

    residual: float
    told_psf: bool  # else S is one of two usual ones
    told_srf: bool  # else R is regressed from the pair
    causes: tuple[Cause, ...]  # all that were tried, the one that leaves least first
    cause: Cause | None  # the likeliest one, where one takes much of the residual away

    @property
    def contradicts(self) -> bool:
        """Whether the pair contradicts what is said of it: by the size of the residual, or by a cause that explains it."""
        return self.residual > LEVEL or self.cause is not None


def pair_residual(
    hsi: Float[Tensor, "bands h w"],
    msi: Float[Tensor, "channels H W"],
    ratio: int,
    centre: tuple[float, float],
    psf: SpatialResponse | None = None,
    srf: SpectralResponse | None = None,
) -> PairResidual | None:
    """The residual of a pair and the causes that would lessen it; None where there are too few pixels to regress R, or R hsi is zero.

    Args:
        hsi: the low-resolution image; msi: the high-resolution one, its sides `ratio` times as long.
        ratio: fine pixels per coarse pixel.
        centre: the centre of coarse pixel 0 on the fine grid (row, column), for the S that stands in for a PSF that is not given.
        psf: S, where it is known; srf: R, where it is known.
    """
    found = [
        one
        for seen in ([psf] if psf is not None else _usual(ratio, centre))
        if (one := _tried(hsi.double(), msi.double(), seen, srf)) is not None
    ]
    if not found:
        return None
    residual, tried = min(found, key=lambda one: one[0])
    alone = min((cause for cause, pair in tried if not pair), key=lambda cause: cause.residual)
    both = min((cause for cause, pair in tried if pair), key=lambda cause: cause.residual, default=alone)
    best = both if both.residual < alone.residual / 2 else alone
    named = residual > FLOOR and best.residual < (1 - MUCH) * residual
    ordered = tuple(sorted((cause for cause, _ in tried), key=lambda cause: cause.residual))
    return PairResidual(residual, psf is not None, srf is not None, ordered, best if named else _unlike(hsi, msi, residual, srf))


def channel_gains(
    hsi: Float[Tensor, "bands h w"],
    msi: Float[Tensor, "channels H W"],
    ratio: int,
    centre: tuple[float, float],
    srf: SpectralResponse,
    psf: SpatialResponse | None = None,
) -> tuple[float, ...]:
    """For each channel m of the MSI the factor that brings S m nearest to R hsi: <S m, R hsi> / <S m, S m>, away from the border.

    Arguments as those of `pair_residual`; without a PSF, S is a usual one.
    """
    low = _Low(_usual(ratio, centre)[-1] if psf is None else psf, *hsi.shape[1:])
    plain, target = low.flat(msi.double()), srf(hsi.double()[:, *low.window]).flatten(1)
    return tuple(float(value) for value in (plain * target).sum(1) / plain.square().sum(1).clamp_min(1e-300))


def _usual(ratio: int, centre: tuple[float, float]) -> list[SpatialResponse]:
    """The two responses that stand in for one that is not known."""
    taps = 4 * ratio + ratio % 2
    kernels = [Box(ratio).kernel(ratio), Gaussian(taps, mtf_nyquist=0.3).kernel(ratio)]
    return [placed_psf(kernel, ratio, centre) for kernel in kernels[: 2 if ratio > 1 else 1]]


def _tried(hsi: Tensor, msi: Tensor, psf: SpatialResponse, srf: SpectralResponse | None) -> tuple[float, list[tuple[Cause, bool]]] | None:
    """The residual with this S, and each cause that is tried; None where there is nothing to compare."""
    low = _Low(psf, *hsi.shape[1:])
    inside = hsi[:, *low.window]
    compare = _Comparison(srf(inside).flatten(1) if srf is not None else None, _basis(inside.flatten(1)) if srf is None else None)
    plain = low.flat(msi)
    norm = float(plain.norm() if compare.target is None else compare.target.norm())
    if (compare.target is None and compare.basis is None) or not norm > 0:
        return None
    return compare.of(plain), list(_causes(msi, low, compare, psf.ratio, plain))


def _unlike(hsi: Tensor, msi: Tensor, residual: float, srf: SpectralResponse | None) -> Cause | None:
    """The cause that the two images have different units, where no SRF says what the MSI's should be."""
    one, other = float(hsi.double().abs().mean()), float(msi.double().abs().mean())
    if srf is not None or max(one, other) < BRIGHTER * min(one, other):
        return None
    return Cause(f"a scale: the MSI is {other / max(one, 1e-300):.4g} times as bright as the HSI on the mean", residual)


class _Low:
    """S, and the part of its image away from the border, where S does not depend on what lies outside."""

    def __init__(self, psf: SpatialResponse, rows: int, cols: int) -> None:
        self.psf = psf
        margin = 1 + ceil(max(psf.kernel.shape) / 2 / psf.ratio)
        self.window = tuple(slice(cut, size - cut) for size in (rows, cols) for cut in [max(0, min(margin, (size - 3) // 2))])

    def flat(self, msi: Tensor) -> Tensor:
        """S msi away from the border, (channels, pixels)."""
        return self.psf(msi)[:, *self.window].flatten(1)


@dataclass(frozen=True, eq=False)
class _Comparison:
    """What S msi is compared with: R hsi, or the space of all that a regressed R can give."""

    target: Tensor | None
    basis: Tensor | None  # (pixels, components), orthonormal

    def of(self, low: Tensor) -> float:
        """The residual that S msi leaves."""
        if self.target is not None:
            return float((low - self.target).norm() / self.target.norm())
        return float(self._rest(low).norm() / low.norm().clamp_min(1e-300))

    def _rest(self, low: Tensor) -> Tensor:
        assert self.basis is not None
        return low - (low @ self.basis) @ self.basis.T


def _causes(msi: Tensor, low: _Low, compare: _Comparison, ratio: int, plain: Tensor) -> Iterator[tuple[Cause, bool]]:
    """Each cause that is tried, and whether it is two together."""
    target = compare.target
    if target is not None:
        gain = _gain(plain, target)
        yield Cause(f"a gain: the MSI times {gain:.4g} would fit", compare.of(plain * gain)), False
        if len(plain) > 1:
            gains = (plain * target).sum(1) / plain.square().sum(1).clamp_min(1e-300)
            spelled = ", ".join(f"{float(value):.4g}" for value in gains)
            yield Cause(f"a gain per channel: the MSI's channels times {spelled} would fit", compare.of(plain * gains[:, None])), True
            for free in (False, True):
                order = _order(plain, target, free=free)
                if order != list(range(len(plain))):
                    name = f"the order of the channels: as {', '.join(str(number + 1) for number in order)} they would fit"
                    yield from _with_gain(name, plain[order], compare, both=free, single=not free)
    square = msi.shape[1] == msi.shape[2]
    for name, transposed, axes in _TURNS:
        if square or not transposed:
            turned = msi.transpose(1, 2) if transposed else msi
            yield from _with_gain(name, low.flat(turned.flip(axes) if axes else turned), compare)
    steps = [(1, "fine")] + ([(ratio, "coarse")] if ratio > 1 else [])
    for step, kind in steps:
        for row, col in ((r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if (r, c) != (0, 0)):
            moved = low.flat(msi.roll((row * step, col * step), (1, 2)))
            name = f"a shift by one {kind} pixel: the MSI moved by {row * step:+d} rows and {col * step:+d} columns would fit"
            yield from _with_gain(name, moved, compare)


def _with_gain(name: str, low: Tensor, compare: _Comparison, *, both: bool = True, single: bool = True) -> Iterator[tuple[Cause, bool]]:
    """The cause alone, and together with one gain."""
    if single:
        yield Cause(name, compare.of(low)), False
    if both and compare.target is not None:
        gain = _gain(low, compare.target)
        yield Cause(f"{name}, and a gain: times {gain:.4g}", compare.of(low * gain)), True


def _gain(low: Tensor, target: Tensor) -> float:
    """The factor that brings S msi nearest to R hsi."""
    return float((low * target).sum() / low.square().sum().clamp_min(1e-300))


def _order(low: Tensor, target: Tensor, *, free: bool) -> list[int]:
    """For each channel of R hsi the channel of the MSI that fits it, each used once; with `free`, whatever the gain of each."""
    one, other = (low, target) if not free else (_standard(low), _standard(target))
    costs = (one[None] - other[:, None]).square().sum(2)
    return [int(number) for number in linear_sum_assignment(np.asarray(costs))[1]]


def _standard(values: Tensor) -> Tensor:
    centred = values - values.mean(1, keepdim=True)
    standard: Tensor = centred / centred.norm(dim=1, keepdim=True).clamp_min(1e-300)
    return standard


def _basis(spectra: Tensor) -> Tensor | None:
    """An orthonormal basis of the constant and the leading components of the HSI, (pixels, components); None with too few pixels."""
    bands, pixels = spectra.shape
    count = min(_MOST_COMPONENTS, bands, pixels // _PIXELS_EACH)
    if count < min(_LEAST_COMPONENTS, bands):  # so few cannot give what a channel sees, and the rest would say nothing
        return None
    centred = spectra - spectra.mean(1, keepdim=True)
    values, vectors = torch.linalg.eigh(centred @ centred.T)
    leading = vectors[:, values > 1e-12 * values.max().clamp_min(1e-300)][:, -count:]
    together: Tensor = torch.cat([torch.ones(pixels, 1, dtype=spectra.dtype), centred.T @ leading], dim=1)
    basis: Tensor = torch.linalg.qr(together / together.norm(dim=0).clamp_min(1e-300))[0]
    return basis
