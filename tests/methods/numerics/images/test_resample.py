"""Facts on methods/numerics/images/resample.py. Oracles: the definition in loops, Pillow (which clamps at the border), polynomials."""

from __future__ import annotations

from math import floor

import numpy as np
import pytest
import torch
from PIL import Image

from methods.numerics.images.resample import block_centre, shrink, upsample


def keys_kernel(t: float) -> float:
    t = abs(t)
    if t < 1:
        return 1.5 * t**3 - 2.5 * t**2 + 1
    return -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2 if t < 2 else 0.0


def sample_in_loops(line: np.ndarray, centre: float, stretch: int, kernel) -> float:
    total = weight_sum = 0.0
    for place in range(floor(centre) - 4 * stretch, floor(centre) + 4 * stretch + 1):
        source = place
        while not 0 <= source < line.size:  # mirrored about the outer faces of the edge pixels
            source = -1 - source if source < 0 else 2 * line.size - 1 - source
        weight = kernel((centre - place) / stretch)
        total, weight_sum = total + weight * line[source], weight_sum + weight
    return total / weight_sum


@pytest.mark.parametrize(("ratio", "phase"), [(2, (0.5, 0.5)), (3, (0.0, 2.25)), (4, (-0.7, 3.0)), (8, (5.5, 3.5))])
def test_upsample_is_the_definition_in_loops_for_every_phase(ratio: int, phase: tuple[float, float]) -> None:
    image = torch.rand(2, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    expected = np.zeros((2, 3 * ratio, 5 * ratio))
    for band in range(2):
        half = np.array(
            [[sample_in_loops(row, (f - phase[1]) / ratio, 1, keys_kernel) for f in range(5 * ratio)] for row in image[band].numpy()]
        )
        expected[band] = np.array(
            [[sample_in_loops(c, (f - phase[0]) / ratio, 1, keys_kernel) for f in range(3 * ratio)] for c in half.T]
        ).T
    np.testing.assert_allclose(upsample(image, ratio, phase).numpy(), expected, rtol=0, atol=1e-13)


@pytest.mark.parametrize("kernel", ["cubic", "linear"])
@pytest.mark.parametrize(("ratio", "phase"), [(2, (0.5, 0.5)), (3, (0.0, 2.25)), (4, (1.5, 3.0))])
def test_shrink_is_the_definition_in_loops_for_every_phase(ratio: int, phase: tuple[float, float], kernel: str) -> None:
    profile = keys_kernel if kernel == "cubic" else lambda t: max(0.0, 1 - abs(t))
    image = torch.rand(2, 3 * ratio, 5 * ratio, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    for band in range(2):
        half = np.array([[sample_in_loops(row, phase[1] + ratio * j, ratio, profile) for j in range(5)] for row in image[band].numpy()])
        expected = np.array([[sample_in_loops(column, phase[0] + ratio * i, ratio, profile) for i in range(3)] for column in half.T]).T
        np.testing.assert_allclose(shrink(image, ratio, phase, kernel)[band].numpy(), expected, rtol=0, atol=1e-13)


def test_block_centred_resampling_agrees_with_pillow_away_from_the_border() -> None:
    generator = torch.Generator().manual_seed(3)
    small, large = torch.rand(1, 12, 17, generator=generator), torch.rand(1, 48, 68, generator=generator)
    up = np.asarray(Image.fromarray(small[0].numpy()).resize((68, 48), Image.Resampling.BICUBIC))
    np.testing.assert_allclose(upsample(small, 4, block_centre(4))[0, 8:-8, 8:-8].numpy(), up[8:-8, 8:-8], atol=2e-6)
    for kernel, filter_ in (("cubic", Image.Resampling.BICUBIC), ("linear", Image.Resampling.BILINEAR)):
        down = np.asarray(Image.fromarray(large[0].numpy()).resize((17, 12), filter_))
        np.testing.assert_allclose(shrink(large, 4, block_centre(4), kernel)[0, 2:-2, 2:-2].numpy(), down[2:-2, 2:-2], atol=2e-6)


def paraboloid(rows: torch.Tensor, cols: torch.Tensor) -> torch.Tensor:
    return (0.3 * rows**2 - 1.1 * rows)[:, None] + (0.07 * cols**2 + 2 * cols)[None, :]


def test_upsampling_reproduces_a_quadratic_image_at_its_own_phase() -> None:
    ratio, phase = 4, (0.25, 2.75)
    coarse = paraboloid(*(start + ratio * torch.arange(size, dtype=torch.float64) for start, size in zip(phase, (7, 9), strict=True)))
    fine = paraboloid(torch.arange(28, dtype=torch.float64), torch.arange(36, dtype=torch.float64))
    away = (slice(8, -8), slice(8, -8))
    assert torch.allclose(upsample(coarse[None], ratio, phase)[0][away], fine[away], atol=1e-10)
    assert not torch.allclose(upsample(coarse[None], ratio, (1.5, 1.5))[0][away], fine[away], atol=0.1)


@pytest.mark.parametrize("kernel", ["cubic", "linear"])
def test_shrinking_a_ramp_samples_it_at_the_phase(kernel: str) -> None:
    ratio, phase = 3, (0.25, 2.0)
    rows, cols = torch.arange(27, dtype=torch.float64), torch.arange(36, dtype=torch.float64)
    ramp = 2 * rows[:, None] - 3 * cols[None, :]
    expected = 2 * (phase[0] + rows[::3])[:, None] - 3 * (phase[1] + cols[::3])[None, :]
    away = (slice(2, -3), slice(2, -3))
    assert torch.allclose(shrink(ramp[None], ratio, phase, kernel)[0][away], expected[away], atol=1e-12)


@pytest.mark.parametrize("ratio", [2, 4, 8, 32])
def test_a_constant_stays_constant_even_on_two_by_three_pixels(ratio: int) -> None:
    coarse = torch.full((2, 2, 3), 0.3)
    up = upsample(coarse, ratio, (0.0, ratio - 1.0))
    assert up.shape == (2, 2 * ratio, 3 * ratio)
    assert torch.allclose(up, torch.tensor(0.3), atol=1e-6)
    assert torch.allclose(shrink(up, ratio, (0.0, ratio - 1.0)), coarse, atol=1e-6)


def test_turning_the_image_and_its_phase_around_turns_the_result_around() -> None:
    image = torch.rand(2, 3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    plain = upsample(image, 4, (0.5, 3.0))
    turned = upsample(image.flip(1, 2), 4, (3 - 0.5, 3 - 3.0))
    assert torch.allclose(turned.flip(1, 2), plain, atol=1e-13)


def test_shrinking_refuses_sides_that_the_ratio_does_not_divide() -> None:
    with pytest.raises(ValueError, match="expected sides that 4 divides, got 8 x 10"):
        shrink(torch.rand(1, 8, 10), 4, (1.5, 1.5))
