"""CNMF: the two images are unmixed in turn, the HSI for the endmembers and the MSI for the abundances. Yokoya et al., IEEE TGRS 2012.

    hsi = W G,  msi = R W H + o          W (bands x endmembers), G and H (endmembers x pixels, coarse and fine), all >= 0

The sums of the columns of G and H are pulled towards 1 by a row of d's, which is appended to the images and to the endmembers. With V an
image, both factors take the multiplicative steps of Lee and Seung (2001), which never increase |V - W H|^2:

    H = H * (W'V) / (W'W H)  with the row of d's        W = W * (V H') / (W H H')  without it

1. R and o come from a non-negative regression of the blurred MSI on the HSI; the blur is a Gaussian as wide as a coarse pixel. o is
   subtracted from the MSI.
2. W by VCA, G = 1 / endmembers; then 600 steps of G, and 199 of W and G. Each loop ends when the cost falls by less than 1e-8 of itself.
3. H = G interpolated; then 200 steps of H, and 199 of R W and H.
4. G = H blurred; then 200 steps of W, and 199 of G and W. The fused cube is W H.

With three channels or fewer, R W in step 3 and G in step 4 stay as they are. This and the single pass follow the toolbox; the paper
iterates to convergence. d = 2 sqrt(mean(msi) / 0.7455) / channels^3 is the toolbox's too. With 30 endmembers the problem is far from
determined, so the number of steps regularises it. The original is Yokoya's toolbox (MATLAB, no licence found).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.observation import Observation
from methods.contract import Card, Estimate, FusionMethod
from methods.numerics.images.block_gaussian import block_gaussian
from methods.numerics.images.regression import non_negative_fit
from methods.numerics.images.resample import block_centre, upsample
from methods.numerics.unmixing.vca import vca
from methods.unmixing.cnmf.nmf import fit_abundances, fit_both, fit_spectra
from methods.unmixing.cnmf.virtual_dimension import virtual_dimension

FALSE_ALARM = 5e-2  # probability of a false alarm in the virtual dimensionality
LEAST_SUM_WEIGHT = 1e-6  # least d, for a black MSI


@dataclass(frozen=True)
class Method(FusionMethod):
    """CNMF at the pair's own sampling phase. `aligned=False` is the toolbox's form, which takes every pair as block-centred."""

    card: ClassVar[Card] = Card(
        name="CNMF",
        paper="Yokoya, Yairi, Iwasaki, Coupled nonnegative matrix factorization unmixing for hyperspectral and multispectral data fusion, "
        "IEEE TGRS 2012",
        doi="10.1109/TGRS.2011.2161320",
        year=2012,
        random=True,
        implementation="optimised, same output",  # each block of pixels makes all steps before the next block: nmf.py
        fidelity="output of Yokoya's toolbox (no licence found) to 1e-6 with its VCA endmembers; its estimate of R to 1e-9. One pass, and "
        "frozen factors with three channels, as in the toolbox, not the paper; aligned for other phases",
    )

    endmembers: int = 30  # at most the number of bands; more where the virtual dimensionality of the HSI is higher
    aligned: bool = True  # interpolate and blur at the pair's own phase, not at the block centre

    def __post_init__(self) -> None:
        if self.endmembers < 1:
            raise ValueError(f"endmembers: expected at least 1, got {self.endmembers}")

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The cube of steps 1 to 4 of the module docstring."""
        phase = seen.phase if self.aligned else block_centre(seen.ratio)
        response, offset = non_negative_fit(seen.hsi, block_gaussian(seen.msi, seen.ratio, phase))
        hsi, msi = seen.hsi.clamp_min(0), (seen.msi - offset.to(seen.msi)[:, None, None]).clamp_min(0)
        count = max(min(self.endmembers, len(hsi)), virtual_dimension(hsi, FALSE_ALARM))
        spectra = vca(hsi.flatten(1), count, rng).clamp_min(0)
        return Estimate(factorise_coupled(hsi, msi, response, spectra, seen.ratio, phase))


def factorise_coupled(
    hsi: Float[Tensor, "bands h w"],
    msi: Float[Tensor, "channels H W"],
    response: Float[Tensor, "channels bands"],
    spectra: Float[Tensor, "bands endmembers"],
    ratio: int,
    phase: tuple[float, float],
) -> Float[Tensor, "bands H W"]:
    """The cube W H of steps 2 to 4, for given R (`response`) and first W (`spectra`).

    The images are non-negative, and the offset o is already subtracted from the MSI. The coarse stages are in float64: they are small, and
    their loops end at a relative change of the cost of 1e-8. The fine stage keeps the dtype of the images.
    """
    channels, count = msi.shape[0], spectra.shape[1]
    sum_weight = max(2 * (float(msi.mean()) / 0.7455) ** 0.5 / channels**3, LEAST_SUM_WEIGHT)
    coarse, fine, response = hsi.flatten(1).double(), msi.flatten(1), response.double()

    start = torch.full((count, coarse.shape[1]), 1 / count).to(coarse)
    abundances = fit_abundances(coarse, spectra.double(), start, sum_weight, steps=600, judged=True)
    spectra, abundances = fit_both(coarse, spectra.double(), abundances, sum_weight, steps=199, first="spectra")

    sharp = upsample(abundances.reshape(count, *hsi.shape[1:]).to(msi), ratio, phase).clamp_(min=0).flatten(1)
    seen = (response @ spectra).to(msi)
    sharp = fit_abundances(fine, seen, sharp, sum_weight, steps=200, judged=False)
    if channels > 3:
        _, sharp = fit_both(fine, seen, sharp, sum_weight, steps=199, first="spectra")
    else:
        sharp = fit_abundances(fine, seen, sharp, sum_weight, steps=199, judged=True)

    abundances = block_gaussian(sharp.reshape(count, *msi.shape[1:]), ratio, phase).flatten(1).double()
    spectra = fit_spectra(coarse, spectra, abundances, steps=200)
    if channels > 3:
        spectra, _ = fit_both(coarse, spectra, abundances, sum_weight, steps=199, first="abundances")
    else:
        spectra = fit_spectra(coarse, spectra, abundances, steps=199)
    return torch.mm(spectra.to(sharp), sharp).reshape(len(spectra), *msi.shape[1:])
