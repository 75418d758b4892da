"""Equal up to rounding: how tests compare floats of two computations.

Two runs of one computation give the same bits only where processor, libraries, number of threads and the alignment of memory are the same;
elsewhere another kernel adds in another order. What is copied or stored keeps its bits, and is compared as equal.
"""

from __future__ import annotations

import torch
from torch import Tensor


def near(found: Tensor, expected: Tensor, share: float = 1e-5) -> None:
    """Asserts that two tensors of one shape and dtype are finite and nowhere further apart than `share` of the largest value expected."""
    expected = expected.detach()
    assert bool(torch.isfinite(expected).all())
    torch.testing.assert_close(found.detach(), expected, rtol=0, atol=share * float(expected.abs().max()))


def apart(found: Tensor, other: Tensor) -> float:
    """The largest difference, over the largest value of the second."""
    return float((found - other).detach().abs().max() / other.detach().abs().max())
