"""Tensor multi-rank: shrinking the singular values of a third-order tensor in the Fourier domain of one axis.

The tensor singular value decomposition (Kilmer and Martin, 2011) of T (length, n, rank) takes the DFT along `length`, and decomposes each
of its slices M_f = C_f + i S_f (n, rank), which are complex matrices. The multi-rank is the list of their ranks. It becomes smaller if
every slice is shrunk by the logarithmic penalty. For a real tensor, slice f and slice length - f are conjugate, so half of the slices are
enough.

All arithmetic except the decomposition is real. The DFT is a product with cosines and sines, and with K = (C S), an n x 2 rank matrix,

    M^H M = (CC + SS) + i (CS - SC)   from the blocks of K'K,        M (W_r + i W_i)   from   K ((W_r, W_i), (-W_i, W_r)).

A slice whose energy is below 4 C has no singular value above the cut. Its result is zero, so it is not decomposed.
"""

from __future__ import annotations

from functools import lru_cache
from math import pi

import torch
from jaxtyping import Float
from torch import Tensor

from methods.numerics.solvers.shrinkage import log_gain


def log_shrink_tubes(stack: Float[Tensor, "tensors length n rank"], weight: float) -> Float[Tensor, "tensors length n rank"]:
    """Every tensor, with the singular values of its slices shrunk for C = `weight`. The DFT is along `length`, without a factor."""
    tensors, length, n, rank = stack.shape
    forward, backward = (matrix.to(stack) for matrix in _dft(length))
    slices = (forward @ stack.flatten(2)).view(-1, 2, n, rank)
    alive = (slices.square().sum((1, 2, 3)) > 4 * weight).nonzero()[:, 0]
    halves = slices[alive].transpose(1, 2).flatten(2)
    shrunk = torch.zeros_like(slices)
    shrunk[alive] = (halves @ _action(halves.mT @ halves, weight)).view(-1, n, 2, rank).transpose(1, 2)
    return (backward @ shrunk.view(tensors, -1, n * rank)).view(stack.shape)


def _action(gram: Float[Tensor, "slices twice twice"], weight: float) -> Float[Tensor, "slices twice twice"]:
    """The matrix ((W_r, W_i), (-W_i, W_r)) with W = V g V^H, from the blocks of K'K."""
    rank = gram.shape[1] // 2
    blocks = gram.view(-1, 2, rank, 2, rank)
    (cc, cs), (sc, ss) = ([blocks[:, i, :, j] for j in range(2)] for i in range(2))
    squared, vectors = torch.linalg.eigh(torch.complex(cc + ss, cs - sc))
    gain = log_gain(squared, torch.full_like(squared[:1], weight))
    action = (vectors * gain[:, None, :]) @ vectors.mH
    return torch.cat([torch.cat([action.real, action.imag], 2), torch.cat([-action.imag, action.real], 2)], 1)


@lru_cache(maxsize=8)
def _dft(length: int) -> tuple[Tensor, Tensor]:
    """The independent half of the DFT as real rows, cos_f and -sin_f in turn, and its inverse, in float64."""
    frequency = torch.arange(length // 2 + 1, dtype=torch.float64)
    angle = 2 * pi / length * torch.outer(frequency, torch.arange(length, dtype=torch.float64))
    forward = torch.stack([angle.cos(), -angle.sin()], 1).flatten(0, 1)
    paired = torch.where((frequency == 0) | (2 * frequency == length), 1.0, 2.0) / length
    return forward, (forward * paired.repeat_interleave(2)[:, None]).T.contiguous()
