"""The losses of MossFuse. Every term compares the network's outputs with the observed pair, never with a truth.

With |.| the mean absolute difference, Y the MSI, x the HSI, X the fused cube, and Yl and xl the low-resolution MSI as psf(Y) and as srf(x):

    degradation       |xl - Yl|                                                        only the sensors learn from this term
    aggregation       |psf(X) - x| + |srf(X) - Y|                                      the sensors are constants here
    self_supervised   |Y^ - Y| + |x^ at the sampled pixels - x| + |y^ - up(xl)| + |y^ - up(Yl)|     with the outputs of the other decoders;
                                                                                       the low-resolution MSI is a constant here
    subspace          -log(P / (P + N)),  P = exp cos(Ys, xs),  N = exp cos(Ys, Yc) + exp cos(xs, xc) + exp cos(Yc, xc)
                      with Ys, Yc, xs, xc the shared and complementary features, each batch flattened into one vector

    total = degradation + aggregation + self_supervised + 0.1 subspace

The subspace term cannot fall below 0.4968 (three angles in a plane), and a trained network reaches this value. The authors' weights of the
terms are not known; those above are our defaults.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from methods.unsupervised.mossfuse.mossfuse_network import FeatureMaps, MossFuseNetwork, Outputs

LEAST_LENGTH = 1e-12  # by which a vector is divided


@dataclass(frozen=True)
class LossWeights:
    """The weight of each term."""

    degradation: float = 1.0
    aggregation: float = 1.0
    self_supervised: float = 1.0
    subspace: float = 0.1


@dataclass(frozen=True, eq=False)
class Losses:
    """The four terms, without their weights."""

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
    """The four terms for the outputs of a batch of pairs.

    In one backward pass of their sum, network and sensors learn from their own terms.
    """
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
    """The term -log(P / (P + N)) of the module docstring. It is small if the shared features are alike and all others are different."""
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
    """The cosine <a, b> / (|a| |b|) of the two batches as vectors; 0 if one of them is 0."""
    length_a, length_b = (torch.linalg.vector_norm(vector).clamp_min(LEAST_LENGTH) for vector in (a, b))
    return cast(Tensor, (a * b).sum() / length_a / length_b)
