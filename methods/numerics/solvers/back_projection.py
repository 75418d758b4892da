"""Alternating back-projection: a cube made to agree with both images in turn, for a box of ratio x ratio pixels as the PSF.

    Z <- Z + pinv(R) (msi - R Z)             agrees with the MSI
    Z <- Z + blocks(hsi - means(Z))          agrees with the HSI, if its pixels are means of blocks

`means` averages blocks of ratio x ratio pixels, `blocks` repeats a coarse pixel. The loop ends when the size of the second step changes by
at most a thousandth; the size before the first step counts as 1. This is the last stage of several published codes, whatever the PSF:
where the PSF is no box it pulls the cube away from the truth.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpectralResponse
from methods.numerics.solvers.subspace import mix

TOLERANCE = 1e-3  # relative change of the step's size
MOST = 1000  # steps; some tens are usual


def back_project(
    cube: Float[Tensor, "bands H W"], hsi: Float[Tensor, "bands h w"], msi: Float[Tensor, "channels H W"], srf: SpectralResponse
) -> Float[Tensor, "bands H W"]:
    """The module docstring's loop from `cube`, which is not changed; the ratio is H / h."""
    ratio = cube.shape[1] // hsi.shape[1]
    weights = srf.weights.to(cube).double()
    inverse = torch.linalg.pinv(weights)
    last = 1.0
    for _ in range(MOST):
        cube = cube + mix(inverse, msi - mix(weights, cube))
        means = cube.view(len(cube), hsi.shape[1], ratio, hsi.shape[2], ratio).mean((2, 4))
        step = (hsi - means).repeat_interleave(ratio, 1).repeat_interleave(ratio, 2)
        cube = cube + step
        size = float(torch.linalg.vector_norm(step))
        if abs(last - size) <= TOLERANCE * last:
            break
        last = size
    return cube
