"""Both sensor responses from the pair itself, by smooth least squares: HySure's estimator. Simoes et al., IEEE TGRS 2015.

1. SRF. Both images are blurred by boxes so wide that the unknown PSF hardly matters, and the MSI is sampled at the coarse centres (M). Each
   row of R is a ridge regression on the HSI (Y), with D the first difference along the bands:

       R = argmin |R Y - M|^2 + smoothness |R D'|^2

2. PSF. With V the leading left singular vectors of the HSI and P_i the window of the MSI around coarse pixel i (one row per channel),

       b = argmin sum over i of |P_i b - R V V' hsi_i|^2 + smoothness (|D_rows b|^2 + |D_cols b|^2)

   Only windows that are entirely inside the image are used; if there is none, the image is continued periodically. b is a correlation
   kernel. In the eigenvectors of D'D the penalty is diagonal, and only the mean of b is free of it. So for a window of thousands of taps on
   an image of a few hundred coarse pixels, the Gram matrix of the equations is enough, and that of the taps is not needed.

The images are divided by the HSI's maximum; the weights of 10 are meant for that scale. Neither response has a sign constraint. Rows of R
that do not sum to 1 are the product of a response and a gain, msi = gain R x. If they are forced to sum to 1, R explains the MSI worse, by
up to 2 dB.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.numerics.images.resample import apply_separable
from methods.numerics.solvers.subspace import principal_basis

SMOOTHNESS = 10.0  # of both regressions, in units of the HSI's maximum squared
MSI_BOX = 9  # side in fine pixels of the box that hides the PSF
RANK = 10  # the HSI is projected onto this many singular vectors
LEAST_SUM = 0.1  # a PSF, or a row of R, with a smaller sum has found nothing and is replaced by a flat one


@dataclass(frozen=True, eq=False)
class RegressedResponses:
    """The results of the two regressions, in float64."""

    weights: Float[Tensor, "channels bands"]
    kernel: Float[Tensor, "rows cols"]  # sums to 1
    first: tuple[int, int]  # fine pixel under the kernel's first tap for coarse pixel (0, 0)


def smooth_responses(seen: Observation) -> tuple[SpatialResponse, SpectralResponse, Float[Tensor, " channels"]]:
    """The PSF (periodic), the SRF (its rows sum to 1) and the gain of each channel, so that msi = gain R x; in the dtype of the pair."""
    regressed = regress_responses(seen)
    srf, gain = normalise_rows(regressed.weights)
    return place_kernel(regressed.kernel.to(seen.hsi), regressed.first, seen.ratio), srf.to(seen.hsi), gain.to(seen.msi)


def normalise_rows(weights: Float[Tensor, "channels bands"]) -> tuple[SpectralResponse, Float[Tensor, " channels"]]:
    """The rows divided by their sums, and the sums. Where a sum is too small, the row is flat and the sum is given as 1."""
    sums = weights.sum(1)
    usable = sums >= LEAST_SUM
    rows = torch.where(usable[:, None], weights / sums.clamp_min(LEAST_SUM)[:, None], torch.full_like(weights, 1 / weights.shape[1]))
    return SpectralResponse(rows), torch.where(usable, sums, torch.ones_like(sums))


def regress_responses(seen: Observation) -> RegressedResponses:
    """The results of both steps. R is divided by the kernel's sum, as published; its rows may have any sum."""
    unit = float(seen.hsi.double().amax().clamp_min(1e-12))
    hsi, msi = seen.hsi.double() / unit, seen.msi.double() / unit
    weights = regress_srf(hsi, msi, seen.ratio, seen.phase)
    vectors = principal_basis(hsi, RANK)[0]
    target = torch.einsum("cb,br,dr,dhw->chw", weights, vectors, vectors, hsi)
    sides, first = psf_window(seen, 2 * seen.ratio - 1)
    kernel = regress_psf(target, msi, seen.ratio, first, sides)
    total = float(kernel.sum())
    if total < LEAST_SUM:
        return RegressedResponses(weights, torch.full_like(kernel, 1 / kernel.numel()), first)
    return RegressedResponses(weights / total, kernel / total, first)


def regress_srf(
    hsi: Float[Tensor, "bands h w"],
    msi: Float[Tensor, "channels H W"],
    ratio: int,
    centre: tuple[float, float],
    smoothness: float = SMOOTHNESS,
) -> Float[Tensor, "channels bands"]:
    """R of step 1, in float64 like its images; `centre` is the centre of coarse pixel (0, 0) on the fine grid."""
    bands = hsi.shape[0]
    pixels = _box(hsi, 1, (0.0, 0.0), 2 * floor(4 / ratio + 0.5) + 1).flatten(1)
    values = _box(msi, ratio, centre, MSI_BOX).flatten(1)
    steps = torch.diff(torch.eye(bands).to(hsi), dim=0)
    gram = pixels @ pixels.T + smoothness * steps.T @ steps
    gram = gram + 1e-13 * (1 + torch.diagonal(gram).amax()) * torch.eye(bands).to(hsi)
    rows: Tensor = torch.linalg.solve(gram, pixels @ values.T).T
    return rows


