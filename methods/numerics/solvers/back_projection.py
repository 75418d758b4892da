"""Back-projection: a cube is made to agree with both images in turn, with a box of ratio x ratio pixels as the PSF.

    Z <- Z + pinv(R) (msi - R Z)             agrees with the MSI
    Z <- Z + blocks(hsi - means(Z))          agrees with the HSI, if its pixels are means of blocks

`means` averages blocks of ratio x ratio pixels, and `blocks` repeats a coarse pixel. The loop ends when the norm of the second step changes
by at most a thousandth; before the first step the norm counts as 1. Several published codes end with this step for every PSF. If the PSF is
not a box, the step moves the cube away from the truth.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpectralResponse
from methods.numerics.solvers.subspace import mix

TOLERANCE = 1e-3  # relative change of the step's norm
MOST = 1000  # steps; tens of them are usual


def back_project(
    cube: Float[Tensor, "bands H W"], hsi: Float[Tensor, "bands h w"], msi: Float[Tensor, "channels H W"], srf: SpectralResponse
) -> Float[Tensor, "bands H W"]:
    """The cube after the loop of the module docstring. `cube` itself is not changed; the ratio is H / h."""
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
