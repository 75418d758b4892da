"""Facts on methods/bayesian/hysure: method.py and vector_tv.py. Oracles: the authors' output (parity fixtures), autograd on the cost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation, WithheldError
from methods.bayesian.hysure.method import CONVERGED_PENALTY, Method, widest_simplex
from methods.bayesian.hysure.vector_tv import TotalVariationCost, minimise_vector_tv
from methods.numerics.solvers.subspace import mix


def fixture(shared: Path, name: str) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    with np.load(shared / "parity/model/s4_noisy.npz") as a, np.load(shared / f"parity/model/s4_noisy__hysure_{name}.npz") as b:
        return {key: torch.from_numpy(a[key]) for key in a}, {key: torch.from_numpy(b[key]) for key in b}


def from_circular(kernel: torch.Tensor, ratio: int, shift: int, reach: int = 9) -> SpatialResponse:
    """The response of a periodic convolution kernel that is sampled at `shift`."""
    places = (shift - torch.arange(-reach, reach + 1)) % len(kernel)
    return SpatialResponse(kernel[places][:, places], ratio, 0)


@pytest.mark.parametrize("name", ["known", "blind"])
def test_the_authors_endmembers_and_responses_give_the_authors_output(shared: Path, name: str) -> None:
    inputs, given = fixture(shared, name)
    psf = from_circular(given["B"], 4, int(given["shift"]))
    costs = TotalVariationCost(inputs["HSI"], inputs["MSI"], given["E"], psf, given["R"], float(given["lphi"]), float(given["lm"]))
    cube = mix(given["E"], minimise_vector_tv(costs, 0.05, 200)[0])
    expected = given["Z0"] if name == "blind" else given["Z"]
    assert float((cube - expected).norm() / expected.norm()) < 1e-6
    if name == "blind":
        projected = mix(given["V"] @ given["V"].T, cube)
        assert float((projected - given["Z"]).norm() / given["Z"].norm()) < 1e-6


@pytest.mark.usefixtures("unchecked_shapes")
@pytest.mark.parametrize("knows", ["psf+srf", "nothing"])
def test_without_the_authors_start_five_seeds_are_as_good(shared: Path, knows: str) -> None:
    inputs, given = fixture(shared, "known" if knows == "psf+srf" else "blind")
    psf = SpatialResponse(inputs["k"].float(), 4, int(inputs["off"]) + (inputs["k"].shape[0] - 1) // 2)
    known = Known(psf, SpectralResponse(inputs["R"].float())) if knows == "psf+srf" else Known()
    seen = Observation(inputs["HSI"].float(), inputs["MSI"].float(), torch.linspace(400, 700, 31), 4, psf.centre, known)

    def psnr(cube: torch.Tensor) -> float:
        return float(-10 * torch.log10((cube - inputs["X"]).square().mean()))

    result = [psnr(Method(knows=knows).fuse(seen, torch.Generator().manual_seed(seed)).cube) for seed in range(5)]  # type: ignore[arg-type]
    assert sorted(result)[2] > psnr(given["Z"].double()) - 1


def lopsided_costs(tv_weight: float, bands: int = 7, rank: int = 4, channels: int = 2) -> TotalVariationCost:
    generator = torch.Generator().manual_seed(5)

    def draw(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, dtype=torch.float64, generator=generator)

    kernel, weights = draw(3, 4) ** 2, draw(channels, bands)
    psf = SpatialResponse(kernel / kernel.sum(), 2, 1)
    return TotalVariationCost(
        draw(bands, 4, 5), draw(channels, 8, 10), draw(bands, rank), psf, weights / weights.sum(1, keepdim=True), tv_weight, 0.7
    )


def value(costs: TotalVariationCost, unknown: torch.Tensor) -> torch.Tensor:
    """The cost of the module docstring, written down."""
    cube = torch.einsum("br,rhw->bhw", costs.basis, unknown)
    fidelity = (costs.hsi - costs.psf(cube)).square().sum() / 2
    fidelity = fidelity + costs.msi_weight / 2 * (costs.msi - torch.einsum("cb,bhw->chw", costs.weights, cube)).square().sum()
    down, right = unknown - unknown.roll(-1, 1), unknown - unknown.roll(-1, 2)
    return fidelity + costs.tv_weight * (down.square().sum(0) + right.square().sum(0)).sqrt().sum()


def test_without_total_variation_the_cost_is_flat_at_the_answer() -> None:
    costs = lopsided_costs(0.0)
    answer, _ = minimise_vector_tv(costs, 0.05, 4000, 1e-9)

    def slope(at: torch.Tensor) -> float:
        unknown = at.clone().requires_grad_()
        return float(torch.autograd.grad(value(costs, unknown), unknown)[0].norm())

    assert slope(answer) < 1e-5 * slope(1.01 * answer)


@pytest.mark.usefixtures("unchecked_shapes")
def test_no_step_from_the_converged_answer_lowers_the_cost() -> None:
    """The cost is convex, so steps in random directions, to zero, to the mean and against the smooth part's slope tell."""
    costs = lopsided_costs(0.05)
    answer, built = minimise_vector_tv(costs, 0.05, 6000, 1e-9)
    assert built < 6000
    least = float(value(costs, answer))
    generator = torch.Generator().manual_seed(0)
    directions = [torch.randn(answer.shape, dtype=torch.float64, generator=generator) for _ in range(40)]
    directions += [-answer, answer.mean((1, 2), keepdim=True) - answer]
    unknown = answer.clone().requires_grad_()
    directions.append(-torch.autograd.grad(value(costs, unknown), unknown)[0].nan_to_num())
    for direction in directions:
        for length in (1e-1, 1e-2, 1e-3):
            assert float(value(costs, answer + length * direction / direction.norm())) > least - 1e-9


