"""Seconds of the methods on full-size inputs, and the arithmetic they cannot do without.

    make performance      (the referee's own setting for waiting threads is in the Makefile: OMP_WAIT_POLICY=PASSIVE)

R-FUSE, 512 x 512 x 31, ratio 8, rank 15. Floor: the mixing products (2 * 31 * 15 * N for E U, 2 * 3 * 15 * N twice for the MSI's part, with
N = 262,144 pixels) are 0.29 GFLOP, and the fused cube of 33 MB is written once: some 10 ms on one core at 30 GFLOP/s.
SpectraLift, 2500 epochs on 256 coarse pixels (ratio 32): 3 * 2 * 23,071 * 256 FLOP an epoch, 89 GFLOP in all, 3 s at 30 GFLOP/s on one
core; its layers are small, so the cost of launching them counts as well. Its steps alone, on the 256, 4,096 and 16,384 coarse pixels of
ratios 32, 8 and 4, stand beside the same steps by autograd on the network as it is defined: 35, 567 and 2,268 MFLOP each. The floor is what
a core reaches in the products that a step is made of, of 64 x 64 with 64 x 1,024, which are timed too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from methods.bayesian import rfuse
from methods.contract import Estimate, learn
from methods.numerics.networks.first_weights import glorot_weights
from methods.numerics.networks.fitting import descent, iterates
from methods.unsupervised.spectralift import method as spectralift
from methods.unsupervised.spectralift.dense_gradient import DenseLayers, absolute_error_gradient

STEPS = 10  # learning steps per round
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


@pytest.mark.parametrize("way", ["by hand", "by autograd"])
@pytest.mark.parametrize("pixels", [256, 4096, 16384])
@pytest.mark.benchmark(group="SpectraLift, 10 learning steps, 31 bands, 3 channels", max_time=1, min_rounds=3)
def test_spectralift_step(benchmark: Callable[..., object], pixels: int, way: str) -> None:
    torch.set_num_threads(1)
    rng = torch.Generator().manual_seed(0)
    layers = DenseLayers(3, spectralift.HIDDEN, spectralift.WIDTH, 31, spectralift.SLOPE, spectralift.SHORTCUTS)
    start, rates = glorot_weights(layers.sizes, rng, torch.empty(0)), [1e-3] * STEPS
    inputs, target = torch.rand(pixels, 3, generator=rng), torch.rand(pixels, 31, generator=rng)
    gradient = absolute_error_gradient(layers, inputs, target)

    def error(weights: Sequence[Tensor]) -> Tensor:
        return F.l1_loss(spectralift.inversion_network(weights, inputs), target)

    benchmark(lambda: next(descent(gradient, start, rates, 1) if way == "by hand" else iterates(error, start, rates, 1)))


@pytest.mark.benchmark(group="10 products of 64 x 64 with 64 x 1,024: 84 MFLOP")
def test_the_products_of_a_step(benchmark: Callable[..., object]) -> None:
    torch.set_num_threads(1)
    matrix, values = torch.rand(64, 64), torch.rand(1024, 64)
    output = torch.empty_like(values)

    def products() -> None:
        for _ in range(STEPS):
            torch.mm(values, matrix, out=output)

    benchmark(products)
