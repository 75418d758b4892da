"""Conjugate gradients (Hestenes and Stiefel 1952) for A x = b, where A is symmetric, positive definite and given as a function x -> A x.

A preconditioner is a cheap approximation of inv(A), symmetric and positive definite too: the nearer it is, the fewer steps are needed.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


def conjugate_gradients(
    action: Callable[[Tensor], Tensor],
    right: Float[Tensor, "*shape"],
    start: Float[Tensor, "*shape"],
    steps: int,
    precondition: Callable[[Tensor], Tensor] | None = None,
) -> Float[Tensor, "*shape"]:
    """x after `steps` steps from `start`, for tensors of any shape. `action` is x -> A x, and `right` is b.

    Where the solution is reached earlier, x stays as it is.
    """
    x = start
    residual = right - action(x)
    cleared = residual if precondition is None else precondition(residual)
    direction = cleared
    energy = (residual * cleared).sum()
    for _ in range(steps):
        image = action(direction)
        curvature = (direction * image).sum()
        length = torch.where(curvature > 0, energy / torch.where(curvature > 0, curvature, 1), 0)
        x = x + length * direction
        residual = residual - length * image
        cleared = residual if precondition is None else precondition(residual)
        left = (residual * cleared).sum()
        direction = cleared + torch.where(energy > 0, left / torch.where(energy > 0, energy, 1), 0) * direction
        energy = left
    return x
