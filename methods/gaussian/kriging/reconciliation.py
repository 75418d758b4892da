"""The last step of spectral kriging: the cube that explains both images and stays near the kriged one.

    x = argmin |hsi - S x|^2 / v_h + |msi - R x|^2 / v_m + |x - x_kriged|^2 in the metric inv(P)

S is the PSF with decimation and R the SRF. P is the bands' covariance of the leave-one-out errors, taken as white in space. v_h is the
median eigenvalue of P, plus the variance of the HSI's noise and what an estimated PSF leaves unexplained. v_m is small against P, plus the
variance of the MSI's noise; if the SRF is estimated, what it leaves unexplained on the coarse grid is added, channel by channel.
The normal equation is a Sylvester equation (`methods/numerics/solvers/sylvester.py`), with the border as the PSF says.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.observation import Observation
from methods.gaussian.kriging.coarse_view import CoarseView
from methods.numerics.solvers.sylvester import solve_sylvester

TRUST = 1e-4  # v_m over the mean variance of a band's error
NOISE_FLOOR = 1e-3  # of the mean variance of a band's error: the least v_h, and what is added to the diagonal of P


def reconcile(
    cube: Float[Tensor, "bands H W"],
    seen: Observation,
    errors: Float[Tensor, "n bands"],
    view: CoarseView,
) -> Float[Tensor, "bands H W"]:
    """x of the module docstring for the kriged `cube`, which is overwritten.

    `errors` are the leave-one-out errors of n coarse pixels, from which most of the noise was taken out, and `view` has the responses, the
    noise, and what estimated responses leave unexplained.
    Where the errors are 0 up to rounding, the cube is returned as it is.
    """
    covariance = errors.T @ errors / len(errors)
    mean = torch.diagonal(covariance).mean()
    if float(mean) <= 1e-14 * float(seen.hsi.double().square().mean()):
        return cube
    eye = torch.eye(len(covariance)).to(covariance)
    noise = torch.linalg.eigvalsh(covariance).median().clamp_min(NOISE_FLOOR * mean) + view.noise + view.mismatch
    prior = covariance + NOISE_FLOOR * mean * eye
    response = view.srf.weights.to(prior)
    trusted = TRUST * mean + view.misfit.to(prior) + view.msi_noise
    gain = torch.linalg.solve(response @ prior @ response.T + torch.diag(trusted), response @ prior).T
    missing = seen.msi - view.srf(cube)
    given_msi = cube.flatten(1).addmm_(gain.to(cube), missing.flatten(1)).reshape(cube.shape)  # in place, to save memory
    precision = torch.linalg.inv(prior) + response.T @ (response / trusted[:, None])
    return solve_sylvester(eye, noise * precision, seen.hsi, given_msi, view.psf, true_border=True)
