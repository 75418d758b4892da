"""The Sylvester equation of hyperspectral fusion, solved in closed form. Wei et al., IEEE SPL 2016 (R-FUSE).

The unknown is U (rank, H, W), the coordinates of the fused image in a subspace. S is the periodic blur and decimation of every component,
and the matrices A1, A2 (rank x rank) act at every pixel:

    A1 S'S U + A2 U = A1 S'Y + A2 V        the normal equation of  |Y - S U|^2_A1 + |U - V|^2_A2,  with |x|^2_A = sum of x' A x

Y (rank, h, w) is the estimate of U from the coarse image, and V (rank, H, W) is the estimate of U without it. Any right side C is obtained
with Y = 0 and V = inv(A2) C.

1. A1 = G G' (Cholesky) and inv(G) A2 inv(G)' = W L W' (symmetric, L > 0). Multiplication by inv(Q) inv(A1), with Q = inv(G)' W and
   inv(Q) = W' G', decouples the components: S'S u + L u = S'y + L v, one equation for each eigenvalue L.
2. The matrix inversion lemma solves each equation:  u = v + S' inv(S S' + L) (y - S v).
3. S S' commutes with shifts of the coarse grid, so it is a circular convolution there. The FFT of the *coarse* image inverts it, and no FFT
   of the fine image is needed. The kernel of S S' is its answer to a unit impulse.
4. Where the border is not periodic and a footprint crosses it, S S' is no convolution there. Conjugate gradients on the coarse grid solve
   with the true S S'; the inverse of step 3 is their preconditioner, and only the border is left for them. This is done on demand
   (`true_border`), as the published methods take the border as periodic.

The solution is computed as a correction to V, so no large values are subtracted from each other, and float32 images lose no digits.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse
from methods.numerics.solvers.conjugate_gradients import conjugate_gradients
from methods.numerics.solvers.subspace import mix

GROUP = 4  # components whose fine images are blurred at once, which limits the memory
BORDER_STEPS = 8  # of conjugate gradients where the border is not periodic: they leave about 1e-4 of what the periodic start leaves


def solve_sylvester(
    data_metric: Float[Tensor, "rank rank"],
    prior_metric: Float[Tensor, "rank rank"],
    coarse: Float[Tensor, "rank h w"],
    prior: Float[Tensor, "rank H W"],
    psf: SpatialResponse,
    *,
    true_border: bool = False,
) -> Float[Tensor, "rank H W"]:
    """The U with A1 S'(S U) + A2 U = A1 S'Y + A2 V, where A1 is `data_metric`, A2 `prior_metric`, Y `coarse`, V `prior` and S `psf`.

    A1 and A2 are symmetric and positive definite. They are factored in float64; images and FFTs stay in the dtype of `prior`. A `psf` with
    another boundary is taken as periodic, which is exact where no footprint crosses the border. With `true_border` its own boundary is
    kept, up to a relative error of about 1e-4 of the correction.

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

    exact = true_border and psf.boundary != "circular" and _crosses_border(psf, *prior.shape[1:])
    sampling = psf if exact else periodic
    missing = mix(to_eigen, coarse - torch.cat([sampling(part) for part in torch.split(prior, GROUP)]))
    shift = eigenvalues.to(prior)[:, None, None]
    spectrum = _power(periodic, coarse[:1]) + shift

    def periodic_inverse(values: Tensor) -> Tensor:
        inverse: Tensor = torch.fft.irfft2(torch.fft.rfft2(values) / spectrum, s=values.shape[1:])
        return inverse

    def action(values: Tensor) -> Tensor:
        whole: Tensor = torch.cat([sampling(sampling.adjoint(part)) for part in torch.split(values, GROUP)]) + shift * values
        return whole

    correction: Tensor = periodic_inverse(missing)
    if exact:
        correction = conjugate_gradients(action, missing, correction, BORDER_STEPS, periodic_inverse)
    back = mix(from_eigen, correction)
    solved = prior.clone()
    for part, added in zip(torch.split(solved, GROUP), torch.split(back, GROUP), strict=True):
        part += sampling.adjoint(added)
    return solved


def _crosses_border(psf: SpatialResponse, rows: int, cols: int) -> bool:
    """Whether a footprint reaches beyond an image of rows x cols pixels, so that the boundary decides what is seen there."""
    for size, taps in zip((rows, cols), psf.kernel.shape, strict=True):
        first = psf.phase - (taps - 1) // 2
        if first < 0 or first + size - psf.ratio + taps > size:
            return True
    return False


def _power(periodic: SpatialResponse, coarse: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h half"]:
    """The eigenvalues of S S', which are real and >= 0, on the half grid of `rfft2`."""
    impulse = torch.zeros_like(coarse)
    impulse[0, 0, 0] = 1
    spectrum: Tensor = torch.fft.rfft2(periodic(periodic.adjoint(impulse)))
    return spectrum.real.clamp_min(0)
