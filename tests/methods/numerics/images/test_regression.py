"""Facts on images/regression.py and block_gaussian.py. Oracles: NumPy, SciPy's bounded least squares, loops over windows."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import optimize

from methods.numerics.images.block_gaussian import block_gaussian
from methods.numerics.images.regression import affine_fit, apply_affine, non_negative_fit
from methods.numerics.images.resample import block_centre


def two_images(channels: int, bands: int, size: tuple[int, int], seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    guide = torch.rand(channels, *size, dtype=torch.float64, generator=generator)
    mixing = torch.randn(bands, channels, dtype=torch.float64, generator=generator)
    noise = 0.1 * torch.randn(bands, *size, dtype=torch.float64, generator=generator)
    return guide, torch.einsum("bc,chw->bhw", mixing, guide) + noise - 0.5


@pytest.mark.parametrize(("channels", "bands", "size"), [(3, 7, (5, 8)), (1, 2, (3, 4)), (12, 4, (2, 3))])
def test_the_affine_fit_is_that_of_lstsq(channels: int, bands: int, size: tuple[int, int]) -> None:
    guide, target = two_images(channels, bands, size)
    fit = apply_affine(*affine_fit(guide, target), guide).flatten(1).numpy()
    design = np.vstack([guide.flatten(1).numpy(), np.ones((1, guide[0].numel()))]).T
    for k, band in enumerate(target.flatten(1).numpy()):
        np.testing.assert_allclose(fit[k], design @ np.linalg.lstsq(design, band, rcond=None)[0], rtol=0, atol=1e-9)


@pytest.mark.parametrize(("channels", "bands", "size"), [(5, 6, (5, 8)), (31, 3, (9, 10)), (1, 2, (3, 4))])
def test_the_non_negative_fit_is_that_of_scipys_bounded_solver(channels: int, bands: int, size: tuple[int, int]) -> None:
    guide, target = two_images(channels, bands, size, seed=channels)
    weights, offset = non_negative_fit(guide, target)
    design = np.vstack([guide.flatten(1).numpy(), np.ones((1, guide[0].numel()))]).T
    lower = np.append(np.zeros(channels), -np.inf)
    for k, band in enumerate(target.flatten(1).numpy()):
        exact = optimize.lsq_linear(design, band, (lower, np.inf), method="bvls").x
        np.testing.assert_allclose(np.append(weights[k].numpy(), float(offset[k])), exact, rtol=0, atol=1e-8)
    assert bool((weights == 0).any()) or channels == 1


@pytest.mark.parametrize("dead", ["guide", "target", "both"])
def test_constant_images_give_a_finite_fit(dead: str) -> None:
    guide, target = two_images(4, 3, (5, 6))
    if dead in ("guide", "both"):
        guide.fill_(0.3)
    if dead in ("target", "both"):
        target.fill_(0.2)
    for fit in (affine_fit, non_negative_fit):
        prediction = apply_affine(*fit(guide, target), guide)
        torch.testing.assert_close(prediction.mean((1, 2)), target.mean((1, 2)))


def test_with_fewer_pixels_than_channels_the_fit_is_exact_or_bounded() -> None:
    guide, target = two_images(40, 3, (4, 5))
    torch.testing.assert_close(apply_affine(*affine_fit(guide, target), guide), target, rtol=0, atol=1e-8)
    weights, offset = non_negative_fit(guide, target)
    assert float(weights.min()) >= 0
    assert float((apply_affine(weights, offset, guide) - target).norm()) <= float((target - target.mean((1, 2), keepdim=True)).norm())


@pytest.mark.parametrize("ratio", [1, 2, 3, 4, 5, 8])
@pytest.mark.parametrize("size", [(3, 5), (4, 2), (1, 1)])
def test_every_coarse_pixel_is_the_gaussian_mean_of_its_window(ratio: int, size: tuple[int, int]) -> None:
    image = torch.rand(2, size[0] * ratio, size[1] * ratio, dtype=torch.float64, generator=torch.Generator().manual_seed(ratio))
    coarse = block_gaussian(image, ratio, block_centre(ratio)).numpy()
    sigma, centre = ratio / 2.35482, (ratio - 1) / 2
    for i in range(size[0]):
        for j in range(size[1]):
            border = i in (0, size[0] - 1) or j in (0, size[1] - 1)
            taps = ratio if border else 2 * ratio - ratio % 2
            first = [round(centre + ratio * k - (taps - 1) / 2) for k in (i, j)]
            window = image[:, first[0] : first[0] + taps, first[1] : first[1] + taps].numpy()
            place = np.arange(taps) - (taps - 1) / 2
            kernel = np.exp(-(place[:, None] ** 2 + place**2) / (2 * sigma**2))
            np.testing.assert_allclose(coarse[:, i, j], (window * kernel / kernel.sum()).sum((1, 2)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("phase", [(1.0, 1.0), (0.25, 2.75), (-3.0, 9.0)])
def test_any_phase_keeps_a_constant_and_moves_a_ramp_by_itself(phase: tuple[float, float]) -> None:
    assert torch.allclose(block_gaussian(torch.full((1, 16, 24), 0.3), 4, phase), torch.tensor(0.3))
    ramp = torch.arange(24, dtype=torch.float64).expand(1, 16, 24)
    inner = block_gaussian(ramp, 4, phase)[0, 1:-1, 2:-2]
    assert float((inner - (phase[1] + 4 * torch.arange(2, 4))).abs().max()) < 0.3


def test_sides_that_the_ratio_does_not_divide_are_refused() -> None:
    with pytest.raises(ValueError, match="sides that 4 divides, got 10 x 12"):
        block_gaussian(torch.rand(1, 10, 12), 4, (1.5, 1.5))
