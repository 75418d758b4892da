"""The estimators of PSF and SRF that a plan can name, and what each of them gives.

    hysure           smooth least squares, HySure's estimator (`smooth_responses.py`)
    gradient         a projected gradient on non-negative responses, M2U-Net's first stage (`constrained_responses.py`)
    predictability   the Gaussian blur under which the HSI predicts the MSI best (`predictive_responses.py`)

All of them use the two images, the ratio and the registration alone. They draw no random numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.numerics.sensors.constrained_responses import constrained_responses
from methods.numerics.sensors.predictive_responses import predictive_responses
from methods.numerics.sensors.smooth_responses import smooth_responses

Estimator = Literal["hysure", "gradient", "predictability"]
ESTIMATORS: tuple[Estimator, ...] = get_args(Estimator)

ESTIMATOR_REFERENCES: Mapping[Estimator, str] = MappingProxyType(
    {
        "hysure": "HySure's estimator (Simoes et al. 2015)",
        "gradient": "a projected gradient (first stage of M2U-Net, Li et al. 2024)",
        "predictability": "predictability (of this suite)",
    }
)
ESTIMATORS_TUNED_ON: Mapping[Estimator, str] = MappingProxyType(
    {
        "hysure": "",
        "gradient": "",
        "predictability": "Jasper Ridge (a run there showed that the search for the blur must leave the border out)",
    }
)


@dataclass(frozen=True, eq=False)
class EstimatedResponses:
    """The estimated responses of a pair, so that msi = gain R x for the true cube x."""

    psf: SpatialResponse
    srf: SpectralResponse
    gain: Float[Tensor, " channels"]  # 1 for estimators whose rows of R sum to 1


def estimate_responses(seen: Observation, estimator: Estimator) -> EstimatedResponses:
    """The responses of the pair by the estimator of this name, in the dtype of the images."""
    return _ESTIMATE[estimator](seen)


def _by_smoothness(seen: Observation) -> EstimatedResponses:
    return EstimatedResponses(*smooth_responses(seen))


def _by_gradient(seen: Observation) -> EstimatedResponses:
    psf, srf = constrained_responses(seen)
    return EstimatedResponses(psf, srf, seen.msi.new_ones(seen.msi.shape[0]))


def _by_predictability(seen: Observation) -> EstimatedResponses:
    fit = predictive_responses(seen)
    return EstimatedResponses(fit.psf, fit.srf, seen.msi.new_ones(seen.msi.shape[0]))


_ESTIMATE: Mapping[Estimator, Callable[[Observation], EstimatedResponses]] = MappingProxyType(
    {"hysure": _by_smoothness, "gradient": _by_gradient, "predictability": _by_predictability}
)
