"""What counts as an estimate whose values are there."""

from __future__ import annotations

import pytest
import torch

from benchmark.authors.sample_pairs import random_pair
from benchmark.measure.validity import InvalidEstimateError, check_estimate, settled
from datasets.degradation import SpatialResponse
from methods.contract import Estimate


class LatePsf(SpatialResponse):
    pass


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (lambda cube: cube, "expected an Estimate from fuse, got Tensor"),
        (lambda cube: Estimate(cube.to_sparse()), "the cube: expected a dense tensor"),
        (lambda cube: Estimate(cube.to("meta")), "the cube: expected a dense tensor with values"),
        (lambda cube: Estimate(cube, std=cube.to_sparse()), "the standard deviation: expected a dense tensor"),
        (lambda cube: Estimate(cube, psf=LatePsf(torch.full((2, 2), 0.25), 4, 0)), "psf: expected a SpatialResponse, got LatePsf"),
    ],
)
def test_what_has_no_values_in_memory_is_no_estimate(given: object, text: str) -> None:
    assert callable(given)
    with pytest.raises(InvalidEstimateError, match=text):
        settled(given(torch.rand(3, 4, 6)), torch.rand(3, 1, 2))


def test_a_change_of_sign_that_is_pending_is_done_and_gradients_are_left() -> None:
    cube = torch.rand(3, 4, 6)
    pending = torch._neg_view(cube)
    done = settled(Estimate(pending, std=torch.nn.Parameter(cube)), cube).estimate
    assert pending.is_neg()
    assert not done.cube.is_neg()
    assert torch.equal(done.cube, -cube)
    assert done.std is not None
    assert type(done.std) is torch.Tensor
    assert not done.std.requires_grad


def test_values_are_counted_over_all_bands() -> None:
    seen = random_pair(3, 2)
    cube = torch.ones(3, *seen.msi.shape[1:])
    cube[0, 0, 0], cube[2, 1, 1:3] = torch.inf, torch.nan
    with pytest.raises(InvalidEstimateError, match=f"got 3 NaN or Inf of {cube.numel()}"):
        check_estimate(Estimate(cube), seen)
    std = torch.ones_like(cube)
    std[1, 0, 0] = -1
    with pytest.raises(InvalidEstimateError, match="got 1 others"):
        check_estimate(Estimate(torch.ones_like(cube), std=std), seen)
