"""Facts on methods/numerics/solvers/conjugate_gradients.py. Oracle: numpy's solution of the dense system."""

from __future__ import annotations

import numpy as np
import torch

from methods.numerics.solvers.conjugate_gradients import conjugate_gradients


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_they_solve_as_many_unknowns_in_as_many_steps_and_leave_a_solution_alone() -> None:
    factor, right = draw(12, 12), draw(3, 4, seed=1)
    matrix = factor @ factor.T + torch.eye(12, dtype=torch.float64)

    def action(x: torch.Tensor) -> torch.Tensor:
        return (matrix @ x.flatten()).view(3, 4)

    expected = np.linalg.solve(matrix.numpy(), right.flatten().numpy()).reshape(3, 4)
    result = conjugate_gradients(action, right, torch.zeros(3, 4, dtype=torch.float64), 20)
    np.testing.assert_allclose(result.numpy(), expected, atol=1e-8)
    assert not bool(conjugate_gradients(action, torch.zeros_like(right), torch.zeros_like(right), 5).any())


def test_a_preconditioner_that_is_nearly_the_inverse_needs_few_steps() -> None:
    """Scales over six decades, which the preconditioner knows, and a coupling of three unknowns, which it does not."""
    scale = torch.logspace(-3, 3, 40, dtype=torch.float64)
    vectors = draw(40, 3, seed=2) * scale.sqrt()[:, None]
    matrix, right = torch.diag(scale) + 0.1 * vectors @ vectors.T, draw(40, seed=3)
    expected = np.linalg.solve(matrix.numpy(), right.numpy())

    def error(steps: int, *, preconditioned: bool) -> float:
        inverse = (lambda x: x / scale) if preconditioned else None
        found = conjugate_gradients(lambda x: matrix @ x, right, torch.zeros(40, dtype=torch.float64), steps, inverse)
        return float(np.linalg.norm(found.numpy() - expected) / np.linalg.norm(expected))

    assert error(5, preconditioned=True) < 1e-6
    assert error(5, preconditioned=False) > 1e-2
