"""Facts on methods/unmixing/cnmf (method.py, nmf.py, virtual_dimension.py) and numerics/unmixing/vca.py.

Oracles: the toolbox's output and starting quantities (parity fixture), the multiplicative steps in plain NumPy, known mixtures.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from datasets.observation import Observation
from methods.numerics.images.block_gaussian import block_gaussian
from methods.numerics.images.regression import non_negative_fit
from methods.numerics.images.resample import block_centre, upsample
from methods.numerics.unmixing.vca import vca
from methods.unmixing.cnmf.method import Method, factorise_coupled
from methods.unmixing.cnmf.nmf import fit_abundances, fit_both, fit_spectra
from methods.unmixing.cnmf.virtual_dimension import virtual_dimension


def mixed_pair(
    bands: int, channels: int, size: tuple[int, int], ratio: int, phase: tuple[float, float] | None = None, seed: int = 0
) -> Observation:
    """Four endmembers in smooth abundances, seen through non-negative curves, with noise; float64."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, dtype=torch.float64, generator=generator)

    shares = upsample(draw(4, *size) ** 3, ratio, block_centre(ratio)).clamp_min(0)
    scene = torch.einsum("be,ehw->bhw", draw(bands, 4), shares / shares.sum(0).clamp_min(1e-3))
    curves = draw(channels, bands)
    hsi = block_gaussian(scene, ratio, phase or block_centre(ratio))
    msi = torch.einsum("cb,bhw->chw", curves / curves.sum(1, keepdim=True), scene)
    hsi, msi = hsi + 0.005 * draw(*hsi.shape), msi + 0.005 * draw(*msi.shape)
    return Observation(hsi, msi, torch.linspace(400, 700, bands), ratio, phase or block_centre(ratio))


def cnmf_by_numpy(seen: Observation, response: np.ndarray, spectra: np.ndarray, phase: tuple[float, float]) -> np.ndarray:
    """Steps 2 to 4 with whole matrices; the loops are judged after every step."""
    hsi, msi = seen.hsi.flatten(1).numpy(), seen.msi.flatten(1).numpy()
    count, channels = spectra.shape[1], len(msi)
    d = 2 * np.sqrt(msi.mean() / 0.7455) / channels**3

    def row(matrix: np.ndarray) -> np.ndarray:
        return np.vstack([matrix, d * np.ones((1, matrix.shape[1]))])

    def improve(v: np.ndarray, w: np.ndarray, h: np.ndarray, kinds: str, steps: int, judged: bool = True) -> tuple[np.ndarray, np.ndarray]:
        for _ in range(steps):
            before = w, h
            for kind in kinds:
                if kind == "w":
                    w = w * (v @ h.T) / (w @ h @ h.T)
                else:
                    h = h * (row(w).T @ row(v)) / (row(w).T @ (row(w) @ h))
            old, new = (np.sum((v - a @ b) ** 2) for a, b in (before, (w, h)))
            if judged and (old - new) / old < 1e-8:
                return before
        return w, h

    w, g = improve(hsi, spectra, np.full((count, hsi.shape[1]), 1 / count), "h", 600)
    w, g = improve(hsi, w, g, "wh", 199)
    h = upsample(torch.from_numpy(g).reshape(count, *seen.hsi.shape[1:]), seen.ratio, phase).clamp_min(0).flatten(1).numpy()
    _, h = improve(msi, response @ w, h, "h", 200, judged=False)
    _, h = improve(msi, response @ w, h, "wh" if channels > 3 else "h", 199)
    g = block_gaussian(torch.from_numpy(h).reshape(count, *seen.msi.shape[1:]), seen.ratio, phase).flatten(1).numpy()
    w, g = improve(hsi, w, g, "w", 200)
    w, g = improve(hsi, w, g, "hw" if channels > 3 else "w", 199)
    return (w @ h).reshape(-1, *seen.msi.shape[1:])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_toolboxs_endmembers_and_response_give_its_output(shared: Path, dtype: torch.dtype) -> None:
    with np.load(shared / "parity/model/s4_noisy.npz") as a, np.load(shared / "parity/model/s4_noisy__cnmf.npz") as b:
        hsi, msi = (torch.from_numpy(a[key]).to(dtype) for key in ("HSI", "MSI"))
        response, spectra, expected = (torch.from_numpy(b[key]).double() for key in ("R", "W0", "Z"))
    dark = (msi - response[:, -1, None, None].to(dtype)).clamp_min(0)
    cube = factorise_coupled(hsi.clamp_min(0), dark, response[:, :-1], spectra, 4, (1.5, 1.5)).double()
    assert float((cube - expected).norm() / expected.norm()) < (1e-6 if dtype == torch.float64 else 1e-5)  # 2.5e-8 and 7e-7


