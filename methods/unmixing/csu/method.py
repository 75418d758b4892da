"""CSU: coupled spectral unmixing of both images by alternating proximal steps. Lanaras, Baltsavias, Schindler, ICCV 2015.

    min  |hsi - E S A|^2 + |msi - R E A|^2      with 0 <= E <= 1, A >= 0, every column of A summing to 1

E holds the spectra of the endmembers, A the abundances on the fine grid; S blurs and decimates them. At first, E comes from SISAL and the
coarse abundances G from SUnSAL, and A is G interpolated. Then the following round is repeated until the sum of the two root mean square
residuals changes by less than 1e-4 of itself:

(a) E = clip(E - (E G - hsi) G' / c, 0, 1),     c = 1.01 |G G'|
(b) A = simplex(A - (RE)'(RE A - msi) / d),     d = 1.01 |RE (RE)'|
(c) G = S A

In a round, (a) and (b) are repeated at most 100 times, while the residual falls by more than 1 %. A step that increases the residual is
undone and ends the repetition: in (b) the first such step, in (a) the second. Only S is needed and not its adjoint, so S may have any
boundary.

For S, the authors' code averages blocks for every sensor (`blur="box"`); ours applies the psf. The paper limits the number of endmembers
per pixel; this is commented out in the authors' code, and is not done here. The original is SupResPALM (MATLAB, MIT licence; SISAL and
SUnSAL are separate programs).
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

STEPS = 100  # of (a), and of (b), per round, at most
WORTH = 1.01  # another step follows only if the last one divided the residual by more than this
SHORTENED = 1.01  # the length of a step is 1 / (this times the Lipschitz bound of the gradient)


@dataclass(frozen=True)
class Method(FusionMethod):
    """CSU with the psf as S, or with the published block average."""

    card: ClassVar[Card] = Card(
        name="CSU",
        paper="Lanaras, Baltsavias, Schindler, Hyperspectral super-resolution by coupled spectral unmixing, ICCV 2015",
        doi="10.1109/ICCV.2015.409",
        year=2015,
        needs_psf=True,
        needs_srf=True,
        random=True,
        implementation="optimised, same output",  # the projection sorts whole rows at once: simplex.py
        fidelity="the authors' output (SupResPALM, MIT) to 1e-6 with their start, for a box psf. Their block average is replaced by the "
        "psf; SISAL and SUnSAL are written from their papers",
    )

    trial: ClassVar[Mapping[str, Any]] = MappingProxyType({"rounds": 20})

    endmembers: int = 10  # at most the number of bands is used
    blur: Literal["psf", "box"] = "psf"  # S: the known psf, or the mean of ratio x ratio pixels, as published
    rounds: int = 1500  # at most
    tolerance: float = 1e-4  # relative change of the residuals at which the rounds end

    def __post_init__(self) -> None:
        for name, value in (("endmembers", self.endmembers), ("rounds", self.rounds)):
            if value < 1:
                raise ValueError(f"{name}: expected at least 1, got {value}")

    def describe(self) -> Card:
        """The card; with the block average the psf is not needed."""
        return self.card if self.blur == "psf" else replace(self.card, name="CSU with box", needs_psf=False)

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The cube E A after the rounds of the module docstring."""
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
    """The S of the authors' code."""
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
    """E and A after the rounds, for given first E (`spectra`), G (`coarse`) and A (`fine`).

    `blur` is S, from (endmembers, H, W) to (endmembers, h, w).
    """
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
    """E after the steps (a), and the least residual of these steps."""
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
    """A after the steps (b), and the last residual; `spectra` is R E."""
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
    """The root mean square of the error, computed in float64."""
    return float(torch.linalg.vector_norm(error, dtype=torch.float64) / error.numel() ** 0.5)
