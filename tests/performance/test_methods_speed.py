"""Seconds of the methods on full-size inputs, and the arithmetic they cannot do without.

    make performance      (the referee's own setting for waiting threads is in the Makefile: OMP_WAIT_POLICY=PASSIVE)

R-FUSE, 512 x 512 x 31, ratio 8, rank 15. Floor: the mixing products (2 * 31 * 15 * N for E U, 2 * 3 * 15 * N twice for the MSI's part, with
N = 262,144 pixels) are 0.29 GFLOP, and the fused cube of 33 MB is written once: some 10 ms on one core at 30 GFLOP/s.
SpectraLift, 2500 epochs on 256 coarse pixels (ratio 32): 3 * 2 * 23,071 * 256 FLOP an epoch, 89 GFLOP in all, 3 s at 30 GFLOP/s on one
core; its layers are small, so the cost of launching them counts as well.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from methods.bayesian import rfuse
from methods.contract import Estimate, learn
from methods.unsupervised import spectralift

Benchmark = Callable[..., Estimate]


def full_size(ratio: int) -> Observation:
    """A smooth random 31-band pair on 512 x 512 pixels, MossFuse's Gaussian."""
    rng = torch.Generator().manual_seed(0)
    maps = torch.nn.functional.interpolate(torch.rand(1, 12, 40, 40, generator=rng), size=(512, 512), mode="bicubic")[0]
    cube = torch.einsum("be,ehw->bhw", torch.rand(31, 12, generator=rng) / 12, maps)
    place = torch.arange(ratio - 1) - (ratio - 2) / 2
    line = torch.exp(-(place**2) / 8)
    kernel = torch.outer(line, line)
    psf = SpatialResponse(kernel / kernel.sum(), ratio, ratio // 2 - 1)
    weights = torch.rand(3, 31, generator=rng)
    srf = SpectralResponse(weights / weights.sum(1, keepdim=True))
    return Observation(psf(cube), srf(cube), torch.linspace(400, 700, 31), ratio, psf.centre, Known(psf, srf))


@pytest.fixture(params=[1, 2], ids=["1 thread", "2 threads"])
def threads(request: pytest.FixtureRequest) -> int:
    torch.set_num_threads(int(request.param))
    return int(request.param)


@pytest.mark.benchmark(group="R-FUSE 512x512x31 x8 rank 15")
def test_rfuse(benchmark: Benchmark, threads: int) -> None:
    seen, method = full_size(8), rfuse.Method(rank=15)
    estimate = benchmark(method.fuse, seen, torch.Generator())
    assert estimate.cube.shape == (31, 512, 512)


@pytest.mark.benchmark(group="SpectraLift 512x512x31 x32, 2500 epochs, learning and inference", max_time=1, min_rounds=2)
def test_spectralift(benchmark: Benchmark, threads: int) -> None:
    seen, method = full_size(32), spectralift.Method()

    def whole() -> Estimate:
        return learn(method, seen, torch.Generator().manual_seed(0)).fuse(seen, torch.Generator())

    assert benchmark(whole).cube.shape == (31, 512, 512)
