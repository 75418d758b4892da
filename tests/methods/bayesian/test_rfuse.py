"""Facts on methods/bayesian/rfuse.py. Oracles: the authors' output (parity fixture), and autograd on the cost written down here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, NoiseLevel, Observation, WithheldError
from methods.bayesian.rfuse import LEAST_NOISE, Method, coordinates, fuse_in_subspace
from methods.numerics.images.resample import upsample
from methods.numerics.solvers.subspace import scaled_basis


def lopsided_pair(
    bands: int = 7, channels: int = 2, size: tuple[int, int] = (4, 6), ratio: int = 4, boundary: str = "circular", seed: int = 0
) -> Observation:
    """A random scene through a random lopsided kernel and random response curves, with noise; float64, 16 x 24 by default."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, dtype=torch.float64, generator=generator)

    kernel, curves = draw(5, 4) ** 2, draw(channels, bands)
    psf = SpatialResponse(kernel / kernel.sum(), ratio, ratio // 2, boundary)
    srf = SpectralResponse(curves / curves.sum(1, keepdim=True))
    smooth = upsample(draw(bands, *size), ratio, (0.0, 0.0))
    scene = smooth + 0.1 * draw(*smooth.shape)
    hsi, msi = psf(scene), srf(scene)
    hsi, msi = hsi + 0.01 * draw(*hsi.shape), msi + 0.01 * draw(*msi.shape)
    return Observation(hsi, msi, torch.linspace(400, 700, bands), ratio, psf.centre, Known(psf, srf))


def slope_of_cost(seen: Observation, basis: torch.Tensor, mean: torch.Tensor, weight: float, at: torch.Tensor) -> float:
    """Norm of the gradient of |hsi - S E U|^2 + |msi - R E U|^2 + c |U - M|^2 at U."""
    unknown = at.clone().requires_grad_()
    cube = torch.einsum("br,rhw->bhw", basis, unknown)
    cost = ((seen.hsi - seen.psf(cube)) ** 2).sum() + ((seen.msi - seen.srf(cube)) ** 2).sum() + weight * ((unknown - mean) ** 2).sum()
    return float(torch.autograd.grad(cost, unknown)[0].norm())


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float32, 1e-6)])
def test_the_authors_basis_and_prior_mean_give_the_authors_output(shared: Path, dtype: torch.dtype, tolerance: float) -> None:
    with np.load(shared / "parity/model/s4_noisy.npz") as a, np.load(shared / "parity/model/s4_noisy__fuse_p10_gaussian.npz") as b:
        hsi, msi, curves, kernel = (torch.from_numpy(a[key]).to(dtype) for key in ("HSI", "MSI", "R", "k"))
        anchor = int(a["off"]) + (kernel.shape[0] - 1) // 2
        basis, mean, expected = torch.from_numpy(b["E"]), torch.from_numpy(b["prior_mean"]).to(dtype), torch.from_numpy(b["Z"]).double()
    psf, srf = SpatialResponse(kernel, 4, anchor), SpectralResponse(curves)
    cube = fuse_in_subspace(hsi, msi, psf, srf, basis, coordinates(basis, mean), prior_weight=1e-3).double()
    assert float((cube - expected).norm() / expected.norm()) < tolerance


@pytest.mark.parametrize(("rank", "weight"), [(3, 1e-4), (5, 1e-2), (7, 1e-6)])
def test_the_cost_is_flat_at_the_answer(rank: int, weight: float) -> None:
    seen = lopsided_pair(seed=rank)
    generator = torch.Generator().manual_seed(1)
    basis = torch.randn(7, rank, dtype=torch.float64, generator=generator)
    mean = torch.randn(rank, 16, 24, dtype=torch.float64, generator=generator)
    cube = fuse_in_subspace(seen.hsi, seen.msi, seen.psf, seen.srf, basis, mean, weight)
    answer = coordinates(basis, cube)
    flat = slope_of_cost(seen, basis, mean, weight, answer)
    assert flat < 1e-9 * slope_of_cost(seen, basis, mean, weight, mean)
    assert flat < 1e-5 * slope_of_cost(seen, basis, mean, weight, 1.01 * answer)


