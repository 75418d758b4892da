"""CSTF: one sparse core tensor and three dictionaries for both images. Li, Dian, Fang, Bioucas-Dias, IEEE TIP 2018.

X = C x1 W x2 H x3 S (tucker.py), with dictionaries W of the rows, H of the columns and S of the spectra. For a separable PSF, which maps an
image x to P x Q',

    minimise   |hsi - C x1 P W x2 Q H x3 S|^2 + |msi - C x1 W x2 H x3 R S|^2 + lambda |C|_1

over one factor after the other, each with a proximal term beta |. - previous|^2. At first, W and H are the leading left singular vectors of
the MSI's unfoldings, and S are the endmembers of the HSI by vertex component analysis.

    C     60 ADMM steps from 0 with the copies C_1 and C_2, one for each image:
          C_i = inv(T_i'T_i + mu) (T_i' image_i + mu (C - V_i)),   V_i = V_i + C_i - C,
          C = soft((mu (C_1 + V_1 + C_2 + V_2) + beta C_previous) / (2 mu + beta), lambda / (4 mu + 2 beta))
    W     30 conjugate-gradient steps on   P'P W A A' + W (B B' + beta) = P' hsi_1 A' + msi_1 B' + beta W_previous,
          A, B the first unfoldings of C x2 Q H x3 S and C x2 H x3 R S;   H in the same way
    S     30 steps on   S (A A' + beta) + R'R S B B' = hsi_3 A' + R' msi_3 B' + beta S_previous

The paper makes 20 rounds, the authors' code 3; here there are 3. The paper's dictionaries are larger than the sides of the image, but there
are only as many singular vectors as the side. A PSF that is not separable is replaced by the product of its row and column sums.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from datasets.observation import Observation
from methods.contract import Card, Estimate, FusionMethod
from methods.lowrank.cstf.tucker import damped_solver, leading_vectors, separate, tucker
from methods.numerics.solvers.conjugate_gradients import conjugate_gradients
from methods.numerics.solvers.subspace import mix
from methods.numerics.unmixing.vca import vca

CORE_STEPS, FACTOR_STEPS = 60, 30


@dataclass(frozen=True)
class Method(FusionMethod):
    """CSTF with the three rounds of the authors' code. Both responses must be known, and the PSF is taken as separable."""

    card: ClassVar[Card] = Card(
        name="CSTF",
        paper="Li, Dian, Fang, Bioucas-Dias, Fusing Hyperspectral and Multispectral Images via Coupled Sparse Tensor Factorization, "
        "IEEE TIP 2018",
        doi="10.1109/TIP.2018.2836307",
        year=2018,
        needs_psf=True,
        needs_srf=True,
        random=True,
        implementation="optimised, same output",  # inverses only in the range of the small factors: tucker.py
        fidelity="written from a description of the code. On the synthetic fixture (64 x 64, x4, noisy; 60, 60 and 9 atoms) the median "
        "over 5 seeds is 39.2 dB, the authors' code 39.3; their iterates amplify rounding to 3e-4, so no closer agreement is meant. "
        "PSF taken as the product of its row and column sums, boundary as periodic",
    )
    trial: ClassVar[Mapping[str, int]] = MappingProxyType({"rows": 12, "cols": 12, "spectra": 5, "rounds": 1})

    rows: int = 260  # atoms of the row dictionary; at most the number of rows is used
    cols: int = 260  # atoms of the column dictionary; at most the number of columns is used
    spectra: int = 9  # atoms of the spectral dictionary; at most the number of bands is used; the authors take 9 to 15
    sparsity: float = 1e-5  # lambda, weight of the core's sum of absolute values
    beta: float = 1e-3  # weight of the proximal terms
    mu: float = 0.01  # penalty of the ADMM
    rounds: int = 3  # of core and dictionaries; the paper makes 20

    def __post_init__(self) -> None:
        for name in ("rows", "cols", "spectra"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: expected at least 1, got {getattr(self, name)}")
        if self.rounds < 0:
            raise ValueError(f"rounds: expected at least 0, got {self.rounds}")
        if not (self.sparsity >= 0 and self.beta > 0 and self.mu > 0):
            raise ValueError(f"expected sparsity of at least 0, beta and mu above 0, got {self.sparsity}, {self.beta} and {self.mu}")

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The Tucker product of the last factors, starting as the module docstring says."""
        pixels = seen.hsi.flatten(1)
        spectra = vca(pixels, min(self.spectra, len(pixels)), rng)
        return Estimate(self.fuse_from(seen, spectra))

    def fuse_from(self, seen: Observation, spectra: Float[Tensor, "bands n_spectra"]) -> Float[Tensor, "bands H W"]:
        """The Tucker product of the last factors, with `spectra` as the first S."""
        rows, cols = (leading_vectors(seen.msi, axis, count).to(seen.msi) for axis, count in ((1, self.rows), (2, self.cols)))
        spectra = spectra.to(seen.msi)
        problem = _Coupled.of(seen)
        core = problem.code(rows, cols, spectra, seen.msi.new_zeros(spectra.shape[1], rows.shape[1], cols.shape[1]), self)
        for _ in range(self.rounds):
            rows = problem.improve_rows(core, rows, cols, spectra, self.beta)
            cols = problem.turned().improve_rows(core.mT, cols, rows, spectra, self.beta)
            spectra = problem.improve_spectra(core, rows, cols, spectra, self.beta)
            core = problem.code(rows, cols, spectra, core, self)
        return tucker(core, rows, cols, spectra)


@dataclass(frozen=True, eq=False)
class _Coupled:
    """The two images, and the matrices that map the factors to each of them."""

    hsi: Tensor
    msi: Tensor
    down: Tensor  # P (h, H)
    across: Tensor  # Q (w, W)
    srf: Tensor  # R (channels, bands)

    @classmethod
    def of(cls, seen: Observation) -> _Coupled:
        down, across = separate(seen.psf, seen.msi.shape[1], seen.msi.shape[2])
        return cls(seen.hsi, seen.msi, down.to(seen.hsi), across.to(seen.hsi), seen.srf.weights.to(seen.hsi))

    def turned(self) -> _Coupled:
        """The same problem with rows and columns exchanged."""
        return _Coupled(self.hsi.mT, self.msi.mT, self.across, self.down, self.srf)

    def code(self, rows: Tensor, cols: Tensor, spectra: Tensor, last: Tensor, method: Method) -> Tensor:
        """The core C after its ADMM steps, given the dictionaries; `last` is the core of the round before."""
        mu, beta = method.mu, method.beta
        views = (self.hsi, (self.down @ rows, self.across @ cols, spectra)), (self.msi, (rows, cols, self.srf @ spectra))
        solvers = [damped_solver(*factors, damping=mu) for _, factors in views]
        data = [tucker(image, *(factor.T for factor in factors)) for image, factors in views]
        core, duals = torch.zeros_like(last), [torch.zeros_like(last), torch.zeros_like(last)]
        for _ in range(CORE_STEPS):
            total = beta * last
            for k in range(2):
                copy = solvers[k](torch.sub(core, duals[k]).mul_(mu).add_(data[k]))
                duals[k].add_(copy)
                total.add_(duals[k], alpha=mu)
            core = torch.nn.functional.softshrink(total.div_(2 * mu + beta), method.sparsity / (4 * mu + 2 * beta))
            for dual in duals:
                dual.sub_(core)
        return core

    def improve_rows(self, core: Tensor, rows: Tensor, cols: Tensor, spectra: Tensor, beta: float) -> Tensor:
        """W after its conjugate-gradient steps, given the other factors."""
        coarse = mix(spectra, core @ (self.across @ cols).T).movedim(1, 0).flatten(1)
        fine = mix(self.srf @ spectra, core @ cols.T).movedim(1, 0).flatten(1)
        coarse_gram, fine_gram = coarse @ coarse.T, fine @ fine.T
        right = self.down.T @ (self.hsi.movedim(1, 0).flatten(1) @ coarse.T) + self.msi.movedim(1, 0).flatten(1) @ fine.T + beta * rows
        blur = self.down.T @ self.down
        return conjugate_gradients(lambda w: blur @ w @ coarse_gram + w @ fine_gram + beta * w, right, rows, FACTOR_STEPS)

    def improve_spectra(self, core: Tensor, rows: Tensor, cols: Tensor, spectra: Tensor, beta: float) -> Tensor:
        """S after its conjugate-gradient steps, given the other factors."""
        coarse = (self.down @ rows @ core @ (self.across @ cols).T).flatten(1)
        fine = (rows @ core @ cols.T).flatten(1)
        coarse_gram, fine_gram = coarse @ coarse.T, fine @ fine.T
        right = self.hsi.flatten(1) @ coarse.T + self.srf.T @ (self.msi.flatten(1) @ fine.T) + beta * spectra
        response = self.srf.T @ self.srf
        return conjugate_gradients(lambda s: s @ coarse_gram + response @ s @ fine_gram + beta * s, right, spectra, FACTOR_STEPS)
