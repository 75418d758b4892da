"""The pair of a repeated call: what of it is new, what is the same, and by how little the images differ."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from benchmark.authors.sample_pairs import random_pair
from benchmark.measure.fresh_pair import NOISE_SHARE, fresh_pair
from benchmark.measure.operations import count_flops
from datasets.observation import Observation
from datasets.settings import configure
from methods.catalog import find


def tensors(seen: Observation) -> dict[str, Tensor]:
    return {"hsi": seen.hsi, "msi": seen.msi, "wavelengths": seen.wavelengths, "psf": seen.psf.kernel, "srf": seen.srf.weights}


def lopsided() -> Observation:
    """A pair whose tensors lie in memory in several ways: bands last, and eight bytes beyond an aligned place."""
    seen = random_pair(5, 3, coarse=(4, 7))
    away = torch.empty(seen.msi.numel() + 2)[2:].view(seen.msi.shape).copy_(seen.msi)
    return replace(seen, hsi=seen.hsi.permute(1, 2, 0).contiguous().permute(2, 0, 1), msi=away)


@pytest.mark.parametrize("number", [None, 1, 2])
def test_every_tensor_is_new_and_lies_in_memory_as_the_first_one(number: int | None) -> None:
    seen = lopsided()
    fresh = tensors(fresh_pair(seen, number))
    for name, before in tensors(seen).items():
        after = fresh[name]
        assert after is not before
        assert after.untyped_storage().data_ptr() != before.untyped_storage().data_ptr()
        assert (after.shape, after.stride(), after.dtype, after.device) == (before.shape, before.stride(), before.dtype, before.device)
        assert after.data_ptr() % 64 == before.data_ptr() % 64
        if name not in ("hsi", "msi") or number is None:
            assert torch.equal(after, before)


def test_images_differ_by_a_millionth_and_each_time_by_another_noise() -> None:
    seen = lopsided()
    pairs = [fresh_pair(seen, number) for number in (1, 2, 1)]
    for name in ("hsi", "msi"):
        before = getattr(seen, name).double()
        level = sum(float(value) ** 2 for value in before.flatten()) ** 0.5 / before.numel() ** 0.5
        first, second, again = (getattr(pair, name).double() for pair in pairs)
        assert torch.equal(first, again)
        assert float((first - second).abs().mean()) > 0.1 * NOISE_SHARE * level
        for image in (first, second):
            away = (image - before).abs()
            assert float(away.max()) < NOISE_SHARE * level + 6e-8 * float(before.abs().max())
            assert float(away.mean()) > 0.2 * NOISE_SHARE * level


def test_zeros_constant_bands_and_the_range_of_a_band_are_kept() -> None:
    seen = random_pair(4, 2)
    hsi, msi = seen.hsi.clone(), seen.msi.clone()
    hsi[1], hsi[2] = 0.37, 0
    msi[:, :3] = 0
    fresh = fresh_pair(replace(seen, hsi=hsi, msi=msi), 3)
    assert torch.equal(fresh.hsi[1:3], hsi[1:3])
    assert not bool(fresh.msi[:, :3].any())
    assert not torch.equal(fresh.hsi[0], hsi[0])
    for before, after in zip([*hsi, *msi], [*fresh.hsi, *fresh.msi], strict=True):
        assert float(before.min()) <= float(after.min())
        assert float(after.max()) <= float(before.max())
    black = fresh_pair(replace(seen, hsi=torch.zeros_like(hsi), msi=torch.zeros_like(msi)), 1)
    assert not bool(black.hsi.any() or black.msi.any())


@pytest.mark.parametrize(
    ("name", "parameters", "leeway"),
    [
        ("hysure", {"variant": "converged"}, 0),  # until both residuals are small
        ("cnmf", {}, 0),  # until the cost changes little
        ("nssr", {}, 0),
        ("nlstf", {}, 0),
        ("csu", {"rounds": 20}, 1 / 3),  # counts how often a residual rises, which near its end is rounding
    ],
)
def test_a_solver_that_stops_by_a_tolerance_takes_as_many_steps(name: str, parameters: dict[str, object], leeway: float) -> None:
    """The number of operations tells the number of steps."""
    entry = find()[name]
    method = configure(entry.form(parameters), parameters)
    seen = method.describe().entitle(random_pair(31, 3))

    def operations(pair: Observation) -> int:
        return count_flops(lambda: method.fuse(pair, torch.Generator().manual_seed(0)))[1].total

    expected = operations(seen)
    assert expected > 0
    for number in (1, 2):
        assert abs(operations(fresh_pair(seen, number)) - expected) <= leeway * expected
