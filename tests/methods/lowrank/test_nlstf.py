"""Facts on methods/lowrank/nlstf.py. Oracles: dense matrices a patch, loops, a scene that the images determine, the authors' quality."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pytest
import torch

from datasets.degradation import SpatialResponse
from datasets.observation import WithheldError
from methods.lowrank.nlstf import PENALTY, Method, _codes, _touched
from tests.methods.awkward import KINDS, awkward_pair, decibel, fixture_pair, patchy_pair, watched


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_with_back_projection_the_authors_quality_is_reached(shared: Path) -> None:
    """NLSTF, 38.90 dB by their code on a pair whose PSF is a box."""
    seen, truth = fixture_pair(shared, "s4box_noisy", torch.float32)
    method = Method(clusters=20, back_projection=True, steps=40)
    result = [decibel(method.fuse(seen, torch.Generator().manual_seed(seed)).cube, truth) for seed in range(5)]
    assert median(result) > 38.90 - 0.4


@pytest.mark.parametrize("steps", [1, 7])
def test_the_codes_are_the_admm_of_dense_matrices_for_each_patch(steps: int) -> None:
    msi, rows, cols, spectra = draw(2, 12, 4, 3), draw(2, 3, 5, seed=1), draw(2, 4, 2, seed=2), draw(2, 3, 2, seed=3)
    codes = _codes(msi, rows, cols, spectra, 1e-3, steps)
    for cluster in range(2):
        dense = torch.kron(torch.kron(rows[cluster], cols[cluster]), spectra[cluster])
        system = dense.T @ dense + PENALTY * torch.eye(20)
        for patch in range(4):
            code, dual = torch.zeros(20, dtype=torch.float64), torch.zeros(20, dtype=torch.float64)
            for _ in range(steps):
                fit = torch.linalg.solve(system, dense.T @ msi[cluster, :, patch].flatten() + PENALTY * (code - dual))
                code = (fit + dual).sign() * ((fit + dual).abs() - 1e-3 / (2 * PENALTY)).clamp_min(0)
                dual = dual + fit - code
            assert torch.allclose(codes[cluster, :, patch].flatten(), code, atol=1e-9)


def test_a_patch_touches_the_coarse_pixels_with_the_nearest_centres() -> None:
    seen = patchy_pair(size=(3, 5))
    expected = torch.zeros(240, 15, dtype=torch.bool)
    for pixel in range(240):
        places = [
            min(range(size), key=lambda i, x=x, axis=axis: abs(seen.phase[axis] + 4 * i - x))
            for axis, (x, size) in enumerate(zip(divmod(pixel, 20), (3, 5), strict=True))
        ]
        expected[pixel, places[0] * 5 + places[1]] = True
    every = torch.arange(240)
    assert torch.equal(_touched(seen, every[:, None], every), expected)
    together = _touched(seen, torch.tensor([[0, 19], [239, 0]]), torch.tensor([1, 1]))
    assert torch.equal(together, torch.stack([torch.zeros(15, dtype=torch.bool), expected[0] | expected[19] | expected[239]]))


def test_a_scene_of_fewer_endmembers_than_channels_comes_back_whatever_the_psf() -> None:
    """Pure coarse pixels exist, so the spectra are found, and three channels tell two of them apart."""
    spectra, other = draw(9, 2), patchy_pair(9, 3)
    share = torch.zeros(2, 24, 40, dtype=torch.float64)
    share[0, :, :20], share[1, :, 20:] = 1, 0.7
    share[:, 9:12] *= 0.5
    scene = torch.einsum("bs,shw->bhw", spectra, share)
    seen = watched(scene, SpatialResponse(other.psf.kernel, 4, 1), other.srf).withhold(psf=True, srf=False)
    cube = Method(clusters=4, spectra=2).fuse(seen, torch.Generator().manual_seed(0)).cube
    assert float((cube - scene).norm() / scene.norm()) < 0.01


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("back_projection", [False, True])
def test_degenerate_pairs_give_a_finite_cube(kind: str, back_projection: bool) -> None:
    seen = awkward_pair(kind)
    method = Method(clusters=3, steps=20, back_projection=back_projection)
    cube = method.fuse(seen, torch.Generator().manual_seed(0)).cube
    assert cube.shape == (len(seen.hsi), *seen.msi.shape[1:])
    assert bool(torch.isfinite(cube).all())


def test_float64_is_kept() -> None:
    seen = patchy_pair()
    assert Method(clusters=2, steps=3).fuse(seen, torch.Generator()).cube.dtype == torch.float64


def test_it_knows_the_srf_alone_and_its_name_follows_from_its_last_step() -> None:
    assert Method().describe().name == "NLSTF-SMBF"
    assert Method(back_projection=True).describe().name == "NLSTF"
    assert Method().describe().tier == "told the colour response"
    with pytest.raises(WithheldError, match="SRF"):
        Method(clusters=2).fuse(patchy_pair().withhold(psf=True, srf=True), torch.Generator())


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="stride: expected at most the side"):
        Method(side=4, stride=5)
    with pytest.raises(ValueError, match="atoms: expected at least 1, got 0"):
        Method(atoms=0)
