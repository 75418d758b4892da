"""Seconds of spectral kriging on a full-size pair, learning and inference.

    make performance

512 x 512 x 31, ratio 8, 768 supports. Floor of a query of every pixel: N = 262,144 pixels against m = 768 supports are 201 M kernel
values; the distance (10 columns), the mean (31 bands) and the deviation (99 columns) are 2 * 140 * 201 M = 56 GFLOP in float32; a root, an
exponential and seven passes over the values in the cache come on top.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from methods.contract import Estimate, Example
from methods.gaussian.kriging import method as kriging

Benchmark = Callable[..., Estimate]


def rough_pair(ratio: int) -> Observation:
    """A random 31-band pair on 512 x 512 pixels with fine texture, MossFuse's Gaussian."""
    rng = torch.Generator().manual_seed(0)
    maps = torch.nn.functional.interpolate(torch.rand(1, 12, 128, 128, generator=rng), size=(512, 512), mode="bicubic")[0]
    cube = torch.einsum("be,ehw->bhw", torch.rand(31, 12, generator=rng) / 12, maps)
    line = torch.exp(-((torch.arange(ratio - 1) - (ratio - 2) / 2) ** 2) / 8)
    kernel = torch.outer(line, line)
    psf = SpatialResponse(kernel / kernel.sum(), ratio, ratio // 2 - 1)
    weights = torch.rand(3, 31, generator=rng)
    srf = SpectralResponse(weights / weights.sum(1, keepdim=True))
    return Observation(psf(cube), srf(cube), torch.linspace(400, 700, 31), ratio, psf.centre, Known(psf, srf))


@pytest.mark.benchmark(group="spectral kriging 512x512x31", max_time=1, min_rounds=2)
@pytest.mark.parametrize("uncertainty", [True, False], ids=["with deviation", "mean alone"])
@pytest.mark.parametrize("ratio", [8, 32])
def test_kriging(benchmark: Benchmark, ratio: int, uncertainty: bool) -> None:
    seen, method = rough_pair(ratio), kriging.Method(uncertainty=uncertainty)
    fitted = method.fit([Example(seen)], torch.Generator().manual_seed(0))
    assert benchmark(fitted.fuse, seen, torch.Generator()).cube.shape == (31, 512, 512)


@pytest.mark.benchmark(group="spectral kriging 512x512x31, learning", max_time=1, min_rounds=2)
@pytest.mark.parametrize("knows", ["nothing", "srf", "psf+srf"])
def test_learning(benchmark: Callable[..., kriging.FittedKriging], knows: str) -> None:
    seen, method = rough_pair(8), kriging.Method(knows=knows)  # type: ignore[arg-type]
    assert benchmark(method.fit, [Example(seen)], torch.Generator()).posterior.weights.shape[1] == 31
