"""Shrinkage of the singular values of many matrices at once, by eigen-decompositions of their Gram matrices.

The logarithmic penalty   C sum log(x) + |M - X|^2 / 2   on the singular values x of X keeps the singular vectors of M. It moves a singular
value s to the larger of its two stationary points, or to 0 if there are none:

    s -> (s + sqrt(s^2 - 4 C)) / 2    where s^2 > 4 C,    0 elsewhere

(The published codes add 2e-16 to s inside the logarithm, which changes nothing here.)

With M = U diag(s) V' and M M' = U diag(s^2) U', X = U diag(g) U' M with the gain g = (1 + sqrt(1 - 4 C / s^2)) / 2 or 0. So the singular
vectors of the longer side are not needed. Nor is the root of a small eigenvalue, since g depends on s^2 alone and is 0 below 4 C.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def log_gain(squared: Float[Tensor, "*shape"], weight: Float[Tensor, "*#shape"]) -> Float[Tensor, "*shape"]:
    """The gain g of singular values whose squares are `squared`, for C = `weight` > 0: 0, or between 0.5 and 1."""
    share = 4 * weight / squared.clamp_min(torch.finfo(squared.dtype).tiny)
    return torch.where(share < 1, (1 + (1 - share).clamp_min(0).sqrt()) / 2, 0)


def log_shrink(stack: Float[Tensor, "n rows cols"], weight: Float[Tensor, " n"]) -> Float[Tensor, "n rows cols"]:
    """Each matrix, with its singular values shrunk by the penalty of its C in `weight`. The Gram matrix is that of the shorter side."""
    wide = stack.shape[1] <= stack.shape[2]
    gram = stack @ stack.mT if wide else stack.mT @ stack
    squared, vectors = torch.linalg.eigh(gram)
    action = (vectors * log_gain(squared, weight[:, None])[:, None, :]) @ vectors.mT
    shrunk: Tensor = action @ stack if wide else stack @ action
    return shrunk
