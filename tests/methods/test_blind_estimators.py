"""Facts on sensors/smooth_responses.py and constrained_responses.py. Oracles: the authors' estimates, normal equations by loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Observation
from methods.numerics.sensors.constrained_responses import constrained_responses
from methods.numerics.sensors.smooth_responses import (
    normalise_rows,
    place_kernel,
    psf_window,
    regress_psf,
    regress_responses,
    regress_srf,
    smooth_responses,
)


def draw(generator: torch.Generator, *shape: int) -> torch.Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=generator)


def test_srf_and_psf_are_those_of_the_authors_estimator(shared: Path) -> None:
    with np.load(shared / "parity/model/s4_noisy.npz") as a, np.load(shared / "parity/model/s4_noisy__hysure_blind.npz") as b:
        hsi, msi, vectors, weights, periodic = (torch.from_numpy(x) for x in (a["HSI"], a["MSI"], b["V"], b["R"], b["B"]))
    ours = regress_srf(hsi, msi, 4, (1.0, 1.0))
    target = torch.einsum("cb,br,dr,dhw->chw", ours, vectors, vectors, hsi)
    kernel = regress_psf(target, msi, 4, (-3, -3), (10, 10))
    places = torch.arange(-5, 5) % 64  # theirs is stored without mirroring
    theirs = periodic[places][:, places]
    assert float((kernel / kernel.sum() - theirs).norm() / theirs.norm()) < 1e-10
    assert float((ours / kernel.sum() - weights).norm() / weights.norm()) < 1e-10


@pytest.mark.parametrize(("size", "sides"), [((6, 8), (3, 4)), ((3, 4), (7, 6))])
def test_the_psf_solves_the_normal_equations(size: tuple[int, int], sides: tuple[int, int]) -> None:
    """More equations than taps, and fewer: the two ways of solving are one regression."""
    generator, ratio, first = torch.Generator().manual_seed(0), 3, (-1, -2)
    msi, target = draw(generator, 2, size[0] * ratio, size[1] * ratio), draw(generator, 2, *size)
    gram, right = torch.zeros(sides[0] * sides[1], sides[0] * sides[1]).double(), torch.zeros(sides[0] * sides[1]).double()
    for row in range(sides[0]):
        for col in range(sides[1]):
            for other in ((row + 1, col), (row, col + 1)):
                if other[0] < sides[0] and other[1] < sides[1]:
                    step = torch.zeros(sides).double()
                    step[row, col], step[other] = -1, 1
                    gram += 10 * torch.outer(step.flatten(), step.flatten())
    for i in range(size[0]):
        for j in range(size[1]):
            top, left = i * ratio + first[0], j * ratio + first[1]
            if top < 0 or left < 0 or top + sides[0] > msi.shape[1] or left + sides[1] > msi.shape[2]:
                continue
            for channel in range(2):
                patch = msi[channel, top : top + sides[0], left : left + sides[1]].flatten()
                gram += torch.outer(patch, patch)
                right += target[channel, i, j] * patch
    expected = torch.linalg.solve(gram, right).reshape(sides)
    assert torch.allclose(regress_psf(target, msi, ratio, first, sides), expected, rtol=0, atol=1e-9)


def test_the_srf_minimises_its_cost() -> None:
    generator = torch.Generator().manual_seed(1)
    hsi, msi = draw(generator, 5, 6, 7), draw(generator, 2, 12, 14)
    result = regress_srf(hsi, msi, 2, (0.5, 0.5))
    nudge = torch.randn(2, 5, dtype=torch.float64, generator=generator)
    moved = [regress_cost(hsi, msi, result + step * nudge) for step in (-1e-3, 0.0, 1e-3)]
    assert moved[1] < min(moved[0], moved[2])
    assert abs(moved[0] - moved[2]) < 1e-6 * (moved[0] + moved[2] - 2 * moved[1])


def test_rows_become_a_response_and_a_gain() -> None:
    rows = torch.tensor([[0.3, 0.9], [-0.1, 0.1]]).double()
    srf, gain = normalise_rows(rows)
    assert torch.allclose(srf.weights, torch.tensor([[0.25, 0.75], [0.5, 0.5]]).double())
    assert gain.tolist() == pytest.approx([1.2, 1.0])


def regress_cost(hsi: torch.Tensor, msi: torch.Tensor, weights: torch.Tensor) -> float:
    """|R Y - M|^2 + 10 |R D'|^2, with the boxes by loops: 5 x 5 on the HSI, 9 x 9 around the half pixel 0.5 on the MSI."""
    pixels = sum(hsi.roll((u, v), (1, 2)) for u in range(-2, 3) for v in range(-2, 3)) / 25
    share = {-4: 0.5, 5: 0.5, **dict.fromkeys(range(-3, 5), 1.0)}
    values = sum(msi.roll((-u, -v), (1, 2)) * a * b for u, a in share.items() for v, b in share.items()) / 81
    assert isinstance(values, torch.Tensor)
    misfit = torch.einsum("cb,bhw->chw", weights, pixels) - values[:, ::2, ::2]
    return float(misfit.square().sum() + 10 * weights.diff(dim=1).square().sum())


