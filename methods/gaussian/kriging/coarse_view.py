"""How the scene looks on the coarse grid, and how far that can be trusted: what spectral kriging learns from.

Known or estimated responses, the HSI without most of its noise, and the coarse image that stands for the MSI.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.gaussian.kriging.coarse_guide import blind_guide
from methods.gaussian.kriging.noise_levels import agreeing, hsi_noise, low_rank_part, msi_noise
from methods.gaussian.kriging.pixel_features import Terms
from methods.numerics.sensors.predictive_responses import predictive_responses

Knows = Literal["nothing", "srf", "psf+srf"]


@dataclass(frozen=True, eq=False)
class CoarseView:
    """What is learned from, and how far it can be trusted."""

    psf: SpatialResponse
    srf: SpectralResponse
    hsi: Float[Tensor, "bands h w"]  # without most of its noise; float64
    guide: Float[Tensor, "channels h w"]  # stands for the MSI on the coarse grid
    reliable: bool  # the SRF is known, or R hsi predicts as well as S msi
    mismatch: float  # variance per band of the HSI that a wrong PSF alone would explain
    misfit: Float[Tensor, " channels"]  # variance of R hsi - S msi that an estimated SRF leaves
    noise: float  # variance per value of the given HSI's noise
    noise_left: float  # of `hsi`
    msi_noise: float  # variance per value of the MSI's noise

    @classmethod
    def of(
        cls, seen: Observation, knows: Knows, start: Float[Tensor, " 9"], around: Float[Tensor, "channels H W"], terms: Terms, *, dark: bool
    ) -> CoarseView:
        """The view of this pair. `start` are the nine numbers at first, and `around` the surroundings (`footprints.py`).

        With both responses known the denoised HSI is made to agree with the blurred MSI as well. With an estimated PSF that was tried and
        harmed: it carries the error of the PSF into the spectra. Under noise, an SRF that is not known is estimated once more, from the
        denoised HSI.
        """
        exact = seen.hsi.new_zeros(seen.msi.shape[0], dtype=torch.float64)
        if knows == "psf+srf":
            blurred = seen.psf(seen.msi)
            noise = hsi_noise(seen.hsi, (seen.srf(seen.hsi) - blurred).flatten(1), seen.srf)
            hsi, left = low_rank_part(seen.hsi, noise)
            fine = msi_noise(seen.msi, noise)
            if noise > 0:
                hsi = agreeing(hsi, blurred, seen.srf, float(seen.psf.kernel.double().square().sum()) * fine / noise)
            return cls(seen.psf, seen.srf, hsi, seen.srf(hsi.to(seen.hsi)), True, 0.0, exact, noise, left, fine)
        known = seen.srf if knows == "srf" else None
        fit = predictive_responses(seen, known)
        noise = hsi_noise(seen.hsi, (fit.srf(seen.hsi) - fit.psf(seen.msi))[:, fit.inside], fit.srf)
        hsi, left = low_rank_part(seen.hsi, noise)
        clean = hsi.to(seen.hsi)
        if known is None and noise > 0:
            fit = predictive_responses(replace(seen, hsi=clean))
        blurred, guide = fit.psf(seen.msi), fit.srf(clean)
        misfit, reliable = exact, True
        if known is None:
            misfit = (guide - blurred)[:, fit.inside].double().square().mean(1)
            guide = blind_guide(replace(seen, hsi=clean), guide, blurred, fit.psf(around), fit.inside, start, terms, dark=dark)
            reliable = guide is not blurred
        mismatch = fit.residual**2 * float(seen.hsi.double().flatten(1).var(1).mean())
        return cls(fit.psf, fit.srf, hsi, guide, reliable, mismatch, misfit, noise, left, msi_noise(seen.msi, noise))
