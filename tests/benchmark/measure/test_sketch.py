"""How far apart two cubes are, by a sketch of each."""

from __future__ import annotations

import pytest
import torch

from benchmark.measure.sketch import MOST, share_apart, sketch_of


def test_the_difference_is_relative_to_the_larger_root_mean_square() -> None:
    one, two = torch.tensor([[[3.0, 4.0]]]), torch.tensor([[[3.0, 2.0]]])
    assert share_apart(sketch_of(one), sketch_of(two)) == pytest.approx((4 / 25) ** 0.5)
    assert share_apart(sketch_of(two), sketch_of(one)) == pytest.approx((4 / 25) ** 0.5)
    assert share_apart(sketch_of(one), sketch_of(-one)) == pytest.approx(2)
    assert share_apart(sketch_of(0 * one), sketch_of(0 * one)) == 0


def test_a_large_cube_is_known_from_some_of_its_values() -> None:
    rng = torch.Generator().manual_seed(0)
    one = torch.rand(7, 310, 415, generator=rng)
    assert one.numel() > MOST
    two = one + 0.01 * torch.randn(one.shape, generator=rng)
    whole = float(((one - two).square().mean() / two.square().mean()) ** 0.5)
    assert share_apart(sketch_of(one), sketch_of(two)) == pytest.approx(whole, rel=0.01)
    bands_last = two.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    assert torch.equal(sketch_of(bands_last), sketch_of(two))


@pytest.mark.parametrize("shape", [(2, 3, 4), (7, 310, 415)])
def test_a_sketch_does_not_follow_its_cube(shape: tuple[int, int, int]) -> None:
    cube = torch.ones(shape)
    sketch = sketch_of(cube)
    cube += 1
    assert float(sketch.max()) == 1
