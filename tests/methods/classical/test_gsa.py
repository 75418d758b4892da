"""Facts on methods/classical/gsa.py. Oracles: the toolbox's output (parity fixture), and NumPy's corrcoef, cov and lstsq."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.classical.gsa import Method
from methods.numerics.images.resample import block_centre, shrink, upsample


def rough_pair(bands: int, channels: int, size: tuple[int, int], ratio: int, phase: tuple[float, float] | None = None) -> Observation:
    """Correlated bands with a little of their own each, float64."""
    generator = torch.Generator().manual_seed(bands + channels)
    sources = torch.rand(channels + 1, *size, dtype=torch.float64, generator=generator)
    hsi = torch.einsum("bs,shw->bhw", torch.rand(bands, channels + 1, dtype=torch.float64, generator=generator), sources)
    hsi += 0.1 * torch.rand(hsi.shape, dtype=torch.float64, generator=generator)
    msi = upsample(sources[:channels], ratio, block_centre(ratio))
    msi += 0.2 * torch.rand(msi.shape, dtype=torch.float64, generator=generator)
    return Observation(hsi, msi, torch.linspace(400, 700, bands), ratio, phase or block_centre(ratio))


def gsa_by_numpy(seen: Observation, phase: tuple[float, float]) -> np.ndarray:
    hsi, msi = seen.hsi.numpy(), seen.msi.numpy()
    guide = shrink(seen.msi, seen.ratio, phase, "linear").numpy()
    fine, coarse_msi = upsample(seen.hsi, seen.ratio, phase).numpy(), shrink(seen.msi, seen.ratio, phase).numpy()
    best = [int(np.argmax([np.corrcoef(band.ravel(), g.ravel())[0, 1] for g in guide])) for band in hsi]
    cube = np.empty_like(fine)
    for channel in set(best):
        members = [band for band in range(len(best)) if best[band] == channel]
        design = np.stack([hsi[m].ravel() for m in members] + [np.ones(hsi[0].size)], axis=1)
        weights = np.linalg.lstsq(design, coarse_msi[channel].ravel(), rcond=None)[0]
        intensity = sum(w * (fine[m] - fine[m].mean()) for w, m in zip(weights, members, strict=False))
        for m in members:
            gain = np.cov(intensity.ravel(), fine[m].ravel())[0, 1] / np.var(intensity, ddof=1)
            cube[m] = fine[m] + gain * (msi[channel] - msi[channel].mean() - intensity)
    return cube


@pytest.mark.parametrize(("denoise", "key"), [(False, "Z"), (True, "Zd")])
@pytest.mark.parametrize("aligned", [True, False])
def test_block_centred_pairs_give_the_output_of_the_toolbox(shared: Path, denoise: bool, key: str, aligned: bool) -> None:
    with np.load(shared / "parity/model/s4_noisy.npz") as inputs, np.load(shared / "parity/model/s4_noisy__gsa.npz") as outputs:
        hsi, msi, expected = (torch.from_numpy(a) for a in (inputs["HSI"], inputs["MSI"], outputs[key]))
    seen = Observation(hsi, msi, torch.linspace(400, 700, 31), 4, (1.5, 1.5))
    cube = Method(aligned=aligned, denoise=denoise).fuse(seen, torch.Generator()).cube
    assert float((cube - expected).norm() / expected.norm()) < 1e-6


@pytest.mark.parametrize("phase", [(1.0, 1.0), (0.0, 2.0), (2.5, -0.5)])
def test_other_shapes_and_phases_follow_the_published_steps(phase: tuple[float, float]) -> None:
    seen = rough_pair(bands=7, channels=2, size=(6, 9), ratio=3, phase=phase)
    cube = Method().fuse(seen, torch.Generator()).cube.numpy()
    np.testing.assert_allclose(cube, gsa_by_numpy(seen, phase), rtol=0, atol=1e-10)


def test_the_published_form_takes_every_pair_as_block_centred() -> None:
    shifted = rough_pair(bands=7, channels=2, size=(6, 9), ratio=3, phase=(0.0, 2.0))
    cube = Method(aligned=False).fuse(shifted, torch.Generator()).cube.numpy()
    np.testing.assert_allclose(cube, gsa_by_numpy(shifted, (1.0, 1.0)), rtol=0, atol=1e-10)


def test_denoising_regresses_every_band_on_all_others() -> None:
    seen = rough_pair(bands=6, channels=2, size=(6, 9), ratio=2)
    plain, denoised = (Method(denoise=flag).fuse(seen, torch.Generator()).cube.flatten(1).numpy() for flag in (False, True))
    for band in range(6):
        others = np.delete(plain, band, axis=0).T
        fit = others @ np.linalg.lstsq(others, plain[band], rcond=None)[0]
        np.testing.assert_allclose(denoised[band], fit, rtol=0, atol=1e-9)


@pytest.mark.parametrize("denoise", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("bands", "channels", "size", "ratio"), [(1, 1, (2, 3), 2), (2, 8, (2, 3), 32), (31, 3, (8, 12), 4), (100, 1, (5, 4), 8)]
)
def test_any_number_of_bands_and_channels_gives_a_finite_cube(
    bands: int, channels: int, size: tuple[int, int], ratio: int, dtype: torch.dtype, denoise: bool
) -> None:
    seen = rough_pair(bands, channels, size, ratio).to("cpu", dtype)
    kept = seen.hsi.clone(), seen.msi.clone()
    cube = Method(denoise=denoise).fuse(seen, torch.Generator()).cube
    assert (cube.shape, cube.dtype) == ((bands, *seen.msi.shape[1:]), dtype)
    assert bool(torch.isfinite(cube).all())
    assert torch.equal(seen.hsi, kept[0])
    assert torch.equal(seen.msi, kept[1])


@pytest.mark.parametrize("denoise", [False, True])
@pytest.mark.parametrize("dead", ["all of the HSI", "one band", "all of the MSI", "everything"])
def test_zero_and_constant_images_give_a_finite_cube(dead: str, denoise: bool) -> None:
    seen = rough_pair(5, 3, (4, 6), 4).to("cpu", torch.float32)
    hsi, msi = seen.hsi.clone(), seen.msi.clone()
    if dead == "one band":
        hsi[2] = 0.3
    if dead in ("all of the HSI", "everything"):
        hsi.zero_()
    if dead in ("all of the MSI", "everything"):
        msi.fill_(0.7)
    cube = Method(denoise=denoise).fuse(Observation(hsi, msi, seen.wavelengths, 4, seen.phase), torch.Generator()).cube
    assert bool(torch.isfinite(cube).all())
    if dead == "one band" and not denoise:
        assert torch.allclose(cube[2], torch.tensor(0.3), atol=1e-5)


def test_single_precision_is_enough_where_bands_are_nearly_alike() -> None:
    """With 60 bands of four materials the weights of the intensity are large and cancel: 5 % of the cube was rounding once."""
    rng = torch.Generator().manual_seed(3)
    maps = torch.nn.functional.interpolate(torch.rand(1, 4, 5, 7, generator=rng), scale_factor=8, mode="bicubic", align_corners=False)[0]
    spectra = torch.rand(60, 4, generator=rng).cumsum(0) / 60
    cube = torch.einsum("be,ehw->bhw", spectra, maps)
    psf = SpatialResponse(torch.full((4, 4), 1 / 16), 4, 1)
    srf = SpectralResponse(torch.eye(3).repeat_interleave(20, 1) / 20)
    seen = Observation(psf(cube), srf(cube), torch.linspace(400, 1000, 60), 4, psf.centre)
    single = Method().fuse(seen, torch.Generator()).cube
    double = Method().fuse(seen.to("cpu", torch.float64), torch.Generator()).cube
    assert float((single - double).abs().max() / double.abs().max()) < 1e-5
