"""Facts on methods/classical/sfim.py. Oracles: the toolbox's output (parity fixture), and the published steps in NumPy loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from datasets.observation import Observation
from methods.classical.sfim import Method
from methods.numerics.images.resample import block_centre, shrink, upsample


def speckled_pair(
    bands: int, channels: int, size: tuple[int, int], ratio: int, phase: tuple[float, float] | None = None, seed: int = 0
) -> Observation:
    """Bright correlated bands with speckle, float64."""
    generator = torch.Generator().manual_seed(seed)
    sources = 0.2 + torch.rand(channels, *size, dtype=torch.float64, generator=generator)
    mixing = torch.rand(bands, channels, dtype=torch.float64, generator=generator)
    hsi = torch.einsum("bc,chw->bhw", mixing, sources) + 0.05 * torch.rand(bands, *size, dtype=torch.float64, generator=generator)
    msi = upsample(sources, ratio, block_centre(ratio))
    msi = msi + 0.05 * torch.rand(msi.shape, dtype=torch.float64, generator=generator)
    return Observation(hsi, msi, torch.linspace(400, 700, bands), ratio, phase or block_centre(ratio))


def sfim_by_loops(seen: Observation, phase: tuple[float, float]) -> np.ndarray:
    hsi, msi, low = seen.hsi.numpy(), seen.msi.numpy(), shrink(seen.msi, seen.ratio, phase, "linear").numpy()
    design = np.stack([*(channel.ravel() for channel in low), np.ones(low[0].size)], axis=1)
    cube = np.empty((len(hsi), *msi.shape[1:]))
    for k, band in enumerate(hsi):
        fit = np.linalg.lstsq(design, band.ravel(), rcond=None)[0]
        coarse = (design @ fit).reshape(band.shape)
        for i in range(msi.shape[1]):
            for j in range(msi.shape[2]):
                row = min(max(int(np.floor((i - phase[0]) / seen.ratio + 0.5)), 0), band.shape[0] - 1)
                col = min(max(int(np.floor((j - phase[1]) / seen.ratio + 0.5)), 0), band.shape[1] - 1)
                cube[k, i, j] = (msi[:, i, j] @ fit[:-1] + fit[-1]) * band[row, col] / coarse[row, col]
    return cube


@pytest.mark.parametrize("settings", [{}, {"floor": 0.0, "aligned": False}], ids=["default", "as published"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_block_centred_pairs_give_the_output_of_the_toolbox(shared: Path, settings: dict[str, object], dtype: torch.dtype) -> None:
    with np.load(shared / "parity/model/s4_noisy.npz") as inputs, np.load(shared / "parity/model/s4_noisy__sfim.npz") as outputs:
        hsi, msi, expected = (torch.from_numpy(a) for a in (inputs["HSI"], inputs["MSI"], outputs["Z"]))
    seen = Observation(hsi.to(dtype), msi.to(dtype), torch.linspace(400, 700, 31), 4, (1.5, 1.5))
    cube = Method(**settings).fuse(seen, torch.Generator()).cube
    assert float((cube - expected).norm() / expected.norm()) < 1e-6


@pytest.mark.parametrize("phase", [(1.0, 1.0), (0.0, 2.25), (2.5, -0.75)])
def test_other_shapes_and_phases_follow_the_published_steps(phase: tuple[float, float]) -> None:
    seen = speckled_pair(7, 2, (6, 9), 3, phase)
    np.testing.assert_allclose(Method().fuse(seen, torch.Generator()).cube.numpy(), sfim_by_loops(seen, phase), rtol=0, atol=1e-10)
    published = Method(aligned=False).fuse(seen, torch.Generator()).cube.numpy()
    np.testing.assert_allclose(published, sfim_by_loops(seen, (1.0, 1.0)), rtol=0, atol=1e-10)


def test_the_floor_keeps_a_dark_background_from_exploding() -> None:
    """A band that is dark over most of the scene: the line fitted to it passes through 0 there, where the channel has detail."""
    ramp = torch.linspace(0, 1, 400, dtype=torch.float64).expand(4, 400)
    hsi = (ramp - 0.7).clamp_min(0.02)[None]
    checks = 0.2 * (1 - 2 * ((torch.arange(8)[:, None] + torch.arange(800)) % 2).double())
    msi = ramp.repeat_interleave(2, 0).repeat_interleave(2, 1)[None] + checks
    dark = Observation(hsi, msi, torch.tensor([500.0]), 2, (0.5, 0.5))
    published, ours = (float(Method(floor=floor).fuse(dark, torch.Generator()).cube.abs().max()) for floor in (0.0, 0.05))
    assert ours < 0.7
    assert Method(floor=0.0).describe().name == "SFIM-HS without floor"
    assert published > 2


@pytest.mark.parametrize("floor", [0.0, 0.05])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(
    ("bands", "channels", "size", "ratio"), [(1, 1, (2, 3), 2), (2, 8, (2, 3), 32), (31, 3, (8, 12), 4), (100, 1, (5, 4), 8)]
)
def test_any_number_of_bands_and_channels_gives_a_finite_cube(
    bands: int, channels: int, size: tuple[int, int], ratio: int, dtype: torch.dtype, floor: float
) -> None:
    seen = speckled_pair(bands, channels, size, ratio).to("cpu", dtype)
    kept = seen.hsi.clone(), seen.msi.clone()
    cube = Method(floor=floor).fuse(seen, torch.Generator()).cube
    assert (cube.shape, cube.dtype) == ((bands, *seen.msi.shape[1:]), dtype)
    assert bool(torch.isfinite(cube).all())
    assert torch.equal(seen.hsi, kept[0])
    assert torch.equal(seen.msi, kept[1])


@pytest.mark.parametrize("floor", [0.0, 0.05])
@pytest.mark.parametrize("dead", ["all of the HSI", "one band", "all of the MSI", "everything", "half of the scene"])
def test_zero_and_constant_images_give_a_finite_cube(dead: str, floor: float) -> None:
    seen = speckled_pair(5, 3, (4, 6), 4).to("cpu", torch.float32)
    hsi, msi = seen.hsi.clone(), seen.msi.clone()
    if dead == "one band":
        hsi[2] = 0.3
    if dead in ("all of the HSI", "everything"):
        hsi.zero_()
    if dead in ("all of the MSI", "everything"):
        msi.zero_()
    if dead == "half of the scene":
        hsi[:, :, :3], msi[:, :, :12] = 0, 0
    cube = Method(floor=floor).fuse(Observation(hsi, msi, seen.wavelengths, 4, seen.phase), torch.Generator()).cube
    assert bool(torch.isfinite(cube).all())
    if dead == "one band":
        assert torch.allclose(cube[2], torch.tensor(0.3), atol=1e-5)


def test_a_floor_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match="floor"):
        Method(floor=1.0)
