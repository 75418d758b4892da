"""SUnSAL: abundances of given endmembers in every pixel. Bioucas-Dias, Figueiredo, WHISPERS 2010 (10.1109/WHISPERS.2010.5594963).

    min |E A - Y|^2 / 2    with A >= 0 and every column of A summing to 1        Y bands x pixels, E bands x endmembers

by the alternating direction method of multipliers on the split A = Z, with the penalty r and M = inv(E'E + r):

    A = B + M 1 (1 - 1'B) / (1' M 1),   B = M (E'Y + r (Z + D))        the sums are exactly 1
    Z = max(A - D, 0),   D = D - (A - Z)

All pixels are computed at once, in float64. r is doubled or halved when one of the two residuals is more than ten times the other.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor


def sunsal(
    endmembers: Float[Tensor, "bands endmembers"], pixels: Float[Tensor, "bands pixels"], iterations: int = 500, tolerance: float = 1e-5
) -> Float[Tensor, "endmembers pixels"]:
    """The abundances Z, in float64. They are non-negative, and their sums are 1 up to the tolerance.

    The tolerance is for the root mean squares of A - Z and of the last change of Z.
    """
    spectra = endmembers.double()
    gram, seen = spectra.T @ spectra, spectra.T @ pixels.double()
    identity = torch.eye(len(gram)).to(gram)
    step = float(torch.diagonal(gram).mean().clamp_min(1e-12)) / 100
    enough = tolerance * seen.numel() ** 0.5
    split, dual = torch.full_like(seen, 1 / len(gram)), torch.zeros_like(seen)
    inverse = torch.linalg.inv(gram + step * identity)
    for turn in range(1, iterations + 1):
        free = inverse @ (seen + step * (split + dual))
        share = inverse.sum(1, keepdim=True)
        abundances = free + share / share.sum() * (1 - free.sum(0, keepdim=True))
        before, split = split, (abundances - dual).clamp_min(0)
        gap = abundances - split
        dual = dual - gap
        if turn % 10 == 0:
            apart, moved = float(gap.norm()), float((split - before).norm())
            if max(apart, moved) < enough:
                break
            factor = 2.0 if apart > 10 * moved else 0.5 if moved > 10 * apart else 1.0
            step, dual = step * factor, dual / factor
            inverse = torch.linalg.inv(gram + step * identity)
    return split
