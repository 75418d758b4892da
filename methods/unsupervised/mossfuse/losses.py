"""What MossFuse learns by; every term compares the network's outputs with the observed pair, never with a truth.

With |.| the mean absolute difference, Y the MSI, x the HSI, X the fused cube, Yl and xl the low-resolution MSI as psf(Y) and as srf(x):

    degradation       |xl - Yl|                                                        teaches the sensors, and only them
    aggregation       |psf(X) - x| + |srf(X) - Y|                                      the sensors are constants here
    self_supervised   |Y^ - Y| + |x^ at the sampled pixels - x| + |y^ - up(xl)| + |y^ - up(Yl)|     reconstructions by the other decoders;
                                                                                       the low-resolution MSI is a constant here
    subspace          -log(P / (P + N)),  P = exp cos(Ys, xs),  N = exp cos(Ys, Yc) + exp cos(xs, xc) + exp cos(Yc, xc)
                      with Ys, Yc, xs, xc the shared and complementary features, each batch flattened into one vector

    total = degradation + aggregation + self_supervised + 0.1 subspace

The subspace term cannot fall below 0.4968 (three planar angles); a trained network sits there. The authors' weights of the terms are
not known; those above are the default here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from methods.unsupervised.mossfuse.mossfuse_network import FeatureMaps, MossFuseNetwork, Outputs

COSINE_EPS = 1e-12  # smallest length that a vector is divided by


@dataclass(frozen=True)
class LossWeights:
    """What each term is multiplied by."""

    degradation: float = 1.0
    aggregation: float = 1.0
    self_supervised: float = 1.0
    subspace: float = 0.1


@dataclass(frozen=True, eq=False)
class Losses:
    """The four terms, unweighted."""

    degradation: Float[Tensor, ""]
    aggregation: Float[Tensor, ""]
    self_supervised: Float[Tensor, ""]
    subspace: Float[Tensor, ""]

    def total(self, weights: LossWeights) -> Float[Tensor, ""]:
        """The weighted sum."""
        return (
            weights.degradation * self.degradation
            + weights.aggregation * self.aggregation
            + weights.self_supervised * self.self_supervised
            + weights.subspace * self.subspace
        )


def measure_losses(
    network: MossFuseNetwork, out: Outputs, msi: Float[Tensor, "batch channels H W"], hsi: Float[Tensor, "batch bands h w"]
) -> Losses:
    """The four terms for the outputs of one pair. One backward of their sum teaches both parts, each by its own terms."""
    centre, ratio = network.blind.centre, network.ratio
    self_supervised = (
        F.l1_loss(out.msi_reconstruction, msi)
        + F.l1_loss(out.hsi_reconstruction[:, :, centre::ratio, centre::ratio], hsi)
        + F.l1_loss(out.low_msi_reconstruction, network.upsample(out.low_msi_from_hsi.detach()))
        + F.l1_loss(out.low_msi_reconstruction, network.upsample(out.low_msi_from_msi.detach()))
    )
    return Losses(
        degradation=F.l1_loss(out.low_msi_from_hsi, out.low_msi_from_msi),
        aggregation=F.l1_loss(out.hsi_cycle, hsi) + F.l1_loss(out.msi_cycle, msi),
        self_supervised=self_supervised,
        subspace=subspace_clustering(out.features),
    )


def subspace_clustering(features: FeatureMaps) -> Float[Tensor, ""]:
    """-log(P / (P + N)) as in the module docstring: shared features alike, everything else apart."""
    alike = _cosine(features.msi_shared, features.hsi_shared)
    apart = torch.stack(
        [
            alike,
            _cosine(features.msi_shared, features.msi_complementary),
            _cosine(features.hsi_shared, features.hsi_complementary),
            _cosine(features.msi_complementary, features.hsi_complementary),
        ]
    )
    return torch.logsumexp(apart, dim=0) - alike


def _cosine(a: Float[Tensor, "batch C H W"], b: Float[Tensor, "batch C H W"]) -> Float[Tensor, ""]:
    """<a, b> / (|a| |b|) of the two batches as vectors; 0 where one of them is 0."""
    length_a, length_b = (torch.linalg.vector_norm(vector).clamp_min(COSINE_EPS) for vector in (a, b))
    return cast(Tensor, (a * b).sum() / length_a / length_b)
