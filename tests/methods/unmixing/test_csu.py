"""Facts on methods/unmixing/csu: method.py, simplex.py, sisal.py, sunsal.py.

Oracles: the authors' output and start (parity fixture), the rounds in plain NumPy, sorting, SciPy's solver, the volume of a known simplex.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import optimize

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation, WithheldError
from methods.numerics.images.resample import upsample
from methods.unmixing.csu.method import Method, unmix_coupled
from methods.unmixing.csu.simplex import project_onto_simplex
from methods.unmixing.csu.sisal import sisal
from methods.unmixing.csu.sunsal import sunsal


def blurred_pair(
    bands: int = 7, channels: int = 2, size: tuple[int, int] = (4, 6), ratio: int = 4, boundary: str = "circular", seed: int = 0
) -> Observation:
    """Five endmembers through a random lopsided kernel and random curves, with noise; float64, 16 x 24 by default."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, dtype=torch.float64, generator=generator)

    kernel, curves = draw(5, 4) ** 2, draw(channels, bands)
    psf = SpatialResponse(kernel / kernel.sum(), ratio, ratio // 2, boundary)
    srf = SpectralResponse(curves / curves.sum(1, keepdim=True))
    shares = upsample(draw(5, *size) ** 3, ratio, (0.0, 0.0)).clamp_min(1e-3)
    scene = torch.einsum("be,ehw->bhw", draw(bands, 5), shares / shares.sum(0))
    hsi, msi = psf(scene), srf(scene)
    hsi, msi = hsi + 0.005 * draw(*hsi.shape), msi + 0.005 * draw(*msi.shape)
    return Observation(hsi, msi, torch.linspace(400, 700, bands), ratio, psf.centre, Known(psf, srf))


def on_simplex_by_sorting(columns: np.ndarray) -> np.ndarray:
    """Column by column, after Held, Wolfe and Crowder."""
    result = np.empty_like(columns)
    for j, column in enumerate(columns.T):
        falling = np.sort(column)[::-1]
        thresholds = (np.cumsum(falling) - 1) / np.arange(1, len(column) + 1)
        result[:, j] = np.maximum(column - thresholds[np.nonzero(falling > thresholds)[0][-1]], 0)
    return result


def csu_by_numpy(seen: Observation, e: np.ndarray, g: np.ndarray, a: np.ndarray, rounds: int) -> np.ndarray:
    """The module docstring's rounds, from E, G and A."""
    hsi, msi, r = seen.hsi.flatten(1).numpy(), seen.msi.flatten(1).numpy(), seen.srf.weights.numpy()

    def rms(x: np.ndarray) -> float:
        return float(np.sqrt(np.mean(x**2)))

    total = 1.0
    for _ in range(rounds):
        c, norms, kept = 1.01 * np.linalg.norm(g @ g.T), [], []
        for _ in range(100):
            e_new = np.clip(e - (e @ g - hsi) @ g.T / c, 0, 1)
            norms.append(rms(e_new @ g - hsi))
            if sum(later > earlier for earlier, later in itertools.pairwise(norms)) == 2:
                break
            e = e_new
            kept.append(norms[-1])
            if len(norms) > 1 and norms[-1] <= norms[-2] and norms[-2] / norms[-1] < 1.01:
                break
        re, least = r @ e, min(kept)
        d, norms = 1.01 * np.linalg.norm(re @ re.T), []
        for _ in range(100):
            a_new = on_simplex_by_sorting(a - re.T @ (re @ a - msi) / d)
            now = rms(re @ a_new - msi)
            if norms and now > norms[-1]:
                break
            a = a_new
            norms.append(now)
            if len(norms) > 1 and norms[-2] / norms[-1] < 1.01:
                break
        g = seen.psf(torch.from_numpy(a).reshape(-1, *seen.msi.shape[1:])).flatten(1).numpy()
        before, total = total, least + norms[-1]
        if abs(before / total - 1) <= 1e-4:
            break
    return (e @ a).reshape(-1, *seen.msi.shape[1:])


def parity_start(shared: Path, dtype: torch.dtype) -> tuple[Observation, dict[str, torch.Tensor]]:
    """The box fixture; its abundances run down the columns first."""
    with np.load(shared / "parity/model/s4box_noisy.npz") as a, np.load(shared / "parity/model/s4box_noisy__csu_p10.npz") as b:
        psf = SpatialResponse(torch.from_numpy(a["k"]), 4, 1)
        seen = Observation(
            *(torch.from_numpy(a[key]) for key in ("HSI", "MSI")),
            torch.linspace(400, 700, 31, dtype=torch.float64),
            4,
            (1.5, 1.5),
            Known(psf, SpectralResponse(torch.from_numpy(a["R"]))),
        )
        parts = {key: torch.from_numpy(b[key]).to(dtype) for key in ("E0", "AS0", "A0", "Z")}
        parts["X"] = torch.from_numpy(a["X"])
    parts["AS0"] = parts["AS0"].reshape(10, 16, 16).transpose(1, 2).flatten(1)
    parts["A0"] = parts["A0"].reshape(10, 64, 64).transpose(1, 2).contiguous()
    return seen.to("cpu", dtype), parts


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_authors_start_gives_the_authors_output(shared: Path, dtype: torch.dtype) -> None:
    seen, start = parity_start(shared, dtype)
    spectra, shares = unmix_coupled(seen.hsi, seen.msi, seen.psf, seen.srf, start["E0"], start["AS0"], start["A0"])
    cube = torch.einsum("be,ehw->bhw", spectra, shares)
    assert float((cube - start["Z"]).norm() / start["Z"].norm()) < 1e-6


@pytest.mark.usefixtures("unchecked_shapes")
def test_without_the_authors_start_the_median_of_five_seeds_is_within_a_decibel_of_them(shared: Path) -> None:
    seen, parts = parity_start(shared, torch.float32)
    cubes = [Method().fuse(seen, torch.Generator().manual_seed(seed)).cube for seed in range(5)]
    psnr = sorted(float(-10 * torch.log10((cube - parts["X"]).square().mean())) for cube in cubes)
    assert psnr[2] > float(-10 * torch.log10((parts["Z"] - parts["X"]).square().mean())) - 1


@pytest.mark.parametrize("boundary", ["circular", "reflect"])
@pytest.mark.parametrize(("channels", "rounds"), [(1, 7), (3, 7), (8, 60)])
def test_lopsided_kernels_and_shapes_follow_the_rounds(boundary: str, channels: int, rounds: int) -> None:
    seen = blurred_pair(9, channels, (3, 5), 4, boundary, seed=channels)
    generator = torch.Generator().manual_seed(1)
    spectra, shares = (torch.rand(*s, dtype=torch.float64, generator=generator) for s in ((9, 6), (6, 12, 20)))
    coarse = seen.psf(shares).flatten(1)
    outcome, abundances = unmix_coupled(seen.hsi, seen.msi, seen.psf, seen.srf, spectra, coarse, shares, rounds=rounds)
    expected = csu_by_numpy(seen, spectra.numpy(), coarse.numpy(), shares.flatten(1).numpy(), rounds)
    np.testing.assert_allclose(torch.einsum("be,ehw->bhw", outcome, abundances).numpy(), expected, rtol=0, atol=1e-9)


def test_spectra_stay_in_0_to_1_and_abundances_on_the_simplex() -> None:
    seen = blurred_pair()
    generator = torch.Generator().manual_seed(1)
    spectra, shares = (torch.randn(*s, dtype=torch.float64, generator=generator) for s in ((7, 4), (4, 16, 24)))
    outcome, abundances = unmix_coupled(seen.hsi, seen.msi, seen.psf, seen.srf, spectra, seen.psf(shares).flatten(1), shares, rounds=3)
    assert 0 <= float(outcome.min()) <= float(outcome.max()) <= 1
    assert float(abundances.min()) >= 0
    torch.testing.assert_close(abundances.sum(0), torch.ones(16, 24, dtype=torch.float64))


def test_the_psf_serves_better_than_the_box_where_the_blur_is_no_box() -> None:
    generator = torch.Generator().manual_seed(2)
    seen = blurred_pair(12, 3, (8, 12), 4, seed=5)
    kernel = torch.zeros(4, 4, dtype=torch.float64)
    kernel[0, 0] = 1
    psf = SpatialResponse(kernel, 4, 1)
    scene = upsample(torch.rand(3, 8, 12, dtype=torch.float64, generator=generator), 4, (0.0, 0.0)).clamp(0, 1)
    scene = torch.einsum("be,ehw->bhw", torch.rand(12, 3, dtype=torch.float64, generator=generator) / 3, scene)
    seen = Observation(psf(scene), seen.srf(scene), seen.wavelengths, 4, psf.centre, Known(psf, seen.srf))
    errors = [
        float((Method(endmembers=4, blur=blur).fuse(seen, torch.Generator().manual_seed(0)).cube - scene).norm()) for blur in ("psf", "box")
    ]
    assert errors[0] < 0.8 * errors[1]


def test_the_box_version_does_not_ask_for_the_psf() -> None:
    seen = blurred_pair().withhold(psf=True, srf=False)
    assert (Method().describe().tier, Method(blur="box").describe().tier) == ("told blur and colour response", "told the colour response")
    assert Method(blur="box", rounds=3).fuse(seen, torch.Generator().manual_seed(0)).cube.shape == (7, 16, 24)
    with pytest.raises(WithheldError, match="PSF"):
        Method().fuse(seen, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("entries", [1, 2, 3, 7, 10, 30])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_projection_is_that_of_a_sort(entries: int, dtype: torch.dtype) -> None:
    columns = 2 * torch.randn(entries, 301, dtype=dtype, generator=torch.Generator().manual_seed(entries))
    columns[:, :20] = columns[:1, :20]  # ties
    kept = columns.clone()
    np.testing.assert_allclose(project_onto_simplex(columns).numpy(), on_simplex_by_sorting(columns.numpy()), rtol=0, atol=2e-6)
    assert torch.equal(columns, kept)


def test_sunsal_solves_the_constrained_least_squares() -> None:
    generator = torch.Generator().manual_seed(0)
    spectra, pixels = (torch.rand(*s, dtype=torch.float64, generator=generator) for s in ((12, 4), (12, 6)))
    outcome = sunsal(spectra, pixels, iterations=5000, tolerance=1e-9).numpy()
    for j in range(6):
        heavy = np.vstack([spectra.numpy(), 1e4 * np.ones((1, 4))])
        exact, _ = optimize.nnls(heavy, np.append(pixels[:, j].numpy(), 1e4))
        np.testing.assert_allclose(outcome[:, j], exact, rtol=0, atol=1e-5)


def test_sunsals_default_budget_is_close_to_the_solution() -> None:
    generator = torch.Generator().manual_seed(1)
    spectra = torch.rand(31, 10, dtype=torch.float64, generator=generator)
    shares = project_onto_simplex(torch.randn(10, 200, dtype=torch.float64, generator=generator))
    assert float((sunsal(spectra, spectra @ shares) - shares).abs().max()) < 1e-2


def test_sisal_finds_endmembers_that_no_pixel_shows() -> None:
    """Abundances cut off at 0.8: VCA can find only those pixels, the least simplex around all of them reaches the corners."""
    generator = torch.Generator().manual_seed(6)
    spectra = torch.rand(20, 4, dtype=torch.float64, generator=generator)
    draws = -torch.log(torch.rand(4, 6000, dtype=torch.float64, generator=generator))
    shares = draws / draws.sum(0)
    pixels = spectra @ shares[:, shares.amax(0) < 0.8]
    outcome = sisal(pixels, 4, torch.Generator().manual_seed(0), hinge=1.0)
    assert float(torch.cdist(spectra.T, outcome.T).amin(1).max()) < 0.02


def test_sisal_gives_vcas_pixels_where_no_simplex_has_a_volume() -> None:
    line = torch.linspace(0, 1, 50, dtype=torch.float64) * torch.ones(6, 1, dtype=torch.float64) + 0.1
    outcome = sisal(line, 4, torch.Generator().manual_seed(0))
    assert bool(torch.isfinite(outcome).all())
    assert float(outcome.min()) > 0.09
    assert float(outcome.max()) < 1.11


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("bands", "channels", "size", "ratio"), [(1, 1, (2, 3), 2), (2, 8, (2, 3), 32), (31, 3, (8, 12), 4), (100, 1, (3, 2), 8)]
)
def test_any_number_of_bands_and_channels_gives_a_finite_cube(
    bands: int, channels: int, size: tuple[int, int], ratio: int, dtype: torch.dtype
) -> None:
    seen = blurred_pair(bands, channels, size, ratio).to("cpu", dtype)
    kept = seen.hsi.clone(), seen.msi.clone()
    cube = Method(rounds=40).fuse(seen, torch.Generator().manual_seed(0)).cube
    assert (cube.shape, cube.dtype) == ((bands, *seen.msi.shape[1:]), dtype)
    assert 0 <= float(cube.min()) <= float(cube.max()) <= 1 + 1e-5
    assert torch.equal(seen.hsi, kept[0])
    assert torch.equal(seen.msi, kept[1])


@pytest.mark.parametrize("endmembers", [1, 10])
@pytest.mark.parametrize("dead", ["all of the HSI", "one band", "all of the MSI", "everything", "half of the scene", "a flat scene"])
def test_zero_and_constant_images_give_a_finite_cube(dead: str, endmembers: int) -> None:
    seen = blurred_pair().to("cpu", torch.float32)
    hsi, msi = seen.hsi.clone(), seen.msi.clone()
    if dead == "one band":
        hsi[2] = 0
    if dead in ("all of the HSI", "everything"):
        hsi.zero_()
    if dead in ("all of the MSI", "everything"):
        msi.zero_()
    if dead == "half of the scene":
        hsi[:, :, :3], msi[:, :, :12] = 0, 0
    if dead == "a flat scene":
        hsi, msi = torch.full_like(hsi, 0.4), torch.full_like(msi, 0.4)
    flat = Observation(hsi, msi, seen.wavelengths, 4, seen.phase, seen.known)
    cube = Method(endmembers=endmembers, rounds=40).fuse(flat, torch.Generator().manual_seed(0)).cube
    assert bool(torch.isfinite(cube).all())
    if dead == "a flat scene":
        assert torch.allclose(cube, torch.tensor(0.4), atol=1e-3)


def test_settings_below_one_are_refused() -> None:
    with pytest.raises(ValueError, match="endmembers"):
        Method(endmembers=0)
    with pytest.raises(ValueError, match="rounds"):
        Method(rounds=0)
