"""Equal up to rounding: how tests compare floats of two computations.

Two runs of one computation give the same bits only where processor, libraries, number of threads and the alignment of memory are the same;
elsewhere another kernel adds in another order. What is copied or stored keeps its bits, and is compared as equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose

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


def weights_near(found: Mapping[str, Tensor], expected: Mapping[str, Tensor], share: float = 2e-3) -> bool:
    """Whether two trainings of a network made the same steps: weights no further apart than `share` of their norm.

    Adam makes whole steps of gradients that are all but zero, so that other last bits move some weights far; the norm hardly sees them. In
    the trainings of the tests they move it by 3e-4 at most, one step more or less by 4e-2, another seed by 1.
    """
    names = [name for name, tensor in expected.items() if tensor.is_floating_point()]
    away, whole = (
        torch.cat([tensor.flatten().double() for tensor in one])
        for one in ([found[name] - expected[name] for name in names], [expected[name] for name in names])
    )
    return found.keys() == expected.keys() and float(away.norm()) < share * float(whole.norm())


def scores_near(found: Mapping[str, float | None], expected: Mapping[str, float | None]) -> bool:
    """Whether two scorings say the same: the same metrics, None where the other has None, and values equal up to rounding."""
    pairs = [(found.get(name), value) for name, value in expected.items()]
    return found.keys() == expected.keys() and all(
        one is other is None or (one is not None and other is not None and isclose(one, other, rel_tol=1e-6, abs_tol=1e-7))
        for one, other in pairs
    )
