"""Facts on methods/numerics/networks/fitting.py. Oracle: torch's own Adam."""

from __future__ import annotations

import pytest
import torch

from methods.numerics.networks.fitting import descent, iterates, minimise, one_cycle, summed_gradient
from tests.rounding import near


def valley(parameters) -> torch.Tensor:
    matrix, offset = parameters
    return ((matrix * torch.arange(6.0, dtype=matrix.dtype).reshape(2, 3) - 1) ** 4).sum() + ((offset + matrix.sum()) ** 2).sum()


def test_the_steps_are_those_of_adam() -> None:
    start = [torch.full((2, 3), 0.7, dtype=torch.float64), torch.linspace(-1, 1, 4, dtype=torch.float64)]
    rates = one_cycle(40, 1e-3, 5e-2, 1e-5)
    result = minimise(valley, start, rates, decay=(0.8, 0.95), epsilon=1e-300)
    theirs = [tensor.clone().requires_grad_() for tensor in start]
    optimiser = torch.optim.Adam(theirs, betas=(0.8, 0.95), eps=1e-300)
    for rate in rates:
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        valley(theirs).backward()
        optimiser.step()
    for ours, expected in zip(result, theirs, strict=True):
        assert ours.shape == expected.shape
        assert torch.allclose(ours, expected.detach(), atol=1e-12)


def test_a_descent_by_a_given_gradient_is_that_by_autograd() -> None:
    """Of sum s x^2 + y^3, whose gradient is (2 s x, 3 y^2); the vector that gives it is one and the same in each step."""
    steep, held = torch.linspace(1, 3, 6, dtype=torch.float64), torch.empty(8, dtype=torch.float64)

    def gradient(parameters) -> torch.Tensor:
        with torch.no_grad():
            held[:6], held[6:] = 2 * steep * parameters[0].flatten(), 3 * parameters[1] ** 2
        return held

    def loss(parameters) -> torch.Tensor:
        decay = 0.15 * sum((tensor**2).sum() for tensor in parameters)  # its gradient is 0.3 times the parameters
        return (steep * parameters[0].flatten() ** 2).sum() + (parameters[1] ** 3).sum() + decay

    start, rates = [torch.full((2, 3), 0.4, dtype=torch.float64), torch.tensor([1.0, 2.0], dtype=torch.float64)], [0.1, 0.05, 0.2, 0.01]
    halts, shares = 0, [1.0, 0.5]
    given = descent(gradient, start, rates, 2, weight_decay=0.3, shares=shares)
    for ours, theirs in zip(given, iterates(loss, start, rates, 2, shares=shares), strict=True):
        halts += 1
        for found, expected in zip(ours, theirs, strict=True):
            near(found, expected, 1e-12)
    assert halts == 2


def test_gradients_of_a_loss_in_parts_add_up_to_that_of_the_whole() -> None:
    """Of the squares of A x + b over five columns x, one or two at a time, against 2 (A x + b) x' and 2 (A x + b) written out."""
    rng = torch.Generator().manual_seed(2)
    matrix, offset, columns = (torch.randn(shape, generator=rng, dtype=torch.float64) for shape in ((2, 3), (2, 1), (3, 5)))
    parts = [lambda p, some=some: (p[0] @ some + p[1]).square().sum() for some in columns.split(2, dim=1)]
    found = summed_gradient(parts)([matrix.requires_grad_(), offset.requires_grad_()])
    away = 2 * (matrix @ columns + offset).detach()
    near(found, torch.cat([(away @ columns.T).flatten(), away.sum(1)]), 1e-12)
    with pytest.raises(ValueError, match="at least one"):
        summed_gradient([])([matrix])


def test_the_start_is_left_alone_and_the_result_is_detached_even_without_gradients_around() -> None:
    start = [torch.zeros(2, 3), torch.ones(4)]
    with torch.no_grad():
        result = minimise(valley, start, [0.1] * 5)
    assert torch.equal(start[0], torch.zeros(2, 3))
    assert torch.equal(start[1], torch.ones(4))
    assert not any(tensor.requires_grad for tensor in result)
    assert float(valley(result)) < float(valley(start))


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 2500])
def test_one_cycle_gives_a_positive_rate_a_step_rises_for_its_share_and_then_falls(steps: int) -> None:
    rates = one_cycle(steps, 1e-3, 1e-2, 1e-6)
    turn = int(0.3 * steps)
    assert len(rates) == steps
    assert max(rates) == rates[turn] == 1e-2
    assert rates == sorted(rates[:turn]) + sorted(rates[turn:], reverse=True)
    assert min(rates) > 1e-6
    if steps == 2500:
        assert rates[0] == 1e-3
        assert rates[375] == pytest.approx(5.5e-3)
        assert rates[-1] == pytest.approx(1e-6, abs=1e-5)
