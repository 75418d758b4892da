"""Least squares on two images with a vector total variation on the coordinates, by ADMM. Simoes et al., IEEE TGRS 2015.

X = E U, with E (bands x rank), S the periodic psf, R the srf, A = R E. The cost is

    1/2 |hsi - E S U|^2 + msi_weight / 2 |msi - A U|^2 + tv_weight sum over pixels of sqrt(sum over k of |Dh u_k|^2 + |Dv u_k|^2)

and the split is V = H U with H U = (B U, U, Dv U, Dh U); B is the blur without decimation, and D are the multipliers divided by the penalty
mu. An iteration is

    U        H'H U = H'(V + D)                         one division in Fourier space, by |B|^2 + 1 + |Dv|^2 + |Dh|^2
    V1       (E'E + mu) V1 = E' hsi + mu N1 on the sampled pixels, V1 = N1 elsewhere          N_i = H_i U - D_i
    V2       (msi_weight A'A + mu) V2 = msi_weight A' msi + mu N2
    V3, V4   N3, N4 shrunk together, pixel by pixel, by tv_weight / mu
    D        D_i = V_i - N_i

Outside the sampled pixels D1 stays 0 and V1 + D1 = B U, so B'(V1 + D1) = B'B U + S'(a coarse image). So an iteration needs one FFT of the
coordinates and one inverse FFT; all other operations are on pixels.

With a tolerance, the iteration ends when both

    primal   |H U - V| / |H U|                            B U on the sampled pixels alone
    balance  |sum of H_i' D_i| / sum of |H_i' D_i|        the forces that hold U; their sum is the change of H'V in this iteration

are below it. mu is constant. When it was changed by the ratio of the two residuals (residual balancing), it rose where it had to fall, and
1000 iterations ended far from the minimum (measured on CAVE balloons).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import pi

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse
from methods.numerics.solvers.subspace import mix

CHECK_EVERY = 10  # iterations between two checks of the residuals


@dataclass(frozen=True, eq=False)
class TotalVariationCost:
    """The terms of the module docstring's cost."""

    hsi: Float[Tensor, "bands h w"]
    msi: Float[Tensor, "channels H W"]
    basis: Float[Tensor, "bands rank"]
    psf: SpatialResponse
    weights: Float[Tensor, "channels bands"]  # of the srf; its rows may have any sum
    tv_weight: float
    msi_weight: float


def minimise_vector_tv(
    costs: TotalVariationCost, penalty: float, iterations: int, tolerance: float | None = None
) -> tuple[Float[Tensor, "rank H W"], int]:
    """U after ADMM from 0, and the number of iterations: `iterations`, or fewer if both residuals are below `tolerance` earlier.

    The small matrices are in float64; the images keep their dtype.
    """
    msi, basis = costs.msi, costs.basis.double()
    size = (msi.shape[1], msi.shape[2])
    psf = replace(costs.psf, boundary="circular").to(msi)
    seen_basis = costs.weights.to(basis) @ basis
    data_gram, msi_gram = basis.T @ basis, costs.msi_weight * seen_basis.T @ seen_basis
    data, channels = mix(basis.T, costs.hsi), mix(costs.msi_weight * seen_basis.T, msi)
    blur, divisor = _fourier_weights(psf, size)

    unknown = msi.new_zeros(basis.shape[1], *size)
    spectrum = torch.fft.rfft2(unknown)
    duals = _Duals(torch.zeros_like(data), *(torch.zeros_like(unknown) for _ in range(3)))
    eye = penalty * torch.eye(basis.shape[1]).to(basis)
    data_inverse, msi_inverse = torch.linalg.inv(data_gram + eye), torch.linalg.inv(msi_gram + eye)
    for iteration in range(1, iterations):
        sampled, down, right = psf(unknown), _step(unknown, 1), _step(unknown, 2)
        coarse_near, near = sampled - duals.coarse, unknown - duals.fine
        down_near, right_near = down - duals.down, right - duals.right
        coarse = mix(data_inverse, data + penalty * coarse_near)
        fine = mix(msi_inverse, channels + penalty * near)
        length = (down_near.square().sum(0) + right_near.square().sum(0)).sqrt()
        lost = (costs.tv_weight / penalty / length.clamp_min(1e-30)).clamp_max(1)
        old, duals = duals, _Duals(coarse - coarse_near, fine - near, -lost * down_near, -lost * right_near)

        if tolerance is not None and iteration % CHECK_EVERY == 0:
            primal = duals.distance(old) / max(_norm(sampled, unknown, down, right), 1e-30)
            balance = duals.imbalance(psf)
            if max(primal, balance) < tolerance:
                return unknown, iteration
        total = near.add_(duals.fine, alpha=2)  # V + D = N + 2 D
        total += _step_adjoint(down_near.mul_(1 - 2 * lost), 1)
        total += _step_adjoint(right_near.mul_(1 - 2 * lost), 2)
        total += psf.adjoint(coarse + duals.coarse - sampled)
        spectrum = spectrum.mul_(blur).addcmul_(torch.fft.rfft2(total), divisor)
        unknown = torch.fft.irfft2(spectrum, s=size)
    return unknown, iterations


@dataclass(frozen=True, eq=False)
class _Duals:
    """D of the module docstring. D1 is stored on the coarse grid, since it is 0 elsewhere."""

    coarse: Float[Tensor, "rank h w"]
    fine: Float[Tensor, "rank H W"]
    down: Float[Tensor, "rank H W"]
    right: Float[Tensor, "rank H W"]

    def distance(self, other: _Duals) -> float:
        """|D - D'|; it equals |V - H U| if these are the multipliers after and before an iteration."""
        return _norm(self.coarse - other.coarse, self.fine - other.fine, self.down - other.down, self.right - other.right)

    def imbalance(self, psf: SpatialResponse) -> float:
        """|sum of H_i' D_i| / sum of |H_i' D_i|; 0 if all of them are 0."""
        forces = psf.adjoint(self.coarse), self.fine, _step_adjoint(self.down, 1) + _step_adjoint(self.right, 2)
        size = sum(_norm(force) for force in forces)
        return _norm(forces[0] + forces[1] + forces[2]) / size if size > 0 else 0.0


def _step(image: Float[Tensor, "rank H W"], axis: int) -> Float[Tensor, "rank H W"]:
    """Each pixel minus the next one along the axis, periodic."""
    return image - image.roll(-1, axis)


def _step_adjoint(image: Float[Tensor, "rank H W"], axis: int) -> Float[Tensor, "rank H W"]:
    """The transpose of `_step`: each pixel minus the one before it."""
    return image - image.roll(1, axis)


def _norm(*images: Tensor) -> float:
    """The root of the sum of squares over all images."""
    return float(torch.stack([image.square().sum() for image in images]).sum().sqrt())


def _fourier_weights(psf: SpatialResponse, size: tuple[int, int]) -> tuple[Float[Tensor, "H half"], Float[Tensor, "H half"]]:
    """|B|^2 / P and 1 / P on the half grid of `rfft2`, P = |B|^2 + 1 + |Dv|^2 + |Dh|^2."""
    blur = torch.fft.rfft2(psf.circular_kernel(*size)).abs().square()
    down, right = (2 - 2 * torch.cos(2 * pi * torch.arange(side, device=blur.device, dtype=blur.dtype) / side) for side in size)
    whole = blur + 1 + down[:, None] + right[: blur.shape[1]]
    return blur / whole, 1 / whole
