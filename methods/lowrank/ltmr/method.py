"""LTMR: clusters of patches of low tensor multi-rank, in a spectral subspace. Dian, Li, IEEE TIP 2019.

X = D A, with D the leading left singular vectors of the HSI (not centred), and

    minimise   |hsi - S D A|^2 + |msi - R D A|^2 + eta * sum over clusters c of  the log tensor multi-rank penalty of A_c

S is blur and decimation (periodic) and R the srf. A_c (n_c, rank, 49) holds the n_c patches of 7 x 7 pixels of one cluster; k-means on the
MSI's patches makes the clusters. ADMM uses a copy V of A and a multiplier G:

    A  solves   S'S A + ((R D)'R D + mu) A = D' S' hsi + (R D)' msi + mu V + G / 2     in closed form (numerics/solvers/sylvester.py)
    V  the patches of A - G / (2 mu), each cluster shrunk with C = eta / (2 mu) (tubal.py, DFT along the pixels), overlaps averaged
    G  = G + 2 mu (V - A)

from V = D' times the cubic interpolation of the HSI at the pair's phase, and G = 0.

As in the authors' code, the pixels of a patch are ordered down its columns for the DFT, and the last patch of each axis is taken twice if
the grid ends at the border. We know of no difference between paper and code.

The authors' 200 clusters are for CAVE. In clusters of two or three patches nothing is of low rank, so a small image has fewer here:
on 64 x 64 pixels (441 patches) with noise, ratio 8, 200 clusters cost 2 dB against 20 (docs/methods/model_based.md).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from datasets.observation import Observation
from methods.contract import Card, Estimate, FusionMethod
from methods.lowrank.ltmr.tubal import log_shrink_tubes
from methods.numerics.images.resample import upsample
from methods.numerics.patches.kmeans import kmeans
from methods.numerics.patches.patch_clusters import ClusteredPatches, as_rows, patch_pixels
from methods.numerics.solvers.subspace import mix, principal_basis
from methods.numerics.solvers.sylvester import solve_sylvester


@dataclass(frozen=True)
class Method(FusionMethod):
    """LTMR with the settings of its CAVE experiments. Both responses must be known."""

    card: ClassVar[Card] = Card(
        name="LTMR",
        paper="Dian, Li, Hyperspectral Image Super-Resolution via Subspace-Based Low Tensor Multi-Rank Regularization, IEEE TIP 2019",
        doi="10.1109/TIP.2019.2916734",
        year=2019,
        needs_psf=True,
        needs_srf=True,
        random=True,
        implementation="optimised, same output",  # slices that shrink to zero are not decomposed: tubal.py
        tuned_on="CAVE, by its authors (eta)",
        fidelity="the authors' output to 1e-4 with their subspace and cluster labels; our k-means draws its own. Periodic boundary",
    )
    trial: ClassVar[Mapping[str, int]] = MappingProxyType({"clusters": 4, "iterations": 5})

    rank: int = 10  # dimension of the subspace; at most the number of bands is used
    clusters: int = 200  # of patches, at most
    cluster_patches: int = 22  # on average in a cluster, at least: an image smaller than 256 x 256 has fewer clusters
    eta: float = 3e-2  # weight of the prior: the authors' for CAVE; for Pavia they take 1e-3
    mu: float = 1e-3  # penalty of the ADMM
    iterations: int = 100  # of the ADMM
    side: int = 7  # of a patch, pixels
    stride: int = 3  # pixels between patches: an overlap of 4

    def __post_init__(self) -> None:
        for name, least in (("rank", 1), ("clusters", 1), ("cluster_patches", 1), ("iterations", 0), ("side", 1), ("stride", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected at least {least}, got {getattr(self, name)}")
        if self.stride > self.side:
            raise ValueError(f"stride: expected at most the side, {self.side}, so that patches cover the image, got {self.stride}")
        if not (self.eta > 0 and self.mu > 0):
            raise ValueError(f"eta, mu: expected numbers above 0, got {self.eta} and {self.mu}")

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The last ADMM iterate, in the subspace of the HSI, with clusters by k-means on the MSI."""
        pixels = self._pixels(seen)
        clusters = max(1, min(self.clusters, len(pixels) // self.cluster_patches))
        labels = kmeans(seen.msi.flatten(1).T[pixels].flatten(1), clusters, rng)
        basis, _ = principal_basis(seen.hsi, self.rank)
        return Estimate(self.fuse_clustered(seen, basis, labels))

    def fuse_clustered(
        self, seen: Observation, basis: Float[Tensor, "bands rank"], labels: Int[Tensor, " patches"]
    ) -> Float[Tensor, "bands H W"]:
        """The last ADMM iterate for a given basis with orthonormal columns and a given cluster for each patch, in the order of the rows."""
        rows, cols = seen.msi.shape[1:]
        patches = ClusteredPatches.sort(self._pixels(seen), labels, rows * cols, area_first=True)
        basis = basis.double()
        seen_basis = seen.srf.weights.to(basis) @ basis
        unit = torch.eye(basis.shape[1]).to(basis)
        metric = seen_basis.T @ seen_basis + self.mu * unit
        inverse = torch.linalg.inv(metric)
        coarse = mix(basis.T, seen.hsi)
        known = mix(inverse @ seen_basis.T, seen.msi)
        copy = upsample(coarse, seen.ratio, seen.phase)
        multiplier = torch.zeros_like(copy)
        codes = copy
        for _ in range(self.iterations):
            prior = mix(inverse, torch.add(self.mu * copy, multiplier, alpha=0.5)).add_(known)
            codes = solve_sylvester(unit, metric, coarse, prior, seen.psf)
            target = as_rows(codes - multiplier / (2 * self.mu))
            copy = patches.mean([log_shrink_tubes(stack, self.eta / (2 * self.mu)) for stack in patches.take(target)], (rows, cols))
            multiplier = multiplier + 2 * self.mu * (copy - codes)
        return mix(basis, codes)

    def _pixels(self, seen: Observation) -> Int[Tensor, "patches area"]:
        """The pixel numbers of all patches; within a patch, the pixels are ordered down the columns."""
        pixels = patch_pixels((seen.msi.shape[1], seen.msi.shape[2]), self.side, self.stride, repeat_last=True)
        return pixels.transpose(1, 2).flatten(1).to(seen.msi.device)
