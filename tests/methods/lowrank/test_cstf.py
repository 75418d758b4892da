"""Facts on methods/lowrank/cstf/method.py. Oracles: dense matrices for the core, autograd for the dictionaries, the authors' quality."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest
import torch

from datasets.degradation import SpatialResponse
from datasets.observation import Known, Observation
from methods.lowrank.cstf.method import CORE_STEPS, Method, _Coupled
from methods.lowrank.cstf.tucker import tucker
from tests.methods.awkward import KINDS, awkward_pair, decibel, fixture_pair, patchy_pair


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_the_authors_quality_is_reached(shared: Path) -> None:
    """39.29 dB by their code with 60, 60 and 9 atoms."""
    seen, truth = fixture_pair(shared, "s4_noisy", torch.float32)
    method = Method(rows=60, cols=60, spectra=9)
    result = [decibel(method.fuse(seen, torch.Generator().manual_seed(seed)).cube, truth) for seed in range(5)]
    assert median(result) > 39.29 - 0.2


def test_the_core_is_the_admm_of_dense_matrices() -> None:
    seen, method = patchy_pair(separable=True), Method(sparsity=0.3, mu=0.05, beta=1e-2)
    problem = _Coupled.of(seen)
    rows, cols, spectra, last = draw(12, 4), draw(20, 3, seed=1), draw(5, 2, seed=2), draw(2, 4, 3, seed=3)
    cube = torch.einsum("bs,ip,jq->bijspq", spectra, rows, cols).flatten(3)
    coarse = torch.stack([seen.psf(column).flatten() for column in cube.movedim(3, 0)], 1)
    fine = torch.stack([seen.srf(column).flatten() for column in cube.movedim(3, 0)], 1)
    core, duals = torch.zeros(24, dtype=torch.float64), [torch.zeros(24, dtype=torch.float64)] * 2
    for _ in range(CORE_STEPS):
        copies = [
            torch.linalg.solve(view.T @ view + method.mu * torch.eye(24), view.T @ image.flatten() + method.mu * (core - dual))
            for view, image, dual in ((coarse, seen.hsi, duals[0]), (fine, seen.msi, duals[1]))
        ]
        total = sum(method.mu * (copy + dual) for copy, dual in zip(copies, duals, strict=True)) + method.beta * last.flatten()
        mean = total / (2 * method.mu + method.beta)
        core = mean.sign() * (mean.abs() - method.sparsity / (4 * method.mu + 2 * method.beta)).clamp_min(0)
        duals = [dual + copy - core for copy, dual in zip(copies, duals, strict=True)]
    ours = problem.code(rows, cols, spectra, last, method)
    assert torch.allclose(ours.flatten(), core, atol=1e-9)
    assert bool((core == 0).any())


@pytest.mark.parametrize("which", ["rows", "cols", "spectra"])
def test_a_dictionary_step_ends_where_the_cost_is_flat(which: str) -> None:
    seen, beta = patchy_pair(separable=True), 0.05
    problem = _Coupled.of(seen)
    core, factors = draw(2, 4, 3, seed=3), {"rows": draw(12, 4), "cols": draw(20, 3, seed=1), "spectra": draw(5, 2, seed=2)}
    improved = {
        "rows": lambda: problem.improve_rows(core, factors["rows"], factors["cols"], factors["spectra"], beta),
        "cols": lambda: problem.turned().improve_rows(core.mT, factors["cols"], factors["rows"], factors["spectra"], beta),
        "spectra": lambda: problem.improve_spectra(core, factors["rows"], factors["cols"], factors["spectra"], beta),
    }[which]()

    def slope(at: torch.Tensor) -> float:
        unknown = at.clone().requires_grad_()
        cube = tucker(core, **{**factors, which: unknown})
        cost = ((seen.hsi - seen.psf(cube)) ** 2).sum() + ((seen.msi - seen.srf(cube)) ** 2).sum()
        return float(torch.autograd.grad(cost + beta * ((unknown - factors[which]) ** 2).sum(), unknown)[0].norm())

    assert slope(improved) < 1e-5 * slope(factors[which])
    assert slope(improved) < 1e-3 * slope(1.001 * improved) or slope(improved) < 1e-9


def test_a_turned_pair_gives_the_turned_cube() -> None:
    seen, method = patchy_pair(separable=True), Method(rows=6, cols=9, spectra=3, rounds=0)
    psf = SpatialResponse(seen.psf.kernel.T.contiguous(), 4, seen.psf.phase)
    turned = Observation(seen.hsi.mT, seen.msi.mT, seen.wavelengths, 4, psf.centre, Known(psf, seen.srf))
    spectra = draw(5, 3)
    cube = method.fuse_from(seen, spectra)
    assert torch.allclose(Method(rows=9, cols=6, spectra=3, rounds=0).fuse_from(turned, spectra).mT, cube, atol=1e-9)


def test_a_cube_of_low_multilinear_rank_that_the_images_determine_comes_back() -> None:
    seen = patchy_pair(6, 3, (4, 5), separable=True)
    scene = tucker(draw(2, 3, 4), draw(16, 3, seed=1), draw(20, 4, seed=2), draw(6, 2, seed=3)) / 4
    pair = Observation(seen.psf(scene), seen.srf(scene), seen.wavelengths, 4, seen.phase, seen.known)
    cube = Method(rows=3, cols=4, spectra=2, rounds=10).fuse(pair, torch.Generator().manual_seed(0)).cube
    assert float((cube - scene).norm() / scene.norm()) < 2e-3


@pytest.mark.parametrize("kind", KINDS)
def test_degenerate_pairs_give_a_finite_cube(kind: str) -> None:
    seen = awkward_pair(kind)
    cube = Method(spectra=4).fuse(seen, torch.Generator().manual_seed(0)).cube
    assert cube.shape == (len(seen.hsi), *seen.msi.shape[1:])
    assert float(cube.abs().max()) < 10


def test_settings_that_make_no_sense_are_refused() -> None:
    for name in ("rows", "cols", "spectra"):
        with pytest.raises(ValueError, match=f"{name}: expected at least 1, got 0"):
            Method(**{name: 0})
    with pytest.raises(ValueError, match="beta and mu above 0"):
        Method(mu=0.0)
