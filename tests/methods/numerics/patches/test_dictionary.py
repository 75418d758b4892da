"""Facts on methods/numerics/patches/dictionary.py. Oracles: the optimality conditions of the sparse code, residuals written out, loops."""

from __future__ import annotations

import torch

from methods.numerics.patches.dictionary import SPARSITY, learn_dictionary, random_atoms, sparse_codes, unit_length


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def cost(pixels: torch.Tensor, dictionary: torch.Tensor) -> float:
    codes = sparse_codes(pixels, dictionary)
    return float(((pixels - dictionary @ codes) ** 2).sum() + SPARSITY * codes.sum())


def test_codes_meet_the_conditions_of_the_non_negative_lasso() -> None:
    pixels, dictionary = draw(9, 12), unit_length(draw(9, 5, seed=1))
    codes = sparse_codes(pixels, dictionary)
    slope = 2 * dictionary.T @ (dictionary @ codes - pixels) + SPARSITY
    assert bool((codes >= 0).all())
    assert bool((codes == 0).any())
    assert bool((slope[codes == 0] > -1e-3).all())
    assert float(slope[codes > 0].abs().max()) < 1e-3


def test_an_atom_moves_as_the_residual_says_and_the_cost_falls() -> None:
    pixels, start = draw(9, 30), unit_length(draw(9, 4, seed=1))
    learned = learn_dictionary(pixels, start, sweeps=1)
    codes, expected = sparse_codes(pixels, start), start.clone()
    for k in range(4):
        residual = pixels - expected @ codes
        atom = (expected[:, k] + residual @ codes[k] / (codes[k] @ codes[k])).clamp_min(0)
        expected[:, k] = atom / max(1.0, float(atom.norm()))
    assert torch.allclose(learned, expected, atol=1e-12)
    assert cost(pixels, learn_dictionary(pixels, start)) < 0.5 * cost(pixels, start)


def test_atoms_are_non_negative_and_in_the_unit_ball() -> None:
    pixels = draw(9, 30)
    learned = learn_dictionary(pixels, random_atoms(pixels, 12, torch.Generator().manual_seed(0)), sweeps=3)
    assert float(learned.min()) >= 0
    assert float(learned.norm(dim=0).max()) <= 1 + 1e-12


def test_dictionaries_side_by_side_are_those_one_by_one_and_zeros_change_nothing() -> None:
    pixels, start = draw(3, 6, 20), unit_length(draw(3, 6, 4, seed=1))
    padded = torch.nn.functional.pad(pixels, (0, 5))
    together = learn_dictionary(padded, start, sweeps=2)
    for k in range(3):
        assert torch.allclose(together[k], learn_dictionary(pixels[k], start[k], sweeps=2), atol=1e-10)


def test_random_atoms_are_different_pixels_of_unit_length() -> None:
    pixels = draw(4, 10)
    atoms = random_atoms(pixels, 10, torch.Generator().manual_seed(0))
    assert torch.allclose(atoms.sum(0).sort().values, (pixels / pixels.norm(dim=0)).sum(0).sort().values)
    assert random_atoms(pixels[:, :3], 8, torch.Generator()).shape == (4, 8)


def test_black_pixels_and_unused_atoms_stay_finite() -> None:
    black = torch.zeros(4, 6)
    assert not bool(learn_dictionary(black, random_atoms(black, 3, torch.Generator())).any())
    far = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    learned = learn_dictionary(far[:, :1].expand(2, 5), far)
    assert torch.allclose(learned[:, 1], far[:, 1])
