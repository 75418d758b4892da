"""GLP-HS: detail from a generalised Laplacian pyramid that is matched to the sensor's blur.

Aiazzi, Alparone, Baronti, Garzelli, Selva, PE&RS 2006 (MTF-GLP), made hyper-sharpening by Selva et al., IEEE JSTARS 2015; the form of
Yokoya, Grohnfeldt, Chanussot (IEEE GRSM 2017), second mode:

1. S_k = w_k' msi + o_k is the affine function of the channels that fits band k best on the coarse grid: one sharp image per band.
2. P_k is S_k without its detail: blurred by a Gaussian as wide as a coarse pixel, decimated, and interpolated again. U_k is the band
   itself, interpolated.
3. Z_k = U_k + g_k (S_k - P_k),   g_k = cov(U_k, P_k) / var(P_k) over the fine grid,   clipped to 0 .. 2^sqrt(max hsi), as the toolbox does.

The interpolation puts the coarse samples among zeros and filters both axes, periodically, with a Hamming-windowed sinc of the cut-off
1 / ratio. Coarse pixels between two fine pixels are put on each of the two, and the two results are averaged; g is the same for both. The
toolbox's filter has 45 taps, made for ratios up to 8. For larger ratios our filter is longer, since 45 taps would leave gaps between the
samples at ratio 32. The original is Yokoya's toolbox (MATLAB, no licence found).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, pi
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.observation import Observation
from methods.contract import Card, Estimate, FusionMethod
from methods.numerics.images.block_gaussian import block_gaussian
from methods.numerics.images.regression import affine_fit, apply_affine
from methods.numerics.images.resample import apply_separable, block_centre, shrink
from methods.numerics.solvers.subspace import mix


@dataclass(frozen=True)
class Method(FusionMethod):
    """GLP-HS at the pair's own sampling phase. `aligned=False` is the published form, which takes every pair as block-centred."""

    card: ClassVar[Card] = Card(
        name="GLP-HS",
        paper="Aiazzi, Alparone, Baronti, Garzelli, Selva, MTF-tailored multiscale fusion of high-resolution MS and Pan imagery, PE&RS "
        "2006; for HSI and MSI: Yokoya, Grohnfeldt, Chanussot, IEEE GRSM 2017 (10.1109/MGRS.2016.2637824)",
        doi="10.14358/PERS.72.5.591",
        year=2006,
        random=False,
        implementation="optimised, same output",  # the channels are blurred and interpolated, not the bands
        fidelity="output of Yokoya's toolbox (second mode, no licence found) to 1e-6 on a block-centred pair; aligned for other phases; "
        "above ratio 8 the interpolation filter is longer than the toolbox's 45 taps",
    )

    aligned: bool = True  # interpolate and shrink at the pair's own phase, not at the block centre

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The cube of steps 1 to 3 of the module docstring."""
        phase = seen.phase if self.aligned else block_centre(seen.ratio)
        weights, offset = affine_fit(shrink(seen.msi, seen.ratio, phase, "linear"), seen.hsi)
        sharp = apply_affine(weights, offset, seen.msi)
        # Blur and interpolation are linear and the same for every band, so it is enough to apply them to the channels.
        blurred = block_gaussian(torch.cat([seen.msi, torch.ones_like(seen.msi[:1])]), seen.ratio, phase)
        gain = _gain(seen.hsi, apply_affine(weights, offset, blurred[:-1]), seen.ratio)
        smooth = _interpolate(blurred, seen.ratio, phase)
        detail = sharp.sub_(mix(torch.cat([weights, offset[:, None]], 1), smooth))
        cube = _interpolate(seen.hsi, seen.ratio, phase).add_(detail.mul_(gain.to(detail)[:, None, None]))
        return Estimate(cube.clamp_(0, 2 ** max(float(seen.hsi.max()), 0.0) ** 0.5))


def _gain(hsi: Float[Tensor, "bands h w"], blurred: Float[Tensor, "bands h w"], ratio: int) -> Float[Tensor, " bands"]:
    """cov(U, P) / var(P) of every band, in float64; 0 for a band without detail.

    U and P are interpolated with the samples on whole fine pixels; which ones does not matter, since the filter is periodic. So, with A and
    B the filters of the two axes, the sum of U * P over the fine grid equals the sum of (A'A hsi B'B) * blurred over the coarse grid.
    """
    rows, cols = (_weights(size, ratio, 0).to(hsi.device) for size in hsi.shape[1:])
    bands, plain = hsi.double(), blurred.double()
    spread = torch.matmul(rows.T @ rows, torch.matmul(plain, cols.T @ cols))
    fine = hsi[0].numel() * ratio**2
    mean = plain.mean((1, 2))  # of P as well: every column of A and B sums to the ratio
    energy = (spread * plain).sum((1, 2)) - fine * mean.square()
    together = (spread * bands).sum((1, 2)) - fine * mean * bands.mean((1, 2))
    usable = energy > 1e-12 * fine * mean.square()
    return torch.where(usable, together / torch.where(usable, energy, 1), 0)


def _interpolate(image: Float[Tensor, "bands h w"], ratio: int, phase: tuple[float, float]) -> Float[Tensor, "bands H W"]:
    """The image on the fine grid: zeros are inserted at the phase, then the filter is applied.

    For a fractional phase, the results for the whole phases around it are averaged. Several averages have the right centre on both axes;
    this one uses the corners nearest to the diagonal. With equal fractions it mixes only (floor, floor) and (ceil, ceil), as the toolbox
    does for even ratios.
    """
    whole = [floor(start) for start in phase]
    row, col = (start - base for start, base in zip(phase, whole, strict=True))
    parts = {(0, 0): 1 - max(row, col), (1, 0): max(row - col, 0.0), (0, 1): max(col - row, 0.0), (1, 1): min(row, col)}
    fine = image.new_zeros(image.shape[0], image.shape[1] * ratio, image.shape[2] * ratio)
    for (down, right), share in parts.items():
        if share > 0:
            rows = share * _weights(image.shape[1], ratio, whole[0] + down)
            cols = _weights(image.shape[2], ratio, whole[1] + right)
            fine += apply_separable(rows.to(image), image, cols.to(image))
    return fine


def _weights(size: int, ratio: int, first: int) -> Tensor:
    """The matrix (size * ratio, size) of one axis, in float64: the filter around first + i * ratio, periodic."""
    reach = max(22, ceil(2.75 * ratio))
    tap = torch.arange(-reach, reach + 1, dtype=torch.float64)
    kernel = torch.sinc(tap / ratio) * (0.54 + 0.46 * torch.cos(pi * tap / reach))
    place = (first + ratio * torch.arange(size)[:, None] + tap.long()) % (size * ratio)
    matrix = torch.zeros(size, size * ratio, dtype=torch.float64)
    return matrix.scatter_add_(1, place, (ratio * kernel / kernel.sum()).expand(size, -1)).T
