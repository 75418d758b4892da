"""Vertex component analysis: endmembers as the extreme pixels of an image. Nascimento, Bioucas-Dias, IEEE TGRS 2005
(10.1109/TGRS.2005.844293).

Under the linear mixing model the spectra fill a simplex whose corners are the endmembers. The pixels are reduced to as many dimensions as
there are endmembers. Then, for one endmember after the other, a random direction is drawn and made orthogonal to the endmembers so far; the
pixel that is farthest along it is the next endmember.

The reduction depends on the estimated signal-to-noise ratio, with the threshold 15 + 10 log10(endmembers) dB. Above it, the leading
uncentred components are used, and every pixel is divided by its product with the mean (a perspective projection, independent of
brightness). Below it, the leading centred components are used, with the largest length as one more coordinate.
"""

from __future__ import annotations

from math import log10

import torch
from jaxtyping import Float
from torch import Tensor


def vca(pixels: Float[Tensor, "bands pixels"], endmembers: int, rng: torch.Generator) -> Float[Tensor, "bands endmembers"]:
    """The endmember spectra, in float64: pixels of the image, projected onto the subspace of the reduction.

    `rng` is on the CPU. If there are fewer different pixels than endmembers, some endmembers are equal.

    Raises:
        ValueError: there are more endmembers than bands, or fewer than one.
    """
    if not 1 <= endmembers <= pixels.shape[0]:
        raise ValueError(f"vca: expected 1 to {pixels.shape[0]} endmembers (the number of bands), got {endmembers}")
    spectra = pixels.double()
    reduced, projected = _reduce(spectra, endmembers)
    corners = torch.zeros(len(reduced), endmembers).to(reduced)
    corners[-1, 0] = 1
    chosen = []
    for number in range(endmembers):
        direction = torch.rand(len(reduced), 1, generator=rng, dtype=torch.float64).to(reduced)
        vectors, strengths, _ = torch.linalg.svd(corners[:, : max(number, 1)], full_matrices=False)
        kept = vectors[:, strengths > 1e-12 * float(strengths[0])]
        direction = direction - kept @ (kept.T @ direction)
        along = direction.T @ reduced
        chosen.append(int(along.abs().argmax()))
        corners[:, number] = reduced[:, chosen[-1]]
    return projected[:, chosen]


def _reduce(spectra: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """The pixels in `size` dimensions, and the spectra that these coordinates stand for."""
    count = spectra.shape[1]
    mean = spectra.mean(1, keepdim=True)
    centred = spectra - mean
    leading = torch.linalg.eigh(centred @ centred.T / count).eigenvectors.flip(1)[:, :size]
    scores = leading.T @ centred
    total, signal = spectra.square().sum() / count, scores.square().sum() / count + mean.square().sum()
    noise = (total - signal).clamp_min(1e-300)
    snr = 10 * float(torch.log10(((signal - size / len(spectra) * total) / noise).clamp_min(1e-300)))
    if snr < 15 + 10 * log10(size):
        kept = scores[: max(size - 1, 1)]
        length = kept.square().sum(0).max().sqrt().expand(1, count)
        return torch.cat([kept, length]), leading[:, : len(kept)] @ kept + mean
    leading = torch.linalg.eigh(spectra @ spectra.T / count).eigenvectors.flip(1)[:, :size]
    scores = leading.T @ spectra
    height = scores.mean(1) @ scores
    visible = height > 1e-6 * height.abs().max()
    return torch.where(visible, scores / torch.where(visible, height, 1), 0), leading @ scores
