"""Facts on methods/classical/glp.py. Oracles: the toolbox's output (parity fixture), and the published steps with SciPy's filters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage, signal

from datasets.observation import Observation
from methods.classical.glp import Method
from methods.numerics.images.block_gaussian import block_gaussian
from methods.numerics.images.resample import block_centre, shrink, upsample


def textured_pair(
    bands: int, channels: int, size: tuple[int, int], ratio: int, phase: tuple[float, float] | None = None, seed: int = 0
) -> Observation:
    """Correlated bands with texture, float64."""
    generator = torch.Generator().manual_seed(seed)
    sources = torch.rand(channels, *size, dtype=torch.float64, generator=generator)
    mixing = torch.rand(bands, channels, dtype=torch.float64, generator=generator)
    hsi = torch.einsum("bc,chw->bhw", mixing, sources) + 0.1 * torch.rand(bands, *size, dtype=torch.float64, generator=generator)
    msi = upsample(sources, ratio, block_centre(ratio))
    msi = msi + 0.2 * torch.rand(msi.shape, dtype=torch.float64, generator=generator)
    return Observation(hsi, msi, torch.linspace(400, 700, bands), ratio, phase or block_centre(ratio))


def interpolated(band: np.ndarray, ratio: int, row: int, col: int) -> np.ndarray:
    """Zero insertion at one whole position, then SciPy's periodic filter on both axes."""
    fine = np.zeros((band.shape[0] * ratio, band.shape[1] * ratio))
    fine[row::ratio, col::ratio] = band
    taps = ratio * signal.firwin(45, 1 / ratio, window="hamming")
    return ndimage.convolve1d(ndimage.convolve1d(fine, taps, axis=0, mode="wrap"), taps, axis=1, mode="wrap")


def glp_by_scipy(seen: Observation, positions: list[tuple[int, int]], phase: tuple[float, float]) -> np.ndarray:
    """The whole method once for each position, the results averaged."""
    hsi, msi, low = seen.hsi.numpy(), seen.msi.numpy(), shrink(seen.msi, seen.ratio, phase, "linear").numpy()
    design = np.stack([*(channel.ravel() for channel in low), np.ones(low[0].size)], axis=1)
    cube = np.zeros((len(hsi), *msi.shape[1:]))
    for k, band in enumerate(hsi):
        fit = np.linalg.lstsq(design, band.ravel(), rcond=None)[0]
        sharp = np.tensordot(fit[:-1], msi, 1) + fit[-1]
        blurred = block_gaussian(torch.from_numpy(sharp)[None], seen.ratio, phase)[0].numpy()
        for row, col in positions:
            up, plain = interpolated(band, seen.ratio, row, col), interpolated(blurred, seen.ratio, row, col)
            covariance = np.cov(up.ravel(), plain.ravel())
            cube[k] += (up + covariance[0, 1] / covariance[1, 1] * (sharp - plain)) / len(positions)
    return np.clip(cube, 0, 2 ** np.sqrt(hsi.max()))


@pytest.mark.parametrize("aligned", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_block_centred_pairs_give_the_output_of_the_toolbox(shared: Path, aligned: bool, dtype: torch.dtype) -> None:
    with np.load(shared / "parity/model/s4_noisy.npz") as inputs, np.load(shared / "parity/model/s4_noisy__glp.npz") as outputs:
        hsi, msi, expected = (torch.from_numpy(a) for a in (inputs["HSI"], inputs["MSI"], outputs["Z"]))
    seen = Observation(hsi.to(dtype), msi.to(dtype), torch.linspace(400, 700, 31), 4, (1.5, 1.5))
    cube = Method(aligned=aligned).fuse(seen, torch.Generator()).cube
    assert float((cube - expected).norm() / expected.norm()) < 1e-6


@pytest.mark.parametrize(
    ("ratio", "phase", "positions"),
    [
        (3, (1.0, 1.0), [(1, 1)]),
        (4, (1.5, 1.5), [(1, 1), (2, 2)]),
        (2, (0.5, 0.5), [(0, 0), (1, 1)]),
        (4, (1.0, 2.0), [(1, 2)]),
        (4, (1.0, 1.5), [(1, 1), (1, 2)]),
        (8, (3.5, 2.0), [(3, 2), (4, 2)]),
    ],
)
def test_other_ratios_shapes_and_phases_follow_the_published_steps(
    ratio: int, phase: tuple[float, float], positions: list[tuple[int, int]]
) -> None:
    seen = textured_pair(5, 2, (5, 7), ratio, phase)
    cube = Method().fuse(seen, torch.Generator()).cube.numpy()
    np.testing.assert_allclose(cube, glp_by_scipy(seen, positions, phase), rtol=0, atol=1e-7)


def test_the_published_form_takes_every_pair_as_block_centred() -> None:
    seen = textured_pair(5, 2, (5, 7), 4, (0.0, 2.0))
    cube = Method(aligned=False).fuse(seen, torch.Generator()).cube.numpy()
    np.testing.assert_allclose(cube, glp_by_scipy(seen, [(1, 1), (2, 2)], (1.5, 1.5)), rtol=0, atol=1e-7)


def test_at_ratio_32_a_flat_scene_stays_flat() -> None:
    """45 taps would leave it full of holes."""
    hsi, msi = torch.full((4, 3, 5), 0.4), torch.full((2, 96, 160), 0.4)
    cube = Method().fuse(Observation(hsi, msi, torch.linspace(400, 700, 4), 32, (15.5, 15.5)), torch.Generator()).cube
    assert torch.allclose(cube, torch.tensor(0.4), atol=0.02)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("bands", "channels", "size", "ratio"), [(1, 1, (2, 3), 2), (2, 8, (2, 3), 32), (31, 3, (8, 12), 4), (100, 1, (5, 4), 8)]
)
def test_any_number_of_bands_and_channels_gives_a_finite_cube(
    bands: int, channels: int, size: tuple[int, int], ratio: int, dtype: torch.dtype
) -> None:
    seen = textured_pair(bands, channels, size, ratio).to("cpu", dtype)
    kept = seen.hsi.clone(), seen.msi.clone()
    cube = Method().fuse(seen, torch.Generator()).cube
    assert (cube.shape, cube.dtype) == ((bands, *seen.msi.shape[1:]), dtype)
    assert bool(torch.isfinite(cube).all())
    assert torch.equal(seen.hsi, kept[0])
    assert torch.equal(seen.msi, kept[1])


@pytest.mark.parametrize("dead", ["all of the HSI", "one band", "all of the MSI", "everything", "half of the scene"])
def test_zero_and_constant_images_give_a_finite_cube(dead: str) -> None:
    seen = textured_pair(5, 3, (4, 6), 4).to("cpu", torch.float32)
    hsi, msi = seen.hsi.clone(), seen.msi.clone()
    if dead == "one band":
        hsi[2] = 0.3
    if dead in ("all of the HSI", "everything"):
        hsi.zero_()
    if dead in ("all of the MSI", "everything"):
        msi.fill_(0.7)
    if dead == "half of the scene":
        hsi[:, :, :3], msi[:, :, :12] = 0, 0
    cube = Method().fuse(Observation(hsi, msi, seen.wavelengths, 4, seen.phase), torch.Generator()).cube
    assert bool(torch.isfinite(cube).all())
    if dead == "all of the HSI":
        assert float(cube.abs().max()) < 1e-5