def test_the_response_is_estimated_as_the_toolbox_does(shared: Path) -> None:
    with np.load(shared / "parity/model/s4_noisy.npz") as a, np.load(shared / "parity/model/s4_noisy__cnmf.npz") as b:
        hsi, msi, expected = (torch.from_numpy(array) for array in (a["HSI"], a["MSI"], b["R"]))
    weights, offset = non_negative_fit(hsi, block_gaussian(msi, 4, (1.5, 1.5)))
    assert float((torch.cat([weights, offset[:, None]], 1) - expected).norm() / expected.norm()) < 1e-9


def test_without_the_toolboxs_start_the_median_of_five_seeds_is_within_a_decibel_of_it(shared: Path) -> None:
    with np.load(shared / "parity/model/s4_noisy.npz") as a, np.load(shared / "parity/model/s4_noisy__cnmf.npz") as b:
        truth, hsi, msi, theirs = (torch.from_numpy(array).float() for array in (a["X"], a["HSI"], a["MSI"], b["Z"]))
    seen = Observation(hsi, msi, torch.linspace(400, 700, 31), 4, (1.5, 1.5))
    cubes = [Method().fuse(seen, torch.Generator().manual_seed(seed)).cube for seed in range(5)]
    psnr = sorted(float(-10 * torch.log10((cube - truth).square().mean())) for cube in cubes)
    assert psnr[2] > float(-10 * torch.log10((theirs - truth).square().mean())) - 1


@pytest.mark.parametrize("channels", [1, 3, 5])
@pytest.mark.parametrize("phase", [(1.5, 1.5), (1.0, 2.25)])
def test_other_shapes_channels_and_phases_follow_the_steps(channels: int, phase: tuple[float, float]) -> None:
    seen = mixed_pair(9, channels, (6, 5), 4, phase, seed=channels)
    generator = torch.Generator().manual_seed(1)
    response, spectra = (torch.rand(*shape, dtype=torch.float64, generator=generator) for shape in ((channels, 9), (9, 6)))
    cube = factorise_coupled(seen.hsi, seen.msi, response, spectra, 4, phase).numpy()
    np.testing.assert_allclose(cube, cnmf_by_numpy(seen, response.numpy(), spectra.numpy(), phase), rtol=0, atol=1e-8)


def test_a_judged_loop_gives_the_iterate_before_the_step_that_gained_nothing() -> None:
    """The start comes back itself where steps gain nothing; unjudged, the steps are taken.

    The abundances of an exact factorisation: the row of d's pulls them off, and the cost can but rise. The spectra of a factorisation whose
    rest no spectra explain: their step moves nothing but last bits, 1e-8 of the cost being far above rounding.
    """
    generator = torch.Generator().manual_seed(0)
    spectra, shares, rest = (torch.rand(*shape, dtype=torch.float64, generator=generator) for shape in ((7, 3), (3, 5000), (7, 5000)))
    image = spectra @ shares
    assert torch.equal(fit_abundances(image, spectra, shares, 0.1, steps=50, judged=True), shares)
    assert not torch.equal(fit_abundances(image, spectra, shares, 0.1, steps=50, judged=False), shares)
    assert torch.equal(fit_both(image, spectra, shares, 0.1, steps=50, first="spectra")[1], shares)
    rows = torch.linalg.qr(shares.T).Q
    unexplained = rest - rest @ rows @ rows.T
    assert float(unexplained.square().sum()) > 100
    assert torch.equal(fit_spectra(image + unexplained, spectra, shares, steps=50), spectra)
    other = spectra * (1 + 0.1 * torch.rand(7, 3, dtype=torch.float64, generator=generator))
    assert not torch.equal(fit_spectra(image + unexplained, other, shares, steps=50), other)


def test_blocks_of_pixels_change_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    image, spectra, start = (torch.rand(*s, dtype=torch.float64, generator=generator) for s in ((7, 9000), (7, 4), (4, 9000)))
    whole = fit_abundances(image, spectra, start, 0.1, steps=9, judged=False)
    parts = [
        fit_abundances(image[:, part], spectra, start[:, part], 0.1, steps=9, judged=False) for part in (slice(0, 3001), slice(3001, 9000))
    ]
    torch.testing.assert_close(whole, torch.cat(parts, 1), rtol=1e-12, atol=0)


