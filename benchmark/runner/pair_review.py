"""What a pair of the user's own tells before it is fused: whether it fits what is said of it, where the HSI lies, and which gain."""

from __future__ import annotations

from dataclasses import replace
from math import ceil, floor

import numpy as np

from benchmark.matrix.plan import Plan
from datasets.image_pair import ImagePair, PairError
from datasets.observation import Observation
from datasets.pair_residual import FLOOR, LEVEL, PairResidual, channel_gains, pair_residual
from datasets.registration import LEAST_SHARE, MOST_ERROR, Registration, register

_SHOWN = 3  # causes that a warning lists


def on_pairs(plan: Plan) -> list[str]:
    """What there is to say of each pair of a plan before it runs: remarks of the readers, and whether it fits what is said of it."""
    lines = []
    for pair in plan.pairs:
        told = pair.protocols[0].told(pair.source.pair())
        residual, warning = residual_lines(told)
        lines += [f"{pair.source.name}: {line}" for line in (*remark_lines(told), residual.removeprefix("pair: "), *warning)]
    return lines


def agreement(pair: ImagePair) -> list[str]:
    """How well a pair agrees with what is known of its sensors, for its records: the residual, and the contradiction if there is one."""
    residual, warning = residual_lines(pair)
    return [residual.removeprefix("pair: "), *(line.strip().removeprefix("warning: ") for line in warning[:2])]


def remark_lines(pair: ImagePair) -> list[str]:
    """What was done or left out when the two images were read."""
    return [f"{name}: {remark}" for name, image in (("HSI", pair.hsi), ("MSI", pair.msi)) for remark in image.remarks]


def residual_lines(pair: ImagePair) -> tuple[str, list[str]]:
    """A line with the residual of a pair, and the lines of a warning, where the pair contradicts what is said of it."""
    seen = pair.observe()
    found = pair_residual(seen.hsi, seen.msi, seen.ratio, seen.phase, seen.known.psf, seen.known.srf)
    if found is None:
        return "pair: not compared, as too few pixels are known (give --srf) or the images are zero", []
    return f"pair: {_formula(found)} = {found.residual:.4f}", _warning(found)


def _formula(found: PairResidual) -> str:
    spatial = "with the given PSF" if found.told_psf else "PSF unknown: a usual one"
    spectral = "the given SRF" if found.told_srf else "SRF unknown: regressed from the pair"
    return f"|S msi - R hsi| / |{'R hsi' if found.told_srf else 'S msi'}| ({spatial}, {spectral})"


def _warning(found: PairResidual) -> list[str]:
    if not found.contradicts:
        return []
    above = f", above the level {LEVEL} of a warning" if found.residual > LEVEL else ", which a single change would lessen much"
    lines = [f"warning: the pair contradicts what is said of it: its residual is {found.residual:.4f}{above}"]
    if found.residual < FLOOR:  # as where one image is a hundred times as bright: a regressed R takes any gain
        lines = ["warning: the pair contradicts what is said of it"]
    if found.cause is not None:
        lines.append(f"  likeliest cause: {found.cause.name}; the residual would be {found.cause.residual:.4f}")
    else:
        lines.append("  no single cause explains it: is the PSF, the SRF, a scale or the place wrong, or do they show different ground?")
    others = [cause for cause in found.causes if found.cause is None or cause.name != found.cause.name][:_SHOWN]
    return [*lines, *(f"  also tried: {cause.name}; it would be {cause.residual:.4f}" for cause in others)]


def registered(pair: ImagePair) -> tuple[ImagePair, Registration]:
    """The pair with the place of its HSI as estimated.

    Raises:
        PairError: the shift cannot be told from the images.
    """
    found = registration_of(pair)
    if not found.certain:
        raise PairError(f"--register: expected images from which the shift can be told, got {_doubt(found)}; give --phase")
    return replace(pair, phase=found.centre), found


def registration_of(pair: ImagePair) -> Registration:
    """Where the HSI lies on the grid of the MSI, whatever phase is said.

    Raises:
        PairError: the images are too small or flat.
    """
    seen: Observation = pair.observe()
    found = register(seen.hsi, seen.msi, seen.ratio, seen.known.psf, seen.known.srf)
    if found is None:
        raise PairError(f"expected images with structure, of at least 8 x 8 coarse pixels, got {' x '.join(map(str, seen.hsi.shape[1:]))}")
    return found


def registration_lines(found: Registration, pair: ImagePair) -> list[str]:
    """What a registration found, in lines."""
    (rows, cols), (row_error, col_error), (row, col) = found.shift, found.error, found.centre
    lines = [
        f"shift     {rows:+.2f} +- {row_error:.2f} rows, {cols:+.2f} +- {col_error:.2f} columns (fine pixels from a block-centred pair)",
        f"phase     --phase={row:.2f},{col:.2f}",
        f"quality   the MSI explains {found.share:.1%} of R hsi there, {found.share_unmoved:.1%} without the shift; the peak of the "
        f"phase correlation is {found.peak:.1f} times the next one",
    ]
    if max(abs(rows), abs(cols)) >= found.ratio and found.certain:
        lines.append(f"crop      {_common_ground(found, pair)}")
    return lines if found.certain else [*lines, f"doubt     {_doubt(found)}: do not use this shift"]


def _doubt(found: Registration) -> str:
    if found.share < LEAST_SHARE:
        return f"an MSI that explains {found.share:.1%} of R hsi (below {LEAST_SHARE:.0%})"
    return f"a standard error of {max(found.error):.2f} fine pixels (above {MOST_ERROR})"


def _common_ground(found: Registration, pair: ImagePair) -> str:
    """The crops of both images that leave the ground that they share, and the phase that goes with them."""
    ratio, starts, sizes, skips, rest = found.ratio, [], [], [], []
    for axis in range(2):
        coarse, fine, shift = pair.hsi.cube.shape[axis + 1], pair.msi.cube.shape[axis + 1], found.shift[axis]
        skip = max(0, ceil(-shift / ratio - 0.5 / ratio))
        start = max(0, floor(shift + skip * ratio + 0.5))
        skips.append(skip)
        starts.append(start)
        sizes.append(min(coarse - skip, (fine - start) // ratio))
        rest.append((ratio - 1) / 2 + shift + skip * ratio - start)
    hsi, msi = (*skips, *sizes), (*starts, *(size * ratio for size in sizes))
    words = (f"--hsi-crop {','.join(map(str, hsi))}", f"--msi-crop {','.join(map(str, msi))}", f"--phase={rest[0]:.2f},{rest[1]:.2f}")
    return f"the ground that both show: {' '.join(words)}"


def gains(pair: ImagePair) -> tuple[float, ...]:
    """For each channel of the MSI the factor that brings it nearest to what the SRF makes of the HSI: <S m, R h> / <S m, S m>.

    Raises:
        PairError: no SRF is given, so that the gain cannot be told from the response.
    """
    seen = pair.observe()
    srf = seen.known.srf
    if srf is None:
        raise PairError("--estimate-gain: expected --srf, as the gain is that of the MSI against R hsi; got none")
    return channel_gains(seen.hsi, seen.msi, seen.ratio, seen.phase, srf, seen.known.psf)


def with_gains(pair: ImagePair, factors: tuple[float, ...]) -> ImagePair:
    """The pair with its MSI in the units of the HSI."""
    cube = pair.msi.cube * np.asarray(factors, dtype=np.float32)[:, None, None]
    return replace(pair, msi=replace(pair.msi, cube=cube))
