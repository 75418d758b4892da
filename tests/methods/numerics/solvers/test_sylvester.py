"""Facts on methods/numerics/solvers/sylvester.py and subspace.py. Oracle: the dense linear system, built column by column, and the SVD."""

from __future__ import annotations

import pytest
import torch

from datasets.degradation import SpatialResponse
from methods.numerics.solvers.subspace import principal_basis, scaled_basis
from methods.numerics.solvers.sylvester import _crosses_border, solve_sylvester
from tests.rounding import near


def lopsided_psf(shape: tuple[int, int], ratio: int, phase: int, boundary: str = "circular") -> SpatialResponse:
    kernel = torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(sum(shape))) ** 2
    return SpatialResponse(kernel / kernel.sum(), ratio, phase, boundary)


def definite(size: int, seed: int) -> torch.Tensor:
    root = torch.randn(size, size + 2, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    return root @ root.T


def dense_answer(a1: torch.Tensor, a2: torch.Tensor, coarse: torch.Tensor, prior: torch.Tensor, psf: SpatialResponse) -> torch.Tensor:
    """A1 S'S U + A2 U = A1 S'Y + A2 V as one Kronecker system in all unknowns."""
    rank, rows, cols = prior.shape
    pixels = torch.eye(rows * cols, dtype=torch.float64).reshape(-1, rows, cols)
    sampling = psf(pixels).flatten(1).T  # (h w, H W)
    system = torch.kron(a1, sampling.T @ sampling) + torch.kron(a2, torch.eye(rows * cols, dtype=torch.float64))
    right = (a1 @ coarse.flatten(1)) @ sampling + a2 @ prior.flatten(1)
    return torch.linalg.solve(system, right.flatten()).reshape(rank, rows, cols)


@pytest.mark.parametrize(
    ("shape", "ratio", "phase"),
    [((3, 2), 2, 0), ((2, 5), 2, 1), ((4, 3), 4, 2), ((1, 1), 4, 3), ((9, 11), 4, 1)],  # the last is larger than the 8 rows
)
def test_the_solution_is_that_of_the_dense_system(shape: tuple[int, int], ratio: int, phase: int) -> None:
    generator = torch.Generator().manual_seed(5)
    coarse = torch.randn(3, 8 // ratio, 12 // ratio, dtype=torch.float64, generator=generator)
    prior = torch.randn(3, 8, 12, dtype=torch.float64, generator=generator)
    psf, a1, a2 = lopsided_psf(shape, ratio, phase), definite(3, 6), definite(3, 7)
    expected = dense_answer(a1, a2, coarse, prior, psf)
    assert torch.allclose(solve_sylvester(a1, a2, coarse, prior, psf), expected, atol=1e-10 * float(expected.abs().max()))


@pytest.mark.parametrize("boundary", ["reflect", "replicate"])
@pytest.mark.parametrize(("shape", "ratio", "phase"), [((7, 4), 2, 1), ((9, 11), 4, 1), ((3, 3), 4, 1)])
def test_the_true_border_is_that_of_the_dense_system(shape: tuple[int, int], ratio: int, phase: int, boundary: str) -> None:
    generator = torch.Generator().manual_seed(15)
    coarse = torch.randn(3, 16 // ratio, 12 // ratio, dtype=torch.float64, generator=generator)
    prior = torch.randn(3, 16, 12, dtype=torch.float64, generator=generator)
    psf, a1, a2 = lopsided_psf(shape, ratio, phase, boundary), definite(3, 16), definite(3, 17)
    expected = dense_answer(a1, a2, coarse, prior, psf)
    solved = solve_sylvester(a1, a2, coarse, prior, psf, true_border=True)
    assert float((solved - expected).abs().max()) < 2e-3 * float((expected - prior).abs().max())
    if shape != (3, 3):  # a footprint crosses the border: taken as periodic, the answer is another
        periodic = solve_sylvester(a1, a2, coarse, prior, psf)
        assert float((periodic - expected).abs().max()) > 0.05 * float((expected - prior).abs().max())


def test_an_odd_coarse_grid_is_solved_as_well() -> None:
    generator = torch.Generator().manual_seed(8)
    coarse, prior = (torch.randn(2, *s, dtype=torch.float64, generator=generator) for s in ((3, 5), (9, 15)))
    psf, a1, a2 = lopsided_psf((4, 2), 3, 2), definite(2, 9), definite(2, 10)
    assert torch.allclose(solve_sylvester(a1, a2, coarse, prior, psf), dense_answer(a1, a2, coarse, prior, psf), atol=1e-10)


def test_an_ill_conditioned_system_keeps_its_digits_in_float32() -> None:
    generator = torch.Generator().manual_seed(11)
    coarse, prior = (torch.rand(2, *s, dtype=torch.float64, generator=generator) for s in ((4, 6), (16, 24)))
    psf, a1, a2 = lopsided_psf((5, 4), 4, 1), torch.diag(torch.tensor([5.0, 1e-6]).double()), 1e-6 * definite(2, 12)
    exact = solve_sylvester(a1, a2, coarse, prior, psf)
    single = solve_sylvester(a1, a2, coarse.float(), prior.float(), psf)
    assert single.dtype == torch.float32
    near(single.double(), exact, 1e-3)  # a right side made in float32 would be a hundred times as far away


def test_any_boundary_is_taken_as_periodic_and_inputs_stay_as_they_were() -> None:
    coarse, prior = torch.rand(2, 2, 3), torch.rand(2, 8, 12)
    kept = coarse.clone(), prior.clone()
    a1, a2 = definite(2, 13), definite(2, 14)
    answers = [solve_sylvester(a1, a2, coarse, prior, lopsided_psf((5, 4), 4, 1, b)) for b in ("circular", "reflect", "replicate", "valid")]
    for answer in answers:
        near(answer, answers[0])
    assert torch.equal(coarse, kept[0])
    assert torch.equal(prior, kept[1])


def test_the_principal_basis_holds_the_leading_singular_vectors_without_a_mean_removed() -> None:
    hsi = torch.rand(5, 4, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(15))
    basis, variance = principal_basis(hsi, 3)
    left, singular, _ = torch.linalg.svd(hsi.flatten(1), full_matrices=False)
    assert torch.allclose(variance, singular[:3] ** 2 / 28)
    assert torch.allclose(basis @ basis.T, left[:, :3] @ left[:, :3].T)


def test_scaled_coordinates_have_mean_square_one() -> None:
    hsi = torch.rand(5, 4, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(16))
    basis = scaled_basis(hsi, 9)
    assert basis.shape == (5, 5)
    coordinates = torch.linalg.solve(basis, hsi.flatten(1))
    assert torch.allclose(coordinates @ coordinates.T / 28, torch.eye(5, dtype=torch.float64), atol=1e-9)


@pytest.mark.parametrize("hsi", [torch.zeros(4, 2, 3), torch.ones(4, 2, 3), torch.rand(4, 1, 2)])
def test_the_scaled_basis_of_a_poor_image_still_has_full_column_rank(hsi: torch.Tensor) -> None:
    basis = scaled_basis(hsi, 4)
    gram = basis.T @ basis
    torch.linalg.cholesky(gram)
    assert bool(torch.isfinite(gram).all())


@pytest.mark.parametrize("shape", [(1, 1), (2, 4), (4, 4), (5, 4), (4, 5), (6, 3), (3, 7)])
@pytest.mark.parametrize("phase", range(4))
def test_a_footprint_crosses_the_border_where_what_lies_beyond_decides(shape: tuple[int, int], phase: int) -> None:
    image = torch.rand(1, 12, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    seen = [lopsided_psf(shape, 4, phase, boundary)(image) for boundary in ("circular", "replicate")]
    assert _crosses_border(lopsided_psf(shape, 4, phase, "reflect"), 12, 20) == (not torch.allclose(*seen, rtol=0, atol=1e-9))
