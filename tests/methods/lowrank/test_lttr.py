"""Facts on methods/lowrank/lttr.py. Oracles: the authors' output (parity fixture), and the ADMM by dense systems and loops."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import numpy as np
import pytest
import torch

from methods.lowrank.lttr import Method
from methods.numerics.images.resample import upsample
from tests.methods.awkward import (
    KINDS,
    awkward_pair,
    decibel,
    dense_sylvester,
    fixture_pair,
    log_shrunk,
    patchy_pair,
    relative,
    turned_labels,
)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float32, 5e-3)])
def test_the_authors_labels_give_the_authors_output(shared: Path, dtype: torch.dtype, tolerance: float) -> None:
    """In float32 7e-6, or up to 1.1e-3 where rounding takes a singular value across the cut of the shrinkage, which jumps there."""
    seen, _ = fixture_pair(shared, "s4_noisy", dtype)
    with np.load(shared / "parity/model/s4_noisy__lttr.npz") as file:
        labels, expected = turned_labels(file["labels"], 15), file["Z"]
    assert relative(Method().fuse_clustered(seen, labels), expected) < tolerance


def test_our_own_clusters_reach_the_authors_quality(shared: Path) -> None:
    """35.67 dB with theirs."""
    seen, truth = fixture_pair(shared, "s4_noisy", torch.float32)
    result = [decibel(Method(clusters=20).fuse(seen, torch.Generator().manual_seed(seed)).cube, truth) for seed in range(5)]
    assert median(result) > 35.67 - 0.2


def slow_unfoldings(patches: np.ndarray) -> list[tuple[tuple[int, ...], np.ndarray]]:
    """The three unfoldings of (rows, cols, bands, n)."""
    rows, cols, bands, n = patches.shape
    return [((rows, cols * bands * n), patches), ((rows * cols, bands * n), patches), ((rows * cols * bands, n), patches)]


def slow_lttr(method: Method, labels: np.ndarray, size: tuple[int, int] = (3, 5), bands: int = 5) -> np.ndarray:
    """The ADMM of the module docstring: one dense system, and singular value decompositions cluster by cluster."""
    seen = patchy_pair(bands, 2, size)
    rows, cols = seen.msi.shape[1:]
    anchors = [(r, c) for r in _anchors(rows) for c in _anchors(cols)]
    weights = seen.srf.weights.numpy()
    metric = weights.T @ weights + 3 * method.mu * np.eye(bands)
    copies = [upsample(seen.hsi, 4, seen.phase).numpy()] * 3
    multipliers = [np.zeros_like(copies[0])] * 3
    cube = copies[0]
    for _ in range(method.iterations):
        right = weights.T @ seen.msi.flatten(1).numpy()
        right = right + sum(method.mu * v + g / 2 for v, g in zip(copies, multipliers, strict=True)).reshape(bands, -1)
        cube = dense_sylvester(seen, metric, seen.hsi.flatten(1).numpy(), right).reshape(bands, rows, cols)
        for k in range(3):
            target = cube - multipliers[k] / (2 * method.mu)
            total, count = np.zeros_like(cube), np.zeros((rows, cols))
            for cluster in set(labels.tolist()):
                members = [anchors[i] for i in np.flatnonzero(labels == cluster)]
                tensor = np.stack([target[:, r : r + 8, c : c + 8].transpose(1, 2, 0) for r, c in members], 3)
                unfolded = slow_unfoldings(tensor)
                shorter = np.sqrt([min(shape) for shape, _ in unfolded])
                weight = method.eta / (2 * method.mu) * shorter[k] / shorter.sum()
                shrunk = log_shrunk(tensor.reshape(unfolded[k][0]), weight).reshape(tensor.shape)
                for n, (r, c) in enumerate(members):
                    total[:, r : r + 8, c : c + 8] += shrunk[..., n].transpose(2, 0, 1)
                    count[r : r + 8, c : c + 8] += 1
            copies[k] = total / count
            multipliers[k] = multipliers[k] + 2 * method.mu * (copies[k] - cube)
    return cube


def _anchors(size: int) -> list[int]:
    result = list(range(0, size - 7, 4))
    return result if result[-1] == size - 8 else [*result, size - 8]


@pytest.mark.parametrize("size", [(3, 5), (5, 3)])
@pytest.mark.parametrize("eta", [1e-3, 3e-2])
def test_a_lopsided_oblong_pair_gives_what_dense_systems_and_loops_give(size: tuple[int, int], eta: float) -> None:
    method = Method(iterations=3, eta=eta, mu=0.02)
    count = len(_anchors(4 * size[0])) * len(_anchors(4 * size[1]))
    labels = np.random.default_rng(1).integers(0, 3, count)
    ours = method.fuse_clustered(patchy_pair(5, 2, size), torch.from_numpy(labels))
    np.testing.assert_allclose(ours.numpy(), slow_lttr(method, labels, size), atol=1e-9)


def test_patches_that_do_not_end_at_the_border_are_completed_there() -> None:
    method, labels = Method(iterations=2, mu=0.02), np.array([0, 1, 1, 0, 0, 1, 0, 1])
    seen = patchy_pair(5, 2, (3, 5))
    assert len(labels) == len(_anchors(12)) * len(_anchors(20))
    assert torch.isfinite(method.fuse_clustered(seen, torch.from_numpy(labels))).all()


@pytest.mark.parametrize("kind", KINDS)
def test_degenerate_pairs_give_a_finite_cube(kind: str) -> None:
    seen = awkward_pair(kind)
    cube = Method(clusters=3, iterations=5).fuse(seen, torch.Generator().manual_seed(0)).cube
    assert cube.shape == (len(seen.hsi), *seen.msi.shape[1:])
    assert float(cube.abs().max()) < 4


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="stride: expected at most the side"):
        Method(side=4, stride=5)
    with pytest.raises(ValueError, match="clusters: expected at least 1, got 0"):
        Method(clusters=0)
    with pytest.raises(ValueError, match="eta, mu"):
        Method(mu=0.0)