def test_the_method_minimises_the_cost_of_its_docstring_over_whole_cubes() -> None:
    """With as many components as bands, |U - M|^2 is |X - bicubic|^2 weighed by the inverse of hsi hsi' / n."""
    seen = lopsided_pair(bands=5, channels=2)
    cube = Method(rank=5, prior_weight=1e-3).fuse(seen, torch.Generator()).cube
    pixels = seen.hsi.flatten(1)
    precision = torch.linalg.inv(pixels @ pixels.T / pixels.shape[1])
    start = upsample(seen.hsi, seen.ratio, seen.phase)

    def slope(at: torch.Tensor) -> float:
        unknown = at.clone().requires_grad_()
        away = (unknown - start).flatten(1)
        cost = ((seen.hsi - seen.psf(unknown)) ** 2).sum() + ((seen.msi - seen.srf(unknown)) ** 2).sum()
        cost = cost + 1e-3 * (away * (precision @ away)).sum()
        return float(torch.autograd.grad(cost, unknown)[0].norm())

    assert slope(cube) < 1e-8 * slope(start)


@pytest.mark.parametrize(("hsi_noise", "msi_noise"), [(0.02, 0.005), (0.004, 0.03), (0.0, 0.03)])
def test_told_the_noise_it_minimises_the_likelihood_of_the_paper(hsi_noise: float, msi_noise: float) -> None:
    """The same cost with each image over its noise variance; a noise of 0 counts as the least."""
    seen = lopsided_pair(bands=5, channels=2)
    informed = replace(seen, known=replace(seen.known, noise=NoiseLevel(hsi_noise, msi_noise)))
    cube = Method(rank=5, noise="told", prior_variance=0.3).fuse(informed, torch.Generator()).cube
    pixels = seen.hsi.flatten(1)
    precision = torch.linalg.inv(pixels @ pixels.T / pixels.shape[1])
    start = upsample(seen.hsi, seen.ratio, seen.phase)

    def slope(at: torch.Tensor) -> float:
        unknown = at.clone().requires_grad_()
        away = (unknown - start).flatten(1)
        cost = ((seen.hsi - seen.psf(unknown)) ** 2).sum() / max(hsi_noise, LEAST_NOISE) ** 2
        cost = cost + ((seen.msi - seen.srf(unknown)) ** 2).sum() / msi_noise**2 + (away * (precision @ away)).sum() / 0.3
        return float(torch.autograd.grad(cost, unknown)[0].norm())

    assert slope(cube) < 1e-8 * slope(start)


def test_it_asks_for_the_noise_level_only_when_it_uses_it() -> None:
    assert Method().describe().tier == "told blur and colour response"
    assert Method(noise="told").describe().tier == "told blur, colour response and noise level"
    with pytest.raises(WithheldError, match="needs_noise"):
        Method(noise="told").fuse(lopsided_pair(), torch.Generator())


def test_a_scene_inside_the_subspace_that_the_msi_determines_comes_back() -> None:
    generator = torch.Generator().manual_seed(3)
    spectra, curves = (torch.rand(*s, dtype=torch.float64, generator=generator) for s in ((9, 3), (4, 9)))
    scene = torch.einsum("bs,shw->bhw", spectra, torch.rand(3, 16, 24, dtype=torch.float64, generator=generator))
    psf = SpatialResponse(torch.full((4, 4), 1 / 16, dtype=torch.float64), 4, 1)
    srf = SpectralResponse(curves / curves.sum(1, keepdim=True))
    seen = Observation(psf(scene), srf(scene), torch.linspace(400, 700, 9), 4, psf.centre, Known(psf, srf))
    cube = Method(rank=3, prior_weight=1e-9).fuse(seen, torch.Generator()).cube
    assert float((cube - scene).abs().max()) < 1e-3


