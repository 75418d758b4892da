"""Facts on methods/sparse/nssr/method.py. Oracles: the authors' output (parity fixture), and the ADMM by dense systems."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import numpy as np
import pytest
import torch

from methods.numerics.solvers.back_projection import back_project
from methods.sparse.nssr.method import Method
from methods.sparse.nssr.nonlocal_means import Similar
from tests.methods.awkward import KINDS, awkward_pair, decibel, dense_sylvester, fixture_pair, patchy_pair, relative
from tests.rounding import near


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_the_authors_dictionary_and_similarities_give_the_authors_output(shared: Path, dtype: torch.dtype) -> None:
    seen, _ = fixture_pair(shared, "s4_noisy", dtype)
    with np.load(shared / "parity/model/s4_noisy__nssr.npz") as file:
        dictionary, before, after = torch.from_numpy(file["D"]), file["Z0"], file["Z"]
        pixel, other, value = (file[key] for key in ("N_col", "N_row", "N_val"))
    order = np.argsort((pixel % 64) * 64 + pixel // 64, kind="stable")
    names = ((other % 64) * 64 + other // 64)[order].astype(np.int64).reshape(-1, 10)
    similar = Similar(torch.from_numpy(names), torch.from_numpy(value[order].reshape(-1, 10)).to(dtype))
    cube = Method().fuse_coded(seen, dictionary, similar)
    assert relative(cube, before) < 1e-6
    assert relative(back_project(cube, seen.hsi, seen.msi, seen.srf), after) < 1e-6


def test_our_own_dictionary_reaches_the_authors_quality_before_and_after_back_projection(shared: Path) -> None:
    """36.82 and 33.36 dB with theirs."""
    seen, truth = fixture_pair(shared, "s4_noisy", torch.float32)
    method = Method(back_projection=False)
    cubes = [method.fuse(seen, torch.Generator().manual_seed(seed)).cube for seed in range(5)]
    assert median(decibel(cube, truth) for cube in cubes) > 36.82 - 0.2
    assert median(decibel(back_project(cube, seen.hsi, seen.msi, seen.srf), truth) for cube in cubes) > 33.36 - 0.2


def test_back_projection_is_the_last_step() -> None:
    seen = patchy_pair(6, 2)
    before, after = (Method(atoms=8, iterations=3, back_projection=last).fuse(seen, torch.Generator()).cube for last in (False, True))
    near(after, back_project(before, seen.hsi, seen.msi, seen.srf))
    assert not torch.allclose(after, before)


def slow_nssr(method: Method, dictionary: np.ndarray, similar: np.ndarray) -> np.ndarray:
    """The ADMM of the module docstring with dense systems; `similar` (pixels, pixels) has a row for each pixel's mean."""
    seen = patchy_pair(6, 2)
    atoms_seen = seen.srf.weights.numpy() @ dictionary
    hsi, msi = seen.hsi.flatten(1).numpy(), seen.msi.flatten(1).numpy()
    bands, atoms = dictionary.shape
    pixels = msi.shape[1]
    z, v, u = (np.zeros((bands, pixels)) for _ in range(3))
    b, w = np.zeros((atoms, pixels)), np.zeros((atoms, pixels))
    mu = method.mu
    for _ in range(method.iterations):
        system = atoms_seen.T @ atoms_seen + (method.eta_1 + mu) * dictionary.T @ dictionary + mu * np.eye(atoms)
        right = atoms_seen.T @ msi + dictionary.T @ (method.eta_1 * u + mu * z - v / 2) + mu * b + w / 2
        a = np.linalg.solve(system, right)
        z = dense_sylvester(seen, mu * np.eye(bands), hsi, mu * dictionary @ a + v / 2)
        b = np.maximum(a - w / (2 * mu) - method.eta_2 / (2 * mu), 0)
        w, v, u = w + mu * (b - a), v + mu * (dictionary @ a - z), z @ similar.T
        mu *= 1.1
    return z.reshape(bands, *seen.msi.shape[1:])


def test_a_lopsided_oblong_pair_gives_what_dense_systems_give() -> None:
    draw = np.random.default_rng(0)
    dictionary, names, weights = draw.random((6, 9)), draw.integers(0, 240, (240, 3)), draw.random((240, 3))
    similar = np.zeros((240, 240))
    for row, (name, weight) in enumerate(zip(names, weights, strict=True)):
        np.add.at(similar[row], name, weight)
    method = Method(iterations=4, eta_1=0.1, eta_2=1e-3, mu=0.02)
    ours = method.fuse_coded(patchy_pair(6, 2), torch.from_numpy(dictionary), Similar(torch.from_numpy(names), torch.from_numpy(weights)))
    np.testing.assert_allclose(ours.numpy(), slow_nssr(method, dictionary, similar), atol=1e-10)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("back_projection", [False, True])
def test_degenerate_pairs_give_a_finite_cube(kind: str, back_projection: bool) -> None:
    seen = awkward_pair(kind)
    cube = Method(atoms=8, back_projection=back_projection).fuse(seen, torch.Generator().manual_seed(0)).cube
    assert cube.shape == (len(seen.hsi), *seen.msi.shape[1:])
    assert float(cube.abs().max()) < 4


def test_the_name_says_when_the_last_step_is_left_out() -> None:
    assert Method().describe().name == "NSSR"
    assert Method(back_projection=False).describe().name == "NSSR without back-projection"
    assert Method().describe().tier == "told blur and colour response"


def test_settings_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="atoms, iterations"):
        Method(atoms=0)
    with pytest.raises(ValueError, match="mu above 0"):
        Method(mu=0.0)
