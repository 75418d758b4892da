"""The global generators: seeded by the referee, put back where other work goes on, and watched for seeds of the method's own."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from benchmark.authors.sample_pairs import random_pair
from benchmark.measure.generators import generator_states, generators_kept, own_seeds, seed_generators, seed_remarks
from benchmark.measure.meter import measure_method
from datasets.observation import Observation
from methods.adapting import AdaptingMethod
from methods.contract import Card, Estimate, Example, FusionMethod, TrainableMethod

CARD = Card(name="t", paper="t", doi="", year=2026, supervision="self", learns="on the scene", fidelity="t")
DRAWN: list[float] = []


def draws() -> float:
    """A number from each global generator, added up; not from Python's, from which the checks of types in the tests draw."""
    return float(torch.rand(1)) + float(np.random.random())


@dataclass(frozen=True)
class Fused(FusionMethod):
    card: ClassVar[Card] = CARD

    def fuse(self, seen: Observation, rng: torch.Generator) -> Estimate:
        DRAWN.append(draws())
        return Estimate(seen.msi[:1].repeat(seen.hsi.shape[0], 1, 1) + DRAWN[-1])


@dataclass(frozen=True)
class Adapted(AdaptingMethod):
    card: ClassVar[Card] = CARD

    def adapt(self, seen: Observation, rng: torch.Generator) -> FusionMethod:
        DRAWN.append(draws())
        return Fused()


@dataclass(frozen=True)
class Learner(TrainableMethod):
    card: ClassVar[Card] = CARD

    def fit(self, examples: Sequence[Example], rng: torch.Generator) -> FusionMethod:
        DRAWN.append(draws())
        return Adapted()


def drawn_with(seed: int) -> list[float]:
    DRAWN.clear()
    measure_method(Learner(), random_pair(3, 2), torch.device("cpu"), seed)
    return list(DRAWN)


def test_learning_adapting_and_every_round_draw_from_generators_of_the_same_seed() -> None:
    seeded = drawn_with(4)
    assert len(seeded) > 4, "learning, adapting, the first call and rounds"
    np.random.seed(4)
    torch.manual_seed(4)
    assert seeded == pytest.approx([draws()] * len(seeded))
    draws()  # other work in between changes nothing
    assert drawn_with(4)[0] == pytest.approx(seeded[0])
    assert drawn_with(5)[0] != pytest.approx(seeded[0])


def test_what_goes_on_in_this_process_draws_as_if_no_method_had_been_measured() -> None:
    before = generator_states()
    drawn_with(4)
    assert generator_states() == before
    with pytest.raises(ZeroDivisionError):
        draw_and_fail()
    assert generator_states() == before
    draws()
    changed = generator_states()
    assert [name for name in before if changed[name] != before[name]] == ["torch", "numpy"]


def draw_and_fail() -> None:
    with generators_kept():
        seed_generators(9)
        draws()
        raise ZeroDivisionError


@pytest.mark.parametrize(
    ("line", "calls"),
    [
        ("nn.Conv2d(2, 3, 3); draws()", []),
        ("torch.manual_seed(7)", ["torch.manual_seed(7)"]),
        ("torch.manual_seed(4)", []),  # the plan's own
        ("np.random.seed(7); np.random.seed(7)", ["np.random.seed(7)"]),
        ("random.seed(7)", ["random.seed(7)"]),
        ("torch.Generator().manual_seed(7); np.random.default_rng(7)", []),
        ("with torch.random.fork_rng(devices=[]): torch.manual_seed(7)", []),  # nothing is left behind
    ],
)
def test_a_seed_that_a_method_sets_and_leaves_is_seen(line: str, calls: list[str]) -> None:
    assert nn.Conv2d  # used in the lines above, as `random` is
    assert random.seed
    with generators_kept():
        seed_generators(4)
        with own_seeds(4, __name__) as found:
            exec(line)
    assert found == calls
    assert len(seed_remarks(found)) == len(calls)
    assert all(remark.startswith("it set a global generator to a seed of its own: ") for remark in seed_remarks(found))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_the_generator_of_the_device_in_use_is_seeded_and_put_back() -> None:
    device = torch.device("cuda")
    before = torch.cuda.get_rng_state(device)
    with generators_kept(device):
        seed_generators(3, device)
        first = torch.rand(5, device=device)
        seed_generators(3, device)
        assert torch.equal(first, torch.rand(5, device=device))
    assert torch.equal(torch.cuda.get_rng_state(device), before)
