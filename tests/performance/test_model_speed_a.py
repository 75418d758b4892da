"""Seconds of SFIM-HS, GLP-HS, CNMF and CSU on 256 x 256 x 31, ratio 8, and of the parts that take them.

    make performance      (floors and measured figures: docs/methods/model_based.md)

One scene of twelve smooth endmember maps with texture, an even Gaussian that stays inside its block.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from methods.classical import glp, sfim
from methods.contract import Estimate
from methods.unmixing.cnmf import method as cnmf
from methods.unmixing.cnmf.nmf import fit_abundances
from methods.unmixing.csu import method as csu
from methods.unmixing.csu.simplex import project_onto_simplex
from methods.unmixing.csu.sisal import sisal
from methods.unmixing.csu.sunsal import sunsal

Benchmark = Callable[..., Estimate]
TensorBenchmark = Callable[..., Tensor]


def textured_scene(channels: int = 3) -> Observation:
    rng = torch.Generator().manual_seed(0)
    maps = torch.nn.functional.interpolate(torch.rand(1, 12, 25, 25, generator=rng), size=(256, 256), mode="bicubic")[0].clamp(0, 1)
    cube = torch.einsum("be,ehw->bhw", torch.rand(31, 12, generator=rng) / 12, maps) + 0.01 * torch.rand(31, 256, 256, generator=rng)
    line = torch.exp(-((torch.arange(8) - 3.5) ** 2) / 8)
    kernel = torch.outer(line, line)
    psf = SpatialResponse(kernel / kernel.sum(), 8, 3)
    weights = torch.rand(channels, 31, generator=rng)
    srf = SpectralResponse(weights / weights.sum(1, keepdim=True))
    return Observation(psf(cube), srf(cube), torch.linspace(400, 700, 31), 8, psf.centre, Known(psf, srf))


@pytest.fixture(params=[1, 2], ids=["1 thread", "2 threads"])
def threads(request: pytest.FixtureRequest) -> int:
    torch.set_num_threads(int(request.param))
    return int(request.param)


@pytest.mark.benchmark(group="SFIM-HS 256x256x31 x8")
def test_sfim(benchmark: Benchmark, threads: int) -> None:
    assert benchmark(sfim.Method().fuse, textured_scene(), torch.Generator()).cube.shape == (31, 256, 256)


@pytest.mark.benchmark(group="GLP-HS 256x256x31 x8")
def test_glp(benchmark: Benchmark, threads: int) -> None:
    assert benchmark(glp.Method().fuse, textured_scene(), torch.Generator()).cube.shape == (31, 256, 256)


@pytest.mark.benchmark(group="CNMF 256x256x31 x8, 30 endmembers", max_time=1, min_rounds=2)
@pytest.mark.parametrize("channels", [3, 8])
def test_cnmf(benchmark: Benchmark, threads: int, channels: int) -> None:
    seen = textured_scene(channels)
    assert benchmark(lambda: cnmf.Method().fuse(seen, torch.Generator().manual_seed(0))).cube.shape == (31, 256, 256)


@pytest.mark.benchmark(group="CSU 256x256x31 x8, 10 endmembers", max_time=1, min_rounds=2)
@pytest.mark.parametrize("blur", ["psf", "box"])
def test_csu(benchmark: Benchmark, threads: int, blur: str) -> None:
    seen, method = textured_scene(), csu.Method(blur=blur)
    assert benchmark(lambda: method.fuse(seen, torch.Generator().manual_seed(0))).cube.shape == (31, 256, 256)


@pytest.mark.benchmark(group="projection onto the simplex, 10 x 65,536")
@pytest.mark.parametrize("how", ["network", "sort"])
def test_projection_onto_the_simplex(benchmark: TensorBenchmark, how: str) -> None:
    columns = torch.rand(10, 65_536, generator=torch.Generator().manual_seed(0))
    result = benchmark(project_onto_simplex if how == "network" else simplex_by_sort, columns)
    torch.testing.assert_close(result.sum(0), torch.ones(65_536))


def simplex_by_sort(columns: Tensor) -> Tensor:
    falling = columns.sort(0, descending=True).values
    thresholds = (falling.cumsum(0) - 1) / torch.arange(1, len(columns) + 1)[:, None]
    return (columns - thresholds.amax(0)).clamp_min(0)


@pytest.mark.benchmark(group="200 multiplicative steps of the abundances, 30 x 65,536, 3 channels")
def test_abundance_steps(benchmark: TensorBenchmark) -> None:
    rng = torch.Generator().manual_seed(0)
    image, spectra, start = (torch.rand(*shape, generator=rng) for shape in ((3, 65_536), (3, 30), (30, 65_536)))
    assert benchmark(fit_abundances, image, spectra, start, 0.05, steps=200, judged=False).shape == start.shape


@pytest.mark.benchmark(group="SISAL and SUnSAL, 31 x 1,024, 10 endmembers")
def test_start_of_csu(benchmark: TensorBenchmark) -> None:
    pixels = textured_scene().hsi.flatten(1)
    assert benchmark(lambda: sunsal(sisal(pixels, 10, torch.Generator().manual_seed(0)), pixels)).shape == (10, 1024)
