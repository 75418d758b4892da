"""Spectral kriging under noise: levels of noise, the images without it, and a linear part that expects it."""

from __future__ import annotations

import pytest
import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from methods.contract import Example
from methods.gaussian.kriging.gaussian_process import condition
from methods.gaussian.kriging.method import Method
from methods.gaussian.kriging.noise_levels import agreeing, hsi_noise, low_rank_part, msi_noise
from methods.gaussian.kriging.pixel_features import smoothest_spectra

BANDS, CHANNELS, ROWS, COLS = 24, 4, 96, 128


def draw(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def sensor() -> tuple[SpatialResponse, SpectralResponse]:
    """A lopsided PSF at ratio 4, and four channels that overlap."""
    line = torch.exp(-((torch.arange(9, dtype=torch.float64) - 4) ** 2) / 6)
    kernel = line[:, None] * line.roll(1)
    weights = torch.exp(-((torch.arange(BANDS) - torch.tensor([3.0, 9.0, 14.0, 20.0])[:, None]) ** 2).double() / 12)
    return SpatialResponse(kernel / kernel.sum(), 4, 1), SpectralResponse(weights / weights.sum(1, keepdim=True))


def pair(hsi_noise: float, msi_noise: float) -> tuple[torch.Tensor, Observation]:
    """Six smooth spectra mixed by maps that vary slowly but for a sharp edge; the pair with white noise of these deviations."""
    rng = torch.Generator().manual_seed(1)
    coarse = torch.rand(1, 6, 12, 16, generator=rng, dtype=torch.float64)
    maps = torch.nn.functional.interpolate(coarse, size=(ROWS, COLS), mode="bicubic")[0]
    maps[:, :, 70:] = maps[:, :, 70:].flip(0)
    centres, position = torch.rand(6, 1, generator=rng, dtype=torch.float64) * BANDS, torch.arange(BANDS, dtype=torch.float64)
    spectra = 0.1 + torch.exp(-((position - centres) ** 2) / 60)
    cube = torch.einsum("mhw,mb->bhw", maps.clamp_min(0.02), spectra) / 3
    psf, srf = sensor()
    hsi, msi = psf(cube), srf(cube)
    return cube, Observation(
        hsi + hsi_noise * draw(2, *hsi.shape),
        msi + msi_noise * draw(3, *msi.shape),
        torch.linspace(420, 880, BANDS, dtype=torch.float64),
        4,
        psf.centre,
        Known(psf, srf),
    )


def differences(seen: Observation) -> torch.Tensor:
    return (seen.srf(seen.hsi) - seen.psf(seen.msi)).flatten(1)


@pytest.mark.parametrize("deviation", [0.002, 0.01])
def test_the_noise_of_both_images_is_found(deviation: float) -> None:
    _, seen = pair(deviation, deviation / 2)
    found = hsi_noise(seen.hsi, differences(seen), seen.srf)
    assert found**0.5 == pytest.approx(deviation, rel=0.15)
    assert msi_noise(seen.msi, found) ** 0.5 == pytest.approx(deviation / 2, rel=0.15)


def test_texture_of_single_channels_is_not_taken_for_noise_of_the_msi_where_half_of_it_is_calm() -> None:
    _, seen = pair(0.0, 0.005)
    textured = seen.msi.clone()
    textured[:, :, :64] += 0.05 * draw(9, CHANNELS, ROWS, 64)
    assert msi_noise(textured, 1.0) ** 0.5 == pytest.approx(0.005, rel=0.25)


def test_without_noise_there_is_none() -> None:
    _, seen = pair(0.0, 0.0)
    assert hsi_noise(seen.hsi, differences(seen), seen.srf) == 0.0
    assert msi_noise(seen.msi, 0.0) == 0.0


def test_a_wrong_psf_is_not_taken_for_noise() -> None:
    _, seen = pair(0.0, 0.0)
    wrong = SpatialResponse(torch.ones(4, 4, dtype=torch.float64) / 16, 4, 1)
    left = (seen.srf(seen.hsi) - wrong(seen.msi)).flatten(1)
    as_noise = float((left.square().mean(1) / seen.srf.weights.square().sum(1)).median())
    assert hsi_noise(seen.hsi, left, seen.srf) < 0.02 * as_noise


def test_one_channel_cannot_claim_more_noise_than_the_hsi_has_room_for() -> None:
    _, seen = pair(0.001, 0.0)
    pan = SpectralResponse(torch.full((1, BANDS), 1 / BANDS, dtype=torch.float64))
    assert hsi_noise(seen.hsi, 0.3 * draw(4, 1, 768), pan) ** 0.5 < 0.002


def test_the_low_rank_part_is_nearer_to_the_truth_and_says_how_much_noise_it_kept() -> None:
    cube, seen = pair(0.01, 0.0)
    truth = seen.psf(cube)
    clean, stays = low_rank_part(seen.hsi, 0.01**2)
    before, after = (float((image - truth).square().mean()) for image in (seen.hsi, clean))
    assert after < 0.5 * before
    assert stays == pytest.approx(after, rel=0.5)
    same, none = low_rank_part(seen.hsi, 0.0)
    assert none == 0.0
    assert torch.equal(same, seen.hsi)


def test_the_agreeing_image_is_the_minimiser() -> None:
    _, srf = sensor()
    hsi, blurred, trust = draw(5, BANDS, 3, 5), draw(6, CHANNELS, 3, 5), 0.3
    x = agreeing(hsi, blurred, srf, trust).requires_grad_()
    cost = (x - hsi).square().sum() + (blurred - srf(x)).square().sum() / trust
    (slope,) = torch.autograd.grad(cost, x)
    assert float(slope.abs().max()) < 1e-10


def test_the_smoothest_spectra_are_seen_as_one_and_as_nothing_and_are_the_smoothest() -> None:
    _, srf = sensor()
    wavelengths = torch.linspace(420, 880, BANDS, dtype=torch.float64).flip(0)
    found = smoothest_spectra(srf, wavelengths)
    seen_as = found @ srf.weights.T
    torch.testing.assert_close(seen_as, torch.eye(CHANNELS, dtype=torch.float64), rtol=0, atol=1e-6)
    least_norm = torch.linalg.pinv(srf.weights).T
    assert float(found.diff(n=2).square().sum()) < 0.7 * float(least_norm.diff(n=2).square().sum())


def test_a_noisy_trend_has_the_coefficients_of_many_noisy_copies() -> None:
    """Without a process: the ridge of the expected information is what many copies with drawn noise give in the mean."""
    n, spread = 40, 0.4
    trend, coefficients = draw(7, n, 2), torch.tensor([[1.5], [-0.7]], dtype=torch.float64)
    targets, noise = trend @ coefficients, torch.full((n,), 0.05, dtype=torch.float64)
    none = torch.zeros(n, 3, dtype=torch.float64)
    found = condition(torch.eye(3, dtype=torch.float64), none, noise, trend, 1e6, targets, torch.full((n,), spread**2).double())
    copies = 3000
    noisy = trend.repeat(copies, 1) + spread * draw(8, n * copies, 2)
    expected = torch.linalg.lstsq(noisy, targets.repeat(copies, 1)).solution
    torch.testing.assert_close(found.coefficients, expected, rtol=0.02, atol=0.01)


@pytest.mark.parametrize("knows", ["psf+srf", "srf", "nothing"])
def test_noise_costs_less_than_where_nothing_is_done_about_it(knows: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cube, seen = pair(0.015, 0.008)

    def error() -> float:
        method = Method(knows=knows, samples=256, uncertainty=False)  # type: ignore[arg-type]
        estimate = method.fit([Example(seen)], torch.Generator().manual_seed(0)).fuse(seen, torch.Generator())
        return float((estimate.cube - cube).square().mean())

    with_all = error()
    monkeypatch.setattr("methods.gaussian.kriging.coarse_view.hsi_noise", lambda *_: 0.0)
    assert with_all < 0.9 * error()


@pytest.mark.parametrize("knows", ["psf+srf", "srf"])
def test_the_deviation_knows_of_the_noise_that_the_msi_hands_on(knows: str) -> None:
    """The noise of fine pixels is not on the coarse grid, from which the rest of the deviation comes: without it, 1.2 to 1.5."""
    cube, seen = pair(0.012, 0.012)
    method = Method(knows=knows, samples=256)  # type: ignore[arg-type]
    estimate = method.fit([Example(seen)], torch.Generator().manual_seed(0)).fuse(seen, torch.Generator())
    assert estimate.std is not None
    ratio = float((estimate.cube - cube).square().mean() / estimate.std.square().mean()) ** 0.5
    assert 0.7 < ratio < 1.2
