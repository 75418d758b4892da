"""Which coarse image stands for the MSI where spectral kriging learns: R hsi, or S msi.

Without noise and with the right responses both are the same. A known R keeps the learned spectra true to the MSI, even under noise. If R
is estimated from few noisy pixels, R hsi is full of noise and off from what the MSI will say, and S msi is right. So both are tried as what
a prediction learns from, and each coarse pixel is predicted from the others *at the colour that the MSI shows*, (S msi)_i. Where S msi
wins clearly, it is used.
"""

from __future__ import annotations

from math import log

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from datasets.observation import Observation
from methods.gaussian.kriging.gaussian_process import left_out_predictions
from methods.gaussian.kriging.pixel_features import PixelFeatures, Terms, coarse_places, covariance, noise_variance

CLEARLY = 0.2  # dB of the held-out error by which S msi must be ahead
SAMPLES = 256  # coarse pixels that are compared


def log_error(residual: Float[Tensor, "n bands"]) -> Float[Tensor, ""]:
    """The mean over the bands of the logarithm of the mean square error: the mean of the bands' PSNR, up to a factor and a constant."""
    return residual.square().mean(0).clamp_min(1e-30).log().mean()


def blind_guide(
    seen: Observation,
    integrated: Float[Tensor, "channels h w"],
    blurred: Float[Tensor, "channels h w"],
    around: Float[Tensor, "channels h w"],
    inside: Bool[Tensor, "h w"],
    numbers: Float[Tensor, " 9"],
    terms: Terms,
    *,
    dark: bool,
) -> Float[Tensor, "channels h w"]:
    """`integrated`, which is R hsi, or `blurred`, which is S msi: whichever predicts the spectra better at the MSI's own colours.

    `around` are the surroundings, blurred like the MSI, and `inside` the coarse pixels whose S msi does not depend on what lies beyond the
    border; `numbers` and `dark` are those of pixel_features.py.
    """
    unit = float(integrated.double().sum(0).clamp_min(0).mean())
    pick = inside.flatten().nonzero()[:, 0]
    if len(pick) > SAMPLES:
        pick = pick[torch.linspace(0, len(pick) - 1, SAMPLES).round().long()]
    spectra = seen.hsi.flatten(1).T.double()[pick]

    places = coarse_places(seen)
    known, query = (PixelFeatures.of(image.double(), places, unit, around.double()).pick(pick) for image in (integrated, blurred))

    def held_out(samples: PixelFeatures) -> float:
        own = covariance(samples, samples, numbers, terms) + torch.diag(noise_variance(samples, numbers, dark=dark))
        found = left_out_predictions(own, covariance(query, samples, numbers, terms), spectra / samples.brightness[:, None])
        return float(log_error(spectra - found * query.brightness[:, None])) * 10 / log(10)

    return blurred if held_out(known) - held_out(query) > CLEARLY else integrated
