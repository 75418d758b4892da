"""Facts on methods/iterates.py and the loops behind it. Oracle: the same descent, stopped earlier."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from benchmark.authors.sample_pairs import random_pair
from datasets.settings import configure
from methods.catalog import find, find_one
from methods.contract import Example
from methods.iterates import IteratedMethod
from methods.numerics.networks.fitting import iterates, minimise
from methods.numerics.networks.scene_learning import DivergedError, network_iterates
from methods.unsupervised import c2ff, edipnet, m2unet
from tests.rounding import apart, near

SHOWN = ("c2ff", "cucanet", "dip", "edipnet", "m2unet", "miae", "spectralift", "spectramorph")


def valley(values: Sequence[Tensor]) -> Tensor:
    steep = torch.linspace(1, 30, values[0].numel(), dtype=torch.float64)
    return (steep * (values[0] - 0.3).square()).sum() + (values[1] ** 4).sum() + values[0].sum() * values[1].sum()


def start() -> list[Tensor]:
    rng = torch.Generator().manual_seed(3)
    return [torch.rand(5, generator=rng, dtype=torch.float64), torch.rand(2, 3, generator=rng, dtype=torch.float64)]


@pytest.mark.parametrize(
    ("steps", "count", "ends"), [(20, 4, [5, 10, 15, 20]), (7, 3, [3, 5, 7]), (3, 8, [1, 2, 3]), (9, 1, [9]), (1, 5, [1])]
)
def test_an_iterate_is_what_the_descent_finds_that_ends_there(steps: int, count: int, ends: list[int]) -> None:
    rates = [0.1 / (1 + step) for step in range(steps)]
    result = [[tensor.clone() for tensor in values] for values in iterates(valley, start(), rates, count)]
    assert len(result) == len(ends)
    for values, end in zip(result, ends, strict=True):
        for value, expected in zip(values, minimise(valley, start(), rates[:end]), strict=True):
            near(value, expected)


def test_without_a_step_the_start_is_the_only_iterate() -> None:
    result = list(iterates(valley, start(), [], 4))
    assert len(result) == 1
    assert all(torch.equal(value, expected) for value, expected in zip(result[0], start(), strict=True))


def test_a_network_halts_with_the_weights_of_the_moment() -> None:
    inputs = torch.linspace(-1, 2, 12).reshape(4, 3)
    rates = [0.2, 0.1, 0.05, 0.02, 0.01]

    def fresh() -> nn.Linear:
        torch.nn.init.constant_((layer := nn.Linear(3, 2)).weight, 0.3)
        torch.nn.init.zeros_(layer.bias)
        return layer

    network = fresh()
    for end, _ in zip((2, 4, 5), network_iterates(network, lambda f: (f(inputs) - 1).abs().mean(), rates, 3, "a net", ""), strict=True):
        other = fresh()
        next(network_iterates(other, lambda f: (f(inputs) - 1).abs().mean(), rates[:end], 1, "a net", ""))
        near(network.weight, other.weight)
        near(network.bias, other.bias)


def test_an_iterate_that_is_not_finite_is_an_error_where_it_stands() -> None:
    halts = network_iterates(nn.Linear(1, 1), lambda f: f(torch.ones(1)).sum() * float("nan"), [1.0, 1.0], 2, "a net", "lower the rate")
    with pytest.raises(DivergedError, match="a net diverged"):
        next(halts)


def test_these_methods_show_their_iterates() -> None:
    entries = find()
    assert all(issubclass(entries[name].load(), IteratedMethod) for name in SHOWN)


@pytest.mark.parametrize("method", [c2ff.Method(budget=1e-3), m2unet.Method(budget=1e-3, stages="1-2")], ids=["c2ff", "m2unet"])
def test_every_iterate_is_a_state_of_its_own_and_the_last_does_not_depend_on_their_number(method: c2ff.Method | m2unet.Method) -> None:
    seen = random_pair(7, 3).withhold(psf=True, srf=True)

    def cubes(count: int) -> list[Tensor]:
        rng = torch.Generator().manual_seed(1)
        return [fitted.fuse(seen, torch.Generator()).cube.clone() for fitted in method.iterates([Example(seen)], rng, count)]

    few, many = cubes(2), cubes(4)
    assert len(few) == 2
    assert len(many) == 4
    near(few[-1], many[-1])
    near(few[0], many[1])  # both after half the steps
    assert apart(many[0], many[1]) > 1e-3


def test_both_networks_of_edipnet_stand_after_as_many_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = random_pair(7, 3).withhold(psf=True, srf=True).to("cpu", torch.float64)
    for name, steps in (("BLIND_STEPS", 2), ("STREAM_STEPS", 2)):
        monkeypatch.setattr(edipnet, name, steps)

    def outputs(rates: list[float], count: int) -> list[list[Tensor]]:
        """What each network makes of the MSI's mean in every band, at each iterate. Not the weights: some biases have no effect."""
        monkeypatch.setattr(edipnet, "steady_then_falling", lambda rate, steady, falling: rates if rate == 4e-3 else [1e-3, 1e-3])
        method = edipnet.Method(width=10, stream_rate=1e-3)
        result = []
        for fitted in method.iterates([Example(seen)], torch.Generator().manual_seed(1), count):
            with torch.no_grad():
                result.append([unet(seen.msi.mean(0).expand(1, 7, -1, -1)) for unet in fitted.unets])
        return result

    halfway, end = outputs([1e-2, 1e-2, 5e-3, 1e-3], 2)
    for one, other, later in zip(halfway, outputs([1e-2, 1e-2], 1)[0], end, strict=True):
        near(one, other)
        assert apart(later, other) > 1e-3


@pytest.mark.parametrize(("name", "settings"), [("spectralift", {"epochs": 6}), ("dip", {"budget": 2e-3})])
def test_a_blind_form_shows_the_iterates_of_what_it_stands_before(name: str, settings: dict[str, object]) -> None:
    entry, parameters = find_one(name), {"blind": "predictability", **settings}
    method = configure(entry.form(parameters), parameters)
    assert isinstance(method, IteratedMethod)
    seen = random_pair(7, 3).withhold(psf=True, srf=True).to("cpu", torch.float64)  # where the first steps blow up 1e-16 only
    last = method.fit([Example(seen)], torch.Generator().manual_seed(2)).fuse(seen, torch.Generator())
    result = [fitted.fuse(seen, torch.Generator()) for fitted in method.iterates([Example(seen)], torch.Generator().manual_seed(2), 3)]
    assert len(result) == 3
    near(result[-1].cube, last.cube)
    assert apart(result[0].cube, last.cube) > 1e-3
    assert result[0].psf is not None
