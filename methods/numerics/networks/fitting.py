"""Adam, for fitting a small network to one scene over a given sequence of learning rates.

    m = b1 m + (1 - b1) g        v = b2 v + (1 - b2) g^2        p = p - rate sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)

All parameters are kept in one vector, so that a step takes six operations, whatever the network is. torch.optim computes the same, but its
first use imports torch's compiler, which costs about a second and 70 MB per process: as much as a whole fit on a small scene.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import torch
from torch import Tensor


def minimise(
    loss: Callable[[Sequence[Tensor]], Tensor],
    start: Sequence[Tensor],
    rates: Iterable[float],
    *,
    decay: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-7,
    project: Callable[[Sequence[Tensor]], None] | None = None,
    weight_decay: float = 0.0,
    shares: Sequence[float] | None = None,
) -> tuple[Tensor, ...]:
    """The parameters, detached, after one Adam step per learning rate on the scalar `loss(parameters)`.

    Args:
        loss: the loss as a function of the parameters.
        start: the first parameters, on one device and of one floating dtype. They are not changed.
        rates: the learning rate of each step.
        decay: (b1, b2) of the module docstring.
        epsilon: epsilon of the module docstring.
        project: is called with the detached parameters after each step, and may change them in place to keep a constraint.
        weight_decay: this multiple of p is added to the gradient g.
        shares: a multiple of the learning rate for each tensor.
    """
    return next(iterates(loss, start, rates, 1, decay=decay, epsilon=epsilon, project=project, weight_decay=weight_decay, shares=shares))


def iterates(
    loss: Callable[[Sequence[Tensor]], Tensor],
    start: Sequence[Tensor],
    rates: Iterable[float],
    count: int,
    *,
    decay: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-7,
    project: Callable[[Sequence[Tensor]], None] | None = None,
    weight_decay: float = 0.0,
    shares: Sequence[float] | None = None,
) -> Iterator[tuple[Tensor, ...]]:
    """The parameters of `minimise` after each of `count` equal shares of the steps, the last step included.

    If there are fewer steps than `count`, these are the parameters after each step. The next steps change the returned tensors in place, so
    they are valid until the next iterate is asked for. The arguments are those of `minimise`.
    """
    by_autograd = summed_gradient([loss])
    return descent(
        by_autograd, start, rates, count, decay=decay, epsilon=epsilon, project=project, weight_decay=weight_decay, shares=shares
    )


def summed_gradient(losses: Sequence[Callable[[Sequence[Tensor]], Tensor]]) -> Callable[[Sequence[Tensor]], Tensor]:
    """A function of the parameters that gives the gradient of the sum of the losses, as the vector that `descent` takes.

    Autograd computes one loss after the other, so that only the activations of one are held at a time: they may stay in the cache.
    """

    def gradient(parameters: Sequence[Tensor]) -> Tensor:
        total: Tensor | None = None
        for loss in losses:
            with torch.enable_grad():
                slopes = torch.autograd.grad(loss(parameters), parameters)
            part = torch.cat([slope.flatten() for slope in slopes])
            total = part if total is None else total.add_(part)
        if total is None:
            raise ValueError("losses: expected at least one, got none")
        return total

    return gradient


def descent(
    gradient: Callable[[Sequence[Tensor]], Tensor],
    start: Sequence[Tensor],
    rates: Iterable[float],
    count: int,
    *,
    decay: tuple[float, float] = (0.9, 0.999),
    epsilon: float = 1e-7,
    project: Callable[[Sequence[Tensor]], None] | None = None,
    weight_decay: float = 0.0,
    shares: Sequence[float] | None = None,
) -> Iterator[tuple[Tensor, ...]]:
    """The parameters of `iterates` for a loss whose gradient is given, so that autograd is not needed.

    Args:
        gradient: the gradient as a function of the parameters: one vector, which holds the elements for each parameter in turn. It is read,
            and may be changed, before the function is called again.
        start, rates, decay, epsilon, project, weight_decay, shares: those of `minimise`.
        count: that of `iterates`.
    """
    rates = list(rates)
    reported = {-(-len(rates) * share // count) for share in range(1, count + 1)}
    vector = torch.cat([tensor.detach().flatten() for tensor in start])
    pieces = torch.split(vector, [tensor.numel() for tensor in start])
    parameters = [piece.view(tensor.shape).detach().requires_grad_() for piece, tensor in zip(pieces, start, strict=True)]
    mean, square = torch.zeros_like(vector), torch.zeros_like(vector)
    pace = None if shares is None else torch.cat([torch.full_like(piece, share) for piece, share in zip(pieces, shares, strict=True)])
    for step, rate in enumerate(rates, start=1):
        slope = gradient(parameters)
        if weight_decay:
            slope.add_(vector, alpha=weight_decay)
        mean.lerp_(slope, 1 - decay[0])
        square.mul_(decay[1]).addcmul_(slope, slope, value=1 - decay[1])
        length = rate * (1 - decay[1] ** step) ** 0.5 / (1 - decay[0] ** step)
        direction = mean if pace is None else mean * pace
        vector.addcdiv_(direction, square.sqrt().add_(epsilon), value=-length)
        if project is not None:
            project([parameter.detach() for parameter in parameters])
        if step in reported:
            yield tuple(parameter.detach() for parameter in parameters)
    if not rates:
        yield tuple(parameter.detach() for parameter in parameters)


def one_cycle(steps: int, start: float, peak: float, end: float, rise: float = 0.3) -> list[float]:
    """The learning rates of a linear cycle: from `start` up to `peak` over the share `rise` of the steps, then down towards `end`."""
    turn = int(rise * steps)
    up = [start + (peak - start) * step / turn for step in range(turn)]
    return up + [peak + (end - peak) * step / (steps - turn) for step in range(steps - turn)]


def steady_then_falling(rate: float, steady: int, falling: int) -> list[float]:
    """The learning rates: `rate` for `steady` steps, then rate (1 - k / falling) for k = 0, 1, ... falling - 1."""
    return [rate] * steady + [rate * (1 - step / falling) for step in range(falling)]
