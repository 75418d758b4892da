"""Facts on the accelerations of networks learned on a scene: the same numbers, or another result that is said, or a refusal."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from methods.contract import Example, RefusedError
from methods.numerics.networks.acceleration import Acceleration
from methods.numerics.networks.scene_learning import network_iterates, pair_loss
from methods.unsupervised import dip, edipnet, m2unet
from tests.methods.unsupervised.test_scene_networks import scene_pair

ROOT = Path(__file__).resolve().parents[4]
# What stands behind torch.compile: its graphs forward and backward, and with HMIF_COMPILE=1 its generated code too, which takes minutes.
BACKENDS = ("aot_eager", "inductor") if os.environ.get("HMIF_COMPILE") else ("aot_eager",)

# Each in a process of its own: the shape checker of the test run cannot be traced, and torch's compiler warns of itself. In float64, where
# no rounding turns a leaky ReLU over.
HEAD = """
import sys; sys.path.insert(0, sys.argv[1])
import torch
from methods.numerics.networks.acceleration import Acceleration
torch.set_num_threads(1)
rng = torch.Generator().manual_seed(0)
"""

TRACED = """
from functools import partial
from methods.numerics.networks.scene_unet import GuidedUNet, PlainUNet
from methods.unsupervised.dip import NOISE, SkipNetwork
torch.compile = partial(torch.compile, backend="eager", fullgraph=True)
for network, channels in ((SkipNetwork(5, 2), (NOISE,)), (PlainUNet(5, 10), (5,)), (GuidedUNet(5, 3, 10), (5, 3))):
    network = network.double()
    inputs = tuple(torch.rand(1, size, 12, 20, generator=rng, dtype=torch.float64) for size in channels)
    table = dict(network.named_parameters())
    found = [Acceleration(compiled=compiled).called(network, torch.device("cpu"))(table, inputs) for compiled in (False, True)]
    assert float((found[0] - found[1]).detach().abs().max()) < 1e-10, type(network)
"""

COMPILED = """
from functools import partial
from torch import nn
torch.compile = partial(torch.compile, backend=sys.argv[2])
from methods.numerics.networks.scene_learning import network_iterates
image, target = (torch.rand(1, *shape, generator=rng, dtype=torch.float64) for shape in ((3, 4, 6), (5, 4, 6)))
learned = []
for compiled in (False, True):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 5, 1), nn.LeakyReLU(0.2)).double()
    loss = lambda call: (call(image) - target).square().mean()
    next(network_iterates(network, loss, [0.1] * 5, 1, "", "", acceleration=Acceleration(compiled=compiled)))
    learned.append(torch.cat([parameter.detach().flatten() for parameter in network.parameters()]))
assert torch._dynamo.utils.counters["stats"]["unique_graphs"] == 1
assert float((learned[0] - learned[1]).abs().max()) < 1e-10
"""


def run(script: str, folder: Path, *arguments: str) -> None:
    """Runs a script with these arguments. What torch compiles lies in `folder`: the common cache may hold kernels for another processor."""
    environment = {**os.environ, "TORCHINDUCTOR_CACHE_DIR": str(folder)}
    command = [sys.executable, "-c", HEAD + script, str(ROOT), *arguments]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    unusable = [line for line in ended.stderr.splitlines() if re.search(r"CppCompileError|InvalidCxxCompiler|fatal error: \S+\.h", line)]
    if unusable:
        pytest.skip(f"needs a C++ compiler with the headers that torch.compile wants: {unusable[-1].strip()}")
    assert ended.returncode == 0, ended.stderr


def test_each_network_can_be_traced_whole(tmp_path: Path) -> None:
    run(TRACED, tmp_path)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_compiled_network_learns_the_same_weights(backend: str, tmp_path: Path) -> None:
    if backend == "inductor" and shutil.which("g++") is None:
        pytest.skip("torch.compile needs a C++ compiler on a CPU")
    run(COMPILED, tmp_path, backend)


def test_the_name_says_each_of_them_and_bf16_says_what_it_does() -> None:
    assert dip.Method(compiled=True).describe().name == "DIP, compiled"
    assert edipnet.Method(cuda_graph=True, width=10).describe().name == "EDIP-Net, width 10, CUDA graph"
    low = m2unet.Method(compiled=True, autocast=True).describe()
    assert low.name == "M2U-Net, compiled, bf16"
    assert "another result" in low.fidelity
    assert m2unet.Method().describe() == m2unet.CARD


def test_a_cuda_graph_on_a_cpu_is_refused() -> None:
    graph = Acceleration(cuda_graph=True)
    with pytest.raises(RefusedError, match="expected a CUDA device, got cpu"):
        next(network_iterates(nn.Linear(1, 1), lambda call: call(torch.ones(1)).sum(), [1.0], 1, "", "", acceleration=graph))


def test_stages_without_the_network_that_they_concern_refuse_them() -> None:
    with pytest.raises(ValueError, match="stages"):
        m2unet.Method(stages="1-2", compiled=True)


def test_bfloat16_learns_another_cube_that_explains_the_pair_and_keeps_the_dtype() -> None:
    """How far apart the two cubes are is for rounding to say, which Adam's first steps blow up: that both learn is the same everywhere."""
    seen, _ = scene_pair()

    def learned(steps: int, autocast: bool) -> torch.Tensor:
        method = dip.Method(budget=steps / 3000, autocast=autocast)
        return method.fit([Example(seen)], torch.Generator().manual_seed(0)).fuse(seen, torch.Generator()).cube

    def unexplained(cube: torch.Tensor) -> float:
        return float((seen.srf(cube) - seen.msi).abs().mean() + (seen.psf(cube) - seen.hsi).abs().mean())

    whole, low = learned(60, False), learned(60, True)
    assert low.dtype == torch.float32
    assert float((low - whole).abs().mean() / whole.abs().mean()) > 1e-3  # 0.17, where bfloat16 knows 3e-3 of a value
    for cube in (whole, low):
        assert unexplained(cube) < 0.15 * unexplained(learned(1, False))  # 0.03 to 0.04 of it


def test_the_loss_of_a_pair_is_the_mean_distance_of_the_cube_from_both_images() -> None:
    seen, truth = scene_pair()
    other = truth + 0.1 * torch.rand(truth.shape, generator=torch.Generator().manual_seed(0))
    expected = (seen.srf(other) - seen.msi).abs().mean() + (seen.psf(other) - seen.hsi).abs().mean()
    loss = pair_loss(seen, seen.psf, seen.srf, truth[None])
    assert float(loss(lambda _: other[None])) == pytest.approx(float(expected), rel=1e-6)
    assert float(loss(lambda cube: cube)) < 1e-6
