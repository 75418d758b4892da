"""Named PSFs: widths, centres and areas by another route."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from datasets.degradation import SpatialResponse
from datasets.psfs import PSFS, Box, Disk, FromFile, Gaussian, Motion, psf_from
from datasets.settings import SettingError


def moments(kernel: torch.Tensor) -> tuple[float, float, float]:
    """Second moments (rows, columns, mixed) about the middle."""
    rows = torch.arange(kernel.shape[0], dtype=torch.float64) - (kernel.shape[0] - 1) / 2
    cols = torch.arange(kernel.shape[1], dtype=torch.float64) - (kernel.shape[1] - 1) / 2
    return (
        float((kernel * rows[:, None] ** 2).sum()),
        float((kernel * cols[None, :] ** 2).sum()),
        float((kernel * rows[:, None] * cols[None, :]).sum()),
    )


@pytest.mark.parametrize(
    "psf", [Gaussian(9, sigma=1.5), Gaussian(8, fwhm=3.0), Box(4), Disk(9, radius=3.2), Motion(11, length=7.0, angle=30.0)]
)
def test_every_kernel_sums_to_one_and_is_centred(psf: object) -> None:
    kernel = psf.kernel(4)  # type: ignore[attr-defined]
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-12)
    torch.testing.assert_close(kernel, kernel.flip(0, 1), rtol=0, atol=1e-12)


def test_gaussian_has_the_variances_asked_for() -> None:
    rows, cols, mixed = moments(Gaussian(41, sigma=(2.0, 3.5)).kernel(1))
    assert rows == pytest.approx(4, rel=1e-6)
    assert cols == pytest.approx(12.25, rel=1e-4)
    assert mixed == pytest.approx(0, abs=1e-12)


def test_a_turned_gaussian_has_the_turned_covariance() -> None:
    angle = np.deg2rad(25)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    covariance = turn @ np.diag([4.0, 9.0]) @ turn.T
    rows, cols, mixed = moments(Gaussian(41, sigma=(2.0, 3.0), angle=25.0).kernel(1))
    assert rows == pytest.approx(covariance[0, 0], rel=1e-4)
    assert cols == pytest.approx(covariance[1, 1], rel=1e-4)
    assert mixed == pytest.approx(covariance[0, 1], rel=1e-4)


def test_fwhm_is_the_width_at_half_height() -> None:
    kernel = Gaussian(31, fwhm=8.0).kernel(1)
    middle = kernel[15] / kernel[15, 15]
    assert float(middle[15 + 4]) == pytest.approx(0.5, abs=1e-6)


@pytest.mark.parametrize("ratio", [4, 8])
def test_mtf_gaussian_leaves_the_contrast_asked_for_at_the_coarse_nyquist_frequency(ratio: int) -> None:
    kernel = Gaussian(12 * ratio, mtf_nyquist=0.3).kernel(ratio).numpy()
    place = np.arange(kernel.shape[0]) - (kernel.shape[0] - 1) / 2
    contrast = float((kernel.sum(1) * np.cos(2 * np.pi * place / (2 * ratio))).sum())
    assert contrast == pytest.approx(0.3, abs=1e-3)


def test_disk_and_motion_have_the_areas_of_their_shapes() -> None:
    disk = Disk(11, radius=4.0).kernel(1)
    assert 1 / float(disk.max()) == pytest.approx(np.pi * 16, rel=0.01)
    motion = Motion(11, length=6.0, angle=90.0).kernel(1)
    torch.testing.assert_close(motion[5], torch.tensor([0, 0, 0.5, 1, 1, 1, 1, 1, 0.5, 0, 0], dtype=torch.float64) / 6, rtol=0, atol=1e-12)


def test_a_kernel_from_a_file_is_applied_as_drawn(tmp_path: Path) -> None:
    drawn = np.array([[1.0, 2, 0], [0, 1, 5]])
    np.savetxt(tmp_path / "k.csv", drawn, delimiter=",")
    np.save(tmp_path / "k.npy", drawn)
    for name in ("k.csv", "k.npy"):
        kernel = psf_from({"kind": "file", "path": str(tmp_path / name)}).kernel(1)
        np.testing.assert_allclose(kernel.numpy(), drawn / 9)
    impulse = torch.zeros(1, 5, 7, dtype=torch.float64)
    impulse[0, 2, 3] = 1
    seen = SpatialResponse(FromFile(tmp_path / "k.npy").kernel(1), 1, 0, "circular")(impulse)
    np.testing.assert_allclose(seen[0, 1:3, 2:5].numpy(), np.flip(drawn / 9), atol=1e-12)  # a correlation: the impulse response is the flip


@pytest.mark.parametrize(
    ("table", "text"),
    [
        ({"kind": "gausian", "taps": 3}, "did you mean 'gaussian'"),
        ({"kind": "gaussian", "taps": 3, "sigm": 1}, "did you mean 'sigma'"),
        ({"kind": "gaussian", "taps": 3}, "exactly one of sigma, fwhm, mtf_nyquist"),
        ({"kind": "gaussian", "taps": 3, "sigma": -1}, "width above 0"),
        ({"kind": "box"}, "expected a value for taps"),
        ({"kind": "box", "taps": 2.5}, "taps: expected a whole number, got 2.5"),
    ],
)
def test_a_typo_is_an_error_that_names_the_valid(table: dict[str, object], text: str) -> None:
    with pytest.raises(SettingError, match=text):
        psf_from(table)


def test_the_numbers_of_a_psf_make_the_same_psf_again() -> None:
    for psf in (Gaussian(8, sigma=(1.0, 2.0), angle=10.0), Gaussian(7, mtf_nyquist=0.25), Box(3), Disk(5, 2.0), Motion(7, 5.0)):
        again = psf_from(psf.numbers())
        assert again == psf
        assert set(PSFS) >= {psf.kind}
