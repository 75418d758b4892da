"""Facts on methods/lowrank/cstf/tucker.py. Oracles: einsum, dense systems, the PSF operator, numpy's SVD."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from methods.lowrank.cstf.tucker import damped_solver, leading_vectors, separate, tucker
from tests.methods.awkward import patchy_pair


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def test_the_tucker_product_is_the_triple_sum() -> None:
    core, rows, cols, spectra = draw(2, 3, 4), draw(6, 3, seed=1), draw(5, 4, seed=2), draw(7, 2, seed=3)
    assert torch.allclose(tucker(core, rows, cols, spectra), torch.einsum("bs,ip,jq,spq->bij", spectra, rows, cols, core))


@pytest.mark.parametrize("sizes", [(6, 5, 7), (2, 3, 1), (3, 9, 2)])
def test_the_damped_system_is_solved_whether_factors_are_tall_or_flat(sizes: tuple[int, int, int]) -> None:
    core, (rows, cols, spectra) = draw(2, 3, 4), (draw(size, n, seed=n) for size, n in zip(sizes, (3, 4, 2), strict=True))
    dense = torch.einsum("bs,ip,jq->bijspq", spectra, rows, cols).reshape(-1, 24)
    expected = torch.linalg.solve(dense.T @ dense + 0.01 * torch.eye(24), core.flatten())
    assert torch.allclose(damped_solver(rows, cols, spectra, 0.01)(core).flatten(), expected, atol=1e-9)


def test_leading_vectors_span_what_the_svd_of_the_unfolding_says() -> None:
    image = draw(3, 8, 5)
    for axis, unfolded in ((1, image.transpose(0, 1).flatten(1)), (2, image.movedim(2, 0).flatten(1))):
        left = np.linalg.svd(unfolded.numpy())[0][:, :4]
        ours = leading_vectors(image, axis, 4)
        np.testing.assert_allclose((ours @ ours.T).numpy(), left @ left.T, atol=1e-10)
    assert leading_vectors(image, 2, 99).shape == (5, 5)


@pytest.mark.parametrize("phase", [0, 1, 3])
def test_a_separable_lopsided_psf_is_two_matrices(phase: int) -> None:
    psf = replace(patchy_pair(separable=True).psf, phase=phase)
    cube = draw(5, 12, 20)
    down, across = separate(psf, 12, 20)
    assert torch.allclose(down @ cube @ across.T, psf(cube))


def test_another_psf_keeps_its_centre() -> None:
    """A ramp, away from the seam, is seen in the same place by both."""
    seen = patchy_pair(size=(5, 5))
    ramp = torch.arange(20, dtype=torch.float64)[:, None] + 3 * torch.arange(20, dtype=torch.float64)
    down, across = separate(seen.psf, 20, 20)
    assert torch.allclose((down @ ramp @ across.T)[1:4, 1:4], seen.psf(ramp[None])[0, 1:4, 1:4])
