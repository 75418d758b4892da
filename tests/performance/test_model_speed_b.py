"""Seconds of HySure, R-FUSE, GSA and the blind estimators at 256 x 256 x 31, ratio 8, and the arithmetic they cannot do without.

    make performance      (the referee's own setting for waiting threads is in the Makefile: OMP_WAIT_POLICY=PASSIVE)

HySure, rank 10, 200 iterations, float32. An iteration is a real FFT of 10 x 256 x 256 and one back (3.4 ms, measured alone), two products
with 10 x 10 matrices (26 MFLOP), and some 30 passes over arrays of 2.6 MB (0.05 to 0.1 ms each). Floor: 5 to 7 ms, 1.0 to 1.4 s in all.
R-FUSE, rank 15: 0.07 GFLOP and one cube of 8 MB written, some 5 ms. GSA: interpolation of 31 bands by two small matrices and one cube
written, some 5 ms.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from datasets.degradation import SpatialResponse, SpectralResponse
from datasets.observation import Known, Observation
from methods.bayesian import rfuse
from methods.bayesian.hysure import method as hysure
from methods.classical import gsa
from methods.contract import Estimate
from methods.numerics.sensors.response_estimators import EstimatedResponses, Estimator, estimate_responses

Benchmark = Callable[..., object]


@pytest.fixture
def seen() -> Observation:
    """A smooth random 31-band pair on 256 x 256 pixels, MossFuse's Gaussian, one thread."""
    torch.set_num_threads(1)
    rng = torch.Generator().manual_seed(0)
    maps = torch.nn.functional.interpolate(torch.rand(1, 12, 40, 40, generator=rng), size=(256, 256), mode="bicubic")[0]
    cube = torch.einsum("be,ehw->bhw", torch.rand(31, 12, generator=rng) / 12, maps)
    line = torch.exp(-((torch.arange(7) - 3.0) ** 2) / 8)
    kernel = torch.outer(line, line)
    psf = SpatialResponse(kernel / kernel.sum(), 8, 3)
    weights = torch.rand(3, 31, generator=rng)
    srf = SpectralResponse(weights / weights.sum(1, keepdim=True))
    return Observation(psf(cube), srf(cube), torch.linspace(400, 700, 31), 8, psf.centre, Known(psf, srf))


@pytest.mark.parametrize(
    "method", [hysure.Method(), rfuse.Method(), gsa.Method(), gsa.Method(denoise=True)], ids=["HySure", "R-FUSE", "GSA", "GSA denoised"]
)
@pytest.mark.benchmark(group="256x256x31 x8", max_time=1, min_rounds=2)
def test_fusion(benchmark: Benchmark, seen: Observation, method: hysure.Method | rfuse.Method | gsa.Method) -> None:
    estimate = benchmark(method.fuse, seen, torch.Generator().manual_seed(0))
    assert isinstance(estimate, Estimate)
    assert estimate.cube.shape == (31, 256, 256)


@pytest.mark.parametrize("estimator", ["hysure", "gradient", "predictability"])
@pytest.mark.benchmark(group="estimators 256x256x31 x8", max_time=1, min_rounds=2)
def test_estimators(benchmark: Benchmark, seen: Observation, estimator: Estimator) -> None:
    found = benchmark(estimate_responses, seen, estimator)
    assert isinstance(found, EstimatedResponses)
