"""Shrinking the singular values of many matrices at once, by eigen-decompositions of their Gram matrices.

The logarithmic penalty   C sum log(x) + |M - X|^2 / 2   on the singular values x of X leaves the singular vectors of M and moves a singular
value s to its stationary point, the larger one, or to 0 where there is none:

    s -> (s + sqrt(s^2 - 4 C)) / 2    where s^2 > 4 C,    0 elsewhere

(the published codes add 2e-16 to s inside the logarithm, which changes nothing here).

With M = U diag(s) V', M M' = U diag(s^2) U', so X = U diag(g) U' M with the gain g = (1 + sqrt(1 - 4 C / s^2)) / 2 or 0: no singular
vector of the long side is needed, and no root of a small eigenvalue is taken, since g looks at s^2 alone and cuts below 4 C.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def log_gain(squared: Float[Tensor, "*shape"], weight: Float[Tensor, "*#shape"]) -> Float[Tensor, "*shape"]:
    """g(s^2) of the module docstring, C = `weight` > 0: what a singular value of square `squared` is multiplied by, 0 or 0.5 to 1."""
    share = 4 * weight / squared.clamp_min(torch.finfo(squared.dtype).tiny)
    return torch.where(share < 1, (1 + (1 - share).clamp_min(0).sqrt()) / 2, 0)


def log_shrink(stack: Float[Tensor, "n rows cols"], weight: Float[Tensor, " n"]) -> Float[Tensor, "n rows cols"]:
    """Each matrix with its singular values shrunk by the logarithmic penalty of its own `weight` C; the Gram of the shorter side."""
    wide = stack.shape[1] <= stack.shape[2]
    gram = stack @ stack.mT if wide else stack.mT @ stack
    squared, vectors = torch.linalg.eigh(gram)
    action = (vectors * log_gain(squared, weight[:, None])[:, None, :]) @ vectors.mT
    shrunk: Tensor = action @ stack if wide else stack @ action
    return shrunk
