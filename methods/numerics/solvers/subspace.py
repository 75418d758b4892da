"""The spectral subspace of an image: uncentred principal components, and matrices that act on spectra.

    hsi hsi' / n = P diag(variance) P'        n pixels, eigenvalues falling, P with orthonormal columns

No mean is subtracted, since the subspace must contain the spectra themselves and not their deviations from a mean.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def principal_basis(hsi: Float[Tensor, "bands h w"], rank: int) -> tuple[Float[Tensor, "bands r"], Float[Tensor, " r"]]:
    """The leading eigenvectors P and eigenvalues (mean squares, in the image's unit squared) of hsi hsi' / n, in float64.

    r = min(rank, bands). The Gram matrix squares the condition number, so it is in float64 for every dtype of the image.
    """
    pixels = hsi.flatten(1).double()
    variance, vectors = torch.linalg.eigh(pixels @ pixels.T / pixels.shape[1])
    kept = slice(hsi.shape[0] - min(rank, hsi.shape[0]), None)
    return vectors[:, kept].flip(1), variance[kept].flip(0)


def scaled_basis(hsi: Float[Tensor, "bands h w"], rank: int) -> Float[Tensor, "bands r"]:
    """The basis E = P diag(sqrt(variance)), in float64. Coordinates in E have mean square 1, so one prior weight suits every component.

    A variance below 1e-12 of the largest one is rounding noise and is replaced by that value, so that E keeps its full column rank for an
    image of low rank. For an image of zeros, E = P.
    """
    vectors, variance = principal_basis(hsi, rank)
    strongest = variance[0].clamp_min(0)
    floored = torch.maximum(variance, 1e-12 * strongest)
    return vectors * torch.where(strongest > 0, floored, torch.ones_like(floored)).sqrt()


def mix(matrix: Float[Tensor, "new old"], image: Float[Tensor, "old rows cols"]) -> Float[Tensor, "new rows cols"]:
    """matrix @ spectrum at every pixel, in the image's dtype and on its device."""
    return torch.mm(matrix.to(image), image.flatten(1)).reshape(-1, *image.shape[1:])
