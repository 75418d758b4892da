"""R-FUSE: the fused cube in closed form, by a Sylvester equation. Wei et al., IEEE SPL 2016.

In a subspace with the basis E (bands x rank), X = E U, and the two images and a Gaussian prior give

    hsi = S E U + noise        S   blur and decimation of every band by the periodic psf
    msi = A U + noise          A = R E, with R the srf
    U   = M + deviation        M   the coordinates of the prior mean

and the estimate minimises   |hsi - S E U|^2 + |msi - A U|^2 + c |U - M|^2   with c the `prior_weight`. Its normal equation

    E'E S'S U + (A'A + c) U = E' S' hsi + A' msi + c M

is the Sylvester equation of `numerics/solvers/sylvester.py`. Its prior image is the solution without the hsi, V = M + inv(A'A + c) A' (msi
- A M), and its coarse image is Y = inv(E'E) E' hsi. E is the uncentred principal basis of the HSI, scaled so that the coordinates have mean
square 1. M is the bicubic interpolation of the HSI at the pair's phase.

The paper weighs the images by their noise. With `noise="told"` the method asks for the standard deviations s (HSI) and t (MSI) of the
noise, and the cost is

    |hsi - S E U|^2 / s^2 + |msi - A U|^2 / t^2 + |U - M|^2 / v        v   the `prior_variance`

which is the cost above with c = s^2 / v and the MSI's term multiplied by (s / t)^2. s and t are at least `LEAST_NOISE`. With "equal", both
images have the same weight.

The authors' prior weight is 1e-3. Our prior weight and our rank were chosen on CAVE's 20 training scenes (docs/methods/model_based.md).
With `blind = "hysure"` the method is BlindFuse: blind estimation of the responses, then R-FUSE.

The psf is taken as periodic. For a protocol with another boundary this is an approximation near the border; elsewhere, where no footprint
crosses the border, it is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation, PairSizes
from methods.contract import Card, Estimate, FusionMethod
from methods.numerics.images.resample import upsample
from methods.numerics.solvers.subspace import mix, scaled_basis
from methods.numerics.solvers.sylvester import solve_sylvester

LEAST_NOISE = 1e-3  # without noise, the default variance then gives the default prior weight
PUBLISHED_WEIGHT = 1e-3  # of the prior, in the authors' code


@dataclass(frozen=True)
class Method(FusionMethod):
    """R-FUSE with the Gaussian prior. Both responses must be known. With the `prior_weight` 1e-3 its name says "as published"."""

    card: ClassVar[Card] = Card(
        name="R-FUSE",
        paper="Wei, Dobigeon, Tourneret, Bioucas-Dias, Godsill, R-FUSE: Robust Fast Fusion of Multiband Images Based on Solving a "
        "Sylvester Equation, IEEE SPL 2016",
        doi="10.1109/LSP.2016.2608858",
        year=2016,
        needs_psf=True,
        needs_srf=True,
        random=False,
        implementation="optimised, same output",  # FFTs of the coarse image alone: numerics/solvers/sylvester.py
        tuned_on="CAVE's 20 training scenes (prior weight and rank)",
        fidelity="the authors' output to 1e-6 with their basis, prior mean and prior weight (1e-3). Ours differ: the prior mean is aligned "
        "bicubic, theirs a spline; prior weight 1e-5 and rank 15 were chosen on CAVE's 20 training scenes. Periodic boundary",
    )

    rank: int = 15  # dimension of the subspace; at most the number of bands is used
    noise: Literal["equal", "told"] = "equal"  # weights of the two images; "told" asks for the noise levels, and ignores prior_weight
    prior_variance: float = 0.1  # with "told": variance of the coordinates around the prior mean
    prior_weight: float = 1e-5  # with "equal": variance of the noise over that of the prior, in coordinates of mean square 1

    def __post_init__(self) -> None:
        if self.rank < 1:
            raise ValueError(f"rank: expected at least 1, got {self.rank}")
        if not self.prior_variance > 0:
            raise ValueError(f"prior_variance: expected a number above 0, got {self.prior_variance}")
        if not self.prior_weight > 0:
            raise ValueError(f"prior_weight: expected a number above 0 (1e-8 is nearly no prior), got {self.prior_weight}")

    def describe(self) -> Card:
        """The card. Its name says "noise told" if the noise levels are asked for, and "as published" with the published prior weight.

        `tuned_on` names those parameters that have their defaults. The default of the prior variance was derived from that of the prior
        weight.
        """
        prior = self.prior_variance == Method.prior_variance if self.noise == "told" else self.prior_weight == Method.prior_weight
        tuned = [name for name, ours in (("prior weight", prior), ("rank", self.rank == Method.rank)) if ours]
        card = replace(self.card, tuned_on=f"CAVE's 20 training scenes ({' and '.join(tuned)})" if tuned else "")
        if self.noise == "told":
            return replace(card, name=f"{card.name} (noise told)", needs_noise=True)
        if self.prior_weight != PUBLISHED_WEIGHT:
            return card
        fidelity = (
            "the authors' output to 1e-6 with their basis and prior mean; without them the prior mean is aligned bicubic, theirs a spline"
        )
        return replace(card, name=f"{card.name} (as published)", fidelity=f"{fidelity}. Periodic boundary")

    def memory_estimate(self, sizes: PairSizes) -> int:
        """The cube, and three times the coefficients in the subspace, as their peak was measured at 1,000 and 2,000 rows."""
        return sizes.cube_bytes + 3 * sizes.cube_bytes * min(self.rank, sizes.bands) // sizes.bands

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The minimiser of the module docstring's cost."""
        prior_weight, msi_weight = self.prior_weight, 1.0
        if self.noise == "told":
            hsi_noise, msi_noise = max(seen.noise.hsi, LEAST_NOISE), max(seen.noise.msi, LEAST_NOISE)
            prior_weight, msi_weight = hsi_noise**2 / self.prior_variance, (hsi_noise / msi_noise) ** 2
        basis = scaled_basis(seen.hsi, self.rank)
        prior_mean = upsample(coordinates(basis, seen.hsi), seen.ratio, seen.phase)
        return Estimate(fuse_in_subspace(seen.hsi, seen.msi, seen.psf, seen.srf, basis, prior_mean, prior_weight, msi_weight))


