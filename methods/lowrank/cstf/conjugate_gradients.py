"""Conjugate gradients (Hestenes and Stiefel 1952) for A x = b, where A is symmetric, positive definite and given as a function x -> A x."""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


def conjugate_gradients(
    action: Callable[[Tensor], Tensor], right: Float[Tensor, "*shape"], start: Float[Tensor, "*shape"], steps: int
) -> Float[Tensor, "*shape"]:
    """x after `steps` steps from `start`, for tensors of any shape. `action` is x -> A x, and `right` is b.

    Where the solution is reached earlier, x stays as it is.
    """
    x = start
    residual = right - action(x)
    direction = residual
    energy = residual.square().sum()
    for _ in range(steps):
        image = action(direction)
        curvature = (direction * image).sum()
        length = torch.where(curvature > 0, energy / torch.where(curvature > 0, curvature, 1), 0)
        x = x + length * direction
        residual = residual - length * image
        left = residual.square().sum()
        direction = residual + torch.where(energy > 0, left / torch.where(energy > 0, energy, 1), 0) * direction
        energy = left
    return x
