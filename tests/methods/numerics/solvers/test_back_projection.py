"""Facts on methods/numerics/solvers/back_projection.py. Oracles: the authors' output, and loops over blocks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from methods.numerics.solvers.back_projection import back_project
from tests.methods.awkward import patchy_pair, watched


def test_the_authors_start_gives_the_authors_end(shared: Path) -> None:
    with np.load(shared / "parity/model/s4_noisy.npz") as a, np.load(shared / "parity/model/s4_noisy__nssr.npz") as b:
        hsi, msi, curves = (torch.from_numpy(a[key]) for key in ("HSI", "MSI", "R"))
        start, expected = torch.from_numpy(b["Z0"]).double(), torch.from_numpy(b["Z"]).double()
    cube = back_project(start, hsi, msi, SpectralResponse(curves))
    assert float((cube - expected).norm() / expected.norm()) < 1e-6


def test_with_a_box_both_images_are_explained_in_the_end() -> None:
    other = patchy_pair(5, 2, (3, 5), 4)
    scene = torch.rand(5, 12, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    seen = watched(scene, SpatialResponse(torch.full((4, 4), 1 / 16, dtype=torch.float64), 4, 1), other.srf)
    cube = back_project(torch.zeros(5, 12, 20, dtype=torch.float64), seen.hsi, seen.msi, seen.srf)
    assert float((seen.psf(cube) - seen.hsi).abs().max()) < 1e-9
    assert float((seen.srf(cube) - seen.msi).abs().max()) < 0.05


def test_a_cube_that_explains_both_images_stays() -> None:
    scene = torch.rand(5, 12, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    box = SpatialResponse(torch.full((4, 4), 1 / 16, dtype=torch.float64), 4, 1)
    seen = watched(scene, box, patchy_pair(5, 2).srf)
    assert torch.allclose(back_project(scene, seen.hsi, seen.msi, seen.srf), scene, atol=1e-12)
