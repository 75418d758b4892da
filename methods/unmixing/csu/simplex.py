"""Projection of every pixel's abundances onto the probability simplex {a >= 0, sum of a = 1}.

The nearest point of the simplex to x is max(x - t, 0) with one threshold t a pixel, and with x_1 >= x_2 >= ... sorted

    t = max over k of (x_1 + ... + x_k - 1) / k

since the mean on the right rises as long as the next entry lies above it (Held, Wolfe, Crowder 1974, put as a maximum). The entries are
sorted by Batcher's odd-even merge network (1968): its comparisons are the same for every pixel, so each is a minimum and a maximum of two
whole rows, several times quicker than a general sort of short columns.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor


def project_onto_simplex(abundances: Float[Tensor, "endmembers pixels"]) -> Float[Tensor, "endmembers pixels"]:
    """The nearest non-negative column that sums to 1, for every column."""
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
    """Batcher's network for `size` entries: pairs (i, j), i < j, in order; after them entry 0 is the largest."""
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