@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_vca_finds_the_pure_pixels(noise: float) -> None:
    generator = torch.Generator().manual_seed(3)
    spectra = torch.rand(20, 5, dtype=torch.float64, generator=generator)
    shares = torch.rand(5, 400, dtype=torch.float64, generator=generator) ** 2
    shares = shares / shares.sum(0)
    shares[:, :5] = torch.eye(5)
    pixels = spectra @ shares[:, torch.randperm(400, generator=generator)]
    pixels = pixels + noise * torch.randn(pixels.shape, dtype=torch.float64, generator=generator)
    result = vca(pixels, 5, torch.Generator().manual_seed(0))
    assert float(torch.cdist(spectra.T, result.T).amin(1).max()) < 1e-6 + 10 * noise


def test_vca_is_indifferent_to_brightness_without_noise() -> None:
    """Shaded pixels of the same mixtures: the perspective projection takes the shade away."""
    generator = torch.Generator().manual_seed(4)
    spectra = torch.rand(20, 4, dtype=torch.float64, generator=generator)
    shares = torch.rand(4, 300, dtype=torch.float64, generator=generator)
    shares = shares / shares.sum(0)
    shares[:, :4] = torch.eye(4)
    shade = 0.2 + torch.rand(300, dtype=torch.float64, generator=generator)
    result = vca(spectra @ shares * shade, 4, torch.Generator().manual_seed(0))
    cosine = torch.nn.functional.normalize(spectra, dim=0).T @ torch.nn.functional.normalize(result, dim=0)
    assert float(cosine.amax(1).min()) > 1 - 1e-9


def test_more_endmembers_than_bands_are_refused_by_vca() -> None:
    with pytest.raises(ValueError, match="expected 1 to 4 endmembers"):
        vca(torch.rand(4, 30), 5, torch.Generator())


@pytest.mark.parametrize("false_alarm", [1e-6, 1e-3, 0.05, 0.3])
def test_the_virtual_dimension_is_that_of_normal_quantiles(false_alarm: float) -> None:
    generator = torch.Generator().manual_seed(5)
    sources = 0.3 + torch.rand(6, 9, 11, dtype=torch.float64, generator=generator)
    spectra = torch.rand(20, 6, dtype=torch.float64, generator=generator) * torch.logspace(0, -2, 6, dtype=torch.float64)
    image = torch.einsum("be,ehw->bhw", spectra, sources) + 0.01 * torch.randn(20, 9, 11, dtype=torch.float64, generator=generator)
    pixels = image.flatten(1).numpy()
    with_mean = np.linalg.eigvalsh(pixels @ pixels.T / 99)
    without = np.linalg.eigvalsh(np.cov(pixels, bias=True))
    tails = stats.norm.sf((with_mean - without) / np.sqrt(2 * (with_mean**2 + without**2) / 99))
    assert virtual_dimension(image, false_alarm) == int((tails < false_alarm).sum())


def test_noise_without_a_mean_has_no_dimension() -> None:
    noise = 0.02 * torch.randn(40, 60, 100, dtype=torch.float64, generator=torch.Generator().manual_seed(5))
    assert virtual_dimension(noise, 1e-3) == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("bands", "channels", "size", "ratio"),
    [(1, 1, (2, 3), 2), (2, 8, (2, 3), 32), (31, 3, (8, 12), 4), (100, 1, (5, 4), 8), (40, 5, (3, 4), 2)],
)
def test_any_number_of_bands_and_channels_gives_a_finite_cube(
    bands: int, channels: int, size: tuple[int, int], ratio: int, dtype: torch.dtype
) -> None:
    seen = mixed_pair(bands, channels, size, ratio).to("cpu", dtype)
    kept = seen.hsi.clone(), seen.msi.clone()
    cube = Method().fuse(seen, torch.Generator().manual_seed(0)).cube
    assert (cube.shape, cube.dtype) == ((bands, *seen.msi.shape[1:]), dtype)
    assert bool(torch.isfinite(cube).all())
    assert float(cube.min()) >= 0
    assert torch.equal(seen.hsi, kept[0])
    assert torch.equal(seen.msi, kept[1])


@pytest.mark.parametrize("endmembers", [1, 30])
@pytest.mark.parametrize("dead", ["all of the HSI", "one band", "all of the MSI", "everything", "half of the scene", "a flat scene"])
def test_zero_and_constant_images_give_a_finite_cube(dead: str, endmembers: int) -> None:
    seen = mixed_pair(5, 3, (4, 6), 4).to("cpu", torch.float32)
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
    flat = Observation(hsi, msi, seen.wavelengths, 4, seen.phase)
    cube = Method(endmembers=endmembers).fuse(flat, torch.Generator().manual_seed(0)).cube
    assert bool(torch.isfinite(cube).all())


def test_fewer_than_one_endmember_is_refused() -> None:
    with pytest.raises(ValueError, match="endmembers: expected at least 1"):
        Method(endmembers=0)
