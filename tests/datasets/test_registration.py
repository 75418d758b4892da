"""Shifts that are known, because the simulator made them, found again from the two images alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from datasets.observation import Observation
from datasets.psfs import Box, Gaussian, Psf
from datasets.registration import Registration, register
from datasets.scene import Scene
from datasets.sensors import find_sensor
from datasets.simulation import NoiseSeed, Protocol, observe
from datasets.synthetic import BUILTIN, generate

SHIFTS = [(0.0, 0.0), (0.7, -1.3), (-3.4, 2.2), (9.3, -12.6)]


@pytest.fixture(scope="module")
def scene() -> Scene:
    """A lopsided part of a built-in scene: 96 rows, 128 columns."""
    return generate(BUILTIN["builtin/fields"]).scene


def seen_with(scene: Scene, shift: tuple[float, float], psf: Psf, ratio: int = 4, snr: float | None = None) -> Observation:
    protocol = Protocol("", ratio, psf, (ratio - 1) // 2, find_sensor("sentinel2", None), "reflect", "covered", snr, snr, shift=shift)
    return observe(scene, protocol, NoiseSeed(0, "scene"))


def found(seen: Observation, *, srf: bool = False) -> Registration:
    registration = register(seen.hsi, seen.msi, seen.ratio, None, seen.srf if srf else None)
    assert registration is not None
    return registration


@pytest.mark.parametrize(("shift", "srf"), [*((shift, False) for shift in SHIFTS), (SHIFTS[1], True)])
def test_a_shift_is_found_to_a_tenth_of_a_fine_pixel(shift: tuple[float, float], srf: bool, scene: Scene) -> None:
    """The blur is a Gaussian whose width the registration is not told."""
    registration = found(seen_with(scene, shift, Gaussian(16, mtf_nyquist=0.2)), srf=srf)
    wrong = np.subtract(registration.shift, shift)
    assert np.abs(wrong).max() < 0.1
    assert registration.certain
    assert (np.abs(wrong) < 4 * np.array(registration.error)).all(), "the standard errors are honest"
    assert registration.centre == pytest.approx(np.add(registration.shift, 1.5))


def test_noise_of_30_db_and_an_odd_ratio_change_little(scene: Scene) -> None:
    registration = found(seen_with(scene, (1.4, -0.6), Box(3), ratio=2, snr=30.0))
    assert registration.shift == pytest.approx((1.4 - 0.5, -0.6 - 0.5), abs=0.1), "a box of 3 at phase 0 is centred at 0, not at 0.5"
    assert registration.certain


def test_the_shift_explains_more_than_none_does(scene: Scene) -> None:
    registration = found(seen_with(scene, (-3.4, 2.2), Gaussian(16, mtf_nyquist=0.3)))
    assert registration.share > 0.95 > registration.share_unmoved
    assert registration.peak > 1


def test_images_of_different_ground_are_no_certain_pair(scene: Scene) -> None:
    seen = seen_with(scene, (0.0, 0.0), Box(4))
    other = torch.from_numpy(np.random.default_rng(2).random(seen.msi.shape).astype(np.float32))
    registration = register(seen.hsi, other, 4)
    assert registration is not None
    assert not registration.certain


def test_noise_makes_the_standard_error_larger(scene: Scene) -> None:
    clean, noisy = (found(seen_with(scene, (0.7, -1.3), Gaussian(16, mtf_nyquist=0.3), snr=snr)) for snr in (None, 5.0))
    assert max(noisy.error) > 2 * max(clean.error)


@pytest.mark.parametrize("shape", [(4, 7, 20), (4, 20, 20)])
def test_small_and_flat_images_have_no_shift(shape: tuple[int, ...]) -> None:
    bands, rows, cols = shape
    assert register(torch.full((bands, rows, cols), 0.5), torch.full((2, 2 * rows, 2 * cols), 0.5), 2) is None
