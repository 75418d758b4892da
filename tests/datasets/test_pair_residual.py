"""Pairs that fit what is said of their sensors, and pairs with a planted fault, of which it is known how it was made."""

from __future__ import annotations

import re

import numpy as np
import pytest
import torch
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.pair_residual import LEVEL, PairResidual, pair_residual
from datasets.placed_psf import placed_psf
from datasets.psfs import Box, Gaussian

RATIO, BANDS, CHANNELS = 4, 12, 3
CENTRE = (1.5, 1.5)


def ground(rows: int, cols: int) -> Tensor:
    """A lopsided ground of smooth patches and fine grain, (bands, rows, cols)."""
    random = np.random.default_rng(8)
    field = np.kron(random.random((4, rows // 8, cols // 8)), np.ones((1, 8, 8))) + 0.2 * random.random((4, rows, cols))
    spectra = random.random((BANDS, 4)) * np.linspace(0.2, 1, BANDS)[:, None]
    return torch.from_numpy(np.einsum("bk,kij->bij", spectra, field))


def responses() -> tuple[SpatialResponse, SpectralResponse]:
    weights = torch.zeros(CHANNELS, BANDS, dtype=torch.float64)
    for channel in range(CHANNELS):
        weights[channel, 4 * channel : 4 * channel + 3] = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    return placed_psf(Gaussian(8, fwhm=4.0).kernel(RATIO), RATIO, CENTRE), SpectralResponse(weights)


def images(rows: int = 96, cols: int = 64) -> tuple[Tensor, Tensor]:
    truth, (psf, srf) = ground(rows, cols), responses()
    return psf(truth), srf(truth)


def judged(hsi: Tensor, msi: Tensor, *, psf: bool = True, srf: bool = True) -> PairResidual:
    one, other = responses()
    found = pair_residual(hsi, msi.contiguous(), RATIO, CENTRE, one if psf else None, other if srf else None)
    assert found is not None
    return found


@pytest.mark.parametrize(("psf", "srf"), [(True, True), (False, True), (True, False), (False, False)])
def test_a_pair_that_fits_has_a_small_residual_and_no_cause(psf: bool, srf: bool) -> None:
    found = judged(*images(), psf=psf, srf=srf)
    assert (found.told_psf, found.told_srf) == (psf, srf)
    assert found.residual < (1e-6 if psf and srf else LEVEL)
    assert not found.contradicts


def test_the_residual_is_the_formula() -> None:
    hsi, msi = images()
    noisy = msi + 0.05 * torch.from_numpy(np.random.default_rng(2).standard_normal(msi.shape))
    psf, srf = responses()
    low, target = (np.asarray(image)[:, 2:-2, 2:-2] for image in (psf(noisy), srf(hsi)))
    assert judged(hsi, noisy).residual == pytest.approx(np.linalg.norm(low - target) / np.linalg.norm(target), rel=1e-6)


FAULTS = {
    "a gain: the MSI times 0.00392": lambda msi: msi * 255,
    "order of the channels: as 3, 2, 1": lambda msi: msi.flip(0),
    "order of the channels: as 3, 1, 2": lambda msi: msi[[1, 2, 0]],
    "mirrored in its rows": lambda msi: msi.flip(1),
    "mirrored in its columns": lambda msi: msi.flip(2),
    "turned by 180": lambda msi: msi.flip((1, 2)),
    "one fine pixel: the MSI moved by -1 rows and +0 columns": lambda msi: msi.roll(1, 1),
    "one fine pixel: the MSI moved by +1 rows and -1 columns": lambda msi: msi.roll((-1, 1), (1, 2)),
    "one coarse pixel: the MSI moved by +0 rows and -4 columns": lambda msi: msi.roll(RATIO, 2),
    "channels: as 3, 2, 1 they would fit, and a gain: times 0.00392": lambda msi: msi.flip(0) * 255,
    "columns (left to right), and a gain: times 0.5": lambda msi: msi.flip(2) * 2,
}


@pytest.mark.parametrize("cause", FAULTS)
def test_a_planted_fault_is_named_and_its_residual_is_that_of_the_whole_pair(cause: str) -> None:
    hsi, msi = images()
    found = judged(hsi, FAULTS[cause](msi))
    assert found.contradicts
    assert found.cause is not None
    assert re.search(re.escape(cause), found.cause.name), found.cause
    assert found.cause.residual < 0.02 < found.residual
    assert found.causes[0].residual <= found.cause.residual + 1e-9


@pytest.mark.parametrize(
    ("name", "turn"),
    [
        ("transposed", lambda image: image.transpose(1, 2)),
        ("turned by 90 degrees counterclockwise", lambda image: torch.rot90(image, -1, (1, 2))),
        ("turned by 90 degrees clockwise", lambda image: torch.rot90(image, 1, (1, 2))),
        ("second diagonal", lambda image: image.transpose(1, 2).flip((1, 2))),
    ],
)
def test_a_square_that_is_turned_is_named(name: str, turn: object) -> None:
    assert callable(turn)
    hsi, msi = images(64, 64)
    for found in (judged(hsi, turn(msi)), judged(hsi, turn(msi), srf=False)):
        assert found.cause is not None
        assert name in found.cause.name


@pytest.mark.parametrize("cause", ["mirrored in its rows", "one coarse pixel: the MSI moved by +0 rows and -4 columns"])
def test_a_wrong_place_is_named_where_nothing_is_known_of_the_sensors(cause: str) -> None:
    hsi, msi = images()
    found = judged(hsi, FAULTS[cause](msi), psf=False, srf=False)
    assert found.cause is not None
    assert cause in found.cause.name


def test_another_unit_is_named_where_nothing_is_known_of_the_sensors() -> None:
    hsi, msi = images()
    found = judged(hsi, msi * 255, psf=False, srf=False)
    assert found.contradicts
    assert found.cause is not None
    assert "as bright as the HSI" in found.cause.name


def test_noise_of_30_db_is_no_contradiction() -> None:
    random = np.random.default_rng(5)
    hsi, msi = (
        image + float(image.square().mean()) ** 0.5 * 10**-1.5 * torch.from_numpy(random.standard_normal(image.shape)) for image in images()
    )
    assert not judged(hsi, msi).contradicts
    assert not judged(hsi, msi, psf=False, srf=False).contradicts


def test_too_few_pixels_to_regress_a_response_say_nothing() -> None:
    assert pair_residual(torch.rand(5, 3, 4), torch.rand(2, 12, 16), 4, CENTRE) is None
    assert pair_residual(torch.rand(9, 8, 10), torch.rand(2, 32, 40), 4, CENTRE) is None
    assert pair_residual(torch.zeros(BANDS, 8, 8), torch.zeros(3, 32, 32), 4, CENTRE, *responses()) is None


@pytest.mark.parametrize("taps", [1, 4, 5])
@pytest.mark.parametrize("centre", [(1.5, 1.5), (0.0, 3.0), (-2.0, 1.0), (6.0, -5.0)])
def test_a_placed_kernel_is_centred_where_it_was_said(taps: int, centre: tuple[float, float]) -> None:
    kernel = Box(taps).kernel(4)
    placed = placed_psf(kernel, 4, centre)
    assert max(abs(have - wanted) for have, wanted in zip(placed.centre, centre, strict=True)) <= 0.5
    assert float(placed.kernel.sum()) == pytest.approx(1)
    far = torch.zeros(1, 40, 44, dtype=torch.float64)
    row, col = (round(have + 4 * 5 - 0.01) for have in placed.centre)  # a bright fine pixel at the centre of coarse pixel (5, 5)
    far[0, row, col] = 1
    low = placed(far)[0]
    assert divmod(int(low.argmax()), low.shape[1]) == (5, 5)