@pytest.mark.usefixtures("unchecked_shapes")
def test_every_penalty_leads_to_the_same_minimum() -> None:
    costs = lopsided_costs(0.05)
    result = [minimise_vector_tv(costs, penalty, 5000, 1e-9)[0] for penalty in (0.03, 0.05, 0.1)]
    assert float((result[0] - result[1]).norm() / result[1].norm()) < 1e-5
    assert float((result[2] - result[1]).norm() / result[1].norm()) < 1e-5


def lopsided_scene() -> Observation:
    generator = torch.Generator().manual_seed(3)
    maps = torch.nn.functional.interpolate(torch.rand(1, 4, 4, 5, generator=generator), size=(16, 24), mode="bilinear")[0]
    cube = torch.einsum("be,ehw->bhw", torch.rand(9, 4, generator=generator) / 4, maps)
    kernel, weights = torch.rand(5, 4, generator=generator) ** 2, torch.rand(3, 9, generator=generator)
    psf, srf = SpatialResponse(kernel / kernel.sum(), 4, 2), SpectralResponse(weights / weights.sum(1, keepdim=True))
    return Observation(psf(cube), srf(cube), torch.linspace(400, 700, 9), 4, psf.centre, Known(psf, srf))


def test_the_converged_variant_costs_less_than_200_iterations() -> None:
    seen = lopsided_scene().to("cpu", torch.float64)
    basis = widest_simplex(seen.hsi, 4, torch.Generator().manual_seed(0))
    costs = TotalVariationCost(seen.hsi, seen.msi, basis, seen.psf, seen.srf.weights, 5e-4, 1.0)
    published, _ = minimise_vector_tv(costs, 0.05, 200)
    converged, built = minimise_vector_tv(costs, CONVERGED_PENALTY, 1000, 1e-3)
    assert built < 1000
    assert float(value(costs, converged)) < float(value(costs, published))


def test_float32_gives_the_float64_answer_to_its_own_precision() -> None:
    seen = lopsided_scene()
    single, exact = (
        Method(rank=4).fuse(seen.to("cpu", dtype), torch.Generator().manual_seed(0)).cube for dtype in (torch.float32, torch.float64)
    )
    assert single.dtype == torch.float32
    assert float((single - exact).norm() / exact.norm()) < 1e-4


def test_cards_name_the_variant_and_the_tier() -> None:
    assert (Method().describe().name, Method().describe().tier) == ("HySure (as published)", "told blur and colour response")
    card = Method(variant="converged", knows="nothing").describe()
    assert (card.name, card.tier) == ("HySure (converged)", "told nothing")
    with pytest.raises(WithheldError, match="PSF"):
        Method().fuse(lopsided_scene().withhold(psf=True, srf=False), torch.Generator())


def test_the_blind_form_reports_what_it_estimated() -> None:
    estimate = Method(rank=4, knows="nothing").fuse(lopsided_scene().withhold(psf=True, srf=True), torch.Generator().manual_seed(0))
    assert estimate.psf is not None
    assert estimate.srf is not None


@pytest.mark.parametrize("wrong", [{"rank": 0}, {"penalty": 0.0}, {"tolerance": 0.0}, {"tv_weight": -1.0}, {"most_iterations": 0}])
def test_numbers_without_meaning_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Method(**wrong)  # type: ignore[arg-type]