def textured_pair(phase: int, kernel: torch.Tensor, ratio: int = 4, size: tuple[int, int] = (12, 16), bands: int = 9) -> Observation:
    generator = torch.Generator().manual_seed(2)
    maps = torch.rand(3, size[0] * ratio, size[1] * ratio, generator=generator)
    cube = torch.einsum("be,ehw->bhw", torch.rand(bands, 3, generator=generator) / 3, maps)
    weights = torch.rand(2, bands, generator=generator)
    psf, srf = SpatialResponse(kernel / kernel.sum(), ratio, phase), SpectralResponse(weights / weights.sum(1, keepdim=True))
    return Observation(psf(cube), srf(cube), torch.linspace(400, 700, bands), ratio, psf.centre)


@pytest.mark.parametrize("phase", [0, 1])
def test_a_lopsided_psf_is_found_where_it_lies_and_not_mirrored(phase: int) -> None:
    kernel = torch.tensor([[0.0, 1.0, 2.0], [0.5, 3.0, 6.0], [0.0, 0.5, 1.0]])
    seen = textured_pair(phase, kernel)
    truth = SpatialResponse(kernel / kernel.sum(), 4, phase).circular_kernel(48, 64)
    result = constrained_responses(seen, steps=(1500, 1500))[0].circular_kernel(48, 64)
    assert float((result - truth).norm() / truth.norm()) < 0.05
    smooth = smooth_responses(seen)[0].circular_kernel(48, 64)
    mirrored = truth.flip(0, 1).roll((1, 1), (0, 1))
    assert float((smooth - truth).norm()) < 0.9 * float((smooth - mirrored).norm())  # 0.69


def test_constrained_responses_are_weights() -> None:
    seen = textured_pair(1, torch.rand(3, 3, generator=torch.Generator().manual_seed(4)))
    psf, srf = constrained_responses(seen, steps=(200, 200))
    assert float(psf.kernel.min()) >= 0
    assert float(srf.weights.min()) >= 0
    assert psf.kernel.dtype == torch.float32


@pytest.mark.parametrize("first", [(0, 0), (-5, 2), (3, -1)])
def test_a_placed_kernel_weighs_the_pixels_it_was_cut_from(first: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    kernel, image = draw(generator, 4, 3), draw(generator, 2, 12, 16)
    kernel /= kernel.sum()
    response = place_kernel(kernel, first, 4)
    for i, j in ((0, 0), (2, 1)):
        expected = sum(
            kernel[u, v] * image[:, (4 * i + first[0] + u) % 12, (4 * j + first[1] + v) % 16] for u in range(4) for v in range(3)
        )
        assert torch.allclose(response(image)[:, i, j], torch.as_tensor(expected))


def test_a_window_is_centred_on_the_pair() -> None:
    image = torch.zeros(1, 2, 3)
    seen = Observation(image, torch.zeros(1, 16, 24), torch.ones(1), 8, (3.5, 3.0))
    assert psf_window(seen, 8) == ((8, 9), (0, -1))
    assert psf_window(seen, 15) == ((16, 15), (-4, -4))


def test_estimates_do_not_depend_on_the_unit_of_the_images() -> None:
    seen = textured_pair(1, torch.rand(3, 3, generator=torch.Generator().manual_seed(4))).to("cpu", torch.float64)
    scaled = Observation(50 * seen.hsi, 50 * seen.msi, seen.wavelengths, 4, seen.phase)
    first, second = (regress_responses(pair) for pair in (seen, scaled))
    assert torch.allclose(first.weights, second.weights, atol=1e-9)
    assert torch.allclose(first.kernel, second.kernel, atol=1e-9)
