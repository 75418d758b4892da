"""k-means on vectors: careful seeding (Arthur and Vassilvitskii, SODA 2007) and Lloyd's iteration, in matrix products.

    minimise the sum over points of min over centres k of |point - centre_k|^2

Seeding draws each next centre among the points, with a probability proportional to the squared distance to the nearest centre so far. Then
each point joins its nearest centre and each centre moves to the mean of its members, in turn, until no point changes its centre. All random
numbers come from one vector that is drawn on the CPU.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor


def kmeans(points: Float[Tensor, "n features"], clusters: int, rng: torch.Generator, steps: int = 100) -> Int[Tensor, " n"]:
    """The cluster number of each point, below `clusters`. Some numbers may have no members.

    There are never more clusters with members than different points. `rng` is on the CPU.

    Raises:
        ValueError: `clusters` is below 1.
    """
    if clusters < 1:
        raise ValueError(f"kmeans: expected at least 1 cluster, got {clusters}")
    centred = points - points.mean(0)  # distances are differences of squares, so the squares must be small
    draws = torch.rand(min(clusters, len(points)), dtype=torch.float64, generator=rng)
    centres = _seed(centred, draws.to(points.device))
    labels = _nearest(centred, centres)
    for _ in range(steps):
        centres = _means(centred, labels, centres)
        moved = _nearest(centred, centres)
        if torch.equal(moved, labels):
            break
        labels = moved
    return labels


def _seed(points: Tensor, draws: Tensor) -> Tensor:
    """One centre per number of `draws`, by the rule of the module docstring; the first is uniform among the points."""
    apart = points.new_full((len(points),), torch.inf)
    picks = []
    for number, draw in enumerate(draws):
        mass = (torch.ones_like(apart) if number == 0 else apart).double().cumsum(0)
        picks.append(torch.searchsorted(mass, (draw * mass[-1])[None], right=True).clamp_max(len(points) - 1))
        apart = torch.minimum(apart, (points - points[picks[-1]]).square().sum(1))
    return points[torch.cat(picks)]


def _nearest(points: Tensor, centres: Tensor) -> Tensor:
    """The index of the nearest centre of each point; of several as near, the first."""
    score = torch.addmm(centres.square().sum(1)[None], points, centres.T, alpha=-2)
    return score.argmin(1)


def _means(points: Tensor, labels: Tensor, centres: Tensor) -> Tensor:
    """The mean of the members of each cluster, by a product with a matrix of 0 and 1. A cluster without members keeps its centre."""
    members = torch.zeros(len(centres), len(points), dtype=points.dtype, device=points.device)
    members[labels, torch.arange(len(points), device=points.device)] = 1
    count = members.sum(1, keepdim=True)
    return torch.where(count > 0, members @ points / count.clamp_min(1), centres)
