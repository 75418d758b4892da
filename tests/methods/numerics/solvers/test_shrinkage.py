"""Facts on methods/numerics/solvers/shrinkage.py and tubal.py. Oracles: singular value decompositions one by one, and numpy's FFT."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from methods.lowrank.ltmr.tubal import log_shrink_tubes
from methods.numerics.solvers.shrinkage import log_gain, log_shrink
from tests.methods.awkward import log_shrunk


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.randn(*shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("weight", [0.1, 2.0])
def test_the_gain_minimises_the_penalised_distance_where_it_is_not_zero(weight: float) -> None:
    values = torch.tensor([2.9, 3.5, 8.0], dtype=torch.float64)
    shrunk = (values * log_gain(values**2, torch.tensor([weight], dtype=torch.float64))).requires_grad_()
    cost = weight * shrunk.log() + (shrunk - values) ** 2 / 2
    slope = torch.autograd.grad(cost.sum(), shrunk)[0]
    assert float(slope.abs().max()) < 1e-12
    assert bool((cost < weight * (0.8 * shrunk).log() + (0.8 * shrunk - values) ** 2 / 2).all())


def test_what_lies_below_the_cut_is_zero() -> None:
    weight = torch.tensor([1.0])
    assert log_gain(torch.tensor([0.0, 3.99, 4.0]), weight).tolist() == [0, 0, 0]
    assert float(log_gain(torch.tensor([4.001]), weight)[0]) > 0.5


@pytest.mark.parametrize(("rows", "cols"), [(4, 11), (9, 3), (5, 5)])
def test_shrinking_by_gram_matrices_is_shrinking_by_singular_values(rows: int, cols: int) -> None:
    stack, weights = draw(6, rows, cols), torch.linspace(0.2, 3, 6, dtype=torch.float64)
    for matrix, weight, got in zip(stack, weights.tolist(), log_shrink(stack, weights), strict=True):
        np.testing.assert_allclose(got.numpy(), log_shrunk(matrix.numpy(), weight), atol=1e-12)


@pytest.mark.parametrize("length", [1, 6, 9])
@pytest.mark.parametrize("weight", [0.5, 8.0])
def test_tubes_are_shrunk_slice_by_slice_in_the_fourier_domain(length: int, weight: float) -> None:
    stack = draw(3, length, 7, 4, seed=length)
    for tensor, got in zip(stack.numpy(), log_shrink_tubes(stack, weight).numpy(), strict=True):
        slices = np.fft.fft(tensor, axis=0)
        expected = np.fft.ifft(np.stack([log_shrunk(matrix, weight) for matrix in slices]), axis=0)
        assert np.abs(expected.imag).max() < 1e-12
        np.testing.assert_allclose(got, expected.real, atol=1e-12)


def test_float32_follows_float64() -> None:
    stack = draw(3, 9, 7, 4)
    single = log_shrink_tubes(stack.float(), 2.0)
    assert single.dtype == torch.float32
    assert torch.allclose(single.double(), log_shrink_tubes(stack, 2.0), atol=1e-4)
    assert torch.allclose(log_shrink(stack[0].float(), torch.ones(9)).double(), log_shrink(stack[0], torch.ones(9).double()), atol=1e-4)


def test_zeros_stay_zeros() -> None:
    assert not bool(log_shrink(torch.zeros(2, 3, 4), torch.ones(2)).any())
    assert not bool(log_shrink_tubes(torch.zeros(2, 5, 3, 4), 1.0).any())
