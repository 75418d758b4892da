"""HySure: both images explained in a subspace, with a vector total variation on its coordinates. Simoes et al., IEEE TGRS 2015.

With X = E U, E the endmembers that VCA finds in the HSI (bands x rank), S the psf and R the srf, the estimate minimises

    1/2 |hsi - E S U|^2 + msi_weight / 2 |msi - R E U|^2 + tv_weight sum over pixels of sqrt(sum over k of |Dh u_k|^2 + |Dv u_k|^2)

by ADMM (vector_tv.py) with the penalty mu.

The variant "as published" makes 200 iterations with mu = 0.05, however far they are from the minimum. The variant "converged" minimises the
same cost with a smaller mu, until the residuals of ADMM are below `tolerance`.

With `knows = "nothing"` the responses come from HySure's own estimator (`numerics/sensors/smooth_responses.py`); the rows of its SRF may
have any sum. The result is then projected onto the leading singular vectors of the HSI, as published.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse
from datasets.observation import Observation
from methods.bayesian.hysure.vector_tv import TotalVariationCost, minimise_vector_tv
from methods.contract import Card, Estimate, FusionMethod
from methods.numerics.sensors.smooth_responses import normalise_rows, place_kernel, regress_responses
from methods.numerics.solvers.subspace import mix, principal_basis
from methods.numerics.unmixing.vca import vca

Variant = Literal["as published", "converged"]

PUBLISHED_ITERATIONS = 200
PUBLISHED_PENALTY, CONVERGED_PENALTY = 0.05, 5e-4
VCA_RUNS = 20  # the one with the largest |det E'E| is kept


def _card(variant: str, knows: str, basis: str = "vca", penalty: float | None = None) -> Card:
    return Card(
        name=f"HySure ({variant})",
        paper="Simoes, Bioucas-Dias, Almeida, Chanussot, A Convex Formulation for Hyperspectral Image Superresolution via Subspace-Based "
        "Regularization, IEEE TGRS 2015",
        doi="10.1109/TGRS.2014.2375320",
        year=2015,
        needs_psf="psf" in knows,
        needs_srf="srf" in knows,
        random=basis == "vca",
        implementation="optimised, same output",  # one FFT and one inverse FFT per iteration: vector_tv.py
        tuned_on="CAVE's balloons (mu)" if variant == "converged" and penalty is None else "",
        fidelity="the authors' output to 1e-6 for 200 iterations, known and blind, given their E, responses and projection; SRF and PSF of "
        "their estimator to 1e-10. Deviations: the estimated PSF is used as the correlation it is, where theirs is not mirrored and is "
        "shifted by hand; it is estimated around the pair's own phase. Periodic boundary. "
        + (
            "200 iterations at mu = 0.05 are far from the minimum on CAVE; the original has no residual test"
            if variant == "as published"
            else "Same cost as published, with a smaller mu, iterated until a residual test holds; the original has no such test"
        ),
    )


@dataclass(frozen=True)
class Method(FusionMethod):
    """HySure, with both responses known or estimated by its own estimator."""

    card: ClassVar[Card] = _card("as published", "psf+srf")
    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"rank": 4})

    variant: Variant = "as published"  # 200 iterations, or as many as the residual test of "converged" needs
    knows: Literal["psf+srf", "nothing"] = "psf+srf"  # "nothing": with its own blind estimator, and the projection at the end
    rank: int = 10  # number of endmembers; at most the number of bands is used
    basis: Literal["vca", "svd"] = "vca"  # columns of E: endmembers, or singular vectors
    tv_weight: float = 5e-4  # weight of the total variation of the coefficients
    msi_weight: float = 1.0  # weight of the misfit to the MSI, that to the HSI having 1
    penalty: float | None = None  # mu; None: 0.05 as published, 5e-4 converged, which needs fewer iterations
    tolerance: float = 1e-3  # of the converged variant
    most_iterations: int = 1000  # of the converged variant

    def __post_init__(self) -> None:
        if min(self.rank, self.most_iterations) < 1:
            raise ValueError(f"rank and most_iterations: expected at least 1, got {self.rank} and {self.most_iterations}")
        if min(self.msi_weight, self.tolerance) <= 0 or (self.penalty is not None and self.penalty <= 0) or self.tv_weight < 0:
            raise ValueError(
                "penalty, msi_weight, tolerance: expected numbers above 0, and tv_weight at least 0, got "
                f"{self.penalty}, {self.msi_weight}, {self.tolerance}, {self.tv_weight}"
            )

    def describe(self) -> Card:
        """The card of this variant, of the responses that it needs and of its basis, since only VCA draws random numbers."""
        return _card(self.variant, self.knows, self.basis, self.penalty)

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The minimiser of the module docstring's cost; without known responses, also those that were estimated."""
        rank = min(self.rank, seen.hsi.shape[0])
        basis = widest_simplex(seen.hsi, rank, rng) if self.basis == "vca" else principal_basis(seen.hsi, rank)[0]
        if self.knows == "psf+srf":
            return Estimate(self._minimise(seen, basis, seen.psf, seen.srf.weights))
        regressed = regress_responses(seen)
        psf = place_kernel(regressed.kernel.to(seen.hsi), regressed.first, seen.ratio)
        cube = self._minimise(seen, basis, psf, regressed.weights)
        vectors = principal_basis(seen.hsi, rank)[0]
        return Estimate(mix(vectors @ vectors.T, cube), psf, normalise_rows(regressed.weights)[0].to(seen.hsi))

    def _minimise(self, seen: Observation, basis: Tensor, psf: SpatialResponse, weights: Tensor) -> Tensor:
        costs = TotalVariationCost(seen.hsi, seen.msi, basis, psf, weights, self.tv_weight, self.msi_weight)
        if self.variant == "as published":
            return mix(basis, minimise_vector_tv(costs, self.penalty or PUBLISHED_PENALTY, PUBLISHED_ITERATIONS)[0])
        return mix(basis, minimise_vector_tv(costs, self.penalty or CONVERGED_PENALTY, self.most_iterations, self.tolerance)[0])


def widest_simplex(hsi: Float[Tensor, "bands h w"], rank: int, rng: torch.Generator) -> Float[Tensor, "bands rank"]:
    """The endmembers of that one of 20 runs of VCA whose |det E'E| is largest, in float64."""
    runs = torch.stack([vca(hsi.flatten(1), rank, rng) for _ in range(VCA_RUNS)])
    return runs[int(torch.linalg.svdvals(runs).clamp_min(1e-300).log().sum(1).argmax())]
