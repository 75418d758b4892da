"""LTTR: clusters of patches of low tensor-train rank. Dian, Li, Fang, IEEE TNNLS 2019.

    minimise   |hsi - S Z|^2 + |msi - R Z|^2 + eta * sum over clusters c and k = 1, 2, 3 of  w_ck * logdet of the k-th unfolding of Z_c

S is blur and decimation (periodic) and R the srf. Z_c is a tensor (8 rows, 8 cols, bands, n_c) of the n_c patches of one cluster; k-means
on the MSI's patches makes the clusters. Its tensor-train unfoldings are (8, 8 bands n), (64, bands n) and (64 bands, n). w_ck is
proportional to the root of the shorter side of the unfolding, and its sum over k is 1. ADMM uses a copy V_k of the cube for each unfolding,
and multipliers G_k:

    Z    solves   S'S Z + (R'R + 3 mu) Z = S' hsi + R' msi + sum of (mu V_k + G_k / 2)     in closed form (numerics/solvers/sylvester.py)
    V_k  the patches of Z - G_k / (2 mu), their k-th unfoldings shrunk with C = eta w_ck / (2 mu) (numerics/solvers/shrinkage.py),
         overlaps averaged
    G_k  = G_k + 2 mu (V_k - Z)

from V_k = the cubic interpolation of the HSI at the pair's phase, and G_k = 0. There is no spectral subspace.

The paper gives the unfoldings weights alpha_k without numbers. The root of the shorter side is the rule of the authors' code, and is used
here. That code takes square images whose side fits the grid of patches; here the last patch of each axis ends at the border.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from datasets.observation import Observation
from methods.contract import Card, Estimate, FusionMethod
from methods.numerics.images.resample import upsample
from methods.numerics.patches.kmeans import kmeans
from methods.numerics.patches.patch_clusters import ClusteredPatches, as_rows, patch_pixels
from methods.numerics.solvers.shrinkage import log_shrink
from methods.numerics.solvers.subspace import mix
from methods.numerics.solvers.sylvester import solve_sylvester


@dataclass(frozen=True)
class Method(FusionMethod):
    """LTTR with the settings of its CAVE experiments. Both responses must be known."""

    card: ClassVar[Card] = Card(
        name="LTTR",
        paper="Dian, Li, Fang, Learning a Low Tensor-Train Rank Representation for Hyperspectral Image Super-Resolution, IEEE TNNLS 2019",
        doi="10.1109/TNNLS.2018.2885616",
        year=2019,
        needs_psf=True,
        needs_srf=True,
        random=True,
        implementation="optimised, same output",  # singular values by Gram matrices: numerics/solvers/shrinkage.py
        tuned_on="CAVE, by its authors (eta)",
        fidelity="the authors' output to 1e-6 with their cluster labels (float32: 1e-5); our k-means "
        "draws its own. Any image size (the code: square). Periodic boundary",
    )

    trial: ClassVar[Mapping[str, int]] = MappingProxyType({"clusters": 4, "iterations": 3})

    clusters: int = 160  # of patches, for an image of 256 x 256; at most one per patch
    eta: float = 1e-2  # weight of the prior: the authors' for CAVE; for Pavia they take 4e-4
    mu: float = 1e-3  # penalty of the ADMM
    iterations: int = 25  # of the ADMM
    side: int = 8  # of a patch, pixels
    stride: int = 4  # pixels between patches

    def __post_init__(self) -> None:
        for name, least in (("clusters", 1), ("iterations", 0), ("side", 1), ("stride", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name}: expected at least {least}, got {getattr(self, name)}")
        if self.stride > self.side:
            raise ValueError(f"stride: expected at most the side, {self.side}, so that patches cover the image, got {self.stride}")
        if not (self.eta > 0 and self.mu > 0):
            raise ValueError(f"eta, mu: expected numbers above 0, got {self.eta} and {self.mu}")

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        """The last ADMM iterate, with clusters by k-means on the MSI."""
        pixels = _pixels(seen, self)
        labels = kmeans(seen.msi.flatten(1).T[pixels].flatten(1), self.clusters, rng)
        return Estimate(self.fuse_clustered(seen, labels))

    def fuse_clustered(self, seen: Observation, labels: Int[Tensor, " patches"]) -> Float[Tensor, "bands H W"]:
        """The last ADMM iterate for a given cluster for each patch, in the order of the rows."""
        priors = _Unfolding.all_of(seen, labels, self)
        unit = torch.eye(seen.hsi.shape[0]).to(seen.hsi).double()
        weights = seen.srf.weights.to(unit)
        metric = weights.T @ weights + 3 * self.mu * unit
        inverse = torch.linalg.inv(metric)
        start = upsample(seen.hsi, seen.ratio, seen.phase)
        copies, multipliers = [start] * 3, [torch.zeros_like(start)] * 3
        data = seen.srf.adjoint(seen.msi)
        fused = start
        for _ in range(self.iterations):
            right = data.clone()
            for copy, multiplier in zip(copies, multipliers, strict=True):
                right.add_(copy, alpha=self.mu).add_(multiplier, alpha=0.5)
            fused = solve_sylvester(unit, metric, seen.hsi, mix(inverse, right), seen.psf)
            for k, prior in enumerate(priors):
                copies[k] = prior.shrink(fused - multipliers[k] / (2 * self.mu))
                multipliers[k] = multipliers[k] + 2 * self.mu * (copies[k] - fused)
        return fused


def _pixels(seen: Observation, method: Method) -> Int[Tensor, "patches tall wide"]:
    """The pixel numbers of all patches."""
    return patch_pixels((seen.msi.shape[1], seen.msi.shape[2]), method.side, method.stride).to(seen.msi.device)


@dataclass(frozen=True, eq=False)
class _Unfolding:
    """One of the three unfoldings of all clusters: the shape of the matrices in each stack, and the C of each cluster."""

    patches: ClusteredPatches
    heights: Sequence[int]  # rows of the matrices, for each stack
    weights: Sequence[Float[Tensor, " _"]]  # C of each cluster, for each stack

    @classmethod
    def all_of(cls, seen: Observation, labels: Int[Tensor, " patches"], method: Method) -> list[_Unfolding]:
        """The unfoldings k = 1, 2, 3 with C = eta w_ck / (2 mu)."""
        bands, (rows, cols) = seen.hsi.shape[0], seen.msi.shape[1:]
        pixels = _pixels(seen, method)
        tall, area = pixels.shape[1], pixels.shape[1] * pixels.shape[2]
        area_first, patch_first = (
            ClusteredPatches.sort(pixels.flatten(1), labels, rows * cols, area_first=first) for first in (True, False)
        )
        weights: list[list[Tensor]] = [[], [], []]
        for sizes in area_first.sizes:
            members = sizes.to(seen.hsi)
            shorter = torch.stack(
                [
                    torch.minimum(members * (area // tall * bands), torch.full_like(members, tall)),
                    torch.minimum(members * bands, torch.full_like(members, area)),
                    members.clamp_max(area * bands),
                ]
            ).sqrt()
            for k, share in enumerate(shorter / shorter.sum(0)):
                weights[k].append(method.eta / (2 * method.mu) * share)
        stacks = len(area_first.stacks)
        return [
            cls(area_first, [tall] * stacks, weights[0]),
            cls(area_first, [area] * stacks, weights[1]),
            cls(patch_first, [stack.shape[1] for stack in patch_first.stacks], weights[2]),
        ]

    def shrink(self, cube: Float[Tensor, "bands H W"]) -> Float[Tensor, "bands H W"]:
        """The cube put together from its patches after their unfoldings were shrunk, as the mean of overlaps."""
        taken = zip(self.patches.take(as_rows(cube)), self.heights, self.weights, strict=True)
        shrunk = [log_shrink(stack.reshape(len(stack), height, -1), weight).view(stack.shape) for stack, height, weight in taken]
        return self.patches.mean(shrunk, (cube.shape[1], cube.shape[2]))