def regress_psf(
    target: Float[Tensor, "channels h w"],
    msi: Float[Tensor, "channels H W"],
    ratio: int,
    first: tuple[int, int],
    sides: tuple[int, int],
    smoothness: float = SMOOTHNESS,
) -> Float[Tensor, "rows cols"]:
    """b of step 2, in float64 like its images; it has `sides` taps, and the first is at fine pixel `first` for coarse pixel (0, 0)."""
    index, kept = [], []
    for size, start, taps in zip(msi.shape[1:], first, sides, strict=True):
        begin = start + ratio * torch.arange(size // ratio)
        inside = (begin >= 0) & (begin + taps <= size)
        kept.append(inside if bool(inside.any()) else torch.ones_like(inside))
        index.append(((begin[kept[-1]][:, None] + torch.arange(taps)) % size).to(msi.device))
    row_basis, row_cost = _difference_modes(sides[0], msi)
    col_basis, col_cost = _difference_modes(sides[1], msi)
    windows = msi[:, index[0][:, :, None, None], index[1][None, None]]  # channels, h, rows, w, cols
    modes = torch.einsum("chuwv,ua,vb->chwab", windows, row_basis, col_basis).flatten(0, 2).flatten(1)
    values = target[:, kept[0].to(msi.device)][:, :, kept[1].to(msi.device)].flatten()

    cost = smoothness * (row_cost[:, None] + col_cost).flatten()
    flat, rest = modes[:, 0], modes[:, 1:] / cost[1:].sqrt()
    energy = (flat @ flat).clamp_min(1e-300)
    values_left = values - flat * (flat @ values) / energy
    rest_left = rest - flat[:, None] * ((flat @ rest) / energy)
    amounts = _ridge(rest_left, values_left)
    mean = flat @ (values - rest @ amounts) / energy
    amounts = torch.cat([mean[None], amounts / cost[1:].sqrt()]).reshape(sides)
    return row_basis @ amounts @ col_basis.T


def psf_window(seen: Observation, least: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """The sides of a window around the centre of a coarse pixel, and the window's first fine pixel for coarse pixel (0, 0).

    On each axis the side is `least` pixels or one more: odd if the centre is near the middle of a fine pixel, even if it is near the border
    of two.
    """
    sides, first = [], []
    for centre in seen.phase:
        odd = abs(centre - round(centre)) <= 0.25
        sides.append(least + (least % 2 != odd))
        first.append(floor(centre - (sides[-1] - 1) / 2 + 0.5))
    return (sides[0], sides[1]), (first[0], first[1])


def place_kernel(kernel: Float[Tensor, "rows cols"], first: tuple[int, int], ratio: int) -> SpatialResponse:
    """The periodic response with its first tap at fine pixel `first` for coarse pixel (0, 0).

    Zeros around the kernel make the phase valid.
    """
    ends = [start + taps - 1 for start, taps in zip(first, kernel.shape, strict=True)]
    phase = min(max((sum(first) + sum(ends)) // 4, 0), ratio - 1)
    reach = max(*(abs(start - phase) for start in first), *(abs(end - phase) for end in ends))
    placed = kernel.new_zeros(2 * reach + 1, 2 * reach + 1)
    row, col = (reach + start - phase for start in first)
    placed[row : row + kernel.shape[0], col : col + kernel.shape[1]] = kernel
    return SpatialResponse(placed, ratio, phase)


def _ridge(matrix: Float[Tensor, "equations unknowns"], values: Float[Tensor, " equations"]) -> Float[Tensor, " unknowns"]:
    """The x that minimises |matrix x - values|^2 + |x|^2, by the smaller of the two Gram matrices."""
    if matrix.shape[0] < matrix.shape[1]:
        gram = matrix @ matrix.T + torch.eye(matrix.shape[0]).to(matrix)
        wide: Tensor = matrix.T @ torch.linalg.solve(gram, values)
        return wide
    gram = matrix.T @ matrix + torch.eye(matrix.shape[1]).to(matrix)
    tall: Tensor = torch.linalg.solve(gram, matrix.T @ values)
    return tall


def _difference_modes(side: int, like: Tensor) -> tuple[Float[Tensor, "side side"], Float[Tensor, " side"]]:
    """The eigenvectors of D'D as columns, the constant one first, and their eigenvalues."""
    steps = torch.diff(torch.eye(side).to(like), dim=0)
    cost, basis = torch.linalg.eigh(steps.T @ steps)
    cost[0] = 0
    return basis, cost


def _box(
    image: Float[Tensor, "bands rows cols"], ratio: int, centre: tuple[float, float], width: int
) -> Float[Tensor, "bands new_rows new_cols"]:
    """Means over squares of `width` pixels around centre + i * ratio, periodic. A pixel that is partly in the square counts in part."""
    axes = []
    for size, middle in zip(image.shape[1:], centre, strict=True):
        middles = middle + ratio * torch.arange(size // ratio, dtype=torch.float64)
        near = middles.floor()[:, None] + torch.arange(-(width // 2) - 1, width // 2 + 3, dtype=torch.float64)
        share = (width / 2 + 0.5 - (near - middles[:, None]).abs()).clamp(0, 1) / width
        weights = torch.zeros(len(middles), size, dtype=torch.float64).scatter_add_(1, near.long() % size, share)
        axes.append(weights.to(image))
    return apply_separable(axes[0], image, axes[1])