@pytest.mark.parametrize("boundary", ["reflect", "replicate"])
def test_another_boundary_changes_the_answer_only_near_the_border(boundary: str) -> None:
    """The solver is periodic whatever the protocol was: its error must stay local."""
    periodic, other = (lopsided_pair(size=(8, 12), boundary=b, seed=4) for b in ("circular", boundary))
    error = (Method().fuse(other, torch.Generator()).cube - Method().fuse(periodic, torch.Generator()).cube).abs()
    assert float(error[:, 12:-12, 12:-12].max()) < 0.05 * float(error.max())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("bands", "channels", "size", "ratio"), [(2, 1, (2, 3), 32), (31, 3, (8, 12), 4), (100, 8, (3, 2), 2), (31, 1, (2, 3), 8)]
)
def test_any_number_of_bands_and_channels_gives_a_finite_cube(
    bands: int, channels: int, size: tuple[int, int], ratio: int, dtype: torch.dtype
) -> None:
    seen = lopsided_pair(bands, channels, size, ratio).to("cpu", dtype)
    kept = seen.hsi.clone(), seen.msi.clone()
    cube = Method().fuse(seen, torch.Generator()).cube
    assert (cube.shape, cube.dtype) == ((bands, *seen.msi.shape[1:]), dtype)
    assert float(cube.abs().max()) < 3  # of a scene in 0..1.2
    assert torch.equal(seen.hsi, kept[0])
    assert torch.equal(seen.msi, kept[1])


def test_float32_gives_the_float64_answer_to_its_own_precision() -> None:
    seen = lopsided_pair(bands=31, channels=3, size=(8, 12))
    exact = Method().fuse(seen, torch.Generator()).cube
    single = Method().fuse(seen.to("cpu", torch.float32), torch.Generator()).cube
    assert float((single - exact).norm() / exact.norm()) < 1e-5


@pytest.mark.parametrize("dead", ["all of the HSI", "one band", "all of the MSI", "everything", "a flat scene"])
def test_zero_and_constant_images_give_a_finite_cube(dead: str) -> None:
    seen = lopsided_pair().to("cpu", torch.float32)
    hsi, msi = seen.hsi.clone(), seen.msi.clone()
    if dead == "one band":
        hsi[2] = 0
    if dead in ("all of the HSI", "everything"):
        hsi.zero_()
    if dead in ("all of the MSI", "everything"):
        msi.zero_()
    if dead == "a flat scene":
        hsi, msi = torch.full_like(hsi, 0.4), torch.full_like(msi, 0.4)
    cube = Method().fuse(Observation(hsi, msi, seen.wavelengths, 4, seen.phase, seen.known), torch.Generator()).cube
    assert bool(torch.isfinite(cube).all())
    if dead == "a flat scene":
        assert torch.allclose(cube, torch.tensor(0.4), atol=1e-4)


def test_the_card_asks_for_both_responses_and_says_where_the_prior_weight_comes_from() -> None:
    assert Method().describe().tier == "told blur and colour response"
    assert "chosen on CAVE" in Method.card.fidelity
    assert Method(prior_weight=1e-3).describe().name == "R-FUSE (as published)"
    assert "chosen on CAVE" not in Method(prior_weight=1e-3).describe().fidelity
    with pytest.raises(WithheldError, match="PSF"):
        Method().fuse(lopsided_pair().withhold(psf=True, srf=False), torch.Generator())


def test_a_rank_below_one_or_a_weight_of_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="rank: expected at least 1"):
        Method(rank=0)
    with pytest.raises(ValueError, match="prior_weight"):
        Method(prior_weight=0.0)


def test_the_basis_never_has_more_columns_than_bands() -> None:
    assert scaled_basis(torch.rand(4, 3, 5), 15).shape == (4, 4)
