"""The Sylvester equation of hyperspectral fusion, solved in closed form. Wei et al., IEEE SPL 2016 (R-FUSE).

Unknown: U (rank, H, W), the coordinates of the fused image in a subspace. With S the blur and decimation of every component, periodic,
and matrices A1, A2 (rank x rank) acting at every pixel,

    A1 S'S U + A2 U = A1 S'Y + A2 V        the normal equation of  |Y - S U|^2_A1 + |U - V|^2_A2,  with |x|^2_A = sum of x' A x

Here Y (rank, h, w) is what the coarse image says of U, and V (rank, H, W) is what is known of U without it. Any right side C
can be had with Y = 0 and V = inv(A2) C.

1. A1 = G G' (Cholesky) and inv(G) A2 inv(G)' = W L W' (symmetric, L > 0). Multiplying by inv(Q) inv(A1), with Q = inv(G)' W and
   inv(Q) = W' G', decouples the components: S'S u + L u = S'y + L v, one equation for each eigenvalue L.
2. Each is answered by the matrix inversion lemma:  u = v + S' inv(S S' + L) (y - S v).
3. S S' shifts with the coarse grid, so it is a circular convolution there: the FFT of the *coarse* image inverts it, and no FFT of
   the fine one is needed. Its kernel is S S' applied to a unit impulse.

The right side is kept as a correction to V, so nothing large is subtracted from anything large and float32 images lose no digits.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse
from methods.numerics.solvers.subspace import mix

GROUP = 4  # components whose fine images are blurred at once: bounds the memory beside the images given and returned


def solve_sylvester(
    data_metric: Float[Tensor, "rank rank"],
    prior_metric: Float[Tensor, "rank rank"],
    coarse: Float[Tensor, "rank h w"],
    prior: Float[Tensor, "rank H W"],
    psf: SpatialResponse,
) -> Float[Tensor, "rank H W"]:
    """U with A1 S'(S U) + A2 U = A1 S'Y + A2 V: A1 `data_metric`, A2 `prior_metric`, Y `coarse`, V `prior`, S `psf` made periodic.

    A1 and A2 are symmetric positive definite; they are factored in float64, images and FFTs stay in the dtype of `prior`. A `psf`
    with another boundary is taken as periodic, which is exact where no footprint crosses the border.

    Raises:
        torch.linalg.LinAlgError: A1 is not positive definite.
    """
    periodic = replace(psf, boundary="circular")
    factor = torch.linalg.cholesky(data_metric.double())
    half = torch.linalg.solve_triangular(factor, prior_metric.double(), upper=False)
    whitened = torch.linalg.solve_triangular(factor, half.T, upper=False)
    eigenvalues, rotation = torch.linalg.eigh((whitened + whitened.T) / 2)
    to_eigen = rotation.T @ factor.T
    from_eigen = torch.linalg.solve_triangular(factor.T, rotation, upper=True)

    missing = mix(to_eigen, coarse - torch.cat([periodic(part) for part in torch.split(prior, GROUP)]))
    power = _power(periodic, coarse[:1])
    spectrum = torch.fft.rfft2(missing) / (power + eigenvalues.to(prior)[:, None, None])
    correction: Tensor = torch.fft.irfft2(spectrum, s=missing.shape[1:])
    back = mix(from_eigen, correction)
    solved = prior.clone()
    for part, added in zip(torch.split(solved, GROUP), torch.split(back, GROUP), strict=True):
        part += periodic.adjoint(added)
    return solved


def _power(periodic: SpatialResponse, coarse: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h half"]:
    """Eigenvalues of S S', which are real and >= 0, on the half grid of `rfft2`."""
    impulse = torch.zeros_like(coarse)
    impulse[0, 0, 0] = 1
    spectrum: Tensor = torch.fft.rfft2(periodic(periodic.adjoint(impulse)))
    return spectrum.real.clamp_min(0)
