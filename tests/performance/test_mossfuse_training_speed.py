"""Seconds of one training step of MossFuse: ours, and the authors' as it is described, in one process.

    make performance

The authors' step: every output as in `mossfuse_yardstick`, nothing detached, two backward passes over one graph that is kept between them
(the sensors' loss, then the rest) with `requires_grad` switched before each, Adam as torch has it by default. Ours: one backward pass, the
pieces of backward.py, Adam in one kernel. At their setting of 128 x 128 fine pixels, ratio 32, two pairs a step, and at 64 x 64, ratio 8,
one pair. The first test shows that both steps have the same gradients. The last one says where our step's time goes: products and
convolutions are what no rearrangement removes.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time, thread_time
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from pytest_benchmark.fixture import BenchmarkFixture
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from methods.unsupervised.mossfuse.learning import outputs_for_learning
from methods.unsupervised.mossfuse.losses import LossWeights, measure_losses, subspace_clustering
from methods.unsupervised.mossfuse.mossfuse_network import RELEASED_QUIRKS, MossFuseNetwork
from tests.performance.mossfuse_yardstick import everything

WEIGHTS = LossWeights()


def their_gradients(network: MossFuseNetwork, msi: Tensor, hsi: Tensor) -> None:
    """Leaves the gradients of the authors' two backward passes in the weights."""
    sensors = set(network.blind.parameters())
    out = everything(network, msi, hsi)
    centre, ratio = network.blind.centre, network.ratio
    for weights in network.parameters():
        weights.requires_grad_(weights in sensors)
    F.l1_loss(out.low_msi_from_hsi, out.low_msi_from_msi).backward(retain_graph=True)
    for weights in network.parameters():
        weights.requires_grad_(weights not in sensors)
    rest = (
        F.l1_loss(out.hsi_cycle, hsi)
        + F.l1_loss(out.msi_cycle, msi)
        + F.l1_loss(out.msi_reconstruction, msi)
        + F.l1_loss(out.hsi_reconstruction[:, :, centre::ratio, centre::ratio], hsi)
        + F.l1_loss(out.low_msi_reconstruction, network.upsample(out.low_msi_from_hsi))
        + F.l1_loss(out.low_msi_reconstruction, network.upsample(out.low_msi_from_msi))
        + 0.1 * subspace_clustering(out.features)
    )
    rest.backward()
    for weights in network.parameters():
        weights.requires_grad_(True)


def our_gradients(network: MossFuseNetwork, msi: Tensor, hsi: Tensor) -> None:
    """Leaves the gradients of our one backward pass in the weights."""
    measure_losses(network, outputs_for_learning(network, msi, hsi), msi, hsi).total(WEIGHTS).backward()  # type: ignore[no-untyped-call]


def _setting(side: int, ratio: int, batch: int) -> tuple[MossFuseNetwork, Tensor, Tensor]:
    torch.manual_seed(0)
    network = MossFuseNetwork(31, 3, ratio, quirks=RELEASED_QUIRKS).train()
    return network, torch.rand(batch, 3, side, side), torch.rand(batch, 31, side // ratio, side // ratio)


def _step(gradients: Callable[[MossFuseNetwork, Tensor, Tensor], None], side: int, ratio: int, batch: int) -> Callable[[], None]:
    network, msi, hsi = _setting(side, ratio, batch)
    optimiser = torch.optim.Adam(network.parameters(), lr=9e-5, fused=True if gradients is our_gradients else None)

    def step() -> None:
        optimiser.zero_grad()
        gradients(network, msi, hsi)
        optimiser.step()

    return step


def test_both_steps_have_the_same_gradients() -> None:
    network, msi, hsi = _setting(32, 8, 2)
    network.double()
    with torch.no_grad():
        network.blind.precision_root.copy_(0.6 * torch.eye(2))
    found = []
    for gradients in (their_gradients, our_gradients):
        network.zero_grad()
        gradients(network, msi.double(), hsi.double())
        found.append({name: None if weights.grad is None else weights.grad.clone() for name, weights in network.named_parameters()})
    for name, theirs in found[0].items():
        ours = found[1][name]
        if theirs is None:
            assert ours is None, name
        elif ours is None:  # the gate on the queries of spectral aggregation cancels: theirs is rounding
            assert "spectral_gate" in name
            assert float(theirs.abs().max()) < 1e-12, name
        else:
            torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-12, msg=name)


SETTINGS = pytest.mark.parametrize(("side", "ratio", "batch"), [(128, 32, 2), (64, 8, 1)], ids=["128x128 x32, 2 pairs", "64x64 x8, 1 pair"])


@SETTINGS
@pytest.mark.benchmark(group="MossFuse, one training step, both in turn")
@pytest.mark.timeout(1800)
def test_steps_in_turn(benchmark: BenchmarkFixture, side: int, ratio: int, batch: int) -> None:
    torch.set_num_threads(1)
    steps = {name: _step(gradients, side, ratio, batch) for name, gradients in (("authors'", their_gradients), ("ours", our_gradients))}
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}

    def in_turn() -> None:
        for name, step in steps.items():
            wall, own = perf_counter(), process_time()
            step()
            spent[name].append((process_time() - own, perf_counter() - wall))

    in_turn()
    for taken in spent.values():
        taken.clear()
    benchmark.pedantic(in_turn, rounds=5, iterations=1)
    seconds = {name: [median(each) for each in zip(*taken, strict=True)] for name, taken in spent.items()}
    for name, (own, wall) in seconds.items():
        first = seconds["authors'"]
        benchmark.extra_info[name] = (
            f"{own:.2f} s of the processor, {wall:.2f} s of the wall; "
            f"the authors' takes {first[0] / own:.2f} and {first[1] / wall:.2f} times as long"
        )


class _Spent(TorchDispatchMode):
    """Seconds of the processor in products and convolutions, and in everything else."""

    ARITHMETIC = ("mm", "bmm", "addmm", "addmm_", "baddbmm", "baddbmm_", "convolution", "convolution_backward")

    def __init__(self) -> None:
        super().__init__()
        self.arithmetic = self.rest = 0.0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        start = thread_time()
        found = func(*args, **(kwargs or {}))
        if func.overloadpacket.__name__ in self.ARITHMETIC:
            self.arithmetic += thread_time() - start
        else:
            self.rest += thread_time() - start
        return found


@SETTINGS
@pytest.mark.benchmark(group="MossFuse, one training step, what it spends on products and convolutions")
@pytest.mark.timeout(1800)
def test_share_of_arithmetic(benchmark: BenchmarkFixture, side: int, ratio: int, batch: int) -> None:
    torch.set_num_threads(1)
    step = _step(our_gradients, side, ratio, batch)
    step()
    watch = _Spent()
    with watch:
        benchmark.pedantic(step, rounds=3, iterations=1)
    benchmark.extra_info["a step"] = f"{watch.arithmetic / 3:.2f} s in products and convolutions, {watch.rest / 3:.2f} s in everything else"
