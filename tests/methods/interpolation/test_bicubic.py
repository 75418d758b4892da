"""Facts on methods/interpolation/bicubic.py. Oracles: imresize's output (parity fixture), and an image that is known everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from datasets.observation import Observation
from methods.interpolation.bicubic import Method


def pair_without_responses(hsi: torch.Tensor, ratio: int, phase: tuple[float, float], channels: int = 3) -> Observation:
    msi = hsi.new_zeros(channels, hsi.shape[1] * ratio, hsi.shape[2] * ratio)
    return Observation(hsi, msi, torch.linspace(400, 700, hsi.shape[0]), ratio, phase)


def test_block_centred_pairs_give_the_output_of_imresize(shared: Path) -> None:
    with np.load(shared / "parity/model/s4_noisy.npz") as inputs, np.load(shared / "parity/model/s4_noisy__bicubic.npz") as outputs:
        hsi, expected = torch.from_numpy(inputs["HSI"]), torch.from_numpy(outputs["Z"]).double()
    cube = Method().fuse(pair_without_responses(hsi, 4, (1.5, 1.5)), torch.Generator()).cube
    assert float((cube - expected).norm() / expected.norm()) < 1e-6


@pytest.mark.parametrize("phase", [(1.5, 1.5), (0.0, 3.0), (-0.6, 2.2)])
def test_a_smooth_scene_comes_back_whatever_the_phase(phase: tuple[float, float]) -> None:
    rows, cols = torch.arange(32, dtype=torch.float64), torch.arange(48, dtype=torch.float64)

    def scene(r: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
        return torch.stack([(r / 9).sin()[:, None] * (c / 13).cos(), (r / 17).cos()[:, None] + (c / 11).sin()])

    hsi = scene(phase[0] + rows[::4], phase[1] + cols[::4])
    cube = Method().fuse(pair_without_responses(hsi, 4, phase), torch.Generator()).cube
    assert float((cube - scene(rows, cols))[:, 8:-8, 8:-8].abs().max()) < 0.01


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("bands", "channels", "ratio"), [(2, 1, 2), (31, 3, 32), (100, 8, 8)])
def test_shape_and_dtype_follow_the_observation(bands: int, channels: int, ratio: int, dtype: torch.dtype) -> None:
    seen = pair_without_responses(torch.rand(bands, 2, 3, dtype=dtype), ratio, (ratio / 2 - 1, ratio / 2), channels)
    kept = seen.hsi.clone()
    cube = Method().fuse(seen, torch.Generator()).cube
    assert (cube.shape, cube.dtype) == ((bands, 2 * ratio, 3 * ratio), dtype)
    assert bool(torch.isfinite(cube).all())
    assert torch.equal(seen.hsi, kept)
