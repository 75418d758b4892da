"""NSSR: non-negative sparse codes in a learned dictionary, with non-local similarity. Dong et al., IEEE TIP 2016.

    minimise over A >= 0    |hsi - S D A|^2 + |msi - R D A|^2 + eta_1 |D A - U|^2 + eta_2 |A|_1

S is blur and decimation (periodic) and R the srf. D (bands, atoms) is non-negative and learned from the HSI
(numerics/patches/dictionary.py). U holds, for each pixel, the mean of the last estimate over the pixels that are most similar in the MSI
(nonlocal_means.py). ADMM uses copies Z of D A and B of A, and multipliers V and W, all 0 at first. With M = (R D)'R D + (eta_1 + mu) D'D +
mu,

    A    solves   M A = (R D)' msi + D'(eta_1 U + mu Z - V / 2) + mu B + W / 2
    Z    solves   S'S Z + mu Z = S' hsi + mu D A + V / 2       exactly (numerics/solvers/sylvester.py); the authors: gradients to 1e-3
    B    = max(A - W / (2 mu) - eta_2 / (2 mu), 0)
    W = W + mu (B - A),   V = V + mu (D A - Z),   U from Z,   mu = 1.1 mu

The result is Z. With `back_projection`, as in the authors' code, it is then made to agree with both images, with a box as the PSF
(numerics/solvers/back_projection.py). For any other PSF that step makes the cube less accurate, so the result without it can be asked for
too, and has a name of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.observation import Observation
from methods.contract import Card, Estimate, FusionMethod
from methods.numerics.patches.dictionary import learn_dictionary, random_atoms
from methods.numerics.solvers.back_projection import back_project
from methods.numerics.solvers.subspace import mix
from methods.numerics.solvers.sylvester import solve_sylvester
from methods.sparse.nssr.nonlocal_means import Similar, most_similar

GROWTH = 1.1  # factor of mu per iteration


@dataclass(frozen=True)
class Method(FusionMethod):
    """NSSR with the authors' settings for a Gaussian PSF. Both responses must be known."""

    card: ClassVar[Card] = Card(
        name="NSSR",
        paper="Dong, Fu, Shi, Cao, Wu, Li, Li, Hyperspectral Image Super-Resolution via Non-Negative Structured Sparse Representation, "
        "IEEE TIP 2016",
        doi="10.1109/TIP.2016.2542360",
        year=2016,
        needs_psf=True,
        needs_srf=True,
        random=True,
        implementation="optimised, same output",  # a closed form replaces the inner iteration: numerics/solvers/sylvester.py
        fidelity="the authors' output, before and after back-projection, to 1e-6 with their dictionary and similarities and their inner "
        "solver run to convergence (as shipped it stops early and is 5e-3 away); our dictionary starts from its own random pixels",
    )
    trial: ClassVar[Mapping[str, int]] = MappingProxyType({"atoms": 12, "iterations": 4})

    atoms: int = 80  # of the dictionary
    eta_1: float = 0.015  # weight of the similarity: the authors' for a Gaussian PSF; for Pavia they take 1e-4
    eta_2: float = 6e-5  # weight of the sparsity: the authors' for a Gaussian PSF
    mu: float = 2e-4  # first penalty of the ADMM
    iterations: int = 26  # of the ADMM
    back_projection: bool = True  # the last step of the authors' code, which takes every PSF as a box

    def __post_init__(self) -> None:
        if self.atoms < 1 or self.iterations < 0:
            raise ValueError(f"atoms, iterations: expected at least 1 and 0, got {self.atoms} and {self.iterations}")
        if not (self.eta_1 >= 0 and self.eta_2 >= 0 and self.mu > 0):
            raise ValueError(f"expected eta_1, eta_2 of at least 0 and mu above 0, got {self.eta_1}, {self.eta_2} and {self.mu}")

    def describe(self) -> Card:
        """The card; its name says so if the last step of the authors' code is left out."""
        return self.card if self.back_projection else replace(self.card, name="NSSR without back-projection")

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The last ADMM iterate, with a dictionary learned from the HSI and similarities in the MSI; back-projected on request."""
        pixels = seen.hsi.flatten(1)
        dictionary = learn_dictionary(pixels, random_atoms(pixels, self.atoms, rng))
        cube = self.fuse_coded(seen, dictionary, most_similar(seen.msi))
        return Estimate(back_project(cube, seen.hsi, seen.msi, seen.srf) if self.back_projection else cube)

    def fuse_coded(self, seen: Observation, dictionary: Float[Tensor, "bands atoms"], similar: Similar) -> Float[Tensor, "bands H W"]:
        """The last ADMM iterate before back-projection, for a given D and given similar pixels of each pixel."""
        wide = dictionary.double()
        seen_atoms = seen.srf.weights.to(wide) @ wide
        unit, atoms_unit = torch.eye(wide.shape[0]).to(wide), torch.eye(wide.shape[1]).to(wide)
        codes_copy = seen.msi.new_zeros(wide.shape[1], *seen.msi.shape[1:])
        codes_multiplier = torch.zeros_like(codes_copy)
        fused = seen.msi.new_zeros(wide.shape[0], *seen.msi.shape[1:])
        multiplier, similar_mean = torch.zeros_like(fused), torch.zeros_like(fused)
        mu = self.mu
        for _ in range(self.iterations):
            metric = seen_atoms.T @ seen_atoms + (self.eta_1 + mu) * wide.T @ wide + mu * atoms_unit
            inverse = torch.linalg.inv(metric)
            wanted = torch.add(self.eta_1 * similar_mean, fused, alpha=mu).sub_(multiplier, alpha=0.5)
            codes = mix(inverse, codes_copy.mul_(mu).add_(codes_multiplier, alpha=0.5))
            codes.add_(mix(torch.cat([inverse @ wide.T, inverse @ seen_atoms.T], 1), torch.cat([wanted, seen.msi])))
            coded = mix(wide, codes)
            fused = solve_sylvester(unit, mu * unit, seen.hsi, torch.add(coded, multiplier, alpha=0.5 / mu), seen.psf)
            codes_copy = torch.sub(codes, codes_multiplier, alpha=0.5 / mu).sub_(self.eta_2 / (2 * mu)).clamp_min_(0)
            codes_multiplier.add_(codes_copy, alpha=mu).sub_(codes, alpha=mu)
            multiplier.add_(coded, alpha=mu).sub_(fused, alpha=mu)
            similar_mean = similar.mean(fused)
            mu *= GROWTH
        return fused
