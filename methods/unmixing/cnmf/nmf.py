"""Non-negative factors of an image, by multiplicative steps. Lee, Seung, NIPS 2001.

    V = W H,  all >= 0          V bands x pixels, W spectra, H abundances
    H = H * (A'B) / (A'A H),    A, B: W and V with a row of d's appended, which pulls the sums of the abundances to 1
    W = W * (V H') / (W H H')

No step increases |V - W H|^2 (with the row: |B - A H|^2). In a judged loop this cost decides when it ends: when it falls by less than 1e-8
of itself, the factors before that step are returned. A value of zero stays zero. Denominators are kept above 0.

With W fixed, the pixels are independent of each other. So they are computed in blocks that fit a processor's cache: one block makes all
steps before the next one starts. The costs of each step are summed over the blocks. If the loop should have ended at an earlier step, it is
run again up to that step. With H fixed, only V H' and H H' depend on the pixels.
"""

from __future__ import annotations

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

LEAST_FALL = 1e-8  # least decrease of the cost, relative to it
BLOCK = 4096  # pixels that make all steps together, on a CPU
TINY = 1e-12  # least sum of abundances, and least denominator of the spectra, so that nothing is divided by 0


def fit_abundances(
    image: Float[Tensor, "bands pixels"],
    spectra: Float[Tensor, "bands endmembers"],
    abundances: Float[Tensor, "endmembers pixels"],
    sum_weight: float,
    *,
    steps: int,
    judged: bool,
) -> Float[Tensor, "endmembers pixels"]:
    """H after `steps` steps from `abundances`, or after fewer if `judged`; `sum_weight` is d."""
    result, costs = _blocks(image, spectra, abundances, sum_weight, steps, judged)
    falls = (costs[:-1] - costs[1:]) / costs[:-1].clamp_min(1e-300)
    done = (falls < LEAST_FALL).nonzero() if judged else falls[:0]
    return _blocks(image, spectra, abundances, sum_weight, int(done[0]), judged=False)[0] if len(done) else result


def _blocks(
    image: Tensor, spectra: Tensor, abundances: Tensor, sum_weight: float, steps: int, judged: bool
) -> tuple[Tensor, Float[Tensor, " costs"]]:
    """H after all steps; and if `judged`, the cost before every step and after the last one."""
    matrix = _with_row(spectra, sum_weight)
    result = torch.empty_like(abundances)
    costs = torch.zeros(steps + 1 if judged else 1, dtype=torch.float64, device=image.device)
    size = BLOCK if image.device.type == "cpu" else image.shape[1]
    for begin in range(0, image.shape[1], size):
        seen = image[:, begin : begin + size]
        now = abundances[:, begin : begin + size].clone()
        target = matrix.T @ _with_row(seen, sum_weight)
        change, product = torch.empty_like(now), matrix @ now
        if judged:
            costs[0] += _squares(product[:-1] - seen)
        for step in range(1, steps + 1):
            product[-1].clamp_(min=TINY)
            torch.mm(matrix.T, product, out=change)
            now.mul_(torch.div(target, change, out=change))
            torch.mm(matrix, now, out=product)
            if judged:
                costs[step] += _squares(product[:-1] - seen)
        result[:, begin : begin + size] = now
    return result, costs


def fit_spectra(
    image: Float[Tensor, "bands pixels"],
    spectra: Float[Tensor, "bands endmembers"],
    abundances: Float[Tensor, "endmembers pixels"],
    *,
    steps: int,
) -> Float[Tensor, "bands endmembers"]:
    """W after at most `steps` steps of a judged loop from `spectra`."""
    gram, target = abundances @ abundances.T, image @ abundances.T
    energy = float(_squares(image))

    def cost_of(candidate: Tensor) -> float:
        return energy + float((candidate * (candidate @ gram - 2 * target)).double().sum())

    cost = cost_of(spectra)
    for _ in range(steps):
        better = spectra * target / (spectra @ gram).clamp_min(TINY)
        lower = cost_of(better)
        if cost - lower < LEAST_FALL * cost:
            break
        spectra, cost = better, lower
    return spectra


def fit_both(
    image: Float[Tensor, "bands pixels"],
    spectra: Float[Tensor, "bands endmembers"],
    abundances: Float[Tensor, "endmembers pixels"],
    sum_weight: float,
    *,
    steps: int,
    first: Literal["spectra", "abundances"],
) -> tuple[Float[Tensor, "bands endmembers"], Float[Tensor, "endmembers pixels"]]:
    """W and H after at most `steps` rounds of a judged loop. Each round makes one step of both; `first` says which comes first."""
    padded = _with_row(image, sum_weight)
    product = _with_row(spectra, sum_weight) @ abundances
    cost = float(_squares(product[:-1] - image))
    spare, change = torch.empty_like(abundances), torch.empty_like(abundances)
    for _ in range(steps):
        new_spectra, new = spectra, abundances
        if first == "spectra":
            new_spectra = _step(spectra, image @ new.T, product[:-1] @ new.T)
            product = _with_row(new_spectra, sum_weight) @ new
        matrix = _with_row(new_spectra, sum_weight)
        product[-1].clamp_(min=TINY)
        torch.mm(matrix.T, product, out=change)
        new = torch.div(matrix.T @ padded, change, out=spare).mul_(abundances)
        product = matrix @ new
        if first == "abundances":
            new_spectra = _step(spectra, image @ new.T, product[:-1] @ new.T)
            product = _with_row(new_spectra, sum_weight) @ new
        lower = float(_squares(product[:-1] - image))
        if cost - lower < LEAST_FALL * cost:
            break
        spare, spectra, abundances, cost = abundances, new_spectra, new, lower
    return spectra, abundances


def _step(spectra: Tensor, target: Tensor, product: Tensor) -> Tensor:
    better: Tensor = spectra * target / product.clamp_min(TINY)
    return better


def _with_row(matrix: Tensor, value: float) -> Tensor:
    """The matrix with a row of `value` appended."""
    return torch.cat([matrix, torch.full_like(matrix[:1], value)])


def _squares(difference: Tensor) -> Tensor:
    """The sum of squares, computed in float64."""
    norm: Tensor = torch.linalg.vector_norm(difference, dtype=torch.float64)
    return norm.square()
