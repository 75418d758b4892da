"""Learning a non-negative dictionary of spectra, Y ~ D B with D >= 0 in the unit ball and sparse B >= 0. Dong et al., IEEE TIP 2016.

    minimise   |Y - D B|^2 + lambda |B|_1

From a first D, such as random pixels of unit length, two steps alternate:
codes   B by ADMM: S = inv(D'D + mu) (D'Y + mu (B - V / (2 mu))),  B = max(S + V / (2 mu) - lambda / (2 mu), 0),  V = V + mu (S - B),
        where mu grows by a factor in each step
atoms   one after the other: d_k = max(d_k + (Y - D B) b_k' / |b_k|^2, 0), divided by its length if that exceeds 1

Since (Y - D B) b_k' = (Y B')_k - D (B B')_k, the step of the atoms needs only the two small matrices Y B' and B B'. Several dictionaries
are learned at once, in leading axes. Columns of zeros in Y change nothing.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

SWEEPS = 10  # rounds of codes and atoms
STEPS = 100  # of the ADMM, per sweep
PENALTY, GROWTH = 0.005, 1.07  # first mu, and its factor per step
SPARSITY = 1e-3  # lambda


def random_atoms(pixels: Float[Tensor, "bands n"], atoms: int, rng: torch.Generator) -> Float[Tensor, "bands atoms"]:
    """Random pixels of unit length, with negative values set to 0. All are different, unless there are fewer pixels than atoms.

    `rng` is on the CPU.
    """
    order = torch.randperm(pixels.shape[1], generator=rng).to(pixels.device)
    return unit_length(pixels[:, order.repeat(-(-atoms // len(order)))[:atoms]])


def unit_length(columns: Float[Tensor, "*batch bands n"]) -> Float[Tensor, "*batch bands n"]:
    """The columns divided by their lengths, with negative values set to 0. A column of zeros stays as it is."""
    length = torch.linalg.vector_norm(columns, dim=-2, keepdim=True)
    return (columns / torch.where(length > 0, length, 1)).clamp_min(0)


def learn_dictionary(
    pixels: Float[Tensor, "*batch bands n"], start: Float[Tensor, "*batch bands atoms"], sweeps: int = SWEEPS
) -> Float[Tensor, "*batch bands atoms"]:
    """The dictionary D of the module docstring after `sweeps` rounds from `start`."""
    dictionary = start
    for _ in range(sweeps):
        codes = sparse_codes(pixels, dictionary)
        dictionary = _improve_atoms(dictionary, pixels @ codes.mT, codes @ codes.mT)
    return dictionary


def sparse_codes(
    pixels: Float[Tensor, "*batch bands n"], dictionary: Float[Tensor, "*batch bands atoms"]
) -> Float[Tensor, "*batch atoms n"]:
    """The codes B of the module docstring after STEPS steps from 0. The Gram matrix is decomposed once, in float64."""
    wide = dictionary.double()
    values, vectors = torch.linalg.eigh(wide.mT @ wide)
    right = dictionary.mT @ pixels
    codes = torch.zeros_like(right)
    multiplier = torch.zeros_like(right)
    mu = PENALTY
    for _ in range(STEPS):
        inverse = ((vectors / (values.clamp_min(0) + mu)[..., None, :]) @ vectors.mT).to(right)
        solved = inverse @ torch.add(right, codes, alpha=mu).sub_(multiplier, alpha=0.5)
        codes = torch.add(solved, multiplier, alpha=0.5 / mu).sub_(SPARSITY / (2 * mu)).clamp_min_(0)
        multiplier.add_(solved, alpha=mu).sub_(codes, alpha=mu)
        mu *= GROWTH
    return codes


def _improve_atoms(dictionary: Tensor, cross: Tensor, gram: Tensor) -> Tensor:
    """The dictionary after one step of each atom, in order, given Y B' and B B'. An atom that no code uses stays as it is."""
    dictionary = dictionary.clone()
    energy = torch.diagonal(gram, dim1=-2, dim2=-1)[..., None, :]
    scale = torch.where(energy > 0, 1 / torch.where(energy > 0, energy, 1), 0)
    for k in range(dictionary.shape[-1]):
        here = slice(k, k + 1)
        atom = (dictionary[..., here] + (cross[..., here] - dictionary @ gram[..., here]) * scale[..., here]).clamp_min(0)
        dictionary[..., here] = atom / torch.linalg.vector_norm(atom, dim=-2, keepdim=True).clamp_min(1)
    return dictionary
