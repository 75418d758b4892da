"""Facts on methods/numerics/patches/kmeans.py. Oracle: loops over points and centres."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from methods.numerics.patches.kmeans import kmeans


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_clumps_far_apart_are_found_whatever_the_seed() -> None:
    truth = torch.tensor([0, 2, 1, 1, 0, 2, 2, 1, 0, 3] * 7)
    points = 10 * torch.randn(4, 5, generator=rng(1))[truth] + 0.01 * torch.randn(70, 5, generator=rng(2))
    for seed in range(5):
        labels = kmeans(points, 4, rng(seed))
        assert len(set(zip(truth.tolist(), labels.tolist(), strict=True))) == 4


def test_at_the_end_every_point_has_the_nearest_of_the_means() -> None:
    points = torch.rand(60, 3, dtype=torch.float64, generator=rng())
    labels = kmeans(points, 7, rng(3)).numpy()
    means = {k: points.numpy()[labels == k].mean(0) for k in set(labels.tolist())}
    for point, label in zip(points.numpy(), labels.tolist(), strict=True):
        assert label == min(means, key=lambda k: float(np.square(point - means[k]).sum()))


def test_the_generator_alone_decides() -> None:
    points = torch.rand(40, 3, generator=rng())
    assert torch.equal(kmeans(points, 5, rng(1)), kmeans(points, 5, rng(1)))
    assert not torch.equal(kmeans(points, 5, rng(1)), kmeans(points, 5, rng(2)))


@pytest.mark.parametrize("clusters", [1, 3, 50])
def test_equal_points_and_more_clusters_than_points_are_no_error(clusters: int) -> None:
    for points in (torch.zeros(6, 2), torch.rand(4, 2, generator=rng())):
        labels = kmeans(points, clusters, rng())
        assert labels.shape == (len(points),)
        assert 0 <= int(labels.min()) <= int(labels.max()) < max(clusters, 1)


def test_no_cluster_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 cluster, got 0"):
        kmeans(torch.rand(4, 2), 0, rng())
