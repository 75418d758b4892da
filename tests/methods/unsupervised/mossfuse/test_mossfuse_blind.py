"""The estimated sensors: their formulas, their place in the block, and that they can be learned."""

from __future__ import annotations

from math import exp

import pytest
import torch

from datasets.degradation import SpatialResponse
from methods.unsupervised.mossfuse.blind_degradation import BlindDegradation, blur, integrate
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork
from methods.unsupervised.mossfuse.scene_training import Budget, learn_sensors

RATIOS = (2, 3, 4, 5, 8, 32)
LOPSIDED = ((0.7, 9.0), (-0.4, 0.5))  # the 9 lies above the diagonal and must not count


@pytest.mark.parametrize("ratio", RATIOS)
def test_the_psf_is_the_gaussian_of_the_formula(ratio: int) -> None:
    blind = BlindDegradation(4, 3, ratio).double()
    with torch.no_grad():
        blind.precision_root.copy_(torch.tensor(LOPSIDED, dtype=torch.float64))
    taps, centre = ratio - 1, (ratio - 1) // 2
    kernel = [[0.0] * taps for _ in range(taps)]
    for row in range(taps):
        for col in range(taps):
            r, c = row - centre, col - centre
            first, second = 0.7 * r, -0.4 * r + 0.5 * c
            kernel[row][col] = exp(-0.5 * (first**2 + second**2))
    expected = torch.tensor(kernel, dtype=torch.float64) / sum(map(sum, kernel))
    torch.testing.assert_close(blind.psf().detach(), expected, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("ratio", RATIOS)
def test_sensors_start_as_a_delta_and_a_flat_table(ratio: int) -> None:
    blind = BlindDegradation(5, 3, ratio)
    psf = blind.psf().detach()
    assert float(psf[blind.centre, blind.centre]) > 0.999
    torch.testing.assert_close(blind.srf().detach(), torch.full((3, 5), 0.2))


@pytest.mark.parametrize("ratio", RATIOS)
def test_the_reported_response_is_the_blur_of_training_and_stays_in_the_block(ratio: int) -> None:
    blind = BlindDegradation(4, 3, ratio).double()
    with torch.no_grad():
        blind.precision_root.copy_(torch.tensor(LOPSIDED, dtype=torch.float64))
    image = torch.rand(2, 3 * ratio, 5 * ratio, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    reported = blind.spatial_response()
    valid = SpatialResponse(reported.kernel, ratio, reported.phase, boundary="valid")  # refuses a footprint that leaves the image
    trained = blur(image[None], blind.psf().detach(), ratio)[0]
    torch.testing.assert_close(valid(image), trained, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(reported(image), trained, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("ratio", RATIOS)
def test_a_delta_psf_sees_the_pixel_that_training_samples(ratio: int) -> None:
    blind = BlindDegradation(2, 1, ratio)
    image = torch.rand(1, 2, 2 * ratio, 3 * ratio)
    with torch.no_grad():
        blind.precision_root.copy_(100 * torch.eye(2))
        torch.testing.assert_close(blur(image, blind.psf(), ratio), image[:, :, blind.centre :: ratio, blind.centre :: ratio])
    assert blind.spatial_response().centre == pytest.approx((blind.centre, blind.centre), abs=1e-6)
    if ratio % 2 == 0:
        assert blind.centre == ratio // 2 - 1


def test_srf_rows_sum_to_one_and_keep_negative_entries() -> None:
    blind = BlindDegradation(4, 2, 4)
    with torch.no_grad():
        blind.srf_weights.copy_(torch.tensor([[4.0, -1.0, 1.0, 4.0], [1.0, 0.0, 0.0, 1.0]]))
    expected = torch.tensor([[0.5, -0.125, 0.125, 0.5], [0.5, 0, 0, 0.5]])
    torch.testing.assert_close(blind.spectral_response().weights, expected)
    cube = torch.rand(1, 4, 3, 5)
    torch.testing.assert_close(integrate(cube, expected)[0], blind.spectral_response()(cube[0]))


def test_both_ways_to_the_low_resolution_msi_are_clamped() -> None:
    blind = BlindDegradation(4, 2, 4)
    from_hsi, from_msi = blind(torch.full((1, 2, 8, 12), -0.5), torch.full((1, 4, 2, 3), 1.5))
    assert bool((from_hsi == 1).all())
    assert bool((from_msi == 0).all())


def test_sensors_are_recovered_from_one_pair() -> None:
    rng = torch.Generator().manual_seed(1)
    truth = torch.rand(4, 64, 48, generator=rng)
    srf = torch.tensor([[0.6, 0.3, 0.1, 0.0], [0.0, 0.1, 0.3, 0.6]])
    sensor = BlindDegradation(4, 2, 8)
    with torch.no_grad():
        sensor.precision_root.copy_(torch.tensor([[0.8, 0.0], [0.2, 0.5]]))
        psf = sensor.psf()
        msi, hsi = integrate(truth[None], srf)[0], blur(truth[None], psf, 8)[0]
    network = MossFuseNetwork(4, 2, 8, width=8)
    learn_sensors(network, msi, hsi, Budget(steps=0, learning_rate=1.0, crop=1, blind_steps=400, blind_learning_rate=0.05))
    assert float((network.blind.psf().detach() - psf).norm() / psf.norm()) < 0.05
    assert float((network.blind.srf().detach() - srf).norm() / srf.norm()) < 0.05
