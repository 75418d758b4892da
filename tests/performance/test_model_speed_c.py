"""Seconds of the patch and tensor methods on a pair of 256 x 256 x 31, ratio 8, and the arithmetic they cannot do without.

    make performance

N = 65,536 pixels, L = 31 bands. A core of the machine this was written on does 77 GFLOP/s in a large product.

LTTR  3,969 patches of 64 pixels are 7.9 M values; an iteration multiplies them by matrices of 8, 64 and about 25 rows, twice each:
      3.5 GFLOP with the Sylvester step, and some 0.6 GB moved; 25 iterations, 160 clusters.
LTMR  7,225 patches of 49 pixels in 10 components are 3.5 M values; DFT and inverse 0.7 GFLOP, Gram matrices and products 0.5, at most
      5,000 eigen-decompositions of 10 x 10 complex matrices (9 us each); 100 iterations.
NSSR  2 (80 * 80 + 2 * 80 * 31) N = 1.5 GFLOP an iteration, 26 of them, and 37^2 differences of 27 numbers a pixel once.
CSTF  60 core steps of 0.5 GFLOP (256 * 256 * 9 numbers to and from the ranges of both images' matrices), 4 times.
NLSTF 5.6 M codes, 100 steps of 0.35 GFLOP; dictionaries of rows and columns, 2 * 500 steps on 1 M codes.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from methods.contract import Estimate, FusionMethod
from methods.lowrank import lttr, nlstf
from methods.lowrank.cstf import method as cstf
from methods.lowrank.ltmr import method as ltmr
from methods.sparse.nssr import method as nssr

METHODS: dict[str, FusionMethod] = {
    "LTTR": lttr.Method(),
    "LTMR": ltmr.Method(),
    "NSSR": nssr.Method(),
    "CSTF": cstf.Method(),
    "NLSTF-SMBF": nlstf.Method(),
}


def textured_pair() -> Observation:
    """A random 31-band pair with texture at two scales, and a Gaussian PSF of the size of a block."""
    rng = torch.Generator().manual_seed(0)
    maps = sum(
        weight * torch.nn.functional.interpolate(torch.rand(1, 12, side, side, generator=rng), size=(256, 256), mode="bicubic")[0]
        for side, weight in ((16, 1.0), (128, 0.2))
    )
    cube = torch.einsum("be,ehw->bhw", torch.rand(31, 12, generator=rng) / 12, maps)
    line = torch.exp(-((torch.arange(8) - 3.5) ** 2) / 8)
    kernel = torch.outer(line, line)
    psf = SpatialResponse(kernel / kernel.sum(), 8, 3)
    weights = torch.rand(3, 31, generator=rng)
    srf = SpectralResponse(weights / weights.sum(1, keepdim=True))
    return Observation(psf(cube), srf(cube), torch.linspace(400, 700, 31), 8, psf.centre, Known(psf, srf))


@pytest.mark.benchmark(group="patch and tensor methods, 256x256x31 x8")
@pytest.mark.parametrize("threads", [1, 2], ids=["1 thread", "2 threads"])
@pytest.mark.parametrize("name", METHODS)
def test_fusion(benchmark: Callable[..., Estimate], name: str, threads: int) -> None:
    torch.set_num_threads(threads)
    seen = textured_pair()

    def fuse() -> Estimate:
        return METHODS[name].fuse(seen, torch.Generator().manual_seed(0))

    estimate = benchmark.pedantic(fuse, rounds=2, warmup_rounds=0)  # type: ignore[attr-defined]
    assert estimate.cube.shape == (31, 256, 256)
