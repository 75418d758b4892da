"""Degenerate input over every method of the catalog: a finite cube, or a refusal that says why."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from benchmark.authors.sample_pairs import Lessons, random_pair
from benchmark.measure.validity import check_estimate
from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from datasets.settings import configure
from methods.catalog import find
from methods.contract import RefusedError, awaits_training, learn
from methods.numerics.sensors.constrained_responses import constrained_responses
from methods.numerics.sensors.smooth_responses import smooth_responses

METHODS = find()


def one_band_constant(seen: Observation) -> Observation:
    hsi = seen.hsi.clone()
    hsi[2] = 0.4
    return replace(seen, hsi=hsi)


def one_endmember() -> Observation:
    """Every pixel the same spectrum times a brightness: both images have rank 1."""
    seen = random_pair(9, 3)
    brightness = random_pair(1, 1).msi[:1]
    cube = torch.linspace(0.2, 0.9, 9)[:, None, None] * brightness
    return replace(seen, hsi=seen.psf(cube), msi=seen.srf(cube))


def black_background() -> Observation:
    """An object of a few pixels before exact zeros, as in photographs of a table."""
    seen = random_pair(9, 3)
    hsi, msi = torch.zeros_like(seen.hsi), torch.zeros_like(seen.msi)
    hsi[:, 1:3, 2:4], msi[:, 4:12, 8:16] = seen.hsi[:, 1:3, 2:4], seen.msi[:, 4:12, 8:16]
    return replace(seen, hsi=hsi, msi=msi)


def all_zero() -> Observation:
    seen = random_pair(9, 3)
    return replace(seen, hsi=torch.zeros_like(seen.hsi), msi=torch.zeros_like(seen.msi))


def by_smoothness(seen: Observation) -> tuple[SpatialResponse, SpectralResponse]:
    return smooth_responses(seen)[:2]


def few_steps(seen: Observation) -> tuple[SpatialResponse, SpectralResponse]:
    return constrained_responses(seen, steps=(15, 15))


INPUTS = {
    "all zero": all_zero(),
    "a constant band": one_band_constant(random_pair(9, 3)),
    "one endmember": one_endmember(),
    "more bands than pixels": random_pair(40, 3, coarse=(3, 5)),
    "ratio 2": random_pair(9, 3, ratio=2, coarse=(6, 8)),
    "one channel": random_pair(9, 1),
    "black background": black_background(),
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("what", INPUTS)
def test_degenerate_input_gives_a_finite_cube_or_a_clear_refusal(what: str, name: str) -> None:
    kind = METHODS[name].load()
    method = configure(kind, kind.trial)
    card = method.describe()
    seen = card.entitle(INPUTS[what])
    lessons = Lessons(card, seen) if awaits_training(method) else ()
    try:
        estimate = learn(method, seen, torch.Generator().manual_seed(0), lessons).fuse(seen, torch.Generator().manual_seed(0))
    except RefusedError as refusal:
        pytest.skip(f"refused: {refusal}")
    check_estimate(estimate, seen)


@pytest.mark.parametrize("estimate", [by_smoothness, few_steps], ids=["hysure", "gradient"])
@pytest.mark.parametrize("what", INPUTS)
def test_blind_estimation_survives_degenerate_input(
    what: str, estimate: Callable[[Observation], tuple[SpatialResponse, SpectralResponse]]
) -> None:
    psf, srf = estimate(INPUTS[what])  # which refuse NaN, Inf and sums other than 1
    assert psf.ratio == INPUTS[what].ratio
    assert srf.weights.shape == (INPUTS[what].msi.shape[0], INPUTS[what].hsi.shape[0])