def coordinates(basis: Float[Tensor, "bands rank"], image: Float[Tensor, "bands rows cols"]) -> Float[Tensor, "rank rows cols"]:
    """The U that minimises |E U - image|^2, for a basis E of full column rank. The inverse is computed in float64."""
    inverse = torch.linalg.solve(basis.double().T @ basis.double(), basis.double().T)
    return mix(inverse, image)


def fuse_in_subspace(
    hsi: Float[Tensor, "bands h w"],
    msi: Float[Tensor, "channels H W"],
    psf: SpatialResponse,
    srf: SpectralResponse,
    basis: Float[Tensor, "bands rank"],
    prior_mean: Float[Tensor, "rank H W"],
    prior_weight: float,
    msi_weight: float = 1.0,
) -> Float[Tensor, "bands H W"]:
    """The cube E U, where U minimises |hsi - S E U|^2 + msi_weight |msi - R E U|^2 + prior_weight |U - prior_mean|^2.

    The `basis` E has full column rank, and `prior_mean` is in its coordinates. The small matrices are in float64; the images keep their
    dtype.
    """
    wide = basis.double()
    seen_basis = srf.weights.to(wide) @ wide
    prior_metric = msi_weight * seen_basis.T @ seen_basis + prior_weight * torch.eye(wide.shape[1]).to(wide)
    gain = torch.linalg.solve(prior_metric, msi_weight * seen_basis.T)
    prior = mix(gain, msi - mix(seen_basis, prior_mean)).add_(prior_mean)
    fused = solve_sylvester(wide.T @ wide, prior_metric, coordinates(basis, hsi), prior, psf)
    return mix(wide, fused)
