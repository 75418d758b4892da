"""Seconds and memory of MossFuse's inference beside the network as its authors describe it (mossfuse_yardstick.py).

    make performance          (HMIF_SIDE=256 for a quarter of the pixels)

512 x 512 x 31, ratio 32, random weights: no time depends on them. Floor: 226.5 GFLOP of convolutions and products are 2.5 s on one core
at 90 GFLOP/s. All networks run in turn, round after round, so that other work on the machine spoils them alike; the seconds of the
processor stand beside those of the wall, and memory is the peak of a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from methods.unsupervised.mossfuse.inference import MergedNetwork
from methods.unsupervised.mossfuse.mossfuse_network import MossFuseNetwork
from tests.performance.mossfuse_yardstick import everything, needed

ROOT = Path(__file__).resolve().parents[2]
SIDE = int(os.environ.get("HMIF_SIDE", "512"))
ROUNDS = 2


def _pair(side: int, ratio: int, bands: int = 31) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    return torch.rand(1, 3, side, side, generator=rng), torch.rand(1, bands, side // ratio, side // ratio, generator=rng)


def calls_of(network: MossFuseNetwork, msi: Tensor, hsi: Tensor) -> dict[str, Callable[[], object]]:
    """Every way to the cube, slowest first."""
    merged, compiled, low = (
        MergedNetwork(network),
        MergedNetwork(network, compiled=True),
        MergedNetwork(network, low_precision=True),
    )
    return {
        "everything": lambda: everything(network, msi, hsi),
        "needed": lambda: needed(network, msi, hsi),
        "unmerged": lambda: network.fused(msi, hsi),
        "merged": lambda: merged.fused(msi, hsi),
        "compiled": lambda: compiled.fused(msi, hsi),
        "bf16": lambda: low.fused(msi, hsi),
    }


def test_the_yardstick_is_the_network() -> None:
    torch.manual_seed(0)
    network = MossFuseNetwork(6, 3, 4, width=16, blocks=2).eval()
    msi, hsi = torch.rand(1, 3, 12, 20), torch.rand(1, 6, 3, 5)
    with torch.inference_mode():
        expected, got = network(msi, hsi), everything(network, msi, hsi)
    for part in ("features", "cube", "msi_reconstruction", "hsi_reconstruction", "low_msi_reconstruction", "low_msi_from_hsi"):
        if part == "features":
            for name, value in vars(expected.features).items():
                torch.testing.assert_close(vars(got.features)[name], value, rtol=0, atol=1e-5)
        else:
            torch.testing.assert_close(vars(got)[part], vars(expected)[part], rtol=0, atol=1e-5)
    for part in ("low_msi_from_msi", "srf", "psf", "hsi_cycle", "msi_cycle"):
        torch.testing.assert_close(vars(got)[part], vars(expected)[part], rtol=0, atol=1e-5)


@pytest.mark.parametrize(("which", "recorded"), [(everything, 294.3e9), (needed, 226.5e9)], ids=["everything", "needed"])
def test_the_yardstick_counts_the_recorded_operations(which: Callable[..., object], recorded: float) -> None:
    """On tensors without content."""
    network = MossFuseNetwork(31, 3, 32).eval().to("meta")
    msi, hsi = torch.empty(1, 3, 512, 512, device="meta"), torch.empty(1, 31, 16, 16, device="meta")
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        which(network, msi, hsi)
    assert counter.get_total_flops() == pytest.approx(recorded, rel=2e-3)


@pytest.mark.benchmark(group=f"MossFuse {SIDE}x{SIDE}x31 x32, all networks in turn")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("threads", [1, 2])
def test_seconds_in_turn(benchmark: BenchmarkFixture, threads: int) -> None:
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    calls = calls_of(MossFuseNetwork(31, 3, 32).eval(), *_pair(SIDE, 32))
    wall: dict[str, list[float]] = {name: [] for name in calls}
    own: dict[str, list[float]] = {name: [] for name in calls}

    def in_turn() -> None:
        for name, call in calls.items():
            start, spent = perf_counter(), process_time()
            call()
            wall[name].append(perf_counter() - start)
            own[name].append(process_time() - spent)

    with torch.inference_mode():
        calls["compiled"]()  # waits for the compiler
        benchmark.pedantic(in_turn, rounds=ROUNDS, iterations=1)
    for name in calls:
        benchmark.extra_info[name] = (
            f"{median(own[name]):.2f} s of the processor, {median(wall[name]):.2f} s of the wall; 'everything' takes "
            f"{median(own['everything']) / median(own[name]):.2f} and {median(wall['everything']) / median(wall[name]):.2f} times as long"
        )


ALONE = """
import sys; sys.path.insert(0, sys.argv[1])
import torch
from benchmark.measure.group import resident_bytes
from tests.performance.test_mossfuse_speed import MossFuseNetwork, SIDE, _pair, calls_of
torch.set_num_threads(1)
call = calls_of(MossFuseNetwork(31, 3, 32).eval(), *_pair(SIDE, 32))[sys.argv[2]]
with torch.inference_mode():
    kept = call()
print(resident_bytes("VmHWM"))
"""


@pytest.mark.benchmark(group=f"MossFuse {SIDE}x{SIDE}x31 x32, a fresh process with its imports; memory beside it")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("which", ["everything", "unmerged", "merged"])
def test_memory(benchmark: BenchmarkFixture, which: str) -> None:
    command = [sys.executable, "-c", ALONE, str(ROOT), which]
    said = benchmark.pedantic(lambda: subprocess.run(command, capture_output=True, text=True, check=True).stdout, rounds=1, iterations=1)
    benchmark.extra_info["peak MB"] = round(int(said) / 1e6)
