"""Facts on LTMR. Oracles: the authors' output (parity fixture), and the ADMM by dense systems, loops and numpy's FFT."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import numpy as np
import pytest
import torch

from methods.lowrank.ltmr.method import Method
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


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_authors_subspace_and_labels_give_the_authors_output(shared: Path, dtype: torch.dtype) -> None:
    """After 100 iterations of a penalty that is not convex."""
    seen, _ = fixture_pair(shared, "s4_noisy", dtype)
    with np.load(shared / "parity/model/s4_noisy__ltmr.npz") as file:
        labels, basis, expected = turned_labels(file["labels"], 21), torch.from_numpy(file["D"]), file["Z"]
    assert relative(Method(eta=1e-3).fuse_clustered(seen, basis, labels), expected) < 1e-4


def test_our_own_clusters_and_subspace_reach_the_authors_quality(shared: Path) -> None:
    """38.28 dB with theirs, after 100 iterations; a quarter of them are enough."""
    seen, truth = fixture_pair(shared, "s4_noisy", torch.float32)
    method = Method(eta=1e-3, clusters=20, iterations=25)
    result = [decibel(method.fuse(seen, torch.Generator().manual_seed(seed)).cube, truth) for seed in range(5)]
    assert median(result) > 38.28 - 0.3


@pytest.mark.parametrize(("size", "expected"), [((16, 16), 20), ((2, 2), 1), ((63, 67), 200), ((25, 10), 19)])
def test_a_small_image_has_fewer_clusters(size: tuple[int, int], expected: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Patches are counted here by their anchors: 21 x 21 of 64 x 64 pixels."""
    asked: list[int] = []

    def count_only(values: torch.Tensor, clusters: int, rng: torch.Generator) -> torch.Tensor:
        asked.append(clusters)
        raise StopError

    class StopError(Exception):
        pass

    monkeypatch.setattr("methods.lowrank.ltmr.method.kmeans", count_only)
    seen = patchy_pair(5, 2, size)
    with pytest.raises(StopError):
        Method().fuse(seen, torch.Generator())
    patches = len(anchors(4 * size[0])) * len(anchors(4 * size[1]))
    assert asked == [max(1, min(200, patches // 22))] == [expected]


def anchors(size: int) -> list[int]:
    """Every third pixel, and the last place again where the grid ends there."""
    return [*range(0, size - 6, 3), size - 7]


def slow_ltmr(method: Method, basis: np.ndarray, labels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The ADMM of the module docstring: one dense system, numpy's FFT, and singular value decompositions one by one."""
    seen = patchy_pair(5, 2, size)
    rows, cols = seen.msi.shape[1:]
    places = [(r, c) for r in anchors(rows) for c in anchors(cols)]
    seen_basis = seen.srf.weights.numpy() @ basis
    rank = basis.shape[1]
    metric = seen_basis.T @ seen_basis + method.mu * np.eye(rank)
    coarse = np.einsum("br,bhw->rhw", basis, seen.hsi.numpy())
    copy = upsample(torch.from_numpy(coarse), 4, seen.phase).numpy()
    multiplier, codes = np.zeros_like(copy), copy
    for _ in range(method.iterations):
        right = seen_basis.T @ seen.msi.flatten(1).numpy() + (method.mu * copy + multiplier / 2).reshape(rank, -1)
        codes = dense_sylvester(seen, metric, coarse.reshape(rank, -1), right).reshape(rank, rows, cols)
        target = codes - multiplier / (2 * method.mu)
        total, count = np.zeros_like(codes), np.zeros((rows, cols))
        for cluster in set(labels.tolist()):
            members = [places[i] for i in np.flatnonzero(labels == cluster)]
            tensor = np.stack([target[:, r : r + 7, c : c + 7].transpose(0, 2, 1).reshape(rank, 49) for r, c in members])
            slices = np.moveaxis(np.fft.fft(tensor, axis=2), 2, 0)
            shrunk = np.stack([log_shrunk(one, method.eta / (2 * method.mu)) for one in slices])
            new = np.fft.ifft(shrunk, axis=0).real
            for n, (r, c) in enumerate(members):
                total[:, r : r + 7, c : c + 7] += new[:, n].T.reshape(rank, 7, 7).transpose(0, 2, 1)
                count[r : r + 7, c : c + 7] += 1
        copy = total / count
        multiplier = multiplier + 2 * method.mu * (copy - codes)
    return np.einsum("br,rhw->bhw", basis, codes)


@pytest.mark.parametrize("size", [(3, 5), (4, 2)])
@pytest.mark.parametrize("eta", [3e-3, 3e-2])
def test_a_lopsided_oblong_pair_gives_what_dense_systems_and_loops_give(size: tuple[int, int], eta: float) -> None:
    method = Method(iterations=3, eta=eta, mu=0.02)
    draw = np.random.default_rng(1)
    labels = draw.integers(0, 3, len(anchors(4 * size[0])) * len(anchors(4 * size[1])))
    basis = np.linalg.qr(draw.normal(size=(5, 3)))[0]
    ours = method.fuse_clustered(patchy_pair(5, 2, size), torch.from_numpy(basis), torch.from_numpy(labels))
    np.testing.assert_allclose(
        ours.numpy(), slow_ltmr(method, basis, labels, size), atol=1e-6
    )  # Gram matrices halve the digits of small singular values


@pytest.mark.parametrize("kind", KINDS)
def test_degenerate_pairs_give_a_finite_cube(kind: str) -> None:
    seen = awkward_pair(kind)
    cube = Method(clusters=3, iterations=8).fuse(seen, torch.Generator().manual_seed(0)).cube
    assert cube.shape == (len(seen.hsi), *seen.msi.shape[1:])
    assert float(cube.abs().max()) < 4


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="stride: expected at most the side"):
        Method(side=4, stride=5)
    with pytest.raises(ValueError, match="rank: expected at least 1, got 0"):
        Method(rank=0)
    with pytest.raises(ValueError, match="eta, mu"):
        Method(eta=0.0)
