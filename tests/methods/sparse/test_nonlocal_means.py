"""Facts on methods/sparse/nssr/nonlocal_means.py. Oracles: loops over all pairs of pixels, and the authors' similarity matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from methods.sparse.nssr import nonlocal_means
from methods.sparse.nssr.nonlocal_means import Similar, most_similar


def slow(image: np.ndarray, count: int, reach: int) -> tuple[list[list[int]], np.ndarray]:
    """The most similar pixels and weights, pixel by pixel."""
    rows, cols = image.shape[1:]
    padded = np.pad(255 * image, ((0, 0), (1, 1), (1, 1)), mode="symmetric")
    names, weights = [], []
    for r in range(rows):
        for c in range(cols):
            result = []
            for s in range(max(0, r - reach), min(rows, r + reach + 1)):
                for d in range(max(0, c - reach), min(cols, c + reach + 1)):
                    apart = np.square(padded[:, r : r + 3, c : c + 3] - padded[:, s : s + 3, d : d + 3]).mean()
                    result.append((float(apart), s * cols + d))
            result.sort()
            near = np.array([apart for apart, _ in result[:count]])
            near[0] = near[1]
            names.append([name for _, name in result[:count]])
            weights.append(np.exp(-near / 90) / np.exp(-near / 90).sum())
    return names, np.array(weights)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("at_once", [1, 10**7])
def test_the_nearest_neighbourhoods_are_found(channels: int, at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nonlocal_means, "AT_ONCE", at_once)
    image = 0.2 * np.random.default_rng(channels).random((channels, 7, 11))
    names, weights = slow(image, 5, 3)
    result = most_similar(torch.from_numpy(image), count=5, reach=3)
    assert result.pixels.tolist() == names
    np.testing.assert_allclose(result.weights.numpy(), weights, rtol=1e-9)


def test_the_authors_matrix_is_found(shared: Path) -> None:
    """Of 40,960 entries a handful differ, where two distances are equal but for rounding."""
    with np.load(shared / "parity/model/s4_noisy.npz") as a, np.load(shared / "parity/model/s4_noisy__nssr.npz") as b:
        msi, row, col, value = torch.from_numpy(a["MSI"]), b["N_row"], b["N_col"], b["N_val"]
    matrix = np.zeros((4096, 4096))
    turned = [(index % 64) * 64 + index // 64 for index in (row, col)]
    matrix[turned[1], turned[0]] = value
    result = most_similar(msi)
    ours = np.zeros((4096, 4096))
    np.put_along_axis(ours, result.pixels.numpy(), result.weights.numpy(), axis=1)
    np.testing.assert_allclose(np.sort(ours, 1)[:, -10:], np.sort(matrix, 1)[:, -10:], atol=2e-5)
    assert np.mean((ours > 0) == (matrix > 0)) > 1 - 1e-6


def test_the_mean_is_a_weighted_sum_over_the_named_pixels() -> None:
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(3, 4, 5, dtype=torch.float64, generator=generator)
    pixels = torch.randint(0, 20, (20, 4), generator=generator)
    weights = torch.rand(20, 4, dtype=torch.float64, generator=generator)
    expected = torch.stack(
        [sum(w * image.flatten(1)[:, p] for w, p in zip(*pair, strict=True)) for pair in zip(weights, pixels, strict=True)]
    )
    assert torch.allclose(Similar(pixels, weights).mean(image).flatten(1), expected.T)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 1, 4), (2, 2, 2)])
def test_tiny_images_and_pixels_unlike_all_others_give_finite_weights(shape: tuple[int, int, int]) -> None:
    result = most_similar(1e3 * torch.rand(shape, generator=torch.Generator().manual_seed(0)))
    assert result.pixels.shape == (shape[1] * shape[2], min(10, shape[1] * shape[2]))
    assert torch.allclose(result.weights.sum(1), torch.ones(shape[1] * shape[2]))
