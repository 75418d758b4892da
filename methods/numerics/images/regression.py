"""Least squares between the pixels of two images: every band as an affine function of the other image's channels.

    target_k(pixel) = w_k' guide(pixel) + o_k        w_k and o_k minimise the squares over all pixels

`affine_fit` leaves the weights free. `non_negative_fit` requires w >= 0 and leaves the offset free; a spectral response is estimated in
this way. Both first reduce the pixels by a QR decomposition in float64, so that what follows is as small as the number of channels. (The
Gram matrix would square the condition number, and bands are nearly collinear.)
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from methods.numerics.solvers.subspace import mix


def affine_fit(
    guide: Float[Tensor, "channels h w"], target: Float[Tensor, "bands h w"]
) -> tuple[Float[Tensor, "bands channels"], Float[Tensor, " bands"]]:
    """The weights and offsets of the best affine prediction, in float64. If several fit equally well, those with the smallest norm."""
    guide_mean, guide_pixels = _centred(guide)
    target_mean, target_pixels = _centred(target)
    orthonormal, triangular = torch.linalg.qr(guide_pixels)
    weights = (torch.linalg.pinv(triangular) @ (orthonormal.T @ target_pixels)).T
    return weights, target_mean - weights @ guide_mean


def apply_affine(
    weights: Float[Tensor, "bands channels"], offset: Float[Tensor, " bands"], image: Float[Tensor, "channels rows cols"]
) -> Float[Tensor, "bands rows cols"]:
    """weights @ spectrum + offset at every pixel of the image, in its dtype."""
    return mix(weights, image).add_(offset.to(image)[:, None, None])


def non_negative_fit(
    guide: Float[Tensor, "channels h w"], target: Float[Tensor, "bands h w"]
) -> tuple[Float[Tensor, "bands channels"], Float[Tensor, " bands"]]:
    """The weights >= 0 and the offsets of the best affine prediction, in float64, by the active sets of Lawson and Hanson (1974).

    Subtracting the mean from every band of both images eliminates the free offset. If several answers fit equally well, this is one of
    them.
    """
    guide_mean, guide_pixels = _centred(guide)
    target_mean, target_pixels = _centred(target)
    orthonormal, triangular = torch.linalg.qr(guide_pixels)
    right = orthonormal.T @ target_pixels
    rows = [_lawson_hanson(triangular.cpu(), column) for column in right.cpu().T]
    weights = torch.stack(rows).to(triangular)
    return weights, target_mean - weights @ guide_mean


def _centred(image: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of every band, and the matrix (pixels, bands) of the image minus these means, in float64."""
    pixels = image.flatten(1).double()
    mean = pixels.mean(1)
    return mean, (pixels - mean[:, None]).T


def _lawson_hanson(matrix: Float[Tensor, "rows unknowns"], right: Float[Tensor, " rows"]) -> Float[Tensor, " unknowns"]:
    """The x >= 0 that minimises |matrix x - right|^2."""
    x = matrix.new_zeros(matrix.shape[1])
    free = torch.zeros_like(x, dtype=torch.bool)
    enough = 10 * torch.finfo(x.dtype).eps * float(matrix.abs().sum(0).max()) * max(matrix.shape) * float(right.abs().max())
    for _ in range(3 * len(x)):
        slope = torch.where(free, -torch.inf, matrix.T @ (right - matrix @ x))
        if float(slope.max()) <= enough:
            break
        free[int(slope.argmax())] = True
        while bool(free.any()):
            trial = torch.zeros_like(x)
            trial[free] = torch.linalg.lstsq(matrix[:, free], right[:, None], driver="gelsd").solution[:, 0]
            below = free & (trial <= 0)
            if not bool(below.any()):
                x = trial
                break
            share = torch.where(below, x / (x - trial), torch.inf)
            x = x + float(share.min()) * (trial - x)
            free &= (x > 0) & (torch.arange(len(x)) != int(share.argmin()))
            x = torch.where(free, x, 0.0)
    return x
