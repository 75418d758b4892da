"""Projection of the abundances of every pixel onto the probability simplex {a >= 0, sum of a = 1}.

The point of the simplex nearest to x is max(x - t, 0) with one threshold t per pixel. With x_1 >= x_2 >= ... sorted,

    t = max over k of (x_1 + ... + x_k - 1) / k

since the mean on the right grows as long as the next entry is above it (Held, Wolfe, Crowder 1974, written as a maximum). The entries are
sorted by Batcher's odd-even merge network (1968). Its comparisons are the same for every pixel, so each comparison is a minimum and a
maximum of two whole rows. This is several times faster than a general sort of short columns.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor


def project_onto_simplex(abundances: Float[Tensor, "endmembers pixels"]) -> Float[Tensor, "endmembers pixels"]:
    """For every column, the nearest one that is non-negative and sums to 1."""
    work = abundances.clone()
    *rows, spare = (*work.unbind(0), torch.empty_like(work[0]))
    for high, low in _comparisons(len(rows)):
        torch.minimum(rows[high], rows[low], out=spare)
        torch.maximum(rows[high], rows[low], out=rows[high])
        rows[low], spare = spare, rows[low]
    total = rows[0] - 1
    threshold = total.clone()
    for count, row in enumerate(rows[1:], start=2):
        total.add_(row)
        torch.maximum(threshold, torch.div(total, count, out=row), out=threshold)
    return torch.sub(abundances, threshold, out=work).clamp_min_(0)


def _comparisons(size: int) -> Iterator[tuple[int, int]]:
    """The comparisons of Batcher's network for `size` entries, as pairs i < j in order. After them the entries fall from entry 0 on."""
    span = 1
    while span < size:
        step = span
        while step >= 1:
            for start in range(step % span, size - step, 2 * step):
                for i in range(start, min(start + step, size - step)):
                    if i // (2 * span) == (i + step) // (2 * span):
                        yield i, i + step
            step //= 2
        span *= 2
