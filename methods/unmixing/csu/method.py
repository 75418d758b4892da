"""CSU: coupled spectral unmixing of both images by proximal steps in turn. Lanaras, Baltsavias, Schindler, ICCV 2015.

    min  |hsi - E S A|^2 + |msi - R E A|^2      with 0 <= E <= 1, A >= 0, every column of A summing to 1

E holds the spectra of the endmembers, A the abundances on the fine grid, S blurs and decimates them. Start: E by SISAL, the coarse
abundances G by SUnSAL, A = G interpolated. Then, until the sum of the two root mean square residuals changes by less than 1e-4 of itself:

(a) E = clip(E - (E G - hsi) G' / c, 0, 1),     c = 1.01 |G G'|
(b) A = simplex(A - (RE)'(RE A - msi) / d),     d = 1.01 |RE (RE)'|
(c) G = S A

(a) and (b) are repeated, at most 100 times, while the residual falls by more than 1 %; a step of (b) that raises it is taken back and
ends (b), in (a) it is the second such step. Only S itself is needed, not its adjoint, so any boundary will do. The authors' code averages
blocks for S whatever the sensor's blur (`blur="box"`); ours applies the psf. The paper's bound on the number of endmembers a pixel is
commented out in the authors' code, and absent here. Original: SupResPALM (MATLAB, MIT; its SISAL and SUnSAL separate).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.degradation import SpectralResponse
from datasets.observation import Observation
from methods.contract import Card, Estimate, FusionMethod
from methods.numerics.images.resample import block_centre, upsample
from methods.unmixing.csu.simplex import project_onto_simplex
from methods.unmixing.csu.sisal import sisal
from methods.unmixing.csu.sunsal import sunsal

STEPS = 100  # of (a), and of (b), at most, a round
WORTH = 1.01  # a step must divide the residual by this for another one to follow
SHORTENED = 1.01  # step lengths are the inverse of the gradient's Lipschitz bound times this


@dataclass(frozen=True)
class Method(FusionMethod):
    """CSU with the psf as an operator, or with the published block average."""

    card: ClassVar[Card] = Card(
        name="CSU",
        paper="Lanaras, Baltsavias, Schindler, Hyperspectral super-resolution by coupled spectral unmixing, ICCV 2015",
        doi="10.1109/ICCV.2015.409",
        year=2015,
        needs_psf=True,
        needs_srf=True,
        random=True,
        implementation="optimised, same output",  # the projection sorts by a network of whole rows: simplex.py
        fidelity="the authors' output (SupResPALM, MIT) to 1e-6 with their start, for a box psf. Their block average is replaced by the "
        "psf; SISAL and SUnSAL are written from their papers",
    )

    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"rounds": 20})

    endmembers: int = 10  # at most the number of bands is used
    blur: Literal["psf", "box"] = "psf"  # S: the psf handed over, or the mean of ratio x ratio pixels, as published
    rounds: int = 1500  # at most
    tolerance: float = 1e-4  # relative change of the residuals that ends the rounds

    def __post_init__(self) -> None:
        for name, value in (("endmembers", self.endmembers), ("rounds", self.rounds)):
            if value < 1:
                raise ValueError(f"{name}: expected at least 1, got {value}")

    def describe(self) -> Card:
        """With the block average the psf is not asked for."""
        return self.card if self.blur == "psf" else replace(self.card, name="CSU with box", needs_psf=False)

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The rounds of the module docstring, from SISAL and SUnSAL."""
        shape, box = seen.msi.shape[1:], self.blur == "box"
        phase = block_centre(seen.ratio) if box else seen.phase
        pixels = seen.hsi.flatten(1)
        spectra = sisal(pixels, min(self.endmembers, len(pixels)), rng)
        coarse = sunsal(spectra, pixels).to(seen.hsi)
        fine = upsample(coarse.reshape(-1, *seen.hsi.shape[1:]), seen.ratio, phase)
        blur = _block_mean(seen.ratio) if box else seen.psf
        spectra, fine = unmix_coupled(
            seen.hsi, seen.msi, blur, seen.srf, spectra.to(seen.hsi), coarse, fine, rounds=self.rounds, tolerance=self.tolerance
        )
        return Estimate(torch.mm(spectra, fine.flatten(1)).reshape(-1, *shape))


def _block_mean(ratio: int) -> Callable[[Tensor], Tensor]:
    """S of the authors' code."""
    return lambda image: torch.nn.functional.avg_pool2d(image, ratio)


def unmix_coupled(
    hsi: Float[Tensor, "bands h w"],
    msi: Float[Tensor, "channels H W"],
    blur: Callable[[Tensor], Tensor],
    srf: SpectralResponse,
    spectra: Float[Tensor, "bands endmembers"],
    coarse: Float[Tensor, "endmembers pixels"],
    fine: Float[Tensor, "endmembers H W"],
    *,
    rounds: int = 1500,
    tolerance: float = 1e-4,
) -> tuple[Float[Tensor, "bands endmembers"], Float[Tensor, "endmembers H W"]]:
    """E and A from the given start (`spectra`, `coarse`, `fine`); `blur` is S, from (endmembers, H, W) to (endmembers, h, w)."""
    shape = fine.shape
    seen_coarse, seen_fine, abundances = hsi.flatten(1), msi.flatten(1), fine.flatten(1)
    total = 1.0
    for _ in range(rounds):
        spectra, residual = _improve_spectra(seen_coarse, spectra, coarse)
        abundances, other = _improve_abundances(seen_fine, srf.weights.to(spectra) @ spectra, abundances)
        coarse = blur(abundances.reshape(shape)).flatten(1)
        before, total = total, residual + other
        if abs(before - total) <= tolerance * total:
            break
    return spectra, abundances.reshape(shape)


def _improve_spectra(image: Tensor, spectra: Tensor, abundances: Tensor) -> tuple[Tensor, float]:
    """(a), and the least residual met."""
    step = 1 / (SHORTENED * torch.linalg.matrix_norm(abundances @ abundances.T).clamp_min(1e-12))
    least, last, rises = float("inf"), float("inf"), 0
    error = spectra @ abundances - image
    for _ in range(STEPS):
        better = (spectra - step * (error @ abundances.T)).clamp(0, 1)
        error = better @ abundances - image
        now = _root_mean_square(error)
        rises += now > last
        if rises > 1:
            break
        spectra, least = better, min(least, now)
        if now <= last < WORTH * now or now == 0:
            break
        last = now
    return spectra, least


def _improve_abundances(image: Tensor, spectra: Tensor, abundances: Tensor) -> tuple[Tensor, float]:
    """(b), and the last residual; `spectra` are those that the MSI sees."""
    back = -spectra.T / (SHORTENED * torch.linalg.matrix_norm(spectra @ spectra.T).clamp_min(1e-12))
    last = float("inf")
    error = torch.addmm(image, spectra, abundances, beta=-1)
    moved = torch.empty_like(abundances)
    for _ in range(STEPS):
        better = project_onto_simplex(torch.addmm(abundances, back, error, out=moved))
        torch.addmm(image, spectra, better, beta=-1, out=error)
        now = _root_mean_square(error)
        if now > last:
            break
        abundances = better
        if last < WORTH * now or now == 0:
            return abundances, now
        last = now
    return abundances, last


def _root_mean_square(error: Tensor) -> float:
    """Added up in float64."""
    return float(torch.linalg.vector_norm(error, dtype=torch.float64) / error.numel() ** 0.5)
