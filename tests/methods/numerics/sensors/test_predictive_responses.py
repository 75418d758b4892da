"""Facts on sensors/predictive_responses.py. Oracles: the PSF and SRF that made the pair, and a search over non-negative rows by hand."""

from __future__ import annotations

from math import cos, pi, sin

import pytest
import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from methods.numerics.sensors.predictive_responses import _non_negative_on_gram, predictive_responses
from tests.rounding import near


def gaussian(taps: tuple[int, int], widths: tuple[float, float], angle: float) -> torch.Tensor:
    """A turned Gaussian on a grid that may be lopsided; `angle` in degrees from the row axis."""
    turn = angle * pi / 180
    row = (torch.arange(taps[0], dtype=torch.float64) - (taps[0] - 1) / 2)[:, None]
    col = torch.arange(taps[1], dtype=torch.float64) - (taps[1] - 1) / 2
    along, across = row * cos(turn) + col * sin(turn), col * cos(turn) - row * sin(turn)
    kernel = torch.exp(-((along / widths[0]) ** 2 + (across / widths[1]) ** 2) / 2)
    return kernel / kernel.sum()


def blind_pair(
    psf: SpatialResponse, noise: float = 0.0, bands: int = 7, channels: int = 2, seed: int = 0
) -> tuple[Observation, SpectralResponse]:
    """A rough scene of five materials on 64 x 96 fine pixels, seen through `psf`; nothing is revealed. And the SRF that was used."""
    rng = torch.Generator().manual_seed(seed)
    maps = torch.rand(5, 64, 96, generator=rng, dtype=torch.float64) ** 2
    cube = torch.einsum("be,ehw->bhw", torch.rand(bands, 5, generator=rng, dtype=torch.float64), maps)
    weights = torch.rand(channels, bands, generator=rng, dtype=torch.float64)
    srf = SpectralResponse(weights / weights.sum(1, keepdim=True))
    hsi, msi = psf(cube), srf(cube)
    hsi = hsi + noise * torch.randn(hsi.shape, generator=rng, dtype=torch.float64)
    msi = msi + noise * torch.randn(msi.shape, generator=rng, dtype=torch.float64)
    return Observation(hsi, msi, torch.linspace(400, 700, bands), psf.ratio, psf.centre, Known()), srf


def blur_error(result: SpatialResponse, true: SpatialResponse, seen: Observation) -> float:
    """Difference of the two blurred MSIs away from the border, over their deviation."""
    expected, got = true(seen.msi)[:, 2:-2, 2:-2], result(seen.msi)[:, 2:-2, 2:-2]
    return float((expected - got).norm() / (expected - expected.mean()).norm())


@pytest.mark.parametrize(
    ("taps", "widths", "angle", "phase"),
    [((7, 7), (2.0, 2.0), 0.0, 3), ((16, 16), (2.0, 2.0), 0.0, 1), ((17, 17), (2.2, 1.2), 30.0, 2), ((17, 17), (1.0, 2.5), -50.0, 3)],
)
def test_round_and_turned_gaussians_are_recovered(taps: tuple[int, int], widths: tuple[float, float], angle: float, phase: int) -> None:
    psf = SpatialResponse(gaussian(taps, widths, angle), 4 if taps[0] > 7 else 8, phase)
    seen, _ = blind_pair(psf)
    result = predictive_responses(seen)
    assert blur_error(result.psf, psf, seen) < 1e-2
    assert result.residual < 1e-2


def test_the_estimated_psf_keeps_the_registration() -> None:
    psf = SpatialResponse(gaussian((16, 16), (2.0, 2.0), 0.0), 4, 1)
    seen, _ = blind_pair(psf)
    assert predictive_responses(seen).psf.centre == pytest.approx(psf.centre, abs=0.02)


def test_the_estimated_psf_has_no_outer_ring_of_negligible_taps() -> None:
    psf = SpatialResponse(gaussian((7, 7), (2.0, 2.0), 0.0), 8, 3)
    seen, _ = blind_pair(psf)
    kernel = predictive_responses(seen).psf.kernel
    assert kernel.shape == (7, 7)  # of the 11 x 11 that registration and window might need
    assert float(kernel.sum()) == pytest.approx(1.0, abs=1e-6)
    torch.testing.assert_close(kernel, psf.kernel.float(), rtol=0, atol=1e-3, check_dtype=False)


def test_the_srf_is_recovered_and_its_rows_are_responses() -> None:
    psf = SpatialResponse(gaussian((13, 13), (1.6, 1.6), 0.0), 4, 2)
    seen, srf = blind_pair(psf, bands=4)  # fewer bands than materials: the SRF is determined
    result = predictive_responses(seen).srf.weights
    assert float((result - srf.weights).norm() / srf.weights.norm()) < 0.02
    assert bool((result >= 0).all())
    torch.testing.assert_close(result.sum(1), torch.ones(2, dtype=torch.float64))


def test_noise_costs_little_and_more_noise_costs_more() -> None:
    psf = SpatialResponse(gaussian((17, 17), (2.2, 1.4), 30.0), 4, 2)
    residuals = []
    for noise in (0.0, 0.003, 0.03):
        seen, _ = blind_pair(psf, noise)
        result = predictive_responses(seen)
        assert blur_error(result.psf, psf, seen) < 0.1
        residuals.append(result.residual)
    assert residuals == sorted(residuals)


def test_a_known_srf_is_kept_and_the_psf_still_found() -> None:
    psf = SpatialResponse(gaussian((17, 17), (2.2, 1.4), 30.0), 4, 2)
    seen, srf = blind_pair(psf, 0.003)
    result = predictive_responses(seen, srf)
    assert result.srf is srf
    assert blur_error(result.psf, psf, seen) < 0.05


def test_a_blur_outside_the_family_shows_in_the_residual() -> None:
    motion = torch.eye(9, dtype=torch.float64) / 9
    motion[0, 8] = 0.5
    psf = SpatialResponse(motion / motion.sum(), 4, 2)
    seen, _ = blind_pair(psf)
    assert predictive_responses(seen).residual > 0.05


def test_the_search_is_deterministic() -> None:
    seen, _ = blind_pair(SpatialResponse(gaussian((9, 9), (1.5, 1.2), 10.0), 4, 1), 0.003)
    first, second = predictive_responses(seen), predictive_responses(seen)
    near(first.psf.kernel, second.psf.kernel)
    near(first.srf.weights, second.srf.weights)


def test_non_negative_least_squares_meets_its_optimality_conditions() -> None:
    rng = torch.Generator().manual_seed(3)
    matrix = torch.randn(20, 6, generator=rng, dtype=torch.float64)
    gram, right = matrix.T @ matrix, matrix.T @ torch.randn(20, generator=rng, dtype=torch.float64)
    x = _non_negative_on_gram(gram, right)
    slope = gram @ x - right
    assert bool((x >= 0).all())
    assert 0 < int((x > 0).sum()) < 6
    assert float(slope.min()) > -1e-8
    assert float((x * slope).abs().max()) < 1e-8
