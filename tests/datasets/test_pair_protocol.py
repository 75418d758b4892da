"""How a real pair is observed, against scipy: as taken it stays as it is, one step down both images are blurred and decimated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate

from datasets.cube_file import CubeFile
from datasets.image_pair import ImagePair
from datasets.observation import NoiseLevel, WithheldError
from datasets.pair_protocol import PairProtocol
from datasets.psfs import FromFile
from datasets.sensors import read_sensor
from tests.real_pairs import CURVES, KERNEL, RATIO, WAVELENGTHS, images, write_pair


@pytest.fixture
def pair() -> ImagePair:
    hsi, msi = images()
    return ImagePair(CubeFile(hsi[:, :35, :46], WAVELENGTHS), CubeFile(msi[:, :105, :138]))


def by_hand(cube: np.ndarray, phase: int) -> np.ndarray:
    """Each band correlated with the kernel as it is drawn, mirrored without its edge pixel, every third pixel taken."""
    weights = KERNEL / KERNEL.sum()
    return np.stack([correlate(band.astype(np.float64), weights, mode="mirror")[phase::RATIO, phase::RATIO] for band in cube])


def test_one_step_down_blurs_and_decimates_both_images_by_the_psf(pair: ImagePair, tmp_path: Path) -> None:
    write_pair(tmp_path)
    protocol = PairProtocol("p", "one step down", RATIO, FromFile(tmp_path / "psf.npy"), read_sensor(tmp_path / "three.csv"))
    seen, reference, known = protocol.observe(pair)
    assert reference is not None
    assert reference.cube.shape == (7, 33, 45)  # whole coarse pixels of the step
    assert np.array_equal(reference.cube, pair.hsi.cube[:, :33, :45])
    assert seen.known.psf is not None
    phase = seen.known.psf.phase
    assert np.abs(seen.hsi.numpy() - by_hand(pair.hsi.cube[:, :33, :45], phase)).max() < 1e-6
    assert np.abs(seen.msi.numpy() - by_hand(pair.msi.cube[:, :99, :135], phase)).max() < 1e-6
    assert known.srf is not None
    assert np.abs(known.srf.weights.numpy() - CURVES / CURVES.sum(1, keepdims=True)).max() < 1e-6


def test_the_centre_that_methods_are_told_is_that_of_the_kernel_that_blurred(pair: ImagePair, tmp_path: Path) -> None:
    write_pair(tmp_path)
    seen, _, _ = PairProtocol("p", "one step down", RATIO, FromFile(tmp_path / "psf.npy")).observe(pair)
    assert seen.known.psf is not None
    places = np.arange(5) - 2 + seen.known.psf.phase
    weights = KERNEL / KERNEL.sum()
    assert seen.phase == pytest.approx((float((weights.sum(1) * places).sum()), float((weights.sum(0) * places).sum())), abs=1e-6)


def test_as_taken_there_is_no_reference_and_the_images_are_what_was_taken(pair: ImagePair) -> None:
    seen, reference, known = PairProtocol("p", "as taken", RATIO).observe(pair)
    assert reference is None
    assert np.array_equal(seen.hsi.numpy(), pair.hsi.cube)
    assert np.array_equal(seen.msi.numpy(), pair.msi.cube)
    assert seen.phase == (1.0, 1.0)
    assert known.psf is None
    assert known.srf is None
    with pytest.raises(WithheldError):
        _ = seen.psf


def test_a_psf_that_is_not_known_is_a_gaussian_one_coarse_pixel_wide_one_step_down(pair: ImagePair) -> None:
    seen, _, _ = PairProtocol("p", "one step down", RATIO).observe(pair)
    assert seen.known.psf is not None
    kernel = seen.known.psf.kernel.double()
    places = torch.arange(len(kernel)) - (len(kernel) - 1) / 2
    sigma = float(((kernel.sum(1) * places**2).sum()) ** 0.5)
    assert sigma == pytest.approx(RATIO / 2.3548, rel=0.03)  # cut off at seven taps


def test_what_is_not_known_cannot_be_asked_for() -> None:
    assert PairProtocol("p", "as taken", RATIO).reveals == ()
    assert PairProtocol("p", "one step down", RATIO).reveals == ("psf",)
    noise = NoiseLevel(0.1, 0.2)
    assert PairProtocol("p", "as taken", RATIO, noise=noise).reveals == ("noise",)
    assert PairProtocol("p", "one step down", RATIO, noise=noise).reveals == ("psf",)  # the blur has averaged it
